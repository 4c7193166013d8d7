"""What a storage says it wants of whoever runs it; `strongroom inspect` shows it, and it grants nothing."""

from dataclasses import dataclass, field

_HEADER = "strongroom-wants 1"


@dataclass(frozen=True)
class Setting:
    """What the operator writes after `--set`. One that is `secret` belongs in a file: `--set name=@FILE`."""

    name: str
    help: str = ""
    required: bool = False
    default: str | None = None
    secret: bool = False

    def record(self) -> tuple[str, ...]:
        need = _need(self.required) if self.default is None else f"={self.default}"
        return ("secret" if self.secret else "setting", self.name, need, self.help)


@dataclass(frozen=True)
class Directory:
    """A granted directory by its path in the storage, `writable` or for reading."""

    path: str
    reason: str = ""
    writable: bool = False
    required: bool = True

    def record(self) -> tuple[str, ...]:
        return ("directory", self.path, "rw" if self.writable else "ro", _need(self.required), self.reason)


@dataclass(frozen=True)
class Address:
    """`HOST:PORT`, or `{setting}` for what that setting names; either part may be a `{setting}` as well."""

    address: str
    reason: str = ""
    required: bool = True

    def record(self) -> tuple[str, ...]:
        return ("address", self.address, _need(self.required), self.reason)


@dataclass(frozen=True)
class Variable:
    """A variable of the environment."""

    name: str
    reason: str = ""
    required: bool = False

    def record(self) -> tuple[str, ...]:
        return ("variable", self.name, _need(self.required), self.reason)


@dataclass(frozen=True)
class Wants:
    """`about` is one line; so is every other text."""

    name: str
    about: str = ""
    version: str | None = None
    settings: list[Setting] = field(default_factory=list)
    directories: list[Directory] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)

    def text(self) -> str:
        """In the form of wit/README.md. Raises `ValueError` for a text that is not one line."""
        records: list[tuple[str, ...]] = [(_HEADER,), ("name", self.name), ("about", self.about)]
        if self.version is not None:
            records.append(("version", self.version))
        for wanted in (*self.settings, *self.directories, *self.addresses, *self.variables):
            records.append(wanted.record())
        for text in (text for record in records for text in record):
            if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
                raise ValueError(f"a text is one line without tabs, and this is not: {text!r}")
        return "".join("\t".join(record) + "\n" for record in records)


def section(wants: Wants) -> bytes:
    """As a custom section, which may stand behind any component."""
    return custom_section("strongroom-wants", wants.text().encode())


def custom_section(name: str, content: bytes) -> bytes:
    body = _counted(name.encode()) + content
    return b"\0" + _counted(body)


def _counted(content: bytes) -> bytes:
    return _length(len(content)) + content


def _length(number: int) -> bytes:
    """As WebAssembly writes numbers (LEB128)."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _need(required: bool) -> str:
    return "required" if required else "optional"
