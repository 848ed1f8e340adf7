"""psycopg2, unmodified: the simple protocol only, parameters in the text."""

import io
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import psycopg2.extras
import pytest
from expect_sql import until_running


@pytest.fixture
def connection(database, home):
    connection = psycopg2.connect(**database.parameters(home))
    yield connection
    connection.close()


def test_a_walk(connection, table):
    with connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} VALUES (%s, %s)", (1, "it's"))
        rows = [(number, "x") for number in range(2, 500)]
        psycopg2.extras.execute_values(cursor, f"INSERT INTO {table} VALUES %s", rows)
        psycopg2.extras.execute_batch(
            cursor, f"UPDATE {table} SET v = %s WHERE id = %s", [("y", 2)]
        )
    with connection, connection.cursor(cursor_factory=psycopg2.extras.DictCursor) as cursor:
        cursor.execute(f"SELECT id, v FROM {table} WHERE id < 3 ORDER BY id")
        assert [(row["id"], row["v"]) for row in cursor] == [(1, "it's"), (2, "y")]
    with pytest.raises(psycopg2.errors.UniqueViolation), connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} VALUES (1, 'a')")


def test_copy(connection, table):
    with connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO("1\ta\n2\tb\n"))
        out = io.StringIO()
        cursor.copy_expert(f"COPY {table} TO STDOUT WITH (FORMAT csv)", out)
        assert out.getvalue() == "1,a\n2,b\n"


def test_the_isolation_level(connection, table):
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} VALUES (1, 'a')")
    connection.rollback()
    connection.set_session(isolation_level="SERIALIZABLE", readonly=False)
    with pytest.raises(psycopg2.errors.FeatureNotSupported), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_statement_is_cancelled(connection, session):
    def sleep():
        with pytest.raises(psycopg2.errors.QueryCanceled), connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(33)")

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(sleep)
        until_running(session, "SELECT pg_sleep(33)")
        connection.cancel()
        answer.result(timeout=20)
    connection.rollback()
