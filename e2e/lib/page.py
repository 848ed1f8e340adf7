"""Pages of the documentation whose commands are run: what they print stands below them.

A block `sh` is run, in one shell with all the others; the block `text` that may follow is what it
prints. The block `sh server` is how the page starts its server, and `sh setup` what came before.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from shell import Shell
from treeline import TREELINE, Server, free_ports

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SERVER = re.compile(r"^```sh server\ncargo xtask serve --data-dir demo(.*?)\n```$", re.S | re.M)
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.S | re.M)
END = "--- the next block ---"
# What is another one here: ids of clusters and jobs, and the port.
IDENTIFIER = re.compile(r"\b[a-z2-7]{26}\b")
PORT = re.compile(r"\bport \d+")


class Page:
    """A page, and a folder with the programs in it where its server runs.

    `ports` are those that the page names; others are taken instead, which are free here.
    """

    def __init__(self, name, folder, ports=()):
        self.text = (DOCS / name).read_text()
        for port, free in zip(ports, free_ports(len(ports)), strict=True):
            self.text = re.sub(rf"\b{port}\b", str(free), self.text)
        (self.flags,) = SERVER.findall(self.text)
        self.folder = folder
        programs = folder / "target/release"
        programs.mkdir(parents=True)
        (programs / "treeline").symlink_to(TREELINE)

    def server(self, options=(), **more):
        # A line that goes on ends with a backslash.
        given = shlex.split(self.flags.replace("\\\n", " "))
        return Server(self.folder / "demo", options=[*given, *options], **more)

    def steps(self):
        """The commands of the page, each with what it is said to print."""
        found = []
        for kind, text in BLOCK.findall(self.text):
            if kind == "sh":
                found.append((text, ""))
            else:
                commands, nothing = found.pop()
                assert nothing == "", text
                found.append((commands, text))
        return found

    def check(self, seconds=120):
        """Runs the commands and compares."""
        steps = self.steps()
        assert len(steps) > 5
        script = "exec 2>&1\n" + "".join(f"{commands}\necho '{END}'\n" for commands, _ in steps)
        environment = Shell(self.server(), self.folder).environment
        del environment["AWS_MAX_ATTEMPTS"]
        with subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as shell:
            try:
                printed, _ = shell.communicate(timeout=seconds)
            finally:
                # Also what the page started in the background.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(shell.pid, signal.SIGKILL)
        outputs = printed.split(f"{END}\n")[:-1]
        for (commands, expected), output in zip(steps, outputs, strict=True):
            assert tidy(output) == tidy(expected), commands


def tidy(output):
    """The lines that say something; the CLI begins errors with an empty one."""
    output = PORT.sub("port PORT", IDENTIFIER.sub("ID", output))
    lines = (line.rstrip() for line in output.splitlines())
    return [line for line in lines if line]
