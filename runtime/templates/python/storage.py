"""Notes in one directory, which are written, read, renamed and removed, and live as long as the session. Put what you
serve in place of the dictionary.

Setting: `welcome`, the text of the note `welcome.txt`, which is there from the beginning."""

import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from strongroom import (
    AttributeChanges,
    Attributes,
    Client,
    ErrorCode,
    Features,
    FileKind,
    OpenFlags,
    Storage,
    StorageError,
)

NOTE_MAX = 16 << 20


@dataclass(eq=False)
class Note:
    """It lives as long as it has a name or is open."""

    text: bytearray = field(default_factory=bytearray)
    modified: float = field(default_factory=time.time)

    def attributes(self) -> Attributes:
        return Attributes(size=len(self.text), modified=self.modified)

    def resize(self, size: int) -> None:
        if size > NOTE_MAX:
            raise OSError(errno.EFBIG, "a note is too large")
        del self.text[size:]
        self.text.extend(bytes(size - len(self.text)))
        self.modified = time.time()


Handle = tuple[Note, OpenFlags]


class Notes(Storage):
    features = Features.ATOMIC_REPLACE | Features.RANDOM_WRITE

    def __init__(self, client: Client, settings: dict[str, str]) -> None:
        super().__init__(client, settings)
        self.notes: dict[str, Note] = {}
        welcome = settings.pop("welcome", None)
        if settings:
            unknown = f"the setting {min(settings)!r} is unknown to this storage"
            raise StorageError(ErrorCode.INVALID_ARGUMENT, detail=unknown)
        if welcome is not None:
            self.notes["/welcome.txt"] = Note(bytearray(f"{welcome}\n".encode()))

    def find(self, path: str) -> Note:
        if path in self.notes:
            return self.notes[path]
        raise FileNotFoundError(path)

    def check_place(self, path: str) -> None:
        """Whether a note could have this path: there is one directory."""
        if (parent := path.rpartition("/")[0]) in self.notes:
            raise NotADirectoryError(path)
        if parent:
            raise FileNotFoundError(path)

    def stat(self, path: str, follow: bool) -> Attributes:
        return Attributes(kind=FileKind.DIRECTORY) if path == "/" else self.find(path).attributes()

    def setstat(self, path: str, changes: AttributeChanges, follow: bool) -> None:
        if path != "/":
            self.change(self.find(path), changes)
        elif changes.size is not None:
            raise IsADirectoryError(path)

    def opendir(self, path: str) -> Iterator[tuple[str, Attributes]]:
        if path != "/":
            self.find(path)
            raise NotADirectoryError(path)
        for name, note in list(self.notes.items()):
            yield name.removeprefix("/"), note.attributes()

    def open(self, path: str, flags: OpenFlags, permissions: int) -> Handle:
        if path == "/":
            raise IsADirectoryError(path)
        if path not in self.notes and OpenFlags.CREATE in flags:
            self.check_place(path)
            self.notes[path] = Note()
        elif OpenFlags.EXCLUSIVE in flags:
            raise FileExistsError(path)
        note = self.find(path)
        if OpenFlags.TRUNCATE in flags:
            note.resize(0)
        return note, flags

    def read(self, handle: Handle, offset: int, size: int) -> bytes:
        return bytes(handle[0].text[offset : offset + size])

    def write(self, handle: Handle, offset: int, data: bytes) -> None:
        note, flags = handle
        begin = len(note.text) if OpenFlags.APPEND in flags else offset
        if data:
            note.resize(max(len(note.text), begin + len(data)))
            note.text[begin : begin + len(data)] = data

    def fstat(self, handle: Handle) -> Attributes:
        return handle[0].attributes()

    def fsetstat(self, handle: Handle, changes: AttributeChanges) -> None:
        self.change(handle[0], changes)

    def change(self, note: Note, changes: AttributeChanges) -> None:
        """Of what a client may ask, the host passes on what `features` say; for notes that is the size."""
        if changes.size is not None:
            note.resize(changes.size)

    def rm(self, path: str) -> None:
        if path == "/":
            raise IsADirectoryError(path)
        self.find(path)
        del self.notes[path]

    def rename(self, source: str, destination: str, replace: bool) -> None:
        if "/" in (source, destination):
            raise OSError(errno.EINVAL, "there is one directory")
        note = self.find(source)
        if not replace and destination in self.notes:
            raise FileExistsError(destination)
        self.check_place(destination)
        del self.notes[source]
        self.notes[destination] = note

    def mkdir(self, path: str, permissions: int) -> None:
        if path == "/" or path in self.notes:
            raise FileExistsError(path)
        raise NotImplementedError("there is one directory")

    def rmdir(self, path: str) -> None:
        if path == "/":
            raise OSError(errno.EBUSY, path)
        self.find(path)
        raise NotADirectoryError(path)
