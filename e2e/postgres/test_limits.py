"""How much a transaction may do, how old it may become, and what may stand in one."""

import psycopg
import pytest
from database import Database
from expect_sql import denied, diagnosed, refused

ROWS = "transaction row limit exceeded"


def insert(table, count, first=1):
    last = first + count - 1
    return f"INSERT INTO {table} SELECT g, 'x' FROM generate_series({first}, {last}) g"


def fill(session, table, count):
    for first in range(1, count + 1, 3000):
        session.execute(insert(table, min(3000, count + 1 - first), first))


def count(session, table):
    return session.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.mark.parametrize(
    ("present", "most", "sql"),
    [
        (0, 3000, "INSERT INTO {t} SELECT g, 'x' FROM generate_series(1, {n}) g"),
        (3001, 3000, "UPDATE {t} SET v = 'y' WHERE id <= {n}"),
        (3001, 3000, "DELETE FROM {t} WHERE id <= {n}"),
        (1500, 1500, "WITH d AS (DELETE FROM {t} WHERE id <= 1500 RETURNING id)"
                     " INSERT INTO {t} SELECT g + 5000, 'z' FROM generate_series(1, {n}) g"),
        (1000, 2000, "INSERT INTO {t} SELECT g, 'x' FROM generate_series(1, {n} + 1000) g"
                     " ON CONFLICT (id) DO UPDATE SET v = 'z'"),
    ],
    ids=["insert", "update", "delete", "with", "upsert"],
)  # fmt: skip
def test_rows(database, home, session, table, present, most, sql):
    fill(session, table, present)
    before = session.execute(f"SELECT count(*), max(v) FROM {table}").fetchone()
    more = sql.format(t=table, n=most + 1)
    refused("54000", ROWS, session, more)
    with database.connect(home, autocommit=False) as other:
        refused("54000", ROWS, other, more)
        refused("25P02", "current transaction is aborted", other, "SELECT 1")
        assert other.execute("COMMIT").statusmessage == "ROLLBACK"
    assert session.execute(f"SELECT count(*), max(v) FROM {table}").fetchone() == before
    with session.transaction():
        session.execute(sql.format(t=table, n=most))


def test_the_rows_of_all_statements_of_a_transaction_count(session, table):
    with pytest.raises(psycopg.Error) as caught, session.transaction():
        for first in range(1, 3001, 1000):
            session.execute(insert(table, 1000, first))
        assert count(session, table) == 3000
        session.execute(f"DELETE FROM {table} WHERE id = 1")
    diagnosed(caught.value, "54000", ROWS)
    assert count(session, table) == 0
    # The next transaction begins at nothing.
    for _ in range(2):
        session.execute(insert(table, 3000))
        session.execute(f"DELETE FROM {table}")


def test_deleted_children_count(session, table):
    child = f"{table}_child"
    session.execute(
        f"CREATE TABLE {child} (id int PRIMARY KEY,"
        f" parent int REFERENCES {table} ON DELETE CASCADE)"
    )
    session.execute(insert(table, 2))
    for parent, children in [(1, 2999), (2, 3000)]:
        session.execute(
            f"INSERT INTO {child} SELECT g * 10 + {parent}, {parent}"
            f" FROM generate_series(1, {children}) g"
        )
    session.execute(f"DELETE FROM {table} WHERE id = 1")
    refused("54000", ROWS, session, f"DELETE FROM {table} WHERE id = 2")
    assert count(session, child) == 3000
    session.execute(f"DROP TABLE {child}")


def test_copied_rows_count(session, table):
    def copy(rows):
        with session.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for number in range(rows):
                copy.write_row((number, "x"))

    with pytest.raises(psycopg.Error) as caught:
        copy(3001)
    diagnosed(caught.value, "54000", ROWS)
    assert count(session, table) == 0
    copy(3000)
    assert count(session, table) == 3000


def test_rows_that_are_only_read_or_locked_do_not_count(session, table):
    fill(session, table, 3500)
    with session.transaction():
        found = session.execute(f"SELECT id FROM {table} FOR UPDATE")
        assert found.rowcount == 3500
        session.execute(f"UPDATE {table} SET v = 'y' WHERE id <= 3000")


def test_bytes(session, table):
    """10 MiB, noticed at the end of the transaction."""
    text = "SELECT g, string_agg(md5(random()::text), '') FROM generate_series({}, {}) g,"
    text += " generate_series(1, 16000) GROUP BY g"
    session.execute(f"INSERT INTO {table} " + text.format(1, 15))
    assert count(session, table) == 15
    with pytest.raises(psycopg.Error) as caught, session.transaction():
        for first in (101, 111):
            session.execute(f"INSERT INTO {table} " + text.format(first, first + 9 + (first > 101)))
    found = diagnosed(caught.value, "54000", "transaction size limit 10mb exceeded")
    assert found.message_detail.startswith("Current transaction size "), found.message_detail
    assert count(session, table) == 15
    # To delete is no writing.
    assert session.execute(f"DELETE FROM {table}").rowcount == 15


