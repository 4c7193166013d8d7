"""Stands between the host and an author's storage: every method of the contract is there, every exception is caught,
and no answer leaves that the host would take for a fault.

The component (`component.py`) and the tests (`testing.py`) go through here alike.
"""

import functools
import sys
import traceback
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from .errors import ErrorCode, StorageError, as_storage_error, is_expected
from .model import AttributeChanges, Attributes, Client, Features, OpenFlags, Usage, check_name, check_text, join
from .storage import Entry, Storage, settled

P = ParamSpec("P")
T = TypeVar("T")

# An answer stays of bounded size, whatever is asked for.
ENTRIES_MAX = 1024
_END = object()


def guarded(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Lets no exception out but StorageError."""

    @functools.wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except GeneratorExit:
            raise
        except BaseException as raised:
            if not is_expected(raised):
                traceback.print_exception(raised, file=sys.stderr)
            raise as_storage_error(raised) from None

    return call


def _checked(answer: Any, kind: type[T]) -> T:
    if not isinstance(answer, kind):
        raise TypeError(f"{kind.__name__} is wanted, not {answer!r}")
    return answer


# The order in which attributes are set, and what a storage claims that keeps them.
_ORDER = (
    (Features.PERMISSIONS, ("permissions",)),
    (Features.TIMES, ("accessed", "modified")),
    (Features.OWNERSHIP, ("uid", "gid")),
    (Features.EXTENDED_ATTRIBUTES, ("extended",)),
)


def _claimed(storage: Storage, changes: AttributeChanges) -> AttributeChanges:
    """What is to be set, up to the first attribute that the storage does not claim to keep."""
    nothing = AttributeChanges()
    kept = replace(nothing, size=changes.size)
    for feature, names in _ORDER:
        wanted = {name: getattr(changes, name) for name in names if getattr(changes, name) != getattr(nothing, name)}
        if wanted and feature not in storage.features:
            break
        kept = replace(kept, **wanted)
    return kept


def _refuse_rest(changes: AttributeChanges, kept: AttributeChanges) -> None:
    if changes != kept:
        raise StorageError(ErrorCode.UNSUPPORTED)


@guarded
async def connect(storage: type[Storage], client: Client, settings: dict[str, str]) -> "Session":
    """A session of `storage` for a client."""
    opened = storage(client, settings)
    await settled(opened.connect())
    return Session(opened)


class Session:
    """The contract's `session`."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._writable = type(storage).write is not Storage.write

    @guarded
    async def open(self, path: str, flags: OpenFlags, permissions: int) -> "File":
        changing = OpenFlags.WRITE | OpenFlags.CREATE | OpenFlags.TRUNCATE
        if flags & changing and not self._writable:
            raise StorageError(ErrorCode.READ_ONLY)
        return File(self.storage, await settled(self.storage.open(path, flags, permissions)), flags)

    @guarded
    async def open_directory(self, path: str) -> "Directory":
        directory = Directory(self.storage, path, await settled(self.storage.opendir(path)))
        await directory.begin()
        return directory

    @guarded
    async def stat(self, path: str, follow: bool) -> Attributes:
        return _checked(await settled(self.storage.stat(path, follow)), Attributes)

    @guarded
    async def set_stat(self, path: str, follow: bool, changes: AttributeChanges) -> None:
        kept = _claimed(self.storage, changes)
        await settled(self.storage.setstat(path, kept, follow))
        _refuse_rest(changes, kept)

    @guarded
    async def real_path(self, path: str) -> str:
        return check_text(await settled(self.storage.realpath(path)))

    @guarded
    async def make_directory(self, path: str, permissions: int) -> None:
        await settled(self.storage.mkdir(path, permissions))

    @guarded
    async def remove_directory(self, path: str) -> None:
        await settled(self.storage.rmdir(path))

    @guarded
    async def remove(self, path: str) -> None:
        await settled(self.storage.rm(path))

    @guarded
    async def rename(self, source: str, destination: str, replace: bool) -> None:
        await settled(self.storage.rename(source, destination, replace))

    @guarded
    async def read_link(self, path: str) -> str:
        return check_text(await settled(self.storage.readlink(path)))

    @guarded
    async def symlink(self, target: str, path: str) -> None:
        await settled(self.storage.symlink(target, path))

    @guarded
    async def hard_link(self, existing: str, path: str) -> None:
        await settled(self.storage.link(existing, path))

    @guarded
    async def usage(self, path: str) -> Usage:
        return _checked(await settled(self.storage.statvfs(path)), Usage)

    @guarded
    async def close(self) -> None:
        await settled(self.storage.disconnect())


class File:
    """The contract's `file`."""

    def __init__(self, storage: Storage, handle: Any, flags: OpenFlags) -> None:
        self._storage = storage
        self._handle = handle
        self._flags = flags

    @guarded
    async def read(self, offset: int, length: int) -> bytes:
        self._need(OpenFlags.READ)
        data = await settled(self._storage.read(self._handle, offset, length))
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"read returns bytes, not {type(data).__name__}")
        data = bytes(data)
        if len(data) > length:
            raise ValueError(f"read returned {len(data)} bytes where {length} were asked for")
        return data

    @guarded
    async def write(self, offset: int, data: bytes) -> None:
        self._need(OpenFlags.WRITE)
        await settled(self._storage.write(self._handle, offset, data))

    @guarded
    async def stat(self) -> Attributes:
        return _checked(await settled(self._storage.fstat(self._handle)), Attributes)

    @guarded
    async def set_stat(self, changes: AttributeChanges) -> None:
        kept = _claimed(self._storage, changes)
        await settled(self._storage.fsetstat(self._handle, kept))
        _refuse_rest(changes, kept)

    @guarded
    async def usage(self) -> Usage:
        return _checked(await settled(self._storage.fstatvfs(self._handle)), Usage)

    @guarded
    async def sync(self) -> None:
        await settled(self._storage.fsync(self._handle))

    @guarded
    async def close(self, commit: bool) -> None:
        handle, self._handle = self._handle, None
        await settled(self._storage.close(handle, commit))

    def _need(self, flag: OpenFlags) -> None:
        if flag not in self._flags:
            raise StorageError(ErrorCode.FAILURE, detail=f"the file is not open for {flag}")


