"""Clusters in a PostgreSQL that somebody else runs."""

import os
import pwd
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from database import BINARIES, Database
from treeline import free_ports
from world import becomes, user

PASSWORD = "a pass/word"


class Outside:
    """A PostgreSQL that asks everybody for a password."""

    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="treeline-outside-"))
        self.home.chmod(0o755)
        [self.port] = free_ports(1)
        self.process = None

    def run(self, program, *arguments):
        owner = {}
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            owner["user"] = "postgres" if "postgres" in names else "nobody"
            os.chown(self.home, pwd.getpwnam(owner["user"]).pw_uid, -1)
        command = [Path(BINARIES) / program, "-D", self.home / "data", *arguments]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        return subprocess.Popen(command, **silent, **owner)

    @property
    def url(self):
        password = PASSWORD.replace(" ", "%20").replace("/", "%2F")
        return f"postgres://boss:{password}@127.0.0.1:{self.port}/"

    def ask(self, sql):
        settings = {"host": "127.0.0.1", "port": self.port, "sslmode": "disable"}
        settings |= {"user": "boss", "password": PASSWORD, "dbname": "postgres"}
        with psycopg.connect(**settings) as session:
            return [row[0] for row in session.execute(sql)]

    def __enter__(self):
        password = self.home / "password"
        password.write_text(PASSWORD)
        made = self.run("initdb", "-U", "boss", "-A", "scram-sha-256", "-N", "--pwfile", password)
        assert made.wait() == 0
        return self.start()

    def start(self):
        listen = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.home}"]
        self.process = self.run("postgres", "-p", str(self.port), *listen)
        for _ in range(200):
            try:
                self.ask("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return self
        raise RuntimeError("PostgreSQL does not start")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20)

    def __exit__(self, *_):
        self.stop()
        subprocess.run(["rm", "-rf", "--", self.home], check=True)


@pytest.fixture(scope="module")
def outside():
    if not BINARIES:
        pytest.skip("TREELINE_TEST_POSTGRES is not set")
    with Outside() as outside:
        if int(outside.ask("SHOW server_version_num")[0]) < 160000:
            pytest.skip("an external PostgreSQL is 16 or later")
        yield outside


@pytest.fixture(scope="module")
def elsewhere(outside):
    with Database([f"--postgres-external={outside.url}"]) as database:
        yield database
        log = database.log.read_text()
        assert PASSWORD not in log
        assert outside.url not in log


@pytest.fixture
def client(elsewhere):
    return elsewhere.dsql(elsewhere.admin)


def fill(elsewhere, cluster):
    with elsewhere.connect(cluster) as admin:
        admin.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        admin.execute("INSERT INTO t VALUES (1, %s)", [cluster])
        admin.execute("CREATE ROLE app LOGIN")
        admin.execute("GRANT SELECT ON t TO app")
        admin.execute(f"AWS IAM GRANT app TO '{user('dev')}'")
        [job] = admin.execute("CREATE INDEX ASYNC i ON t (v)").fetchone()
        admin.execute("CALL sys.wait_for_job(%s)", [job])
        names = admin.execute("SELECT pg_role_name FROM sys.iam_pg_role_mappings")
        assert names.fetchall() == [("app",)]


def test_two_clusters_have_the_same_names(outside, elsewhere, client):
    clusters = [elsewhere.cluster(client) for _ in range(2)]
    for cluster in clusters:
        fill(elsewhere, cluster)
    for cluster in clusters:
        with elsewhere.connect(cluster, "app", elsewhere.dev) as app:
            assert app.execute("SELECT v FROM t").fetchall() == [(cluster,)]
            assert app.execute("SELECT current_user").fetchone() == (f"app@{cluster}",)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("INSERT INTO t VALUES (2)")
    one, other = clusters
    with elsewhere.connect(one) as admin:
        for sql in [f'GRANT "app@{other}" TO admin', f'GRANT SELECT ON t TO "app@{other}"']:
            with pytest.raises(psycopg.errors.UndefinedObject):
                admin.execute(sql)
    with pytest.raises(psycopg.OperationalError, match="access denied"):
        elsewhere.connect(one, f"app@{other}", elsewhere.dev)
    client.delete_cluster(identifier=one)
    left = f"SELECT datname FROM pg_database WHERE datname = 'dsql_{one}' UNION ALL "
    left += f"SELECT rolname FROM pg_roles WHERE rolname LIKE '%@{one}'"
    end = time.monotonic() + 30
    while found := outside.ask(left):
        assert time.monotonic() < end, found
        time.sleep(0.2)
    with elsewhere.connect(other) as admin:
        assert admin.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_a_restart_of_either_side(outside, elsewhere, client):
    cluster = elsewhere.cluster(client)
    fill(elsewhere, cluster)
    elsewhere.stop()
    elsewhere.start()
    with elsewhere.connect(cluster, "app", elsewhere.dev) as app:
        assert app.execute("SELECT v FROM t").fetchall() == [(cluster,)]
    outside.stop()
    with pytest.raises(psycopg.OperationalError):
        elsewhere.connect(cluster)
    outside.start()
    becomes(client, cluster, "ACTIVE")
    with elsewhere.connect(cluster) as admin:
        assert admin.execute("SELECT v FROM t").fetchall() == [(cluster,)]


def test_the_first_committer_wins_there_too(elsewhere, client):
    cluster = elsewhere.cluster(client)
    with elsewhere.connect(cluster) as one, elsewhere.connect(cluster) as other:
        one.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        one.execute("INSERT INTO t VALUES (1, 100), (2, 100)")
        add = "UPDATE t SET v = v + %s WHERE id = 1 RETURNING v"
        for session, by in ((one, 1), (other, 10)):
            session.execute("BEGIN")
            assert session.execute(add, [by]).fetchone() == (100 + by,)
        other.execute("UPDATE t SET v = 0 WHERE id = 2")
        other.execute("COMMIT")
        assert one.execute("SELECT sum(v) FROM t").fetchone() == (201,)
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
            one.execute("COMMIT")
        assert one.execute("SELECT v FROM t ORDER BY id").fetchall() == [(110,), (0,)]
        one.execute("BEGIN")
        one.execute("SELECT 1")
        other.execute("ALTER TABLE t ADD COLUMN w int")
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC001"):
            one.execute("SELECT 1")
        one.execute("ROLLBACK")
