"""What decisions.py measures with: servers on cores of their own, the load generator, memory."""

import contextlib
import json
import os
import re
import subprocess
import time
from pathlib import Path

from accounts import Account, Key
from treeline import PROGRAMS, TREELINE, Server

LOAD = PROGRAMS / "treeline-load"
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
# The load generator signs with this key.
KEY = Key("111122223333", "admin", "AKIATESTADMIN0000001", "secret/1")
# Without it, creating policies for seconds would end at a quota.
OPTIONS = ("--quota-policy-bytes-per-resource", "1000000000")


@contextlib.contextmanager
def on(*cores):
    """What is started meanwhile runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def serving(directory, *cores):
    """A running server, on these cores or on all."""
    place = Server(directory, options=OPTIONS)
    if not place.account_file.exists():
        place.write_accounts(Account.of(KEY))
    with on(*(cores or CORES)):
        place.start()
    try:
        yield place
    finally:
        place.stop()


@contextlib.contextmanager
def echo():
    """The address of a bare axum server that sends the JSON of a request back."""
    with on(SERVER_CORE):
        process = subprocess.Popen([LOAD, "--echo"], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().split("http=")[1].strip()
    finally:
        process.kill()
        process.wait()


def import_files(server, store, *files):
    """Seconds of `treeline import` through the running server."""
    command = [TREELINE, "import", "--data-dir", server.data_dir, "--policy-store", store, *files]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return time.perf_counter() - begin


class Load:
    """The load generator, which sends a request for a while."""

    def __init__(self, directory, seconds):
        self.file = Path(directory) / "request.json"
        self.seconds = seconds

    def ask(self, address, operation, body, connections=8, seconds=None):
        """Its figures: `perSecond`, `p50` and `p99` in microseconds."""
        seconds = seconds or self.seconds
        self.file.write_text(json.dumps(body))
        command = [LOAD, "ask", "--address", address, "--operation", operation]
        command += ["--body", self.file, "--connections", str(connections)]
        command += ["--seconds", str(seconds), "--warm-up", str(seconds / 5)]
        with on(LOAD_CORE):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    def best(self, rounds, targets):
        """The best of several rounds for each name; `targets` are the arguments of `ask` by name.

        The rounds take turns, so that noise hits all of them.
        """
        found = {}
        for _ in range(rounds):
            for name, arguments in targets.items():
                figures = self.ask(**arguments)
                if name not in found or figures["perSecond"] > found[name]["perSecond"]:
                    found[name] = figures
        return found


def memory(place):
    """Resident bytes of the server: all, and without those of files."""
    status = Path(f"/proc/{place.process.pid}/status").read_text()

    def kibibytes(name):
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE).group(1))

    return kibibytes("VmRSS") * 1024, kibibytes("RssAnon") * 1024


def criterion(root, million):
    """Runs the benchmark of decisions in process; gives medians in nanoseconds by their names."""
    target = PROGRAMS.parent
    command = ["cargo", "bench", "-p", "testkit", "--bench", "decisions"]
    command += ["--features", "million"] if million else []
    environment = os.environ | {"CARGO_TARGET_DIR": str(target)}
    began = time.time()
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    found = {}
    for path in (target / "criterion").glob("*/*/*/new/estimates.json"):
        group, name, size = path.parts[-5:-2]
        if path.stat().st_mtime >= began:
            estimates = json.loads(path.read_text())
            found[group, name, int(size)] = estimates["median"]["point_estimate"]
    return found


def machine():
    """A sentence about where this runs."""
    processors = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", processors, re.MULTILINE)
    total = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    memory = round(int(total.group(1)) / (1 << 20))
    kernel = os.uname()
    name = model.group(1).strip() if model else kernel.machine
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"{name}, {len(CORES)} cores, {memory} GiB, {kernel.sysname} {kernel.release}, {day}."
