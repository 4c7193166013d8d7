"""Tests of `simple.py`: python3 -m unittest discover -s examples, with this package on the path."""

import unittest

from simple import Simple
from strongroom import AttributeChanges, ErrorCode, FileKind, OpenFlags, StorageError
from strongroom.testing import Client


class SimpleTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = self.enterContext(Client(Simple, settings={"capacity": "1048576"}))

    def refused(self, code: ErrorCode, call: object, *arguments: object) -> None:
        with self.assertRaises(StorageError) as caught:
            call(*arguments)
        self.assertIs(caught.exception.code, code)

    def test_a_file_is_opened_read_and_closed(self) -> None:
        self.client.put("/services", b"ssh 22/tcp\n")
        handle = self.client.open("/services")
        self.assertEqual(self.client.read(handle, 0, 10), b"ssh 22/tcp")
        self.client.close(handle)

    def test_what_is_written_is_read(self) -> None:
        data = bytes(range(256)) * 1000
        self.client.put("/grüße", data, 0o600)
        self.assertEqual(self.client.get("/grüße"), data)
        told = self.client.stat("/grüße")
        self.assertEqual((told.kind, told.size, told.permissions), (FileKind.REGULAR, 256000, 0o600))

    def test_writes_in_the_middle_beyond_the_end_and_at_the_end(self) -> None:
        handle = self.client.open("/f", OpenFlags.READ | OpenFlags.WRITE | OpenFlags.CREATE)
        self.client.write(handle, 4, b"four")
        self.client.write(handle, 0, b"zero")
        self.client.write(handle, 10, b"ten")
        self.client.close(handle)
        handle = self.client.open("/f", OpenFlags.WRITE | OpenFlags.APPEND)
        self.client.write(handle, 0, b"!")
        self.assertEqual(self.client.fstat(handle).size, 14)
        self.client.fsetstat(handle, AttributeChanges(size=9))
        self.client.close(handle)
        self.assertEqual(self.client.get("/f"), b"zerofour\0")

    def test_open_says_why_not(self) -> None:
        self.client.put("/f", b"")
        self.client.mkdir("/d")
        create = OpenFlags.WRITE | OpenFlags.CREATE
        self.refused(ErrorCode.NO_SUCH_FILE, self.client.open, "/missing")
        self.refused(ErrorCode.NO_SUCH_FILE, self.client.open, "/missing/f", create)
        self.refused(ErrorCode.NOT_A_DIRECTORY, self.client.open, "/f/f", create)
        self.refused(ErrorCode.IS_A_DIRECTORY, self.client.open, "/d")
        self.refused(ErrorCode.ALREADY_EXISTS, self.client.open, "/f", create | OpenFlags.EXCLUSIVE)

    def test_directories(self) -> None:
        self.client.mkdir("/d", 0o700)
        for number in range(250):
            self.client.put(f"/d/{number}", b"x" * number)
        listed = self.client.list("/d")
        self.assertEqual({name: told.size for name, told in listed.items()}, {str(n): n for n in range(250)})
        self.refused(ErrorCode.NOT_EMPTY, self.client.rmdir, "/d")
        self.refused(ErrorCode.IS_A_DIRECTORY, self.client.rm, "/d")
        self.refused(ErrorCode.NOT_A_DIRECTORY, self.client.rmdir, "/d/1")
        self.refused(ErrorCode.ALREADY_EXISTS, self.client.mkdir, "/d")
        self.refused(ErrorCode.NO_SUCH_FILE, self.client.list, "/missing")
        for name in listed:
            self.client.rm(f"/d/{name}")
        self.client.rmdir("/d")
        self.assertEqual(self.client.list("/"), {})

    def test_rename(self) -> None:
        self.client.put("/a", b"a")
        self.client.put("/b", b"b")
        self.refused(ErrorCode.ALREADY_EXISTS, self.client.rename, "/a", "/b")
        self.client.rename("/a", "/b", True)
        self.assertEqual(self.client.get("/b"), b"a")
        self.client.mkdir("/d")
        self.refused(ErrorCode.INVALID_ARGUMENT, self.client.rename, "/d", "/d/e")
        self.client.rename("/b", "/d/b")
        self.client.rename("/d", "/e")
        self.assertEqual(self.client.get("/e/b"), b"a")
        self.assertEqual(self.client.stat("/e/b").link_count, 1)

    def test_links(self) -> None:
        self.client.mkdir("/d")
        self.client.put("/d/f", b"f")
        self.client.symlink("../d/f", "/d/link")
        self.client.symlink("/d", "/there")
        self.client.symlink("loop", "/loop")
        self.assertEqual(self.client.get("/there/link"), b"f")
        self.assertEqual(self.client.realpath("/there/link"), "/d/f")
        self.assertEqual(self.client.realpath("/there/new"), "/d/new")
        self.assertEqual(self.client.readlink("/d/link"), "../d/f")
        self.assertIs(self.client.stat("/there", False).kind, FileKind.SYMLINK)
        self.refused(ErrorCode.LOOP, self.client.stat, "/loop")
        self.refused(ErrorCode.INVALID_ARGUMENT, self.client.readlink, "/d/f")
        self.refused(ErrorCode.NO_SUCH_FILE, self.client.realpath, "/missing/new")
        self.client.link("/d/f", "/f")
        self.client.rm("/d/f")
        self.assertEqual(self.client.get("/f"), b"f")
        self.assertEqual(self.client.stat("/f").link_count, 1)

    def test_attributes_and_room(self) -> None:
        self.client.put("/f", b"f" * 5000)
        self.client.setstat("/f", AttributeChanges(permissions=0o400, modified=1.5, accessed=2.0))
        told = self.client.stat("/f")
        self.assertEqual((told.permissions, told.modified, told.accessed), (0o400, 1.5, 2.0))
        self.refused(ErrorCode.NO_SUCH_FILE, self.client.setstat, "/missing", AttributeChanges())
        room = self.client.statvfs("/")
        self.assertEqual((room.blocks, room.blocks_free), (256, 254))


if __name__ == "__main__":
    unittest.main()
