"""What it costs that nobody waits and the first committer wins.

    python e2e/bench/concurrency.py --postgres-binaries DIR [--seconds N] [--pgbench PATH]

DIR has a PostgreSQL that is built with TLS. Prints the tables of docs/benchmarks.md."""

import argparse
import contextlib
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))

from pgbench import line, measure, ratio  # noqa: E402
from servers import Direct, Gateway, make_certificate  # noqa: E402

ROWS, BATCH = 24_000, 3_000
SHARE = 2_400
OFF = ("--dsql-conflicts", "statement")
APART = {
    "`UPDATE`": "{update};",
    "`BEGIN; UPDATE; COMMIT`": "BEGIN;\n{update};\nCOMMIT;",
    "`BEGIN; SELECT … FOR UPDATE; UPDATE; COMMIT`": "BEGIN;\n{lock};\n{update};\nCOMMIT;",
    "the same of a row that others refer to": "BEGIN;\n"
    "SELECT abalance FROM parents WHERE aid = :aid FOR UPDATE;\n"
    "UPDATE parents SET abalance = :aid WHERE aid = :aid;\nCOMMIT;",
}
# Every client has rows of its own.
OWN_ROW = f"\\set aid random(1, {SHARE}) + :client_id * {SHARE}\n"
COUNTER = "UPDATE {table} SET abalance = abalance + 1 WHERE aid = 1"
TOGETHER = {
    "`UPDATE`": "{counter};",
    "`BEGIN; UPDATE; COMMIT`": "BEGIN;\n{counter};\nCOMMIT;",
    "`BEGIN; SELECT; UPDATE; COMMIT`": "BEGIN;\nSELECT abalance FROM {table} WHERE aid = 1;\n"
    "{counter};\nCOMMIT;",
    "`BEGIN; UPDATE` of an own row`; UPDATE; COMMIT`": "BEGIN;\n"
    "UPDATE {table} SET abalance = 0 WHERE aid = 100 + :client_id;\n{counter};\nCOMMIT;",
}
REPEATABLE = "-c default_transaction_isolation=repeatable\\ read -c lock_timeout=0"


class Plain:
    """PostgreSQL without Treeline's trigger, in REPEATABLE READ: with TLS, or by its socket."""

    def __init__(self, direct, tls):
        self.direct, self.tls, self.pid = direct, tls, direct.pid

    def environment(self):
        found = self.direct.environment() | {"PGOPTIONS": REPEATABLE}
        if not self.tls:
            del found["PGHOSTADDR"]
            found |= {"PGHOST": str(self.direct.directory), "PGSSLMODE": "disable"}
        return found


def fill(gateway):
    with gateway.session() as session:
        session.query("CREATE TABLE accounts (aid int PRIMARY KEY, abalance int, filler char(84))")
        for first in range(1, ROWS + 1, BATCH):
            series = f"generate_series({first}, {first + BATCH - 1}) AS aid"
            session.query(f"INSERT INTO accounts SELECT aid, 0, '' FROM {series}")
        session.query("CREATE TABLE parents (aid int PRIMARY KEY, abalance int)")
        session.query(
            "CREATE TABLE children (aid int REFERENCES parents, id int, PRIMARY KEY (aid, id))"
        )
        for first in range(1, ROWS + 1, BATCH):
            series = f"generate_series({first}, {first + BATCH - 1}) AS aid"
            session.query(f"INSERT INTO parents SELECT aid, 0 FROM {series}")
            session.query(f"INSERT INTO children SELECT aid, 1 FROM {series}")
        for table in ("accounts", "parents", "children"):
            session.query(f"ANALYZE {table}")


def scripts_of(directory, targets, text, **more):
    """A file for each target, with its table."""
    found = {}
    for name in targets:
        table = "plain" if isinstance(targets[name], Plain) else "accounts"
        found[name] = directory / f"{name}.sql".replace(" ", "-")
        inner = {key: value.format(table=table) for key, value in more.items()}
        found[name].write_text(text.format(table=table, **inner) + "\n")
    return found


def middle(figures, name):
    return f"{statistics.median(figures[name]['tps']):,.0f}"


def apart(arguments, targets, directory):
    print("\nTransactions that meet nobody, per second.\n")
    line("transaction", "mode", "clients", *targets, "ratio", "ms: on", "off")
    line("---", "---", *["---:"] * 6)
    for name, text in APART.items():
        update = "UPDATE {table} SET abalance = :aid WHERE aid = :aid"
        lock = "SELECT abalance FROM {table} WHERE aid = :aid FOR UPDATE"
        scripts = scripts_of(directory, targets, OWN_ROW + text, update=update, lock=lock)
        for mode in ("simple", "prepared"):
            for clients in (1, 8):
                figures = measure(arguments, targets, scripts, mode, clients)
                latency = [f"{figures[target]['latency']:.3f}" for target in targets]
                tps = [middle(figures, target) for target in targets]
                line(name, mode, clients, *tps, ratio(figures, *targets), *latency)


def together(arguments, targets, directory, gateway):
    print("\nOne counter for all clients, commits per second.\n")
    tries = [f"tries again: {name}" for name in targets]
    line("transaction", "clients", *targets, "of the socket", "of TLS", *tries)
    line("---", *["---:"] * (3 + 2 * len(targets)))
    for name, text in TOGETHER.items():
        scripts = scripts_of(directory, targets, text, counter=COUNTER)
        for clients in (1, 2, 8):
            before = counted(gateway)
            figures = measure(arguments, targets, scripts, "simple", clients, retry=True)
            lost = figures["treeline"]["count"] - (counted(gateway) - before)
            if lost:
                raise RuntimeError(f"{lost} commits are not in the counter")
            ratios = [ratio(figures, "treeline", other) for other in list(targets)[1:]]
            again = [f"{figures[target]['retries']:.2f}" for target in targets]
            line(name, clients, *(middle(figures, t) for t in targets), *ratios, *again)


def counted(gateway):
    with gateway.session() as session:
        (value,) = session.query("SELECT abalance FROM accounts WHERE aid = 1")
        return int(value)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postgres-binaries", required=True, type=Path)
    parser.add_argument("--seconds", type=float, default=6, help="for each figure of a row")
    parser.add_argument("--pgbench", default="pgbench", help="one that has TLS and --max-tries")
    parser.add_argument("--only", choices=["apart", "together"], help="one table")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    with contextlib.ExitStack() as stack:
        # PostgreSQL runs as another user when this runs as root.
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        root.chmod(0o711)
        certificate = make_certificate(root)
        binaries = arguments.postgres_binaries.resolve()
        # A copy needs files that nobody writes.
        for name, options in (("on", ()), ("off", OFF)):
            with Gateway(root / name, binaries, certificate, options) as gateway:
                fill(gateway)
        on = stack.enter_context(Gateway(root / "on", binaries, certificate))
        place = root / "direct"
        place.mkdir(mode=0o711)
        direct = stack.enter_context(Direct(place, on, binaries, certificate))
        if arguments.only != "together":
            with Gateway(root / "off", binaries, certificate, OFF) as off:
                apart(arguments, {"on": on, "off": off}, root)
        if arguments.only != "apart":
            targets = {
                "treeline": on,
                "PostgreSQL, socket": Plain(direct, tls=False),
                "PostgreSQL, TLS": Plain(direct, tls=True),
            }
            together(arguments, targets, root, on)


main()
