"""psql in a shell that `treeline env` has set up."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from database import host_of
from expect_sql import until_running
from shell import Shell



class Psql:
    """Runs psql as admin of a cluster."""

    def __init__(self, database, cluster, home):
        self.database, self.cluster = database, cluster
        self.shell = Shell(database, home)
        self.command = "psql -X --no-password -v ON_ERROR_STOP=1 -v VERBOSITY=verbose"

    def run(self, arguments, **variables):
        """Exit code, output and errors."""
        token = self.database.token(self.cluster)
        connection = {"PGHOST": host_of(self.cluster), "PGUSER": "admin", "PGDATABASE": "postgres"}
        return self.shell(
            f"{self.command} {arguments}", PGPASSWORD=token, **connection, **variables
        )

    def __call__(self, *statements, **variables):
        """The output of a psql that succeeds."""
        arguments = " ".join(f"-c '{statement}'" for statement in statements)
        code, out, err = self.run(f"-At {arguments}", **variables)
        assert (code, err) == (0, ""), err
        return out.splitlines()

    def script(self, text):
        """The output of a psql that reads this script."""
        code, out, err = self.run('-At <<< "$SCRIPT"', SCRIPT=text)
        assert (code, err) == (0, ""), err
        return out.splitlines()


@pytest.fixture(scope="module")
def psql(database, home, tmp_path_factory):
    return Psql(database, home, tmp_path_factory.mktemp("home"))


def test_statements(psql):
    assert psql("SELECT 1 AS a, true, NULL, 2.50") == ["1|t||2.50"]
    assert psql("SELECT 1; SELECT 2", "SELECT 3") == ["1", "2", "3"]
    assert psql("SHOW server_version", "SELECT current_database(), current_user") == [
        "16.15",
        "postgres|admin",
    ]


def test_a_walk(psql):
    out = psql.script("""
        CREATE TABLE walk (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
        INSERT INTO walk (name) VALUES ('a'), ('b'), ('c');
        BEGIN;
        UPDATE walk SET name = upper(name);
        SELECT string_agg(name, ',' ORDER BY name) FROM walk;
        ROLLBACK;
        SELECT name FROM walk ORDER BY name LIMIT 1 \\gset
        SELECT :'name' || '!';
        DELETE FROM walk;
        DROP TABLE walk;
    """)
    assert out == [
        "CREATE TABLE",
        "INSERT 0 3",
        "BEGIN",
        "UPDATE 3",
        "A,B,C",
        "ROLLBACK",
        "a!",
        "DELETE 3",
        "DROP TABLE",
    ]


def test_what_is_there(psql):
    """The commands of psql that ask the catalog."""
    psql.script("""
        CREATE SCHEMA psqlns;
        CREATE TABLE psqlns.shown (id int PRIMARY KEY, v varchar(10) DEFAULT 'x' CHECK (v <> ''));
        CREATE VIEW psqlns.seen AS SELECT v FROM psqlns.shown;
        CREATE FUNCTION psqlns.twice(a int) RETURNS int LANGUAGE sql AS 'SELECT a * 2';
        CREATE ROLE psqlrole WITH LOGIN;
    """)
    try:
        out = psql.script("\\t\n\\d psqlns.shown")
        assert out[3:5] == [
            "id|integer||not null|",
            "v|character varying(10)|||'x'::character varying",
        ]
        assert [line.strip().partition(", ")[0] for line in out[5:]] == [
            "Indexes:",
            '"shown_pkey" PRIMARY KEY',
            "Check constraints:",
            """"shown_v_check" CHECK (v::text <> ''::text)""",
        ]
        assert psql.script("\\dt psqlns.*") == ["psqlns|shown|table|admin"]
        assert psql.script("\\dv psqlns.*") == ["psqlns|seen|view|admin"]
        assert psql.script("\\df psqlns.*") == ["psqlns|twice|integer|a integer|func"]
        schemas = {line.split("|")[0] for line in psql.script("\\dn")}
        assert {"public", "psqlns"} <= schemas
        assert not {name for name in schemas if "treeline" in name}
        roles = {line.split("|")[0] for line in psql.script("\\du")}
        assert {"admin", "psqlrole"} <= roles
        assert psql.script("\\l")[0].startswith("postgres|")
        for command in ["\\di *.*", "\\dp *.*", "\\dT *.*", "\\dx", "\\conninfo"]:
            psql.script(command)
        assert psql("SELECT psqlns.twice(21)") == ["42"]
    finally:
        psql.run("-q -c 'DROP SCHEMA psqlns CASCADE' -c 'DROP ROLE psqlrole'")


def test_copy_with_files_of_the_client(psql, tmp_path):
    data = tmp_path / "data.csv"
    data.write_text('1,"one, and a half"\n2,\n')
    psql("CREATE TABLE copied (id int PRIMARY KEY, v text)")
    found = psql.script(f"\\copy copied FROM '{data}' WITH (FORMAT csv)")
    assert found == ["COPY 2"]
    out = tmp_path / "out.txt"
    psql.script(f"\\copy (SELECT id, v FROM copied ORDER BY id) TO '{out}'")
    assert out.read_text() == "1\tone, and a half\n2\t\\N\n"
    code, stdout, err = psql.run(
        "-c 'COPY copied FROM STDIN' <<< \"$ROWS\" && psql -X -c 'COPY copied TO STDOUT'",
        ROWS="3\tthree",
    )
    assert code == 0, err
    assert "3\tthree\n" in stdout
    psql("DROP TABLE copied")


def test_the_dialect_refuses(psql):
    code, _, err = psql.run("-c 'TRUNCATE pg_class'")
    assert code == 1
    assert err.splitlines()[0] == "ERROR:  0A000: unsupported statement: Truncate"
    code, _, err = psql.run("-c 'SELECT nonsense'")
    assert err.startswith(
        'ERROR:  42703: column "nonsense" does not exist\nLINE 1: SELECT nonsense'
    )


def test_explain(psql):
    out = psql("EXPLAIN SELECT count(*) FROM pg_class WHERE relname = $$a$$")
    assert out[0].startswith("Aggregate")
    out = psql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT 1")
    assert out[0] == "Result (actual rows=1 loops=1)"


def test_a_statement_is_cancelled(psql, session):
    """Ctrl-C: psql sends a CancelRequest of its own, and ends the script."""
    pid = psql.shell.home / "psql.pid"
    script = "-c 'SELECT pg_sleep(31)' & echo $! > \"$PID\"; wait $!"
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(psql.run, script, PID=str(pid))
        until_running(session, "SELECT pg_sleep(31)")
        os.kill(int(pid.read_text()), signal.SIGINT)
        code, _, err = answer.result(timeout=20)
    assert code == 1
    assert "57014: canceling statement due to user request" in err, err
