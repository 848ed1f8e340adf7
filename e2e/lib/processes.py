"""The PostgreSQL processes of a server."""

import os
import signal
import time
from pathlib import Path


def kill(database, cluster):
    """SIGKILL to the postmaster of a cluster, and to no other process."""
    lines = database.data_dir / "clusters" / cluster / "data" / "postmaster.pid"
    os.kill(int(lines.read_text().splitlines()[0]), signal.SIGKILL)


def of(database, cluster=""):
    """The command lines of those that name the files of a server's clusters, or of one, by process
    id: the postmasters, and for a moment what they have just forked."""
    directory = f"{database.data_dir}/clusters/{cluster}"
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if words[0].endswith("postgres") and any(word.startswith(directory) for word in words[1:]):
            found[int(path.name)] = words
    return found


def end(database, cluster="", seconds=10):
    """Waits until there are none."""
    deadline = time.monotonic() + seconds
    while found := of(database, cluster):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
