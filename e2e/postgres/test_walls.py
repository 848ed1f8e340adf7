"""What a client may not reach: the server's machinery, the machine, and other roles' rights."""

import psycopg
import pytest
from expect_sql import refused

UNSUPPORTED = "0A000"
FORBIDDEN = "42501"


@pytest.mark.parametrize(
    ("sqlstate", "statements"),
    [
        # The server's own schema, by every name it can be given.
        (FORBIDDEN, "SELECT * FROM pg_treeline.jobs"),
        (FORBIDDEN, 'SELECT * FROM "pg_treeline".jobs'),
        (FORBIDDEN, 'SELECT U&"pg\\005ftreeline".submit_build(0)'),
        (FORBIDDEN, "CREATE TABLE pg_treeline.x (id int)"),
        (FORBIDDEN, "SET search_path = pg_treeline"),
        (FORBIDDEN, "SELECT set_config('search_path', 'pg_treeline', false)"),
        (FORBIDDEN, "DROP SCHEMA pg_treeline CASCADE"),
        (UNSUPPORTED, "DROP SCHEMA sys CASCADE"),
        (UNSUPPORTED, "DROP SCHEMA public CASCADE"),
        (UNSUPPORTED, "ALTER SCHEMA public RENAME TO mine"),
        # SQL that is handed to a function is not seen by anybody else.
        (UNSUPPORTED, "SELECT query_to_xml('SELECT * FROM pg_treeline.jobs', true, true, '')"),
        (UNSUPPORTED, "SELECT schema_to_xml('pg_treeline', true, true, '')"),
        (UNSUPPORTED, "SELECT * FROM ts_stat('SELECT 1')"),
        # Functions of one's own are read as well.
        (UNSUPPORTED, "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'TRUNCATE t'"),
        (UNSUPPORTED, "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'CREATE TABLE x (id int)'"),
        (
            UNSUPPORTED,
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql"
            " BEGIN ATOMIC SELECT pg_advisory_lock(1); END",
        ),
        (
            FORBIDDEN,
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql SET search_path = 'pg_treeline'"
            " AS 'SELECT'",
        ),
        (UNSUPPORTED, "CREATE FUNCTION f() RETURNS void LANGUAGE internal AS 'pg_sleep'"),
        (UNSUPPORTED, "CREATE FUNCTION f() RETURNS void LANGUAGE c AS 'a', 'b'"),
        (UNSUPPORTED, "DO $$ BEGIN END $$"),
        (UNSUPPORTED, "CREATE VIEW x AS SELECT pg_advisory_lock(1)"),
        # Files and programs of the machine.
        (UNSUPPORTED, "SELECT pg_read_file('/etc/passwd')"),
        (UNSUPPORTED, "SELECT pg_ls_dir('.')"),
        (UNSUPPORTED, "SELECT lo_import('/etc/passwd')"),
        (UNSUPPORTED, "SELECT lo_create(0)"),
        (UNSUPPORTED, "COPY pg_class TO '/tmp/x'"),
        (UNSUPPORTED, "COPY pg_class TO PROGRAM 'cat'"),
        (FORBIDDEN, "SHOW data_directory"),
        (FORBIDDEN, "SELECT current_setting('unix_socket_directories')"),
        (FORBIDDEN, "SELECT * FROM pg_hba_file_rules"),
        (FORBIDDEN, "SELECT * FROM pg_authid"),
        (UNSUPPORTED, "LOAD 'plpgsql'"),
        (UNSUPPORTED, "CREATE EXTENSION dblink"),
        (UNSUPPORTED, "ALTER SYSTEM SET work_mem = '1MB'"),
        (UNSUPPORTED, "SELECT pg_reload_conf()"),
        # Rights.
        (UNSUPPORTED, "CREATE ROLE x SUPERUSER"),
        (UNSUPPORTED, "CREATE ROLE x REPLICATION"),
        (UNSUPPORTED, "CREATE ROLE x CREATEROLE"),
        (UNSUPPORTED, "CREATE ROLE x BYPASSRLS"),
        (UNSUPPORTED, "ALTER ROLE admin SUPERUSER"),
        (UNSUPPORTED, "SET SESSION AUTHORIZATION treeline"),
        (UNSUPPORTED, "SET ROLE treeline"),
        (FORBIDDEN, "GRANT pg_execute_server_program TO admin"),
        (FORBIDDEN, "GRANT pg_read_all_data TO admin"),
        ("42704", "GRANT treeline TO admin"),
        (UNSUPPORTED, "SELECT pg_terminate_backend(1)"),
        (UNSUPPORTED, "SELECT pg_cancel_backend(1)"),
    ],
)
def test_what_is_out_of_reach(session, sqlstate, statements):
    refused(sqlstate, "", session, statements)


