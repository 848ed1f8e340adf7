"""pgbench as a part of benchmarks: targets take turns, and their ratios are of the same seconds."""

import os
import re
import statistics
import subprocess
from pathlib import Path

ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pgbench(program, target, script, mode, clients, seconds, retry=False):
    """Transactions, per second and in all, their latency in ms, and CPU seconds of `target`.
    `retry`: what conflicts is tried again until it commits."""
    before = cpu_seconds(target.pid)
    command = [program, "-n", "-M", mode, "-c", str(clients), "-j", str(min(clients, 2))]
    command += ["--max-tries=0"] if retry else []
    done = subprocess.run(
        [*command, "-T", str(seconds), "-f", script],
        env=target.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    used = cpu_seconds(target.pid) - before

    def number(pattern, default=None):
        found = re.search(pattern, done.stdout)
        return float(found.group(1)) if found or default is None else default

    return {
        "tps": number(r"tps = ([0-9.]+)"),
        "count": number(r"actually processed: ([0-9]+)"),
        "latency": number(r"latency average = ([0-9.]+)"),
        "retries": number(r"total number of retries: ([0-9]+)", 0),
        "cpu": used,
    }


def measure(arguments, targets, scripts, mode, clients, retry=False):
    """A row's figures by target: the rounds take turns, so that noise hits all of them."""
    seconds = max(1, round(arguments.seconds / ROUNDS))
    rounds = {name: [] for name in targets}
    for _ in range(ROUNDS):
        for name, target in targets.items():
            run = pgbench(arguments.pgbench, target, scripts[name], mode, clients, seconds, retry)
            rounds[name].append(run)
    return {
        name: {
            "tps": [run["tps"] for run in runs],
            "latency": statistics.median(run["latency"] for run in runs),
            "retries": sum(run["retries"] for run in runs) / sum(run["count"] for run in runs),
            "count": sum(run["count"] for run in runs),
            "cpu": 1e6 * sum(run["cpu"] for run in runs) / sum(run["count"] for run in runs),
        }
        for name, runs in rounds.items()
    }


def ratio(figures, name, other):
    """The median of the rounds' ratios: what is compared was measured in the same seconds."""
    if other not in figures:
        return "–"
    pairs = zip(figures[name]["tps"], figures[other]["tps"], strict=True)
    return f"{statistics.median(a / b for a, b in pairs):.0%}".replace("%", " %")


def line(*cells):
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)
