"""What a storage says it wants, as the section that the host reads."""

import unittest

from strongroom import Address, Directory, Setting, Variable, Wants
from strongroom.wants import section


class Sections(unittest.TestCase):
    def test_every_record(self) -> None:
        wants = Wants(
            name="photos",
            about="By year – and month",
            version="1.2.0",
            settings=[
                Setting("bucket", "Its name", required=True),
                Setting("port", default="443"),
                Setting("key", "From a file", secret=True),
            ],
            directories=[Directory("/spool", "Uploads", writable=True, required=False), Directory("/")],
            addresses=[Address("{bucket}:443", "The server")],
            variables=[Variable("TZ", "Times")],
        )
        self.assertEqual(
            wants.text().split("\n"),
            [
                "strongroom-wants 1",
                "name\tphotos",
                "about\tBy year – and month",
                "version\t1.2.0",
                "setting\tbucket\trequired\tIts name",
                "setting\tport\t=443\t",
                "secret\tkey\toptional\tFrom a file",
                "directory\t/spool\trw\toptional\tUploads",
                "directory\t/\tro\trequired\t",
                "address\t{bucket}:443\trequired\tThe server",
                "variable\tTZ\toptional\tTimes",
                "",
            ],
        )

    def test_a_section_has_its_length_in_front(self) -> None:
        for about in ("", "x" * 200):
            made = section(Wants("a", about))
            text = Wants("a", about).text().encode()
            self.assertEqual(made[0], 0)
            self.assertTrue(made.endswith(b"\x10strongroom-wants" + text))
            length = made[1] if made[1] < 128 else made[1] & 127 | made[2] << 7
            self.assertEqual(length, 17 + len(text))

    def test_no_text_ends_its_line(self) -> None:
        for text in ("a\nb", "a\tb", "\x1b[2J", "\x9b"):
            with self.assertRaises(ValueError):
                Wants("a", text).text()
            with self.assertRaises(ValueError):
                Wants("a", settings=[Setting("b", text)]).text()


if __name__ == "__main__":
    unittest.main()
