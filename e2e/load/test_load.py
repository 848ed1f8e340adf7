"""The load generator against the release binary, for a moment: docs/performance.md has real runs."""

import subprocess

from treeline import PROGRAMS, TREELINE

LINES = ["IsAuthorized, 20 policies", "BatchIsAuthorized of 30, 20 policies", "CreatePolicy, durable"]


def test_the_load_generator_measures_the_server_next_to_an_echo(record_property):
    done = subprocess.run(
        [PROGRAMS / "treeline-load", "--treeline", TREELINE, "--connections", "4",
         "--seconds", "1", "--policies", "20", "--rounds", "1"],  # fmt: skip
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    head, rule, *rows = done.stdout.strip().split("\n")
    assert head.startswith("| 4 connections, 1 s each | requests/s | decisions/s | p50")
    assert rule == "|---|---:|---:|---:|---:|---:|---:|---:|"
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[0] for row in cells[1::2]] == LINES
    assert all(row[0].startswith("axum JSON echo") for row in cells[::2])
    for _, per_second, _, p50, p99, _, _, _ in cells:
        assert int(per_second) > 0
        assert 0 < int(p50) <= int(p99)
    for name, per_second, _, _, p99, _, share, _ in cells[1::2]:
        record_property("figures", f"load: {name}: {per_second}/s, p99 {p99} µs, {share} of the echo")
