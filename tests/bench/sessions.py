"""Sessions, and what they took: wall time, and the CPU time of server and client apart. Times are in seconds."""

import os
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from servers import TOOLS

METER = TOOLS / "meter"

# What sftp says to "pwd".
REMOTE = b"Remote working directory"


class Failed(Exception):
    """A server, or a client with it, did not do the work."""


@dataclass(frozen=True)
class Taken:
    wall: float
    server_cpu: float
    client_cpu: float | None = None


def start(server, place, until):
    """A server from its start to its first answer: VERSION, or the reply to the first REALPATH."""
    to_server, from_us = os.pipe()
    to_us, from_server = os.pipe()
    argv = server.argv(place.root)
    quiet = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, to_server, 0), (os.POSIX_SPAWN_DUP2, from_server, 1), (os.POSIX_SPAWN_DUP2, quiet, 2)]
    begun = time.perf_counter()
    child = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    for descriptor in (to_server, from_server, quiet):
        os.close(descriptor)
    try:
        os.write(from_us, struct.pack(">IBI", 5, 1, 3))
        _packet(to_us)
        if until == "realpath":
            os.write(from_us, struct.pack(">IBII1s", 10, 16, 0, 1, b"."))
            _packet(to_us)
        wall = time.perf_counter() - begun
    finally:
        os.close(from_us)
        os.close(to_us)
        _, _, used = os.wait4(child, 0)
    return Taken(wall, used.ru_utime + used.ru_stime)


def whole(server, place, commands):
    """A whole session of sftp: from the client's start to its end."""
    note = place.local / "meter"
    batch = place.local / "batch"
    batch.write_text("".join(command + "\n" for command in commands))
    argv = sftp([METER, note, *server.argv(place.root)], batch)
    with open(place.local / "errors", "w+") as errors:
        begun = time.perf_counter()
        client = subprocess.Popen(argv, cwd=place.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, used = os.wait4(client.pid, 0)
        wall = time.perf_counter() - begun
        client.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        if client.returncode:
            raise Failed(_last_line(errors.read()) or f"sftp ended with {client.returncode}")
    user, system, *meter = (int(field) / 1e6 for field in note.read_text().split())
    # wait4 counts the client, what it waited for (the meter), and what that waited for (the server).
    return Taken(wall, user + system, used.ru_utime + used.ru_stime - user - system - sum(meter))


class Live:
    """A session that stays open, for servers that forget at its end. sftp tells when it comes to a command by printing
    it, and takes as long for that with any server."""

    def __init__(self, server, place, root):
        self.errors = open(place.local / f"errors-{server.name}", "w+")
        argv = sftp(server.argv(root), "-")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors}
        self.client = subprocess.Popen(argv, cwd=root, bufsize=0, **pipes)
        self.output = b""
        self.client.stdin.write(b"pwd\n")
        self._wait_for(REMOTE)
        children = Path(f"/proc/{self.client.pid}/task/{self.client.pid}/children").read_text().split()
        self.server_id = int(children[0])

    def do(self, command):
        """Runs a command and gives what it took."""
        server, client = _cpu_so_far(self.server_id), _cpu_so_far(self.client.pid)
        self.client.stdin.write(f"{command}\npwd\n".encode())
        self._wait_for(b"sftp> " + command.encode())
        begun = time.perf_counter()
        self._wait_for(b"sftp> pwd")
        wall = time.perf_counter() - begun
        self._wait_for(REMOTE)
        return Taken(wall, _cpu_so_far(self.server_id) - server, _cpu_so_far(self.client.pid) - client)

    def close(self):
        self.client.stdin.close()
        self.client.stdout.close()
        self.client.wait()
        self.errors.close()

    def _wait_for(self, text):
        """Reads up to the line that begins with `text`."""
        while True:
            line, newline, rest = self.output.partition(b"\n")
            if newline:
                self.output = rest
                if line.startswith(text):
                    return
                continue
            more = os.read(self.client.stdout.fileno(), 1 << 16)
            if not more:
                self.errors.seek(0)
                raise Failed(_last_line(self.errors.read()) or "sftp ended")
            self.output += more

    def _cpu(self):
        return _cpu_so_far(self.server_id), _cpu_so_far(self.client.pid)


def sftp(server_argv, batch):
    # Its own copy of the words of -D is cut at blanks, which no path here has.
    return ["sftp", "-q", "-b", str(batch), "-D", " ".join(str(word) for word in server_argv)]


def _cpu_so_far(process):
    """Of a running process with all its threads, to the nanosecond."""
    tasks = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _packet(descriptor):
    received = b""
    while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:4]):
        more = os.read(descriptor, 1 << 16)
        if not more:
            raise Failed("the server ended before it answered")
        received += more
    return received


def _last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
