"""A storage that fails in each way that an author may not have thought of; `/good` is all that works."""

from collections.abc import Iterator

from strongroom import Attributes, FileKind, OpenFlags, Storage


class Faulty(Storage):
    def stat(self, path: str, follow: bool) -> Attributes:
        directory = path in ("/", "/bad-name")
        return Attributes(kind=FileKind.DIRECTORY if directory else FileKind.REGULAR, size=5)

    def opendir(self, path: str) -> Iterator[tuple[str, Attributes]]:
        yield "good" if path == "/" else "../up", Attributes()

    def open(self, path: str, flags: OpenFlags, permissions: int) -> str:
        return path

    def fstat(self, handle: str) -> Attributes:
        return Attributes(size=5)

    async def read(self, handle: str, offset: int, size: int) -> bytes:
        if handle == "/throws":
            raise ZeroDivisionError("by mistake")
        return "no bytes"  # type: ignore[return-value]

    def rm(self, path: str) -> None:
        raise PermissionError("for the log only")
