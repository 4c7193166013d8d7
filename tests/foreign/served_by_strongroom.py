"""A pytest plugin that gives paramiko's own tests of SFTP a client of Strongroom, in place of one of paramiko's server.

Each test has a session and a folder of its own. STRONGROOM is the executable.
"""

import os
import select
import shutil
import socket
import subprocess
import tempfile

import pytest
from paramiko import SFTPClient


class Connection(socket.socket):
    """What paramiko asks its channels for beside a socket's methods."""

    def get_name(self):
        return "strongroom"

    def send(self, data):
        if self.fileno() < 0:
            raise OSError("Socket is closed")
        return super().send(data)

    def recv_ready(self):
        return bool(select.select([self], [], [], 0)[0])

    def close(self):
        # A prefetch may still be asking when its test is over, and whoever leaves with answers unread resets the connection.
        if self.fileno() >= 0:
            self.shutdown(socket.SHUT_WR)
            while self.recv(65536):
                pass
        super().close()


@pytest.fixture(params=["jail", "memory"])
def sftp(request):
    near, far = socket.socketpair()
    served = tempfile.mkdtemp()
    command = [os.environ["STRONGROOM"], request.param]
    if request.param == "jail":
        command.append(served)
    server = subprocess.Popen(command, stdin=far, stdout=far)
    far.close()
    client = SFTPClient(Connection(fileno=near.detach()))
    client.FOLDER = "folder"
    client.mkdir(client.FOLDER)
    yield client
    client.close()
    assert server.wait(timeout=60) == 0
    shutil.rmtree(served)
