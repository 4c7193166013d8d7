"""SFTP packets, made by hand, to a component that `strongroom` runs: for tests of a storage as its clients see it.

    with Served("shelf.wasm", "--set", "welcome=hello") as served:
        handle = served.open("/welcome.txt")
        assert served.read(handle, 0, 100) == b"hello\\n"
        served.close(handle)
        assert served.list("/") == [".", "..", "welcome.txt"]
        kind, fields = served.request(17, string("/welcome.txt"))  # SSH_FXP_STAT is answered by SSH_FXP_ATTRS
        assert kind == 105

The program is the one that the environment variable STRONGROOM names, or `strongroom` in the PATH.
"""

import os
import subprocess
from pathlib import Path
from struct import pack, unpack_from
from types import TracebackType
from typing import Self

_REPLY_MAX = 256 << 10
_OPEN, _CLOSE, _READ, _WRITE, _OPENDIR, _READDIR = 3, 4, 5, 6, 11, 12
_STATUS, _HANDLE, _DATA, _NAME = 101, 102, 103, 104
_OK, _EOF = 0, 1


class Status(Exception):
    """A STATUS that is not success: its code and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


def string(value: str | bytes) -> bytes:
    """A field of bytes, with its length before it."""
    value = value.encode() if isinstance(value, str) else value
    return pack(">I", len(value)) + value


def u32(value: int) -> bytes:
    return pack(">I", value)


def u64(value: int) -> bytes:
    return pack(">Q", value)


class Served:
    """A session with the component in `file`, by `strongroom run` with further arguments; it ends with the `with`."""

    def __init__(self, file: str | Path, *arguments: str) -> None:
        command = [os.environ.get("STRONGROOM", "strongroom"), "run", str(file), *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._id = 0
        # INIT has no id, but the version in its place.
        self._send(1, 3, b"")
        version, _, _ = self._receive()
        assert version == 2, "VERSION answers INIT"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, at: TracebackType | None
    ) -> None:
        self._process.communicate()

    def request(self, kind: int, fields: bytes) -> tuple[int, bytes]:
        """Sends a request, as its type and its fields, and waits for its reply: type and fields."""
        self._id += 1
        self._send(kind, self._id, fields)
        answer, of, rest = self._receive()
        assert of == self._id, "the reply is to the request"
        return answer, rest

    def open(self, path: str, flags: int = 1) -> bytes:
        """Opens a file with the flags of SFTP: 1 to read, 2 to write, 8 to create, 16 to truncate. Gives its handle."""
        return self._string(_HANDLE, _OPEN, string(path) + u32(flags) + u32(0))

    def read(self, handle: bytes, offset: int, length: int) -> bytes:
        """Up to `length` bytes; none at the end."""
        try:
            return self._string(_DATA, _READ, string(handle) + u64(offset) + u32(length))
        except Status as status:
            if status.code == _EOF:
                return b""
            raise

    def write(self, handle: bytes, offset: int, data: bytes) -> None:
        self._done(_WRITE, string(handle) + u64(offset) + string(data))

    def close(self, handle: bytes) -> None:
        """Closes a file or a directory."""
        self._done(_CLOSE, string(handle))

    def list(self, path: str) -> list[str]:
        """The names in a directory, in order, with "." and ".."."""
        handle = self._string(_HANDLE, _OPENDIR, string(path))
        names: list[str] = []
        while True:
            kind, fields = self.request(_READDIR, string(handle))
            if kind != _NAME:
                break
            names += _names(fields)
        if (status := _status(kind, fields)).code != _EOF:
            raise status
        self.close(handle)
        return sorted(names)

    def _string(self, expected: int, kind: int, fields: bytes) -> bytes:
        answer, rest = self.request(kind, fields)
        if answer != expected:
            raise _status(answer, rest)
        return _take(rest, 0)[0]

    def _done(self, kind: int, fields: bytes) -> None:
        status = _status(*self.request(kind, fields))
        if status.code != _OK:
            raise status

    def _send(self, kind: int, number: int, fields: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(string(pack(">BI", kind, number) + fields))
        self._process.stdin.flush()

    def _receive(self) -> tuple[int, int, bytes]:
        (length,) = unpack_from(">I", self._exactly(4))
        assert 5 <= length <= _REPLY_MAX, f"a reply of {length} bytes"
        packet = self._exactly(length)
        kind, number = unpack_from(">BI", packet)
        return kind, number, packet[5:]

    def _exactly(self, length: int) -> bytes:
        assert self._process.stdout
        data = self._process.stdout.read(length)
        assert len(data) == length, "the server ended before it answered"
        return data


def _take(fields: bytes, at: int) -> tuple[bytes, int]:
    """The field of bytes at `at`, and where the next begins."""
    (length,) = unpack_from(">I", fields, at)
    end = at + 4 + length
    assert end <= len(fields), "a reply that is cut short"
    return fields[at + 4 : end], end


def _status(kind: int, fields: bytes) -> Status:
    assert kind == _STATUS, f"a reply of type {kind}, neither what was asked for nor a STATUS"
    return Status(unpack_from(">I", fields)[0], _take(fields, 4)[0].decode())


def _names(fields: bytes) -> list[str]:
    (count,), at, names = unpack_from(">I", fields), 4, []
    for _ in range(count):
        name, at = _take(fields, at)
        _, at = _take(fields, at)
        at = _skip_attributes(fields, at)
        names.append(name.decode(errors="surrogateescape"))
    return names


def _skip_attributes(fields: bytes, at: int) -> int:
    (flags,) = unpack_from(">I", fields, at)
    at += 4 + sum(length for flag, length in ((1, 8), (2, 8), (4, 4), (8, 8)) if flags & flag)
    if flags & 1 << 31:
        (count,) = unpack_from(">I", fields, at)
        at += 4
        for _ in range(2 * count):
            _, at = _take(fields, at)
    return at
