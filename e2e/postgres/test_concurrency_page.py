"""docs/concurrency.md: two psql print what the page shows, and its loop loses nothing."""

import os
import pty
import re
import select
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from database import host_of
from page import DOCS
from shell import Shell

WINDOW = re.compile(r"^```text window (\d)\n(.*?)^```$", re.S | re.M)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.S | re.M)
PROMPT = re.compile(r"^postgres=[*!]?> $", re.M)
SECONDS = 10


class Window:
    """psql at a terminal."""

    def __init__(self, place, cluster, home):
        shell = Shell(place, home)
        self.terminal, end = pty.openpty()
        self.process = subprocess.Popen(
            ["bash", "-c", f"{shell.prologue}exec psql -X -n -P pager=off -v VERBOSITY=default"],
            env=shell.environment
            | {
                "PGPASSWORD": place.token(cluster),
                "PGHOST": host_of(cluster),
                "PGUSER": "admin",
                "PGDATABASE": "postgres",
                "TERM": "dumb",
            },
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
        )
        os.close(end)
        self.prompt = self.read().splitlines()[-1]

    def read(self):
        """What is printed until the next prompt."""
        text, deadline = "", time.monotonic() + SECONDS
        while not PROMPT.search(text.rpartition("\n")[2]):
            ready, _, _ = select.select([self.terminal], [], [], deadline - time.monotonic())
            assert ready, text
            text += os.read(self.terminal, 65536).decode().replace("\r\n", "\n")
        return text

    def type(self, line):
        """The line at its prompt with what it prints, as one sees it."""
        os.write(self.terminal, f"{line}\n".encode())
        printed = self.prompt + self.read()
        before, _, self.prompt = printed.rpartition("\n")
        return before

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


@pytest.fixture(scope="module")
def page():
    return (DOCS / "concurrency.md").read_text()


@pytest.fixture(scope="module")
def cluster(database):
    return database.cluster(database.dsql(database.admin))


def test_two_windows(database, cluster, page, tmp_path):
    windows = {number: Window(database, cluster, tmp_path) for number in "12"}
    try:
        blocks = WINDOW.findall(page)
        assert {number for number, _ in blocks} == {"1", "2"}
        for number, block in blocks:
            typed = [line.partition("> ")[2] for line in block.splitlines() if "=" in line[:10]]
            printed = "\n".join(windows[number].type(line) for line in typed)
            assert tidy(printed) == tidy(block)
    finally:
        for window in windows.values():
            window.close()


def tidy(text):
    return [line.rstrip() for line in text.rstrip().splitlines()]


def test_the_loop(database, cluster, page):
    names = {}
    exec("\n".join(PYTHON.findall(page)), names)  # noqa: S102
    with database.connect(cluster) as session:
        session.execute("DROP TABLE IF EXISTS counters")
        session.execute("CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL)")
        session.execute("INSERT INTO counters VALUES (1, 0)")

    def count(_):
        with database.connect(cluster) as session:
            for _ in range(10):
                names["in_transaction"](session, names["add"])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(count, range(3)))
    with database.connect(cluster) as session:
        assert session.execute("SELECT n FROM counters").fetchone() == (30,)
