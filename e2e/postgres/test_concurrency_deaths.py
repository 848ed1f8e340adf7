"""A session ends in the middle of what is done for a transaction that has lost its rows: its client
hears of it, nobody else is hindered, nothing of it is there, and the slot serves others.

What is looked at is over in no time. So it is made to wait for a lock, which a superuser holds, in a
session whose locks take longer to be given up than usual."""

import contextlib
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from database import Database

AMOUNT = 100
TABLES = """
DROP TABLE IF EXISTS moves;
DROP TABLE IF EXISTS rows;
CREATE TABLE rows (id int PRIMARY KEY, amount int NOT NULL);
CREATE TABLE moves (id int PRIMARY KEY)
"""
LOST = (psycopg.OperationalError, psycopg.InterfaceError)
# What PostgreSQL may say before it closes a connection: as an administrator wants it, as another
# backend has crashed.
LAST_WORDS = {None, "57P01", "57P02"}
BUSY = """
SELECT count(*) FROM pg_stat_activity
 WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
# PostgreSQL's own processes may wait as well.
WAITING = """
SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
 WHERE NOT granted AND backend_type = 'client backend'"""
HIDDEN = """
SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relname {}
   AND relnamespace::regnamespace::text ~ '^pg_treeline_(over|hid)_'"""


def add(row):
    return f"UPDATE rows SET amount = amount + 1 WHERE id = {row}"


MOVE = "INSERT INTO moves VALUES (1)"
MAKING = "has its slot made"
# By name: what a transaction does that has made way for another, what is locked then (a table and
# how), and what it does next, in the middle of which it ends.
PHASES = {
    "has made way": ([], None, None),
    MAKING: ([], "pg_trigger IN SHARE ROW EXCLUSIVE", add(2)),
    "enters its slot": ([], "{hidden} IN ACCESS EXCLUSIVE", add(2)),
    "is in its slot": ([add(2)], None, None),
    "runs a statement in its slot": ([add(2)], "moves IN ACCESS EXCLUSIVE", MOVE),
    "applies its slot": ([add(2), MOVE], "rows IN EXCLUSIVE", "COMMIT"),
    "applies what it has noted": ([], "rows IN EXCLUSIVE", "COMMIT"),
}


@pytest.fixture(scope="module")
def place():
    with Database() as place:
        yield place


@pytest.fixture(scope="module")
def cluster(place):
    return place.cluster(place.dsql(place.admin))


class Scene:
    """The sessions, and a superuser's."""

    def __init__(self, place, cluster):
        self.place, self.cluster = place, cluster
        self.open = contextlib.ExitStack()
        self.look = self.connect()
        for sql in filter(None, TABLES.split(";\n")):
            self.look.execute(sql)
        rows = f"SELECT g, {AMOUNT} FROM generate_series(1, 5) g"
        self.look.execute(f"INSERT INTO rows {rows}")
        self.control = self.superuser()

    def connect(self):
        """An instance that has just crashed refuses for a moment."""
        deadline = time.monotonic() + 30
        while True:
            try:
                session = self.place.connect(self.cluster)
            except LOST:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                self.open.callback(session.close)
                return session

    def superuser(self):
        sockets = self.place.data_dir / "clusters/sockets" / self.cluster
        login = {"user": "treeline", "dbname": "postgres"}
        session = psycopg.connect(host=str(sockets), autocommit=True, **login)
        self.open.callback(session.close)
        return session

    def patient(self):
        """A session that waits for locks, and the process of its backend."""
        self.control.execute("ALTER ROLE admin SET lock_timeout = '20s'")
        session = self.connect()
        self.control.execute("ALTER ROLE admin RESET lock_timeout")
        (process,) = session.execute("SELECT pg_backend_pid()").fetchone()
        return session, process

    def slot_is_used(self, amounts, *more):
        """One loses its row while another holds it, who gives up."""
        holder, loser = self.connect(), self.connect()
        for session in (holder, loser):
            session.execute("BEGIN")
            session.execute(add(1))
        seen = loser.execute("SELECT id, amount FROM rows")
        assert dict(seen.fetchall()) == amounts | {1: amounts[1] + 1}
        for sql in more:
            loser.execute(sql)
        holder.execute("ROLLBACK")
        loser.execute("COMMIT")
        amounts[1] += 1
        assert self.there() == (amounts, [])

    def there(self):
        look = self.connect()
        amounts = dict(look.execute("SELECT id, amount FROM rows").fetchall())
        return amounts, [row[0] for row in look.execute("SELECT id FROM moves")]

    def relations(self, named):
        return [row[0] for row in self.control.execute(HIDDEN.format(named))]

    def until(self, condition, sql):
        """The answer of a query to the superuser, when it is as it should be."""
        deadline = time.monotonic() + 10
        while not condition(found := self.control.execute(sql).fetchone()):
            assert time.monotonic() < deadline, sql
            time.sleep(0.005)
        return found

    def waiting(self):
        """The process of the one that waits for a lock."""
        return self.until(bool, WAITING)[0]

    @contextlib.contextmanager
    def halted(self, session, phase):
        """The last statement of a phase, as a future, and the process that is in the middle of it."""
        _, locked, last = PHASES[phase]
        (oid,) = self.control.execute("SELECT 'rows'::regclass::oid").fetchone()
        hidden = ", ".join(self.relations(f"= 'h{oid}'"))
        with ThreadPoolExecutor(1) as threads:
            self.control.execute("BEGIN")
            self.control.execute(f"LOCK TABLE {locked.format(hidden=hidden)} MODE")
            answer = threads.submit(session.execute, last)
            try:
                yield answer, self.waiting()
            finally:
                with contextlib.suppress(*LOST):
                    self.control.execute("ROLLBACK")

    def displaced(self, then):
        """A transaction that has made way for a statement by itself, and has gone on."""
        session, process = self.patient()
        for sql in ("BEGIN", add(1), add(3)):
            session.execute(sql)
        self.look.execute(add(1))
        for sql in then:
            session.execute(sql)
        return session, process


