"""paramiko against the server: prints "ok STEP" or "FAILED STEP" for each step and "done" at the end."""

import filecmp
import hashlib
import os
import posixpath
import stat
import sys
import traceback

import paramiko

PORT, USER, KEY, KNOWN_HOSTS, LOCAL, HERE = sys.argv[1:]
ODD = "spaces and ünïcode ✓.txt"


def upload(sftp):
    for folder, _, files in os.walk(f"{LOCAL}/tree"):
        there = posixpath.join("tree", os.path.relpath(folder, f"{LOCAL}/tree")).rstrip("/.")
        sftp.mkdir(there)
        for name in files:
            sftp.put(f"{folder}/{name}", f"{there}/{name}")
    assert sftp.put(f"{LOCAL}/big", "big").st_size == 64 << 20
    sftp.put(f"{LOCAL}/{ODD}", ODD)


def listing(sftp):
    assert sorted(sftp.listdir()) == sorted(["tree", "big", ODD])
    for iterate in (sftp.listdir_attr, sftp.listdir_iter):
        by_name = {entry.filename: entry for entry in iterate(".")}
        assert by_name["big"].st_size == 64 << 20 and stat.S_ISREG(by_name["big"].st_mode)
        assert stat.S_ISDIR(by_name["tree"].st_mode) and by_name["tree"].longname.startswith("d")
    assert len(sftp.listdir("tree/directory 1")) == 25


def download(sftp):
    sftp.get("big", f"{HERE}/big", prefetch=True)
    assert filecmp.cmp(f"{LOCAL}/big", f"{HERE}/big", shallow=False)
    sftp.get(ODD, f"{HERE}/{ODD}", prefetch=False)
    assert filecmp.cmp(f"{LOCAL}/{ODD}", f"{HERE}/{ODD}", shallow=False)
    pull(sftp, "tree", f"{HERE}/tree")
    same(filecmp.dircmp(f"{LOCAL}/tree", f"{HERE}/tree"))


def pull(sftp, there, here):
    os.mkdir(here)
    for entry in sftp.listdir_attr(there):
        if stat.S_ISDIR(entry.st_mode):
            pull(sftp, f"{there}/{entry.filename}", f"{here}/{entry.filename}")
        else:
            sftp.get(f"{there}/{entry.filename}", f"{here}/{entry.filename}")


def same(comparison):
    assert not comparison.left_only and not comparison.right_only and not comparison.diff_files
    for below in comparison.subdirs.values():
        same(below)


def open_files(sftp):
    with sftp.open("notes", "w+") as file:
        file.write("one\ntwo\nthree\n")
        file.seek(4)
        assert file.readline() == "two\n"
        assert file.stat().st_size == 14
        file.truncate(7)
        file.chmod(0o640)
        file.utime((1, 2))
    with sftp.open("notes", "a") as file:
        file.write("!")
    with sftp.open("notes") as file:
        assert file.read() == b"one\ntwo!"
    state = sftp.stat("notes")
    assert state.st_mode & 0o7777 == 0o640 and state.st_size == 8
    try:
        sftp.open("notes", "x")
    except OSError:
        pass
    else:
        raise AssertionError("an exclusive open of what exists")
    with sftp.open("big", "rb") as file:
        assert [len(part) for part in file.readv([(0, 100), (64 << 20, 5), ((64 << 20) - 7, 7)])] == [100, 0, 7]


def hashes(sftp):
    with open(f"{LOCAL}/big", "rb") as file:
        wanted = hashlib.sha256(file.read()).digest()
    with sftp.open("big", "rb") as file:
        assert file.check("sha256") == wanted
        assert len(file.check("md5", 0, 1 << 20, 65536)) == 16 * 16


def links(sftp):
    sftp.symlink("notes", "link")
    assert sftp.readlink("link") == "notes"
    assert stat.S_ISLNK(sftp.lstat("link").st_mode) and stat.S_ISREG(sftp.stat("link").st_mode)
    sftp.remove("link")
    assert sftp.normalize(".") == "/paramiko" and sftp.normalize("tree/../..") == "/"


def changes(sftp):
    sftp.rename(ODD, f"new {ODD}")
    try:
        sftp.rename(f"new {ODD}", "notes")
    except OSError:
        pass
    else:
        raise AssertionError("a rename onto what exists")
    sftp.posix_rename(f"new {ODD}", "notes")
    sftp.truncate("notes", 2)
    sftp.remove("notes")
    sftp.remove("big")
    sftp.mkdir("made", 0o700)
    assert sftp.stat("made").st_mode & 0o7777 == 0o700
    sftp.rmdir("made")
    try:
        sftp.stat("made")
    except FileNotFoundError:
        pass
    else:
        raise AssertionError("a removed directory is there")


def main():
    print(f"paramiko {paramiko.__version__}")
    client = paramiko.SSHClient()
    client.load_host_keys(KNOWN_HOSTS)
    client.connect("127.0.0.1", int(PORT), USER, key_filename=KEY, look_for_keys=False, allow_agent=False, timeout=30)
    sftp = client.open_sftp()
    sftp.get_channel().settimeout(120)
    sftp.mkdir("paramiko")
    sftp.chdir("paramiko")
    for step in (upload, listing, download, open_files, hashes, links, changes):
        try:
            step(sftp)
            print(f"ok {step.__name__}")
        except Exception:
            traceback.print_exc(file=sys.stdout)
            print(f"FAILED {step.__name__}")
    client.close()
    print("done")


main()
