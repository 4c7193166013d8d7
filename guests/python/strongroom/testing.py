"""A client of a storage without a host, a server or WebAssembly: what a storage's own tests are written with.

    with Client(MyStorage, settings={"bucket": "photos"}) as client:
        handle = client.open("/hello", OpenFlags.READ)
        assert client.read(handle, 0, 5) == b"hello"
        client.close(handle)

It goes the way that the component goes, so what it raises, always a StorageError, is what the host would be told.
"""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from . import guard, model
from .model import AttributeChanges, Attributes, OpenFlags, Usage
from .storage import Storage

T = TypeVar("T")


class Client:
    """One session of `storage`, from the `with` to its end, which closes without commit what is still open."""

    def __init__(self, storage: type[Storage], *, user: str = "alice", settings: dict[str, str] | None = None) -> None:
        self._runner = asyncio.Runner()
        self._files: list[guard.File] = []
        self.session = self.run(guard.connect(storage, model.Client(user=user, session_id="test"), settings or {}))

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Waits for a call, as one of `session`."""
        return self._runner.run(call)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            while self._files:
                self.close(self._files[-1], commit=False)
            self.run(self.session.close())
        finally:
            self._runner.close()

    def open(self, path: str, flags: OpenFlags = OpenFlags.READ, permissions: int = 0o644) -> guard.File:
        file = self.run(self.session.open(path, flags, permissions))
        self._files.append(file)
        return file

    def read(self, file: guard.File, offset: int, length: int) -> bytes:
        return self.run(file.read(offset, length))

    def write(self, file: guard.File, offset: int, data: bytes) -> None:
        self.run(file.write(offset, data))

    def fstat(self, file: guard.File) -> Attributes:
        return self.run(file.stat())

    def fsetstat(self, file: guard.File, changes: AttributeChanges) -> None:
        self.run(file.set_stat(changes))

    def close(self, file: guard.File, commit: bool = True) -> None:
        self._files.remove(file)
        self.run(file.close(commit))

    def get(self, path: str) -> bytes:
        """All of a file."""
        file, data = self.open(path), b""
        while piece := self.read(file, len(data), 32768):
            data += piece
        self.close(file)
        return data

    def put(self, path: str, data: bytes, permissions: int = 0o644) -> None:
        """A file as a client uploads it: in pieces, in order."""
        file = self.open(path, OpenFlags.WRITE | OpenFlags.CREATE | OpenFlags.TRUNCATE, permissions)
        for offset in range(0, len(data), 32768):
            self.write(file, offset, data[offset : offset + 32768])
        self.close(file)

    def list(self, path: str, batch: int = 100) -> dict[str, Attributes]:
        """All names in a directory with their attributes, fetched `batch` at a time."""
        directory = self.run(self.session.open_directory(path))
        entries: dict[str, Attributes] = {}
        while found := self.run(directory.read(batch)):
            assert len(found) <= batch and not entries.keys() & {name for name, _ in found}
            entries.update(found)
        self.run(directory.close())
        return entries

    def stat(self, path: str, follow: bool = True) -> Attributes:
        return self.run(self.session.stat(path, follow))

    def setstat(self, path: str, changes: AttributeChanges, follow: bool = True) -> None:
        self.run(self.session.set_stat(path, follow, changes))

    def realpath(self, path: str) -> str:
        return self.run(self.session.real_path(path))

    def mkdir(self, path: str, permissions: int = 0o755) -> None:
        self.run(self.session.make_directory(path, permissions))

    def rmdir(self, path: str) -> None:
        self.run(self.session.remove_directory(path))

    def rm(self, path: str) -> None:
        self.run(self.session.remove(path))

    def rename(self, source: str, destination: str, replace: bool = False) -> None:
        self.run(self.session.rename(source, destination, replace))

    def readlink(self, path: str) -> str:
        return self.run(self.session.read_link(path))

    def symlink(self, target: str, path: str) -> None:
        self.run(self.session.symlink(target, path))

    def link(self, existing: str, path: str) -> None:
        self.run(self.session.hard_link(existing, path))

    def statvfs(self, path: str) -> Usage:
        return self.run(self.session.usage(path))
