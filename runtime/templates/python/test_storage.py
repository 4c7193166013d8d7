"""What a client sees of the storage, without WebAssembly: python3 -m unittest."""

import unittest

from storage import Notes
from strongroom import ErrorCode, OpenFlags, StorageError
from strongroom.testing import Client

CREATE = OpenFlags.READ | OpenFlags.WRITE | OpenFlags.CREATE


class NotesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = self.enterContext(Client(Notes, settings={"welcome": "hello"}))

    def refused(self, code: ErrorCode, call: object, *arguments: object) -> None:
        with self.assertRaises(StorageError) as caught:
            call(*arguments)
        self.assertIs(caught.exception.code, code)

    def test_a_note_is_opened_read_and_closed(self) -> None:
        note = self.client.open("/welcome.txt")
        self.assertEqual(self.client.read(note, 0, 100), b"hello\n")
        self.client.close(note)

    def test_notes_are_written_listed_renamed_and_removed(self) -> None:
        self.client.put("/milk", b"two bottles")
        self.assertEqual(sorted(self.client.list("/")), ["milk", "welcome.txt"])
        self.assertEqual(self.client.stat("/milk").size, 11)
        self.client.rename("/milk", "/welcome.txt", replace=True)
        self.assertEqual(self.client.get("/welcome.txt"), b"two bottles")
        self.client.rm("/welcome.txt")
        self.assertEqual(self.client.list("/"), {})

    def test_a_note_is_changed_in_the_middle_and_at_its_end(self) -> None:
        note = self.client.open("/note", CREATE)
        self.client.write(note, 4, b"four")
        self.client.write(note, 0, b"zero")
        end = self.client.open("/note", OpenFlags.WRITE | OpenFlags.APPEND)
        self.client.write(end, 0, b"!")
        self.assertEqual(self.client.read(note, 0, 100), b"zerofour!")
        self.client.rm("/note")
        self.assertEqual(self.client.read(note, 8, 100), b"!", "an open note outlives its name")

    def test_what_cannot_be_says_why(self) -> None:
        self.refused(ErrorCode.NO_SUCH_FILE, self.client.open, "/missing")
        self.refused(ErrorCode.IS_A_DIRECTORY, self.client.open, "/")
        self.refused(ErrorCode.NOT_A_DIRECTORY, self.client.open, "/welcome.txt/note", CREATE)
        self.refused(ErrorCode.ALREADY_EXISTS, self.client.open, "/welcome.txt", CREATE | OpenFlags.EXCLUSIVE)
        self.refused(ErrorCode.NOT_A_DIRECTORY, self.client.list, "/welcome.txt")
        self.refused(ErrorCode.UNSUPPORTED, self.client.mkdir, "/folder")
        self.refused(ErrorCode.FILE_TOO_LARGE, self.client.write, self.client.open("/huge", CREATE), 1 << 40, b"x")
        with self.assertRaises(StorageError):
            Client(Notes, settings={"wellcome": "a misspelt setting"})


if __name__ == "__main__":
    unittest.main()
