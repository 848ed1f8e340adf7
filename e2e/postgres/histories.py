"""Random histories for as long as one likes, each checked:

    python e2e/postgres/histories.py --hours N [--seed S] [--binaries DIR]

DIR is the `bin` of PostgreSQL. `--only S` makes the one history of a seed again."""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))

ROUND_SECONDS = 60


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", type=int, default=None)
    parser.add_argument("--binaries", default=None)
    parser.add_argument("--threads", type=int, default=6)
    return parser.parse_args()


def report(faults, histories, began):
    from workload import tally

    for fault in faults:
        print(fault, "\n", flush=True)
    print(f"{time.monotonic() - began:,.0f} s: {len(histories):,} histories,", tally(histories))
    return bool(faults)


def main():
    arguments = read_arguments()
    if arguments.binaries:
        os.environ["TREELINE_TEST_POSTGRES"] = arguments.binaries
    # Reads the environment when it is imported.
    from database import Database
    from workload import Interleaver, at_once, interleave

    began = time.monotonic()
    deadline = began + arguments.hours * 3600
    with Database() as database:
        cluster = database.cluster(database.dsql(database.admin))

        def connect():
            return database.connect(cluster)

        if arguments.only is not None:
            fault, done = Interleaver(connect, 0).run(arguments.only)
            return report([fault] if fault else [], [done], began)
        seed, failed = arguments.seed, False
        while time.monotonic() < deadline and not failed:
            cluster = database.cluster(database.dsql(database.admin))
            print("seed", seed, flush=True)
            seconds = min(ROUND_SECONDS, deadline - time.monotonic())
            seeds = range(seed, seed + 1_000_000)
            faults, histories = interleave(connect, seeds, arguments.threads, seconds)
            failed |= report(faults, histories, began)
            faults, done = at_once(connect, seed, arguments.threads, seconds / 2)
            failed |= report(faults, [done], began)
            seed += 1_000_000
    return failed


if __name__ == "__main__":
    sys.exit(main())
