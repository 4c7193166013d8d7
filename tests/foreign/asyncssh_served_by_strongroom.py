"""A pytest plugin that puts Strongroom behind the SSH server of asyncssh's own tests, in place of asyncssh's SFTP server.

What a test leaves of it is its place: a folder that is the root is a jail, and everything else is served as from the
test's working directory. STRONGROOM is the executable.
"""

import asyncio
import os
from asyncio.subprocess import PIPE

import asyncssh
import asyncssh.stream


def pytest_configure(config):
    from tests.server import ServerTestCase

    create_server = ServerTestCase.create_server.__func__

    async def create_server_like_openssh(cls, *arguments, **options):
        # By its banner asyncssh chooses the order of a SYMLINK's paths.
        return await create_server(cls, *arguments, **{"server_version": "OpenSSH", **options})

    ServerTestCase.create_server = classmethod(create_server_like_openssh)
    asyncssh.stream.run_sftp_server = serve


async def serve(replaced, reader, writer, _version):
    root = replaced._chroot
    anywhere = ["/", "--allow-unsafe-grant", "--allow-setid", "--start-directory", os.getcwd()]
    command = [os.environ["STRONGROOM"], "jail", *([root] if root else anywhere)]
    server = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    await asyncio.gather(send(reader, server.stdin), receive(server.stdout, writer))
    assert await server.wait() == 0
    replaced.exit()


async def send(reader, stdin):
    try:
        while data := await reader.read(65536):
            stdin.write(data)
            await stdin.drain()
    except (ConnectionError, asyncssh.Error):
        pass  # What ends a connection ends the session.
    stdin.close()


async def receive(stdout, writer):
    try:
        while data := await stdout.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, asyncssh.Error):
        pass
    writer.close()
