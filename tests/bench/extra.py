"""What is measured beside time: instructions of a work, and the memory of idle sessions."""

import os
import re
import struct
import subprocess
from pathlib import Path

from servers import TOOLS
from sessions import Failed, sftp

IDLE_SESSIONS = 10


def instructions(server, place, work):
    """Instructions in user space that a server runs for a work, its start and its end included; what brings the files
    to a server that forgets is not."""
    if not server.forgets or not work.bring:
        return _counted(server, place, work.commands(place))
    bring = work.bring.format(local=place.local)
    return _counted(server, place, [bring, work.command.format(local=place.local)]) - _counted(server, place, [bring])


def functions(server, place, work):
    """The names of functions that a server runs through for a work, as the linker knows them."""
    profile = _profile(server, place, work.commands(place, bring=server.forgets), "--demangle=no")
    return set(re.findall(r"^c?fn=\(\d+\) ([^\s']+)", profile, re.MULTILINE))


def _counted(server, place, commands):
    total = re.search(r"^(?:totals|summary): (\d+)", _profile(server, place, commands), re.MULTILINE)
    if not total:
        raise Failed("callgrind counted nothing")
    return int(total[1])


def _profile(server, place, commands, *options):
    """What callgrind wrote of a session."""
    out = TOOLS / "callgrind.out"
    valgrind = ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={out}", f"--log-file={out}.log", *options]
    batch = place.local / "batch"
    batch.write_text("".join(command + "\n" for command in commands))
    argv = sftp([*valgrind, *server.traced_argv(place.root)], batch)
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    outcome = subprocess.run(argv, cwd=place.root, text=True, **streams)
    if outcome.returncode:
        raise Failed(f"under callgrind: {outcome.stderr.strip()[-200:]}")
    return out.read_text()


def idle_memory_mib(server, place):
    """The proportional set size of one of ten idle sessions: what they have together, divided by ten."""
    sessions = []
    try:
        for _ in range(IDLE_SESSIONS):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            session = subprocess.Popen(server.argv(place.root), bufsize=0, cwd=place.root, **pipes)
            sessions.append(session)
            session.stdin.write(struct.pack(">IBI", 5, 1, 3) + struct.pack(">IBII1s", 10, 16, 0, 1, b"."))
            for _ in range(2):
                length = struct.unpack(">I", _exactly(session.stdout, 4))[0]
                _exactly(session.stdout, length)
        return sum(_pss_kib(session.pid) for session in sessions) / len(sessions) / 1024
    finally:
        for session in sessions:
            session.stdin.close()
            session.wait()
            session.stdout.close()


def _pss_kib(process):
    return int(re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)[1])


def _exactly(stream, length):
    received = b""
    while len(received) < length:
        more = os.read(stream.fileno(), length - len(received))
        if not more:
            raise Failed("the server ended before it answered")
        received += more
    return received