class Directory:
    """The contract's `directory`, over whatever `opendir` returned."""

    def __init__(self, storage: Storage, path: str, entries: Any) -> None:
        self._storage = storage
        self._path = path
        self._asynchronous = isinstance(entries, AsyncIterable)
        self._entries = aiter(entries) if self._asynchronous else iter(entries)
        self._first: Any = _END

    async def begin(self) -> None:
        """Fetches an entry, since a generator finds only then that there is no such directory."""
        self._first = await self._next()

    @guarded
    async def read(self, maximum: int) -> list[tuple[str, Attributes]]:
        entries: list[tuple[str, Attributes]] = []
        while self._first is not _END and len(entries) < min(maximum, ENTRIES_MAX):
            entry = await self._with_attributes(self._first)
            if entry is not None:
                entries.append(entry)
            self._first = await self._next()
        return entries

    @guarded
    async def close(self) -> None:
        entries, self._entries, self._first = self._entries, iter(()), _END
        if hasattr(entries, "aclose"):
            await entries.aclose()
        elif hasattr(entries, "close"):
            entries.close()

    async def _next(self) -> Any:
        return await anext(self._entries, _END) if self._asynchronous else next(self._entries, _END)

    async def _with_attributes(self, entry: Entry) -> tuple[str, Attributes] | None:
        if not isinstance(entry, str):
            name, attributes = entry
            return check_name(name), _checked(attributes, Attributes)
        path = join(self._path, check_name(entry))
        try:
            return entry, _checked(await settled(self._storage.stat(path, False)), Attributes)
        except FileNotFoundError:
            return None
