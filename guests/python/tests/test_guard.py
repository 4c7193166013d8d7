"""What stands between a storage and the host: defaults, exceptions, wrong answers, plain and async methods."""

import asyncio
import contextlib
import errno
import io
import unittest
from collections.abc import AsyncIterator, Iterator

from strongroom import AttributeChanges, Attributes, ErrorCode, FileKind, OpenFlags, Storage, StorageError
from strongroom.testing import Client

DIRECTORY = Attributes(kind=FileKind.DIRECTORY)


class Asynchronous(Storage):
    """Every method waits first."""

    async def connect(self) -> None:
        await asyncio.sleep(0)
        self.closed = 0

    async def stat(self, path: str, follow: bool) -> Attributes:
        await asyncio.sleep(0)
        if path == "/gone":
            raise FileNotFoundError(path)
        return DIRECTORY if path == "/" else Attributes(size=5)

    async def opendir(self, path: str) -> AsyncIterator[str]:
        async def names() -> AsyncIterator[str]:
            for name in ("a", "gone", "b"):
                await asyncio.sleep(0)
                yield name

        return names()

    async def open(self, path: str, flags: OpenFlags, permissions: int) -> str:
        return path

    async def read(self, handle: str, offset: int, size: int) -> bytes:
        await asyncio.sleep(0)
        return b"hello"[offset : offset + size]

    async def close(self, handle: str, commit: bool) -> None:
        self.closed += 1


class Wrong(Storage):
    """Answers what the contract does not allow, and raises what nobody expects."""

    def stat(self, path: str, follow: bool) -> Attributes:
        if path == "/exit":
            raise SystemExit(3)
        if path == "/cancelled":
            raise asyncio.CancelledError
        if path == "/surrogate":
            raise RuntimeError("\udcff")
        return {"size": 1}  # type: ignore[return-value]

    def opendir(self, path: str) -> Iterator[tuple[str, Attributes]]:
        if path == "/missing":
            raise FileNotFoundError(path)
        yield path[1:].replace("%", "/"), DIRECTORY

    def open(self, path: str, flags: OpenFlags, permissions: int) -> str:
        return path

    def read(self, handle: str, offset: int, size: int) -> bytes:
        if handle == "/zero":
            return bytes(1 // 0)
        return "text" if handle == "/text" else bytes(size + 1)  # type: ignore[return-value]

    def readlink(self, path: str) -> str:
        return "\udcff"

    def rm(self, path: str) -> None:
        raise OSError(errno.EDQUOT, "over quota on db.internal")

    def rmdir(self, path: str) -> None:
        raise StorageError(ErrorCode.BUSY, "in use", "by job 7")


class Case(unittest.TestCase):
    def refused(self, call: object, *arguments: object) -> StorageError:
        with self.assertRaises(StorageError) as caught, contextlib.redirect_stderr(io.StringIO()) as log:
            call(*arguments)
        self.log = log.getvalue()
        return caught.exception


class Defaults(Case):
    def test_what_is_left_out_is_unsupported_or_read_only(self) -> None:
        with Client(Storage) as client:
            unsupported = [
                (client.stat, "/"), (client.list, "/"), (client.open, "/f"), (client.readlink, "/l"),
                (client.symlink, "t", "/l"), (client.link, "/f", "/g"), (client.statvfs, "/"),
                (client.setstat, "/f", AttributeChanges()),
            ]  # fmt: skip
            for call, *arguments in unsupported:
                self.assertIs(self.refused(call, *arguments).code, ErrorCode.UNSUPPORTED)
            read_only = [
                (client.put, "/f", b""), (client.mkdir, "/d"), (client.rmdir, "/d"), (client.rm, "/f"),
                (client.rename, "/f", "/g"), (client.open, "/f", OpenFlags.READ | OpenFlags.CREATE),
            ]  # fmt: skip
            for call, *arguments in read_only:
                self.assertIs(self.refused(call, *arguments).code, ErrorCode.READ_ONLY)

    def test_a_path_without_links_is_real_if_its_directory_is_there(self) -> None:
        with Client(Asynchronous) as client:
            self.assertEqual(client.realpath("/new"), "/new")
            self.assertIs(self.refused(client.realpath, "/gone/new").code, ErrorCode.NO_SUCH_FILE)
            self.assertIs(self.refused(client.realpath, "/a/new").code, ErrorCode.NOT_A_DIRECTORY)


class Methods(Case):
    def test_async_methods_and_listings_are_awaited(self) -> None:
        with Client(Asynchronous) as client:
            self.assertEqual(client.get("/a"), b"hello")
            self.assertEqual(list(client.list("/", batch=1)), ["a", "b"])
            client.open("/left open")
        self.assertEqual(client.session.storage.closed, 2)

    def test_a_storage_that_cannot_begin_refuses_the_client(self) -> None:
        class Refusing(Storage):
            def connect(self) -> None:
                raise ConnectionRefusedError("db.internal:5432")

        error = self.refused(Client, Refusing)
        self.assertEqual((error.code, error.message), (ErrorCode.UNAVAILABLE, ""))


class Exceptions(Case):
    def setUp(self) -> None:
        self.client = self.enterContext(Client(Wrong))

    def test_any_exception_is_a_failure_with_its_place_for_the_log_only(self) -> None:
        error = self.refused(self.client.get, "/zero")
        self.assertEqual((error.code, error.message), (ErrorCode.FAILURE, ""))
        self.assertIn("ZeroDivisionError", error.detail)
        self.assertIn("test_guard.py", error.detail)
        self.assertIn("Traceback", self.log)
        for path in ("/exit", "/cancelled", "/surrogate"):
            self.assertIs(self.refused(self.client.stat, path).code, ErrorCode.FAILURE)

    def test_an_errno_has_its_code_and_tells_the_client_nothing_more(self) -> None:
        error = self.refused(self.client.rm, "/f")
        self.assertEqual((error.code, error.message), (ErrorCode.QUOTA_EXCEEDED, ""))
        self.assertIn("db.internal", error.detail)
        self.assertEqual(self.log, "")

    def test_a_storage_error_is_told_as_it_is(self) -> None:
        error = self.refused(self.client.rmdir, "/d")
        self.assertEqual((error.code, error.message, error.detail), (ErrorCode.BUSY, "in use", "by job 7"))

    def test_a_generator_that_finds_no_directory_fails_as_it_is_opened(self) -> None:
        opening = self.client.session.open_directory("/missing")
        self.assertIs(self.refused(self.client.run, opening).code, ErrorCode.NO_SUCH_FILE)

    def test_wrong_answers_are_failures(self) -> None:
        self.assertIn("Attributes is wanted", self.refused(self.client.stat, "/f").detail)
        self.assertIn("read returns bytes", self.refused(self.client.get, "/text").detail)
        self.assertIn("were asked for", self.refused(self.client.get, "/long").detail)
        self.assertIs(self.refused(self.client.readlink, "/l").code, ErrorCode.FAILURE)
        for name in ("", ".", "..", "a%b", "a\0b", "\udcff"):
            self.assertIs(self.refused(self.client.list, f"/{name}").code, ErrorCode.FAILURE)

    def test_attributes_cannot_be_out_of_range(self) -> None:
        times = {"modified": float("nan")}
        for wrong in ({"size": -1}, {"size": 1 << 64}, {"permissions": 1 << 16}, {"uid": "0"}, times):
            with self.assertRaises(ValueError):
                Attributes(**wrong)


if __name__ == "__main__":
    unittest.main()
