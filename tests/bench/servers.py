"""Who is measured: the server that everything is compared with, our own three, and peers."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / "target/bench"


@dataclass(frozen=True)
class Server:
    """A server that speaks SFTP on its standard input and output. `{root}` in its command is the directory it serves,
    which it is also started in."""

    name: str
    title: str
    command: tuple[str, ...]
    # Begins empty in each session, so that a work first has to bring what it works on.
    forgets: bool = False
    is_ours: bool = False

    def argv(self, root):
        return [word.replace("{root}", str(root)) for word in self.command]

    def traced_argv(self, root):
        """The same where another program has to look into it, which our confinement forbids."""
        return self.argv(root) + (["--no-os-sandbox"] if self.is_ours else [])

    def is_there(self):
        return shutil.which(self.command[0]) is not None


OPENSSH = Server("openssh", "OpenSSH sftp-server", ("/usr/lib/openssh/sftp-server",))


def contenders(strongroom):
    """All that are compared with OpenSSH's server; `strongroom` is the path of our executable."""
    memory = ("memory", "--max-memory", "2G", "--set", "capacity=1G")
    return [
        Server("jail", "jail", (strongroom, "jail", "{root}"), is_ours=True),
        Server("jail-no-native", "jail, native=no", (strongroom, "jail", "--set", "native=no", "{root}"), is_ours=True),
        Server("memory", "memory", (strongroom, *memory), forgets=True, is_ours=True),
        Server("gesftpserver", "gesftpserver", ("/usr/libexec/gesftpserver",)),
        Server("rclone", "rclone", ("rclone", "--config", "/dev/null", "serve", "sftp", "--stdio", "{root}")),
        Server("pysftpserver", "pysftpserver", (str(TOOLS / "python/bin/pysftpjail"), "{root}")),
    ]


def versions(servers):
    """What each of `servers` is, for the report: pairs of a name and a version."""
    ask = {
        "openssh": ["dpkg-query", "-W", "-f", "${Version}", "openssh-sftp-server"],
        "gesftpserver": ["dpkg-query", "-W", "-f", "${Version}", "gesftpserver"],
        "rclone": ["dpkg-query", "-W", "-f", "${Version}", "rclone"],
        "pysftpserver": [TOOLS / "python/bin/python", "-c", "import importlib.metadata as m; print(m.version('pysftpserver'))"],
    }
    found = [(server.title, _said(ask[server.name])) for server in servers if server.name in ask]
    ours = next((server for server in servers if server.is_ours), None)
    if ours:
        commit = _said(["git", "-C", REPOSITORY, "describe", "--always", "--dirty"])
        said = _said([ours.command[0], "--version"]).removeprefix("strongroom ")
        found.append(("Strongroom", f"{said}, commit {commit}"))
    return found


def _said(command):
    outcome = subprocess.run(command, capture_output=True, text=True)
    return ", ".join(outcome.stdout.split("\n")).strip(", ") or "unknown"
