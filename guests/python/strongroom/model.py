"""What a storage and its host tell each other, as plain Python values that cannot be out of the contract's range.

Times are seconds since 1970 as `time.time()` gives them. Paths are absolute and normalised by the host; names and paths
are strings in which bytes that are not UTF-8 are private-use characters (`wit/types.wit` says how).
"""

import enum
import math
from dataclasses import dataclass, fields


class FileKind(enum.Enum):
    REGULAR = "regular"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    FIFO = "fifo"
    CHARACTER_DEVICE = "character-device"
    BLOCK_DEVICE = "block-device"
    SOCKET = "socket"
    OTHER = "other"


class OpenFlags(enum.Flag):
    """As SSH_FXF_*. Neither APPEND nor TRUNCATE comes without WRITE, nor EXCLUSIVE without CREATE."""

    READ = enum.auto()
    WRITE = enum.auto()
    APPEND = enum.auto()
    CREATE = enum.auto()
    TRUNCATE = enum.auto()
    EXCLUSIVE = enum.auto()


class Features(enum.Flag):
    """What a storage can do beyond the operations that every storage has; `wit/types.wit` says what each promises."""

    NONE = 0
    SYMLINKS = enum.auto()
    HARD_LINKS = enum.auto()
    ATOMIC_REPLACE = enum.auto()
    SYNC = enum.auto()
    USAGE = enum.auto()
    PERMISSIONS = enum.auto()
    OWNERSHIP = enum.auto()
    TIMES = enum.auto()
    EXTENDED_ATTRIBUTES = enum.auto()
    RANDOM_WRITE = enum.auto()
    ATOMIC_UPLOAD = enum.auto()


def _check_unsigned(record: object, name: str, bits: int) -> None:
    value = getattr(record, name)
    if value is not None and not (isinstance(value, int) and 0 <= value < 1 << bits):
        raise ValueError(f"{name} is an integer from 0 to {(1 << bits) - 1}, not {value!r}")


def _check_time(record: object, name: str) -> None:
    value = getattr(record, name)
    if value is not None and not (isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 1 << 62):
        raise ValueError(f"{name} is in seconds since 1970, not {value!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeChanges:
    """What a client asked to change; what is None stays."""

    size: int | None = None
    permissions: int | None = None
    uid: int | None = None
    gid: int | None = None
    accessed: float | None = None
    modified: float | None = None
    extended: tuple[tuple[str, bytes], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to change."""
        return self != AttributeChanges()


@dataclass(frozen=True, kw_only=True, slots=True)
class Attributes:
    """A storage leaves out what it does not keep; the host fills in what a client must see."""

    kind: FileKind = FileKind.REGULAR
    size: int | None = None
    permissions: int | None = None
    uid: int | None = None
    gid: int | None = None
    user: str | None = None
    group: str | None = None
    accessed: float | None = None
    modified: float | None = None
    link_count: int | None = None
    extended: tuple[tuple[str, bytes], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.kind, FileKind):
            raise ValueError(f"kind is a FileKind, not {self.kind!r}")
        _check_unsigned(self, "size", 64)
        _check_unsigned(self, "permissions", 16)
        _check_unsigned(self, "uid", 32)
        _check_unsigned(self, "gid", 32)
        _check_unsigned(self, "link_count", 64)
        _check_time(self, "accessed")
        _check_time(self, "modified")
        for name in (self.user, self.group):
            if name is not None:
                check_text(name)
        for name, value in self.extended:
            check_text(name)
            if not isinstance(value, bytes):
                raise ValueError(f"an extended attribute is bytes, not {value!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """As statvfs(3) tells it; counts of blocks are in units of `fragment_size`."""

    block_size: int = 4096
    fragment_size: int = 4096
    blocks: int = 0
    blocks_free: int = 0
    blocks_available: int = 0
    files: int = 0
    files_free: int = 0
    files_available: int = 0
    filesystem_id: int = 0
    read_only: bool = False
    no_setuid: bool = True
    name_max: int = 255

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_unsigned(self, field.name, 64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Who is connected. `address` is without a port, `session_id` is what logs call this session."""

    user: str
    address: str | None = None
    session_id: str = ""
    notes: tuple[tuple[str, str], ...] = ()


def check_text(text: object) -> str:
    """The text itself, if it is Unicode without lone surrogates, as all text of the contract is."""
    if not isinstance(text, str):
        raise ValueError(f"a string is wanted, not {text!r}")
    text.encode()
    return text


def check_name(name: object) -> str:
    """The name itself, if it is one component of a path."""
    name = check_text(name)
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is no name in a directory")
    return name


def join(directory: str, name: str) -> str:
    """The path of `name` in `directory`."""
    return f"/{name}" if directory == "/" else f"{directory}/{name}"
