"""The tests of e2e/node/*.test.mjs, each file in a node of its own."""

import os
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
FILES = sorted(path.name for path in FOLDER.glob("*.test.mjs"))


def test_there_are_tests():
    assert len(FILES) == 3


@pytest.mark.parametrize("file", FILES)
def test_node(file, environment):
    done = subprocess.run(
        ["node", "--import", "./names.mjs", "--test-reporter=spec", file],
        cwd=FOLDER,
        env=environment | {"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