def test_the_limits_cannot_be_switched_off(session, table):
    too_many = f"INSERT INTO {table} SELECT g FROM generate_series(1, 3001) g"
    for which in ["ALL", "USER"]:
        session.execute(f"ALTER TABLE {table} DISABLE TRIGGER {which}")
        refused("54000", "transaction row limit exceeded", session, too_many)
    sql = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass"
    for (name,) in session.execute(sql, [table]).fetchall():
        with pytest.raises(psycopg.Error) as caught:
            session.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        assert caught.value.sqlstate in (UNSUPPORTED, FORBIDDEN)
        try:
            session.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
        except psycopg.Error as error:
            assert error.sqlstate in (UNSUPPORTED, FORBIDDEN)
    refused("54000", "transaction row limit exceeded", session, too_many)


def test_a_function_is_no_way_around_the_limits(session, table):
    session.execute(
        f"CREATE FUNCTION many_{table}() RETURNS void LANGUAGE sql"
        f" AS 'INSERT INTO {table} SELECT g FROM generate_series(1, 3001) g'"
    )
    refused("54000", "transaction row limit exceeded", session, f"SELECT many_{table}()")
    session.execute(f"DROP FUNCTION many_{table}")
    assert session.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_names_that_need_quotes(session):
    """What the server composes of names stays names."""
    name = """it's "); DROP TABLE x; --"""
    quoted = '"' + name.replace('"', '""') + '"'
    arn = "arn:aws:iam::111122223333:user/dev"
    session.execute(f"CREATE ROLE {quoted} LOGIN")
    session.execute(f"AWS IAM GRANT {quoted} TO '{arn}'")
    sql = "SELECT arn FROM sys.iam_pg_role_mappings WHERE pg_role_name = %s"
    assert session.execute(sql, [name]).fetchall() == [(arn,)]
    message = "cannot be dropped because some objects depend on it"
    refused("2BP01", message, session, f"DROP ROLE {quoted}")
    session.execute(f"AWS IAM REVOKE {quoted} FROM '{arn}'")
    session.execute(f"DROP ROLE {quoted}")
    session.execute(f"CREATE TABLE {quoted} ({quoted} int PRIMARY KEY, v text)")
    job = session.execute(f"CREATE INDEX ASYNC ON {quoted} (v) WHERE {quoted} > 1").fetchone()
    assert session.execute("CALL sys.wait_for_job(%s)", job).fetchone() == (True,)
    session.execute(f"ALTER TABLE {quoted} ADD CONSTRAINT {quoted} CHECK (v <> '''') NOT VALID")
    sql = f"ALTER TABLE ASYNC {quoted} VALIDATE CONSTRAINT {quoted}"
    job = session.execute(sql).fetchone()
    assert session.execute("CALL sys.wait_for_job(%s)", job).fetchone() == (True,)
    session.execute(f"DROP TABLE {quoted}")


def test_other_sessions_say_nothing_of_what_they_do(database, home, session):
    with database.connect(home) as other:
        other.execute("SELECT 'a secret of another session'")
        sql = "SELECT query FROM pg_stat_activity WHERE usename IS DISTINCT FROM 'admin'"
        found = {query for (query,) in session.execute(sql).fetchall()}
        assert found <= {"<insufficient privilege>"}
