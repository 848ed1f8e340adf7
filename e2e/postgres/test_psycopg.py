"""psycopg 3, unmodified: both formats, pipelines, prepared statements, COPY, cancelling."""

import datetime
import decimal
import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from expect_sql import diagnosed, refused, until_running
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

VALUES = {
    "smallint": 7,
    "int": -70000,
    "bigint": 2**60,
    "real": 1.5,
    "double precision": 0.1,
    "numeric(20, 4)": decimal.Decimal("12345.6789"),
    "boolean": True,
    "text": "grüße 🐘",
    "varchar(20)": "abc",
    "char(4)": "abcd",
    "bytea": b"\0\1\xff",
    "uuid": uuid.UUID("b3b6a1f2-0a9f-4f86-9d5e-1f1a1a1a1a1a"),
    "date": datetime.date(2026, 9, 18),
    "time": datetime.time(12, 30, 0, 5),
    "timestamp": datetime.datetime(2026, 9, 18, 12, 30, 0, 5),
    "timestamptz": datetime.datetime(2026, 9, 18, 12, 30, tzinfo=datetime.UTC),
    "interval": datetime.timedelta(days=3, hours=2),
    "jsonb": {"a": [1, None, "x"]},
}


@pytest.mark.parametrize("binary", [False, True])
def test_values_of_every_type(session, binary):
    name = f"types_{'binary' if binary else 'text'}"
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(VALUES))
    session.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, {columns})")
    form = "%b" if binary else "%t"
    values = [Jsonb(v) if isinstance(v, dict) else v for v in VALUES.values()]
    marks = ", ".join([form] * len(values))
    session.execute(f"INSERT INTO {name} VALUES (1, {marks})", values)
    with session.cursor(binary=binary) as cursor:
        row = cursor.execute(f"SELECT * FROM {name}").fetchone()
        assert list(row[1:]) == list(VALUES.values())
    session.execute(f"DROP TABLE {name}")


@pytest.mark.parametrize("binary", [False, True])
def test_arrays_and_rows_are_for_queries(session, binary):
    with session.cursor(binary=binary) as cursor:
        cursor.execute("SELECT ARRAY[1, NULL, 3], ARRAY['a', 'b,'], '10.0.0.1'::inet::text")
        assert cursor.fetchone() == ([1, None, 3], ["a", "b,"], "10.0.0.1/32")
        cursor.execute("SELECT count(*) FROM unnest(%s::int[])", [[1, 2, 3]])
        assert cursor.fetchone() == (3,)
    refused("0A000", "datatype integer[] not supported", session, "CREATE TABLE x (a int[])")


def test_what_the_session_says_of_itself(session):
    status = session.info.parameter_status
    assert status("server_version") == "16.15"
    assert session.info.server_version == 160015
    assert (status("server_encoding"), status("client_encoding")) == ("UTF8", "UTF8")
    assert (status("TimeZone"), status("DateStyle")) == ("UTC", "ISO, MDY")
    assert (status("integer_datetimes"), status("is_superuser")) == ("on", "off")
    assert (session.info.user, session.info.dbname) == ("admin", "postgres")


def test_transactions(session, table):
    with session.transaction():
        session.execute(f"INSERT INTO {table} VALUES (1, 'a')")
    with pytest.raises(ZeroDivisionError), session.transaction():
        session.execute(f"INSERT INTO {table} VALUES (2, 'b')")
        raise ZeroDivisionError
    assert session.execute(f"SELECT id FROM {table}").fetchall() == [(1,)]
    # A transaction in a transaction is a savepoint.
    with pytest.raises(psycopg.errors.FeatureNotSupported), session.transaction():
        with session.transaction():
            pass
    assert session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_connection_without_autocommit(database, home, table):
    with database.connect(home, autocommit=False) as session:
        session.execute(f"INSERT INTO {table} VALUES (1, 'a')")
        session.rollback()
        session.execute(f"INSERT INTO {table} VALUES (2, 'b')")
    with database.connect(home, autocommit=False) as session:
        assert session.execute(f"SELECT id FROM {table}").fetchall() == [(2,)]


