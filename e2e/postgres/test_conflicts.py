"""Clients that try again, and what there is not in a transaction. Who wins: test_concurrency*.py."""

import threading

import psycopg
import pytest
from expect_sql import diagnosed, refused

CONFLICT = "(OC000)"


@pytest.fixture
def pair(database, home, table):
    """Two sessions without autocommit, and a table with three rows."""
    with database.connect(home) as setup:
        setup.execute(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    one = database.connect(home, autocommit=False)
    two = database.connect(home, autocommit=False)
    with one, two:
        yield one, two, table
        one.rollback()
        two.rollback()


def test_the_loser_may_try_again(pair):
    one, two, table = pair
    for session in (one, two):
        session.execute(f"SELECT * FROM {table}")
    one.execute(f"UPDATE {table} SET v = v || '1' WHERE id = 1")
    one.commit()
    two.execute(f"UPDATE {table} SET v = v || '2' WHERE id = 1")
    with pytest.raises(psycopg.errors.SerializationFailure) as caught:
        two.commit()
    diagnosed(caught.value, "40001", CONFLICT)
    two.execute(f"UPDATE {table} SET v = v || '2' WHERE id = 1")
    two.commit()
    assert two.execute(f"SELECT v FROM {table} WHERE id = 1").fetchone() == ("a12",)


def test_a_snapshot_does_not_move(pair):
    one, two, table = pair
    before = one.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
    two.execute(f"DELETE FROM {table} WHERE id = 3")
    two.commit()
    assert one.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() == before
    one.commit()
    assert len(one.execute(f"SELECT * FROM {table}").fetchall()) == 2


def test_a_committed_key_is_a_duplicate(pair):
    one, two, table = pair
    one.execute(f"INSERT INTO {table} VALUES (4, 'x')")
    one.commit()
    refused("23505", "duplicate key", two, f"INSERT INTO {table} VALUES (4, 'y')")


def test_many_counters(database, home, table):
    """Clients that try again lose nothing."""
    with database.connect(home) as setup:
        setup.execute(f"INSERT INTO {table} VALUES (1, '0')")
    tries, faults = [], []

    def count():
        try:
            with database.connect(home) as session:
                done = 0
                while done < 10:
                    try:
                        with session.transaction():
                            sql = f"SELECT v::int FROM {table} WHERE id = 1"
                            (value,) = session.execute(sql).fetchone()
                            sql = f"UPDATE {table} SET v = %s WHERE id = 1"
                            session.execute(sql, [str(value + 1)])
                        done += 1
                    except psycopg.errors.SerializationFailure as error:
                        diagnosed(error, "40001", CONFLICT)
                        tries.append(1)
        except Exception as fault:  # noqa: BLE001 - it is shown by the test's own thread
            faults.append(fault)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert faults == []
    with database.connect(home) as session:
        assert session.execute(f"SELECT v FROM {table}").fetchone() == ("40",)


@pytest.mark.parametrize(
    "sql",
    [
        "SAVEPOINT a",
        "ROLLBACK TO a",
        "RELEASE a",
        "SET TRANSACTION READ ONLY",
        "SET default_transaction_isolation = 'serializable'",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        "PREPARE TRANSACTION 'a'",
        "LOCK TABLE {t}",
        "SELECT * FROM {t} FOR SHARE",
        "SELECT pg_advisory_lock(1)",
    ],
)
def test_what_there_is_not(session, table, sql):
    """A refusal costs nothing outside of a transaction, and the transaction inside of one."""
    refused("0A000", "", session, sql.format(t=table))
    if sql.startswith("BEGIN"):
        return
    session.execute("BEGIN")
    refused("0A000", "", session, sql.format(t=table))
    refused("25P02", "current transaction is aborted", session, "SELECT 1")
    assert session.execute("COMMIT").statusmessage == "ROLLBACK"


def test_read_only(session, table):
    session.execute("BEGIN READ ONLY")
    message = "cannot execute UPDATE in a read-only transaction"
    refused("25006", message, session, f"UPDATE {table} SET v = 'x'")
    session.execute("ROLLBACK")
    session.execute("START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    assert session.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    refused("25006", "read-only", session, f"DROP TABLE {table}")
    session.execute("ROLLBACK")
