"""Pages of the documentation whose commands are run: what they print stands below them.

A block `sh` is run, in one shell with all the others; the block `text` that may follow is what it
prints. The block `sh server` is how the page starts its server.
"""

import re
import subprocess
from pathlib import Path

from shell import Shell
from treeline import TREELINE, Server

DOCS = Path(__file__).parents[2] / "docs"
SERVER = "\n```sh server\ncargo xtask serve --data-dir demo\n```\n"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.S | re.M)
END = "--- the next block ---"
# What is another one here: ids of clusters and jobs, and the port.
IDENTIFIER = re.compile(r"\b[a-z2-7]{26}\b")
PORT = re.compile(r"\bport \d+")


class Page:
    """A page, and a folder with the programs in it where its server runs."""

    def __init__(self, name, folder):
        self.text = (DOCS / name).read_text()
        assert SERVER in self.text
        self.folder = folder
        programs = folder / "target/release"
        programs.mkdir(parents=True)
        (programs / "treeline").symlink_to(TREELINE)

    def server(self, **options):
        return Server(self.folder / "demo", **options)

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
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        outputs = done.stdout.split(f"{END}\n")[:-1]
        for (commands, expected), output in zip(steps, outputs, strict=True):
            assert tidy(output) == tidy(expected), commands


def tidy(output):
    """The lines that say something; the CLI begins errors with an empty one."""
    output = PORT.sub("port PORT", IDENTIFIER.sub("ID", output))
    lines = (line.rstrip() for line in output.splitlines())
    return [line for line in lines if line]
