"""Indexes and constraints that are built in the background."""

import re
import time

import pytest
from expect_sql import refused

COLUMNS = ["job_id", "status", "details", "job_type", "class_id", "object_id", "object_name"]
COLUMNS += ["start_time", "update_time"]


def submit(session, sql, tag):
    """The id of the job that a statement starts."""
    cursor = session.execute(sql)
    assert cursor.statusmessage == tag
    assert [column.name for column in cursor.description] == ["job_id"]
    ((job,),) = cursor.fetchall()
    assert re.fullmatch(r"[a-z2-7]{26}", job), job
    return job


def index(session, sql):
    return submit(session, f"CREATE {sql}", "CREATE INDEX")


def wait(session, job):
    """Whether a job has succeeded."""
    cursor = session.execute("CALL sys.wait_for_job(%s)", [job])
    assert [column.name for column in cursor.description] == ["succeeded"]
    ((done,),) = cursor.fetchall()
    return done


def look(session, job):
    """What sys.jobs says of a job."""
    cursor = session.execute("SELECT * FROM sys.jobs WHERE job_id = %s", [job])
    assert [column.name for column in cursor.description] == COLUMNS
    (row,) = cursor.fetchall()
    return dict(zip(COLUMNS, row, strict=True))


def test_an_index(session, table):
    session.execute(f"INSERT INTO {table} SELECT g, 'v' || g FROM generate_series(1, 1000) g")
    job = index(session, f"INDEX ASYNC {table}_v ON {table} (v)")
    assert look(session, job)["status"] in ("submitted", "processing", "completed")
    assert wait(session, job) is True
    found = look(session, job)
    assert (found["status"], found["job_type"]) == ("completed", "INDEX_BUILD")
    assert found["object_name"] == f"public.{table}_v"
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"
    assert session.execute(valid, [f"{table}_v"]).fetchone() == (True,)
    session.execute("SET enable_seqscan = off")
    plan = session.execute(f"EXPLAIN SELECT * FROM {table} WHERE v = 'v7'").fetchall()
    assert any(f"{table}_v" in line for (line,) in plan), plan


@pytest.mark.parametrize(
    "sql",
    [
        "INDEX ASYNC ON {t} (v)",
        "UNIQUE INDEX ASYNC {t}_i ON {t} (v)",
        "INDEX ASYNC IF NOT EXISTS {t}_i ON {t} (v)",
        "INDEX ASYNC {t}_i ON {t} (lower(v))",
        "INDEX ASYNC {t}_i ON {t} (v) WHERE id > 10",
        "INDEX ASYNC {t}_i ON {t} (v NULLS FIRST) INCLUDE (id)",
        "UNIQUE INDEX ASYNC {t}_i ON {t} (v) NULLS NOT DISTINCT",
    ],
)
def test_the_forms_of_an_index(session, table, sql):
    assert wait(session, index(session, sql.format(t=table))) is True
    found = session.execute(
        "SELECT count(*) FROM pg_index WHERE indrelid = %s::regclass AND indisvalid", [table]
    )
    assert found.fetchone() == (2,)


def test_an_index_in_a_transaction(session, table):
    with session.transaction():
        job = index(session, f"INDEX ASYNC {table}_v ON {table} (v)")
    assert wait(session, job) is True
    with pytest.raises(ZeroDivisionError), session.transaction():
        lost = index(session, f"INDEX ASYNC {table}_w ON {table} (v)")
        raise ZeroDivisionError
    found = session.execute("SELECT count(*) FROM sys.jobs WHERE job_id = %s", [lost])
    assert found.fetchone() == (0,)


def test_a_unique_index_over_duplicates(session, table):
    session.execute(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'a')")
    job = index(session, f"UNIQUE INDEX ASYNC {table}_v ON {table} (v)")
    assert wait(session, job) is False
    found = look(session, job)
    assert found["status"] == "failed"
    assert "duplicate key" in found["details"]
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"
    assert session.execute(valid, [f"{table}_v"]).fetchone() == (False,)
    session.execute(f"DROP INDEX {table}_v")