def test_isolation_levels(database, home, table):
    with database.connect(home, autocommit=False) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute(f"SELECT * FROM {table}")
        session.rollback()
        session.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        sql = f"SELECT * FROM {table}"
        refused("0A000", "Unsupported isolation level: SERIALIZABLE", session, sql)
        session.rollback()
        session.isolation_level = None
        session.read_only = True
        sql = f"INSERT INTO {table} VALUES (1, 'a')"
        refused("25006", "cannot execute INSERT in a read-only transaction", session, sql)
        refused("25P02", "current transaction is aborted", session, "SELECT 1")
        session.rollback()


def test_prepared_statements(session, table):
    session.prepare_threshold = 0
    for number in range(5):
        session.execute(f"INSERT INTO {table} VALUES (%s, %s)", [number, str(number)])
    for number in range(5):
        found = session.execute(f"SELECT v FROM {table} WHERE id = %s", [number]).fetchone()
        assert found == (str(number),)
    assert session.execute("SELECT %s::text", ["a"], prepare=True).fetchone() == ("a",)
    session.prepare_threshold = 1
    session.prepared_max = 2
    # More than it may keep: it closes those it has not used for long.
    for number in range(6):
        for _ in range(3):
            assert session.execute(f"SELECT {number} + %s", [1]).fetchone() == (number + 1,)


def test_executemany(session, table):
    rows = [(number, f"v{number}") for number in range(200)]
    with session.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s)", rows)
        assert cursor.rowcount == 200
        cursor.executemany(
            f"UPDATE {table} SET v = upper(v) WHERE id = %s RETURNING v",
            [(1,), (2,)],
            returning=True,
        )
        results = [cursor.fetchone()]
        while cursor.nextset():
            results.append(cursor.fetchone())
        assert results == [("V1",), ("V2",)]


def test_a_pipeline(session, table):
    with session.pipeline(), session.cursor() as cursor:
        for number in range(20):
            session.execute(f"INSERT INTO {table} VALUES (%s, 'a')", [number])
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (20,)


def test_an_error_in_a_pipeline(session, table):
    """What stands behind it is not done; the next pipeline is."""
    with pytest.raises(psycopg.Error) as caught, session.pipeline() as pipeline:
        session.execute(f"INSERT INTO {table} VALUES (1, 'a')")
        pipeline.sync()
        session.execute(f"TRUNCATE {table}")
        session.execute(f"INSERT INTO {table} VALUES (2, 'b')")
        pipeline.sync()
    diagnosed(caught.value, "0A000", "unsupported statement: Truncate")
    assert session.execute(f"SELECT id FROM {table}").fetchall() == [(1,)]


def test_a_pipeline_with_transactions(session, table):
    with session.pipeline():
        for number in range(3):
            with session.transaction():
                session.execute(f"INSERT INTO {table} VALUES (%s, 'a')", [number])
                session.execute(f"UPDATE {table} SET v = 'b' WHERE id = %s", [number])
    found = session.execute(f"SELECT id, v FROM {table} ORDER BY id").fetchall()
    assert found == [(0, "b"), (1, "b"), (2, "b")]


@pytest.mark.parametrize("form", ["text", "csv", "binary"])
def test_copy_both_ways(session, table, form):
    with session.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for number in range(500):
                copy.write_row((number, None if number % 2 else f"a\t{number}"))
        assert cursor.statusmessage == "COPY 500"
        with cursor.copy(f"COPY {table} TO STDOUT (FORMAT {form})") as copy:
            data = b"".join(copy)
        session.execute(f"DELETE FROM {table}")
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT {form})") as copy:
            copy.write(data)
        with cursor.copy(f"COPY (SELECT v FROM {table} WHERE id = 4) TO STDOUT") as copy:
            assert list(copy.rows()) == [("a\t4",)]
    assert session.execute(f"SELECT count(*), count(v) FROM {table}").fetchone() == (500, 250)


def test_a_copy_that_fails(session, table):
    with pytest.raises(psycopg.errors.BadCopyFileFormat), session.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            copy.write(b"1\ta\tb\tc\n")
    with pytest.raises(ZeroDivisionError), session.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            copy.write(b"1\ta\n")
            raise ZeroDivisionError
    assert session.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    refused("0A000", "", session, f"COPY {table} FROM '/etc/passwd'")
    refused("0A000", "", session, f"COPY {table} TO PROGRAM 'cat'")


