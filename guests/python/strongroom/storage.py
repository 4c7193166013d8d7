"""The class that an author subclasses. One instance is one session of one client."""

from collections.abc import AsyncIterable, Awaitable, Iterable
from typing import Any, ClassVar, TypeVar

from .errors import ErrorCode, StorageError
from .model import AttributeChanges, Attributes, Client, Features, FileKind, OpenFlags, Usage
from .wants import Wants

T = TypeVar("T")
Maybe = T | Awaitable[T]
Entry = str | tuple[str, Attributes]


def _unsupported() -> StorageError:
    return StorageError(ErrorCode.UNSUPPORTED)


def _read_only() -> StorageError:
    return StorageError(ErrorCode.READ_ONLY)


class Storage:
    """Override what the storage has; every method may be `def` or `async def`.

    What is left out answers that it is unsupported or, where it would change something, that the storage is read-only.
    Errors are exceptions: Python's own (FileNotFoundError, PermissionError, an OSError with an errno), or a
    StorageError. Any other becomes a plain failure for the client and a line in the log; the session goes on.

    While one method awaits, others run. A handle is whatever `open` returns.
    """

    features: ClassVar[Features] = Features.NONE
    wants: ClassVar[Wants | None] = None
    """What it wants of whoever runs it, for `strongroom inspect`."""
    home: str = "/"
    """Where relative paths start."""
    transfer_size: int = 0
    """How many bytes reads and writes are best made of; 0 for no wish."""

    def __init__(self, client: Client, settings: dict[str, str]) -> None:
        """Called for each client, with what the operator set. An exception refuses the client."""
        self.client = client
        self.settings = settings

    def connect(self) -> Maybe[None]:
        """For what has to be awaited before the session begins."""

    def disconnect(self) -> Maybe[None]:
        """The client is gone; all its handles are closed."""

    def stat(self, path: str, follow: bool) -> Maybe[Attributes]:
        """Of a symbolic link itself unless `follow`."""
        raise _unsupported()

    def setstat(self, path: str, changes: AttributeChanges, follow: bool) -> Maybe[None]:
        """In this order: size, permissions, times, owner, extended, and only what `features` claims. A missing path fails
        even with no changes."""
        return self._set_nothing(path, changes, follow)

    async def _set_nothing(self, path: str, changes: AttributeChanges, follow: bool) -> None:
        await settled(self.stat(path, follow))
        if changes:
            raise _unsupported()

    async def realpath(self, path: str) -> str:
        """`path` with symbolic links resolved; its last component may be missing. As it stands here, for a storage
        without links."""
        parent = path.rpartition("/")[0]
        if parent and (await settled(self.stat(parent, True))).kind is not FileKind.DIRECTORY:
            raise NotADirectoryError(parent)
        return path

    def opendir(self, path: str) -> Maybe[Iterable[Entry] | AsyncIterable[Entry]]:
        """The names in a directory, in any order and without "." and "..", each alone or with its attributes."""
        raise _unsupported()

    def open(self, path: str, flags: OpenFlags, permissions: int) -> Maybe[Any]:
        """Opens or creates a file and returns a handle. `permissions` are for a file that is created, and hold from
        the first moment. Never called for writing unless `write` is overridden."""
        raise _unsupported()

    def read(self, handle: Any, offset: int, size: int) -> Maybe[bytes]:
        """At most `size` bytes; none only at or past the end."""
        raise _unsupported()

    def write(self, handle: Any, offset: int, data: bytes) -> Maybe[None]:
        """All of `data`. Of a handle that was opened with APPEND, at the end, whatever `offset` says."""
        raise _read_only()

    def fstat(self, handle: Any) -> Maybe[Attributes]:
        """Counts what was written so far."""
        raise _unsupported()

    def fsetstat(self, handle: Any, changes: AttributeChanges) -> Maybe[None]:
        """As `setstat`."""
        raise _unsupported()

    def fsync(self, handle: Any) -> Maybe[None]:
        """Makes safe what was written. Needs Features.SYNC."""
        raise _unsupported()

    def fstatvfs(self, handle: Any) -> Maybe[Usage]:
        """As `statvfs`."""
        raise _unsupported()

    def close(self, handle: Any, commit: bool) -> Maybe[None]:
        """Called once for each handle. Without `commit` the client is gone or a write had failed: a storage with
        Features.ATOMIC_UPLOAD forgets what was written, another keeps it."""

    def mkdir(self, path: str, permissions: int) -> Maybe[None]:
        """FileExistsError for anything that is there."""
        raise _read_only()

    def rmdir(self, path: str) -> Maybe[None]:
        """ENOTEMPTY, NotADirectoryError."""
        raise _read_only()

    def rm(self, path: str) -> Maybe[None]:
        """A file, or a symbolic link itself; IsADirectoryError for a directory."""
        raise _read_only()

    def rename(self, source: str, destination: str, replace: bool) -> Maybe[None]:
        """Without `replace`, FileExistsError for anything that is there, with no moment between look and move."""
        raise _read_only()

    def readlink(self, path: str) -> Maybe[str]:
        """The target as it is kept; EINVAL for what is no link. Needs Features.SYMLINKS."""
        raise _unsupported()

    def symlink(self, target: str, path: str) -> Maybe[None]:
        """`target` is any string, as the client sent it. Needs Features.SYMLINKS."""
        raise _unsupported()

    def link(self, existing: str, path: str) -> Maybe[None]:
        """A further name for a file. Needs Features.HARD_LINKS."""
        raise _unsupported()

    def statvfs(self, path: str) -> Maybe[Usage]:
        """How much room there is. Needs Features.USAGE."""
        raise _unsupported()


async def settled(result: Maybe[T]) -> T:
    """What a plain or an asynchronous method returned in the end."""
    return await result if isinstance(result, Awaitable) else result
