"""What is measured: works that a person's sftp does. Each has a way through a whole session, for servers that find the
files on the disk, and a way inside of a session, for servers that forget."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    big_mib: int
    small_files: int
    entries: int


FULL = Size(big_mib=256, small_files=2_000, entries=20_000)
QUICK = Size(big_mib=32, small_files=200, entries=2_000)


class Place:
    """The files: `root` is what servers serve, `local` is the client's side. Both lie in memory."""

    def __init__(self, top, size):
        self.root, self.local, self.size = Path(top, "root"), Path(top, "local"), size
        block = os.urandom(1 << 20)
        for directory in (self.root, self.local):
            directory.mkdir()
            with open(directory / "big", "wb") as file:
                for _ in range(size.big_mib):
                    file.write(block)
            (directory / "small").mkdir()
            for index in range(size.small_files):
                (directory / "small" / str(index)).write_bytes(b"x" * 100)
            (directory / "many").mkdir()
            for index in range(size.entries):
                (directory / "many" / f"file-{index:06}").touch()


@dataclass(frozen=True)
class Work:
    """Commands of sftp, which is started in the place's root; `{local}` is the client's side."""

    name: str
    title: str
    command: str
    # What a server that forgets needs first, in the same session.
    bring: str | None = None
    # What to remove afterwards: a path on the client's side, or on the server's.
    made_here: str | None = None
    made_there: str | None = None
    # Commands that remove it on the server's side, inside of a session.
    undo: tuple[str, ...] = ()

    def commands(self, place, *, bring=False):
        texts = ([self.bring] if bring and self.bring else []) + [self.command]
        return [text.format(local=place.local) for text in texts]

    def clear(self, place, *, inside=False):
        if self.made_here:
            _remove(place.local / self.made_here)
        if self.made_there and not inside:
            _remove(place.root / self.made_there)


def all_works(size):
    """The works that take a client; `start` is none of them."""
    small, entries = f"{size.small_files:,}", f"{size.entries:,}"
    return [
        Work("get", f"get {size.big_mib} MiB", "get big {local}/got", "put {local}/big big", made_here="got"),
        Work("put", f"put {size.big_mib} MiB", "put {local}/big new", made_there="new", undo=("rm new",)),
        Work(
            "get-small",
            f"get -r of {small} small files",
            "get -r small {local}/got-small",
            "put -r {local}/small small",
            made_here="got-small",
        ),
        Work(
            "put-small",
            f"put -r of {small} small files",
            "put -r {local}/small new-small",
            made_there="new-small",
            undo=("rm new-small/*", "rmdir new-small"),
        ),
        Work("list", f"ls -l of {entries}", "ls -l many", "put -r {local}/many many"),
    ]


def _remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
