"""Random histories, checked; `histories.py` makes them for hours."""

import os

import pytest
from workload import at_once, interleave, tally

COUNT = int(os.environ.get("TREELINE_HISTORIES", "2400"))
SEED = int(os.environ.get("TREELINE_SEED", "1"))
THREADS = 6
SECONDS = 8


@pytest.fixture(scope="module")
def connect(database):
    """Connections to a cluster where nobody changes the catalog."""
    cluster = database.cluster(database.dsql(database.admin))
    return lambda: database.connect(cluster)


def test_turns_by_chance(connect, record_property):
    """One thread interleaves the statements of a history, so what each must answer is known."""
    faults, histories = interleave(connect, range(SEED, SEED + COUNT), THREADS)
    assert not faults, "\n\n".join(faults)
    ends = tally(histories)
    record_property("figures", f"{len(histories)} histories by turns: {ends}")
    assert len(histories) == COUNT
    # The plan is such that everything happens often.
    for end in ("committed", "OC000", "rolled back", "failed"):
        assert ends[end] > COUNT / 50, ends


@pytest.mark.parametrize("threads", [3, 8])
def test_threads(connect, record_property, threads):
    """Statements overlap: what is known of their order is checked."""
    faults, done = at_once(connect, SEED * 100 + threads, threads, SECONDS)
    assert not faults, "\n\n".join(faults[:5])
    ends = tally([done])
    record_property("figures", f"{len(done)} transactions of {threads} threads: {ends}")
    assert ends["committed"] > 100 and ends["OC000"] > 10, ends
