"""docs/iam.md: its commands, one after the other in one shell, print what the page shows."""

import re
import subprocess
from pathlib import Path

import pytest
from shell import Shell
from treeline import TREELINE, Server

PAGE = Path(__file__).parents[2] / "docs/iam.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.S | re.M)
CLUSTER = re.compile(r"cluster/[a-z2-7]{26}")
END = "--- the next block ---"


def steps():
    """The commands of the page, each with what it is said to print."""
    blocks = BLOCK.findall(PAGE.read_text())
    found = []
    for kind, text in blocks:
        if kind == "sh":
            found.append((text, ""))
        else:
            commands, nothing = found.pop()
            assert nothing == "", text
            found.append((commands, text))
    return found


def tidy(output):
    """Clusters have other ids here, and the CLI begins errors with an empty line."""
    output = CLUSTER.sub("cluster/ID", output)
    return [line for line in output.splitlines() if line]


@pytest.fixture
def folder(tmp_path):
    """A clone with the programs in it, where a server runs as the page says."""
    (tmp_path / "target/release").mkdir(parents=True)
    (tmp_path / "target/release/treeline").symlink_to(TREELINE)
    assert (
        "\n```sh server\ntarget/release/treeline serve --data-dir demo\n```\n" in PAGE.read_text()
    )
    with Server(tmp_path / "demo"):
        yield tmp_path


def test_the_page_tells_what_happens(folder):
    found = steps()
    assert len(found) > 5
    script = "exec 2>&1\n" + "".join(f"{commands}\necho '{END}'\n" for commands, _ in found)
    environment = Shell(Server(folder / "demo"), folder).environment
    del environment["AWS_MAX_ATTEMPTS"]
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    outputs = done.stdout.split(f"{END}\n")[:-1]
    for (commands, expected), output in zip(found, outputs, strict=True):
        assert tidy(output) == tidy(expected), commands


def test_every_condition_key_of_the_page_is_known():
    """Those of the sources are in lower case."""
    sources = Path(__file__).parents[2] / "crates"
    text = "".join(path.read_text() for path in sources.glob("*/src/**/*.rs"))
    table = PAGE.read_text().split("## Condition keys")[1].split("##")[0]
    keys = re.findall(
        r"`((?:aws|dsql|iam|sts):\w+)(?:/KEY)?`", table.replace("dsql.amazonaws.com", "")
    )
    assert len(keys) > 20
    tags = {"aws:PrincipalTag", "aws:RequestTag", "aws:ResourceTag"}
    for key in set(keys) - tags:
        assert f'"{key.lower()}"' in text, key
