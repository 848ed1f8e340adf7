"""How fast SQL is through the gateway, next to its PostgreSQL without it and to PgBouncer.

    python e2e/bench/postgres.py --postgres-binaries DIR [--seconds N] [--pgbouncer PATH]

DIR has a PostgreSQL that is built with TLS. Prints the tables of docs/benchmarks.md.
"""

import argparse
import contextlib
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))

from pgbench import line, measure, ratio  # noqa: E402
from servers import CONNECTIONS, Direct, Gateway, PgBouncer, make_certificate  # noqa: E402

ROWS = 100_000
BATCH = 3_000
MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 4, 8)
CONNECTS = 200
WAKES = 10
QUERIES = {
    "SELECT": "SELECT abalance FROM {table} WHERE aid = :aid;",
    "UPDATE": "UPDATE {table} SET abalance = :aid WHERE aid = :aid;",
}
NO_TRIGGER = "direct-without-trigger"


def fill(gateway):
    with gateway.session() as session:
        columns = "aid int PRIMARY KEY, bid int, abalance int, filler char(84)"
        session.query(f"CREATE TABLE accounts ({columns})")
        for first in range(1, ROWS + 1, BATCH):
            last = min(first + BATCH - 1, ROWS)
            series = f"generate_series({first}, {last}) AS aid"
            session.query(f"INSERT INTO accounts SELECT aid, 1, 0, '' FROM {series}")


def throughput(arguments, targets, directory):
    names = ["direct", "pgbouncer", "gateway"]
    print("\nQueries per second; the ratios are the gateway's.\n")
    line(
        *("query", "mode", "clients", *names, "of direct", "of direct without row trigger"),
        *("of pgbouncer", "ms: direct", "gateway", "µs of CPU: gateway", "pgbouncer"),
    )
    line("---", "---", *["---:"] * 11)
    for query, template in QUERIES.items():
        # Rows that are read are not counted.
        tables = {NO_TRIGGER: "plain"} if query == "UPDATE" else {}
        of_query = dict(targets)
        if tables:
            of_query[NO_TRIGGER] = targets["direct"]
        scripts = {name: directory / f"{query}-{name}.sql" for name in of_query}
        for name, script in scripts.items():
            text = template.format(table=tables.get(name, "accounts"))
            script.write_text(f"\\set aid random(1, {ROWS})\n{text}\n")
        for mode in MODES:
            for clients in CLIENTS:
                figures = measure(arguments, of_query, scripts, mode, clients)
                line(query, mode, clients, *cells(figures, names))


def cells(figures, names):
    def cell(name, key, form):
        value = figures[name][key] if name in figures else None
        if isinstance(value, list):
            value = statistics.median(value)
        return "–" if value is None else format(value, form)

    return [
        *(cell(name, "tps", ",.0f") for name in names),
        *(ratio(figures, "gateway", other) for other in ("direct", NO_TRIGGER, "pgbouncer")),
        *(cell(name, "latency", ".3f") for name in ("direct", "gateway")),
        *(cell(name, "cpu", ".1f") for name in ("gateway", "pgbouncer")),
    ]


def connects(targets):
    """A connection, its first query and its end, the targets taking turns."""
    times = {name: [] for name in targets}
    for _ in range(CONNECTS):
        for name, target in targets.items():
            password = target.password()
            begin = time.perf_counter()
            with target.session(password) as session:
                session.query("SELECT 1")
                times[name].append(time.perf_counter() - begin)
    return {name: 1e3 * statistics.median(each) for name, each in times.items()}


def resident(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))


def idle_connection(gateway):
    """KiB of the server for a connection that does nothing, after its first query."""
    count = CONNECTIONS - 20
    password = gateway.password()
    with gateway.session(password) as session:
        session.query("SELECT 1")
    before = resident(gateway.pid)
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(gateway.session(password)).query("SELECT 1")
        return (resident(gateway.pid) - before) / count


def idle_cluster(gateway):
    """KiB (Pss) of a cluster's PostgreSQL to which nobody is connected."""
    postmaster = gateway.postmaster()
    time.sleep(1)
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid = int(status.parent.name)
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            if postmaster in (pid, parent):
                text = (status.parent / "smaps_rollup").read_text()
                total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE).group(1))
    return total


def wake(gateway):
    """ms from connecting to a cluster that is stopped to the answer of the first query."""
    times = []
    for _ in range(WAKES):
        while gateway.runs():
            time.sleep(0.1)
        password = gateway.password()
        begin = time.perf_counter()
        with gateway.session(password) as session:
            session.query("SELECT 1")
            times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postgres-binaries", required=True, type=Path)
    parser.add_argument("--seconds", type=float, default=6, help="for each figure of a row")
    parser.add_argument("--pgbouncer", default=None, help="compare with this PgBouncer as well")
    parser.add_argument("--pgbench", default="pgbench", help="one that has TLS")
    parser.add_argument("--only", choices=["throughput", "rest"], help="one part")
    return parser.parse_args()


def new(root, name):
    directory = root / name
    directory.mkdir(mode=0o711)
    return directory


def rest(targets, gateway):
    print("\nConnecting: TLS, login, `SELECT 1`, end; p50 of", CONNECTS, "\n")
    line("", "ms")
    line("---", "---:")
    for name, took in connects(targets).items():
        line(name, f"{took:.1f}")
    print("\nMemory\n")
    line("", "KiB")
    line("---", "---:")
    line("PostgreSQL of an idle cluster (Pss)", f"{idle_cluster(gateway):,}")
    line("gateway, for an idle connection (RSS)", f"{idle_connection(gateway):.0f}")


def main():
    arguments = read_arguments()
    with contextlib.ExitStack() as stack:
        # PostgreSQL runs as another user when this runs as root.
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        root.chmod(0o711)
        certificate = make_certificate(root)
        binaries = arguments.postgres_binaries.resolve()
        directory = root / "gateway"
        # A copy needs files that nobody writes.
        with Gateway(directory, binaries, certificate) as gateway:
            fill(gateway)
        with contextlib.ExitStack() as compared:
            gateway = Gateway(directory, binaries, certificate)
            compared.enter_context(gateway)
            place = new(root, "direct")
            direct = compared.enter_context(Direct(place, gateway, binaries, certificate))
            targets = {"direct": direct, "gateway": gateway}
            if arguments.pgbouncer:
                bouncer = PgBouncer(new(root, "pgbouncer"), direct, arguments.pgbouncer)
                targets["pgbouncer"] = compared.enter_context(bouncer)
            with gateway.session() as session:
                session.query("ANALYZE accounts")
            if arguments.only != "rest":
                throughput(arguments, targets, root)
            if arguments.only != "throughput":
                rest(targets, gateway)
        if arguments.only != "throughput":
            idle = ("--dsql-idle-seconds", "1")
            with Gateway(directory, binaries, certificate, idle) as gateway:
                print(f"\nFrom stopped to the first answer, p50 of {WAKES}: {wake(gateway):.0f} ms")


main()
