"""asyncssh against the server: prints "ok STEP" or "FAILED STEP" for each step and "done" at the end."""

import asyncio
import filecmp
import sys
import traceback

import asyncssh

PORT, USER, KEY, KNOWN_HOSTS, LOCAL, HERE = sys.argv[1:]
ODD = "spaces and ünïcode ✓.txt"


async def upload(sftp):
    await sftp.put(f"{LOCAL}/tree", recurse=True, preserve=True)
    await sftp.put([f"{LOCAL}/big", f"{LOCAL}/{ODD}"])


async def listing(sftp):
    names = set(await sftp.listdir())
    assert names - {".", ".."} == {"tree", "big", ODD}, names
    by_name = {entry.filename: entry for entry in await sftp.readdir()}
    assert by_name["big"].attrs.size == 64 << 20
    assert len(await sftp.glob("tree/directory */file-*")) == 12 * 24
    assert await sftp.getsize("big") == 64 << 20 and await sftp.isdir("tree") and await sftp.isfile("big")


async def download(sftp):
    await sftp.get(["tree", "big", ODD], HERE, recurse=True, preserve=True)
    for name in ("big", ODD):
        assert filecmp.cmp(f"{LOCAL}/{name}", f"{HERE}/{name}", shallow=False), name
    same(filecmp.dircmp(f"{LOCAL}/tree", f"{HERE}/tree"))


def same(comparison):
    assert not comparison.left_only and not comparison.right_only and not comparison.diff_files
    for below in comparison.subdirs.values():
        same(below)


async def open_files(sftp):
    async with sftp.open("notes", "w+") as file:
        await file.write("one\ntwo\n")
        assert await file.read(3, 4) == "two"
        await file.truncate(4)
        await file.chmod(0o640)
        await file.fsync()
        assert (await file.stat()).size == 4
        assert (await file.statvfs()).bsize > 0
    async with sftp.open("notes", "a") as file:
        await file.write("end")
    async with sftp.open("notes", "rb") as file:
        assert await file.read() == b"one\nend"
    try:
        await sftp.open("notes", "x")
    except asyncssh.SFTPError:
        pass
    else:
        raise AssertionError("an exclusive open of what exists")


async def extensions(sftp):
    assert sftp.version == 3
    assert sftp.limits.max_read_len > 0
    assert sftp.supports_remote_copy
    await sftp.remote_copy("big", "copied")
    assert await sftp.getsize("copied") == 64 << 20
    await sftp.link("copied", "hard")
    assert (await sftp.lstat("hard")).size == 64 << 20
    assert (await sftp.statvfs(".")).bsize > 0
    await sftp.remove("copied")
    await sftp.remove("hard")


async def links(sftp):
    await sftp.symlink("notes", "link")
    assert await sftp.readlink("link") == "notes" and await sftp.islink("link")
    await sftp.remove("link")
    assert await sftp.realpath("tree/../..") == "/"


async def changes(sftp):
    await sftp.rename(ODD, f"new {ODD}")
    try:
        await sftp.rename(f"new {ODD}", "notes")
    except asyncssh.SFTPError:
        pass
    else:
        raise AssertionError("a rename onto what exists")
    await sftp.posix_rename(f"new {ODD}", "notes")
    await sftp.utime("notes", (1, 2))
    assert (await sftp.stat("notes")).mtime == 2
    await sftp.remove("notes")
    await sftp.remove("big")
    await sftp.makedirs("made/below/that")
    await sftp.rmtree("made")
    assert not await sftp.exists("made")


async def main():
    print(f"asyncssh {asyncssh.__version__}")
    async with asyncssh.connect(
        "127.0.0.1", int(PORT), username=USER, client_keys=[KEY], known_hosts=KNOWN_HOSTS, agent_path=None, config=None
    ) as connection:
        async with connection.start_sftp_client() as sftp:
            await sftp.mkdir("asyncssh")
            await sftp.chdir("asyncssh")
            for step in (upload, listing, download, open_files, extensions, links, changes):
                try:
                    await asyncio.wait_for(step(sftp), 120)
                    print(f"ok {step.__name__}")
                except Exception:
                    traceback.print_exc(file=sys.stdout)
                    print(f"FAILED {step.__name__}")
    print("done")


asyncio.run(main())