@pytest.fixture
def scene(place, cluster):
    scene = Scene(place, cluster)
    with scene.open:
        yield scene


def terminate(scene, process, _=None):
    """The backend ends, in good order."""
    scene.superuser().execute("SELECT pg_terminate_backend(%s)", [process])


def kill(_, process, __):
    """The backend ends, the whole instance with it, and is started again."""
    os.kill(process, signal.SIGKILL)


def hang_up(_, __, session):
    """The client ends."""
    with socket.socket(fileno=os.dup(session.pgconn.socket)) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def check(scene, amounts):
    """Nobody waits, nothing is there of what has ended, and the slots are of use."""
    assert scene.there() == (amounts, [])
    scene.control = scene.superuser()
    scene.until((0,).__eq__, BUSY)
    scene.slot_is_used(amounts)
    for relation in scene.relations("IS NOT NULL"):
        left = scene.control.execute(f"SELECT count(*) FROM {relation}").fetchone()
        assert left == (0,), relation


@pytest.mark.parametrize("end", [terminate, kill, hang_up], ids=lambda end: end.__name__)
@pytest.mark.parametrize("phase", PHASES)
def test_a_session_ends_that(scene, phase, end):
    then, locked, _ = PHASES[phase]
    amounts = dict.fromkeys(range(1, 6), AMOUNT)
    if phase != MAKING:
        scene.slot_is_used(amounts, MOVE, "DELETE FROM moves")
    session, process = scene.displaced(then)
    amounts[1] += 1
    with pytest.raises(LOST) as lost:
        if locked:
            with scene.halted(session, phase) as (answer, waiting):
                # A slot is made in a session of the gateway's own.
                assert (waiting == process) == (phase != MAKING)
                end(scene, process, session)
                answer.result(timeout=10)
        else:
            end(scene, process, session)
            session.execute(add(4))
    assert lost.value.sqlstate in LAST_WORDS
    if end is not kill:
        assert scene.look.execute(add(5)).rowcount == 1
        amounts[5] += 1
    check(scene, amounts)


def test_the_session_ends_that_makes_a_slot(scene):
    """It is the gateway's own."""
    amounts = dict.fromkeys(range(1, 6), AMOUNT)
    session, process = scene.displaced([])
    amounts[1] += 1
    with scene.halted(session, MAKING) as (answer, making):
        assert making != process
        terminate(scene, making)
        # There is nowhere to go on.
        with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
            answer.result(timeout=10)
    session.execute("ROLLBACK")
    assert session.execute(add(4)).rowcount == 1
    amounts[4] += 1
    check(scene, amounts)


def test_a_slot_that_was_made_for_nobody_is_not_in_the_way(scene):
    session, process = scene.displaced([])
    with pytest.raises(LOST), scene.halted(session, MAKING) as (answer, _):
        terminate(scene, process)
        answer.result(timeout=10)
    scene.until((0,).__eq__, BUSY)
    assert scene.relations("IS NOT NULL")
    scene.look.execute("DROP TABLE rows")
    assert not scene.relations("IS NOT NULL")