@pytest.mark.parametrize("way", ["cancel", "cancel_safe"])
def test_a_statement_is_cancelled(database, home, session, way):
    """Cancelling opens a connection of its own; `cancel_safe` makes TLS, `cancel` may not."""
    sql = "SELECT pg_sleep(32)"
    with database.connect(home) as observer, ThreadPoolExecutor(1) as pool:
        message = "canceling statement due to user request"
        answer = pool.submit(refused, "57014", message, session, sql)
        until_running(observer, sql)
        getattr(session, way)()
        answer.result(timeout=20)
    assert session.execute("SELECT 1").fetchone() == (1,)


def test_cancelling_hits_nobody_else(database, home, session):
    sql = "SELECT pg_sleep(1)"
    with database.connect(home) as other, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(session.execute, sql)
        until_running(other, sql)
        other.cancel_safe()
        assert answer.result(timeout=20).rowcount == 1


def test_cursors_are_refused(database, home, session):
    refused(
        "0A000", "unsupported statement: DeclareCursor", session, "DECLARE c CURSOR FOR SELECT 1"
    )
    with database.connect(home, autocommit=False) as other:
        with pytest.raises(psycopg.errors.FeatureNotSupported), other.cursor("named") as cursor:
            cursor.execute("SELECT generate_series(1, 10)")
        other.rollback()


def test_rows_are_streamed(session):
    with session.cursor(row_factory=dict_row) as cursor:
        rows = cursor.stream(
            "SELECT g AS n, repeat('x', 1000) AS x FROM generate_series(1, 3000) g"
        )
        assert sum(row["n"] for row in rows) == 3000 * 3001 // 2


def test_notices(session, table):
    heard = []
    session.add_notice_handler(lambda notice: heard.append(notice.message_primary))
    session.execute(f"CREATE TABLE IF NOT EXISTS {table} (id int PRIMARY KEY)")
    assert heard == [f'relation "{table}" already exists, skipping']


def test_errors_have_their_details(session, table):
    session.execute(f"INSERT INTO {table} VALUES (1, 'a')")
    found = refused("23505", "duplicate key value", session, f"INSERT INTO {table} VALUES (1, 'b')")
    assert found.message_detail == "Key (id)=(1) already exists."
    assert (found.schema_name, found.table_name) == ("public", table)
    assert found.constraint_name == f"{table}_pkey"
    found = refused("42601", "syntax error at or near", session, "SELECT 1 FROM FROM")
    assert found.statement_position == "15"
    found = refused("42703", "nonsense", session, "SELECT 1, nonsense")
    assert found.statement_position == "11"


def test_settings(session):
    session.execute("SET application_name = 'a test'")
    assert session.info.parameter_status("application_name") == "a test"
    session.execute("SET TIME ZONE 'Europe/Berlin'")
    assert session.execute("SHOW timezone").fetchone() == ("Europe/Berlin",)
    for name in ["statement_timeout", "work_mem", "session_replication_role", "lock_timeout"]:
        message = f'setting configuration parameter "{name}" not supported'
        refused("0A000", message, session, f"SET {name} = '1'")
        refused("0A000", message, session, f"SELECT set_config('{name}', '1', false)")
    assert session.execute("SHOW transaction_isolation").fetchone() == ("repeatable read",)


def test_several_statements_in_one_query(session, table):
    sql = f"INSERT INTO {table} VALUES (1, 'a'); INSERT INTO {table} VALUES (2, 'b'); SELECT 1/0"
    refused("22012", "division by zero", session, sql)
    assert session.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    cursor = session.execute(f"INSERT INTO {table} VALUES (1, 'a'); SELECT v FROM {table}")
    assert cursor.statusmessage == "INSERT 0 1"
    assert cursor.nextset()
    assert cursor.fetchall() == [("a",)]
    assert session.execute("").statusmessage is None


def test_a_long_statement_and_a_long_value(session, table):
    text = "x" * (1024 * 1024 - 100)
    session.execute(f"INSERT INTO {table} VALUES (1, %s)", [text])
    assert session.execute(f"SELECT v FROM {table}").fetchone() == (text,)
    many = ", ".join(f"({number}, 'v')" for number in range(2, 2500))
    session.execute(f"INSERT INTO {table} VALUES {many}")