def test_a_constraint_from_an_index(session, table):
    """Not before the index is built."""
    session.execute(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    job = index(session, f"UNIQUE INDEX ASYNC {table}_v ON {table} (v)")
    add = f"ALTER TABLE {table} ADD CONSTRAINT {table}_u UNIQUE USING INDEX {table}_v"
    refused("55000", f'index "{table}_v" is not valid', session, add)
    assert wait(session, job) is True
    session.execute(add)
    refused("23505", f"{table}_u", session, f"INSERT INTO {table} VALUES (3, 'a')")


def test_a_constraint_is_validated(session, table):
    session.execute(f"INSERT INTO {table} VALUES (1, 'a'), (2, '')")
    check = f"ALTER TABLE {table} ADD CONSTRAINT full_v CHECK (v <> '')"
    refused("0A000", "unsupported ALTER TABLE ADD CONSTRAINT statement", session, check)
    session.execute(f"{check} NOT VALID")
    refused("23514", "full_v", session, f"INSERT INTO {table} VALUES (3, '')")
    validate = f"ALTER TABLE ASYNC {table} VALIDATE CONSTRAINT full_v"
    job = submit(session, validate, "ALTER TABLE")
    assert wait(session, job) is False
    found = look(session, job)
    assert (found["status"], found["job_type"]) == ("failed", "VALIDATE_CONSTRAINT")
    assert 'check constraint "full_v"' in found["details"]
    session.execute(f"DELETE FROM {table} WHERE v = ''")
    assert wait(session, submit(session, validate, "ALTER TABLE")) is True
    sql = "SELECT convalidated FROM pg_constraint WHERE conname = 'full_v'"
    assert session.execute(sql).fetchone() == (True,)
    message = "unsupported ALTER TABLE VALIDATE CONSTRAINT statement"
    refused("0A000", message, session, f"ALTER TABLE {table} VALIDATE CONSTRAINT full_v")


def test_a_foreign_key_is_validated(session, table):
    session.execute(f"INSERT INTO {table} VALUES (1, 'a')")
    session.execute(f"CREATE TABLE {table}_child (id int PRIMARY KEY, parent int)")
    session.execute(f"INSERT INTO {table}_child VALUES (1, 1)")
    session.execute(
        f"ALTER TABLE {table}_child ADD CONSTRAINT parent_fk"
        f" FOREIGN KEY (parent) REFERENCES {table} (id) NOT VALID"
    )
    validate = f"ALTER TABLE ASYNC {table}_child VALIDATE CONSTRAINT parent_fk"
    assert wait(session, submit(session, validate, "ALTER TABLE")) is True
    refused("23503", "parent_fk", session, f"INSERT INTO {table}_child VALUES (2, 7)")
    session.execute(f"DROP TABLE {table}_child")


def test_a_job_whose_table_is_gone(session, table):
    session.execute(f"CREATE TABLE {table}_x (id int PRIMARY KEY, v text)")
    job = index(session, f"INDEX ASYNC {table}_x_v ON {table}_x (v)")
    session.execute(f"DROP TABLE {table}_x")
    wait(session, job)
    found = look(session, job)
    assert (found["status"], found["object_name"]) == ("completed", None)
    assert found["details"]


@pytest.mark.parametrize(
    ("sql", "sqlstate", "message"),
    [
        ("CREATE INDEX {t}_i ON {t} (v)", "0A000", "please use CREATE INDEX ASYNC"),
        ("CREATE INDEX CONCURRENTLY {t}_i ON {t} (v)", "0A000", "CONCURRENTLY not supported"),
        ("CREATE INDEX ASYNC {t}_i ON {t} USING hash (v)", "0A000", "USING not supported"),
        ("CREATE INDEX ASYNC {t}_i ON {t} (v DESC)", "0A000", "sort order not supported"),
        ("CREATE INDEX ASYNC {t}_i ON {t} (nonsense)", "42703", "nonsense"),
        ("CREATE INDEX ASYNC {t}_i ON nonsense (v)", "42P01", "nonsense"),
        ("CREATE INDEX ASYNC {t}_pkey ON {t} (v)", "42P07", "already exists"),
        ("CALL sys.wait_for_job('nonsense')", "22P02", "Unable to convert text to UUID"),
        ("SELECT sys.wait_for_job('nonsense')", "42809", "is a procedure"),
        ("DELETE FROM sys.jobs", "55000", "cannot delete from view"),
        ("CREATE TABLE sys.mine (id int)", "0A000", "feature not supported on system entity"),
    ],
)
def test_what_is_refused(session, table, sql, sqlstate, message):
    refused(sqlstate, message, session, sql.format(t=table))


def test_writers_go_on_while_an_index_is_built(database, home, session, table):
    session.execute(f"INSERT INTO {table} SELECT g, 'v' || g FROM generate_series(1, 3000) g")
    job = index(session, f"INDEX ASYNC {table}_v ON {table} (v)")
    with database.connect(home) as other:
        with other.transaction():
            other.execute(f"UPDATE {table} SET v = 'x' WHERE id = 1")
            time.sleep(0.5)
            session.execute(f"UPDATE {table} SET v = 'y' WHERE id = 2")
    assert wait(session, job) is True
    session.execute("SET enable_seqscan = off")
    found = session.execute(f"SELECT id FROM {table} WHERE v IN ('x', 'y') ORDER BY id").fetchall()
    assert found == [(1,), (2,)]
