"""Tests of `strongroom.served`, against a component of the example: STRONGROOM and SIMPLE name the program and its file."""

import os
import unittest

from strongroom.served import Served, Status, string


@unittest.skipUnless("SIMPLE" in os.environ, "SIMPLE names no component")
class ServedTest(unittest.TestCase):
    def setUp(self) -> None:
        self.served = self.enterContext(Served(os.environ["SIMPLE"], "--set", "capacity=1048576"))

    def refused(self, code: int, call: object, *arguments: object) -> None:
        with self.assertRaises(Status) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code)

    def test_a_file_is_written_read_and_closed(self) -> None:
        handle = self.served.open("/services", 1 + 2 + 8)
        self.served.write(handle, 0, b"ssh 22/tcp\n")
        self.assertEqual(self.served.read(handle, 0, 10), b"ssh 22/tcp")
        self.assertEqual(self.served.read(handle, 11, 10), b"")
        self.served.close(handle)
        self.refused(2, self.served.close, handle)

    def test_names_come_in_order_and_in_batches(self) -> None:
        for number in range(250):
            self.served.close(self.served.open(f"/{number:03}", 2 + 8))
        self.assertEqual(self.served.list("/"), [".", "..", *(f"{number:03}" for number in range(250))])

    def test_what_is_missing_is_a_status_and_packets_may_be_raw(self) -> None:
        self.refused(2, self.served.open, "/missing")
        self.refused(2, self.served.list, "/missing")
        self.assertEqual(self.served.request(17, string("/"))[0], 105)
        self.assertEqual(self.served.request(200, string("unknown@example"))[1][:4], b"\0\0\0\x08")
