"""Conflicts that the operator brings about on purpose."""

import re

import psycopg
import pytest
from database import Database
from expect_sql import diagnosed, refused

OC000 = "change conflicts with another transaction (OC000)"
OC001 = "schema has been updated by another transaction (OC001)"


@pytest.fixture
def faults(database, home):
    """Runs `treeline dsql faults`; what is added is for the shared cluster, and removed at the end."""

    def run(*arguments):
        mine = [f"cluster={home}"] if arguments[0] == "add" else []
        code, out, error = database.treeline("dsql", "faults", *arguments, *mine)
        assert code == 0, error
        return [line for line in out.splitlines() if home in line]

    yield run
    run("clear")


def counts(line):
    return tuple(map(int, re.search(r"transactions=(\d+) failed=(\d+)$", line).groups()))


INSERT = "INSERT INTO {t} SELECT coalesce(max(id), 0) + 1 FROM {t}"


def outcomes(connection, table, count, sql=INSERT):
    """What becomes of as many transactions: `.` for those that are committed."""
    text = ""
    for _ in range(count):
        try:
            with connection.transaction():
                connection.execute(sql.format(t=table))
            text += "."
        except psycopg.errors.SerializationFailure as error:
            text += "0" if "OC000" in str(error) else "1"
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    return text


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("oc000 next=2", "00...."),
        ("oc000 every=3", "..0..0"),
        ("oc000 nth=3", "..0..."),
        ("oc000 rate=1", "000000"),
        ("oc000 rate=0", "......"),
        ("oc001 next=1", "1....."),
    ],
)
def test_which_transactions_fail(session, table, faults, rule, expected):
    (line,) = faults("add", *rule.split())
    assert counts(line) == (0, 0)
    assert outcomes(session, table, 6) == expected
    (line,) = faults("list")
    assert counts(line) == (6, 6 - expected.count("."))


def test_the_client_is_told_at_commit_and_nothing_is_left(database, home, session, table, faults):
    session.execute(f"INSERT INTO {table} VALUES (1, 'a')")
    faults("add", "oc000", "next=1")
    session.execute("BEGIN")
    updated = session.execute(f"UPDATE {table} SET v = 'b' RETURNING v")
    assert (updated.statusmessage, updated.fetchall()) == ("UPDATE 1", [("b",)])
    refused("40001", OC000, session, "COMMIT")
    assert session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert session.execute(f"SELECT v FROM {table}").fetchone() == ("a",)
    # Its locks are gone too.
    with database.connect(home) as other:
        other.execute(f"UPDATE {table} SET v = 'c'")


def test_autocommit(session, table, faults):
    faults("add", "oc000", "next=1")
    refused("40001", OC000, session, f"INSERT INTO {table} VALUES (1, 'a')")
    assert session.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    session.execute(f"INSERT INTO {table} VALUES (1, 'a')")


def test_only_those_that_write_a_table(session, table, faults):
    other = f"{table}_other"
    session.execute(f"CREATE TABLE {other} (id int PRIMARY KEY, v text)")
    faults("add", "oc000", f"table={other}")
    assert outcomes(session, table, 2) == ".."
    assert outcomes(session, other, 2) == "00"
    both = f"WITH a AS (INSERT INTO {other} VALUES (100) RETURNING id) INSERT INTO {{t}} TABLE a"
    assert outcomes(session, table, 1, both) == "0"
    assert outcomes(session, table, 1, f"SELECT * FROM {other}") == "."
    faults("clear")
    faults("add", "oc000", f"table=public.{other}")
    assert outcomes(session, other, 1) == "0"


def test_readers_never_fail_with_oc000(session, table, faults):
    read = "SELECT * FROM {t}"
    faults("add", "oc000")
    assert outcomes(session, table, 2, read) == ".."
    assert counts(faults("list")[0]) == (0, 0)
    faults("clear")
    faults("add", "oc001", "next=1")
    assert outcomes(session, table, 2, read) == "1."


def test_what_is_rolled_back_does_not_count(session, table, faults):
    faults("add", "oc000", "nth=1")
    session.execute("BEGIN")
    session.execute(f"INSERT INTO {table} VALUES (1, 'a')")
    session.execute("ROLLBACK")
    assert counts(faults("list")[0]) == (0, 0)


def test_a_retry_loop(session, table, faults):
    """What this is for."""
    session.execute(f"INSERT INTO {table} VALUES (1, '0')")
    faults("add", "oc000", "every=2")
    tries = 0
    for _ in range(5):
        while True:
            tries += 1
            try:
                session.execute(f"UPDATE {table} SET v = v::int + 1")
                break
            except psycopg.errors.SerializationFailure as error:
                diagnosed(error, "40001", OC000)
    assert session.execute(f"SELECT v FROM {table}").fetchone() == ("5",)
    assert tries == 9


@pytest.mark.parametrize(
    "sql",
    [
        "SET treeline.faults = 'oc000'",
        "SELECT pg_treeline.faults()",
        "SELECT set_config('dsql.faults', 'oc000', false)",
    ],
)
def test_clients_cannot(session, sql):
    with pytest.raises(psycopg.Error) as caught:
        session.execute(sql)
    assert caught.value.sqlstate in {"0A000", "42501"}


def test_the_configuration():
    with Database(["--dsql-faults=oc001 nth=1; oc000 every=2"]) as database:
        cluster = database.cluster(database.dsql(database.admin))
        with database.connect(cluster) as session:
            refused("40001", OC001, session, "SELECT 1")
            session.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        code, out, _ = database.treeline("dsql", "faults", "list")
        assert code == 0
        assert out.startswith("1 oc001 nth=1 transactions=")
        assert "2 oc000 every=2 transactions=" in out