DDL_ONCE = "multiple ddl statements not supported in a transaction"
DDL_AND_DML = "ddl and dml are not supported in the same transaction"


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["CREATE TABLE {t}_a (id int)", "CREATE TABLE {t}_b (id int)"], DDL_ONCE),
        (["CREATE TABLE {t}_a (id int)", "GRANT SELECT ON {t} TO PUBLIC"], DDL_ONCE),
        (["CREATE INDEX ASYNC ON {t} (v)", "DROP TABLE {t}"], DDL_ONCE),
        (["CREATE TABLE {t}_a (id int)", "INSERT INTO {t} VALUES (1)"], DDL_AND_DML),
        (["INSERT INTO {t} VALUES (1)", "CREATE TABLE {t}_a (id int)"], DDL_AND_DML),
        (["UPDATE {t} SET v = v WHERE false", "DROP TABLE {t}"], DDL_AND_DML),
    ],
)
@pytest.mark.parametrize("way", ["transaction", "query"])
def test_one_ddl_and_nothing_beside_it(session, table, statements, message, way):
    statements = [statement.format(t=table) for statement in statements]
    if way == "query":
        refused("0A000", message, session, "; ".join(statements))
    else:
        with pytest.raises(psycopg.Error) as caught, session.transaction():
            session.execute(statements[0])
            session.execute(statements[1])
        diagnosed(caught.value, "0A000", message)
    assert count(session, table) == 0
    missing = session.execute("SELECT to_regclass(%s)", [f"{table}_a"]).fetchone()
    assert missing == (None,)


def test_one_ddl_in_a_transaction(session, table):
    with session.transaction():
        session.execute("SELECT 1")
        session.execute(f"ALTER TABLE {table} ADD COLUMN w int")
    session.execute(f"SELECT w FROM {table}")


def test_the_age_of_a_transaction(old_age, table_there):
    with pytest.raises(psycopg.Error) as caught, old_age.transaction():
        old_age.execute("INSERT INTO aged VALUES (1)")
        old_age.execute("SELECT pg_sleep(1.5)")
        old_age.execute("SELECT 1")
    found = diagnosed(caught.value, "54000", "transaction age limit of 1s exceeded")
    assert found.message_detail.startswith("Current transaction age ")
    assert count(old_age, "aged") == 0


def test_an_old_transaction_cannot_commit(old_age, table_there):
    with pytest.raises(psycopg.Error) as caught, old_age.transaction():
        old_age.execute("INSERT INTO aged VALUES (1)")
        old_age.execute("SELECT pg_sleep(1.5)")
    diagnosed(caught.value, "54000", "transaction age limit of 1s exceeded")
    assert old_age.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert count(old_age, "aged") == 0


def test_the_age_of_a_session(old_age, table_there):
    """It is ended, whatever it does."""
    with pytest.raises(psycopg.OperationalError):
        for _ in range(100):
            old_age.execute("SELECT pg_sleep(0.1)")
    assert old_age.closed


@pytest.fixture
def old_age(aging, aged_cluster):
    with aging.connect(aged_cluster) as session:
        yield session


@pytest.fixture(scope="module")
def aging():
    """A server on which transactions may be a second old and sessions three, clusters take
    a second, and a burst of twenty connections is too much for one."""
    options = ["transaction-seconds=1", "session-seconds=3", "creation-seconds=1"]
    options += ["connection-rate=2"]
    options = [f"--dsql-{option}" for option in options]
    with Database(options) as database:
        yield database


@pytest.fixture(scope="module")
def aged_cluster(aging):
    return aging.cluster(aging.dsql(aging.admin))


@pytest.fixture(scope="module")
def table_there(aging, aged_cluster):
    with aging.connect(aged_cluster) as session:
        session.execute("CREATE TABLE aged (id int PRIMARY KEY)")


def test_a_cluster_that_is_being_created(aging):
    cluster = aging.dsql(aging.admin).create_cluster()["identifier"]
    denied("The cluster is CREATING.", aging.connect, cluster)


def test_the_rate_of_connections(aging):
    cluster = aging.cluster(aging.dsql(aging.admin))
    token = aging.token(cluster)
    with pytest.raises(psycopg.OperationalError, match="FATAL") as caught:
        for number in range(60):
            aging.connect(cluster, password=token).close()
    assert "Unable to accept connection, rate exceeded." in str(caught.value)
    assert number >= 20


def test_keys_and_columns(session):
    columns = ", ".join(f"c{number} int" for number in range(256))
    message = "tables can have at most 255 columns"
    refused("54011", message, session, f"CREATE TABLE wide (id int PRIMARY KEY, {columns})")
    nine = ", ".join(f"c{number} int" for number in range(9))
    names = ", ".join(f"c{number}" for number in range(9))
    message = "more than 8 column keys in an index are not supported"
    refused("54011", message, session, f"CREATE TABLE wide ({nine}, PRIMARY KEY ({names}))")
    for kind in ["money", "xml", "inet", "int[]", "bit(3)", "point", "tsvector"]:
        refused("0A000", "not supported", session, f"CREATE TABLE wide (id int, c {kind})")
    refused("42704", 'type "serial" does not exist', session, "CREATE TABLE wide (id serial)")


def test_a_long_message_ends_the_session(database, home):
    """More than 10 MiB in one message."""
    with database.connect(home) as session:
        with pytest.raises(psycopg.Error):
            session.execute("SELECT length(%s)", ["x" * (11 * 1024 * 1024)])
        assert session.closed
    with database.connect(home) as session:
        text = "x" * (9 * 1024 * 1024)
        assert session.execute("SELECT length(%s)", [text]).fetchone() == (len(text),)
