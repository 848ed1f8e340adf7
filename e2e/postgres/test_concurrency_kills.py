"""Clients, backends and servers end in the middle of transactions that meet: what was acknowledged
is there, and nothing is half there.

Every transaction moves an amount from one row to another and leaves a marker that says so. The rows
must be what the markers make of them."""

import contextlib
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import processes
import psycopg
import pytest
from database import Database

ROWS, AMOUNT = 4, 1000
CLIENTS = 5
ROUNDS = int(os.environ.get("TREELINE_KILLS", "3"))
LOST = (psycopg.OperationalError, psycopg.InterfaceError)


@pytest.fixture(scope="module")
def place():
    with Database() as place:
        yield place


class Bank:
    """A cluster with rows, clients that move amounts, and what they know of it."""

    def __init__(self, place):
        self.place = place
        self.cluster = place.cluster(place.dsql(place.admin))
        self.stop = threading.Event()
        self.moved, self.unknown, self.ends = {}, {}, Counter()
        self.faults, self.connections = [], {}
        self.goes_down = False
        with self.connect() as session:
            session.execute("CREATE TABLE rows (id int PRIMARY KEY, amount int NOT NULL)")
            session.execute(
                "CREATE TABLE moves (id int PRIMARY KEY, source int REFERENCES rows,"
                " target int REFERENCES rows, amount int NOT NULL)"
            )
            rows = f"SELECT g, {AMOUNT} FROM generate_series(1, {ROWS}) g"
            session.execute(f"INSERT INTO rows {rows}")

    def connect(self, **more):
        return self.place.connect(self.cluster, **more)

    def client(self, number):
        dice = random.Random(number)
        count = 0
        while not self.stop.is_set():
            try:
                with self.connect(connect_timeout=5) as session:
                    self.connections[number] = session
                    while not self.stop.is_set():
                        count += 1
                        self.move(session, number * 1_000_000 + count, dice)
            except LOST:
                time.sleep(0.02)
            except Exception as fault:  # noqa: BLE001 - it is shown by the test's own thread
                self.faults.append(fault)
                return

    def move(self, session, marker, dice):
        """One transaction: either acknowledged, or refused, or nobody knows."""
        source, target = dice.sample(range(1, ROWS + 1), 2)
        move = (source, target, dice.randint(1, 9))
        committing = False
        try:
            session.execute("BEGIN")
            (there,) = session.execute(f"SELECT amount FROM rows WHERE id = {source}").fetchone()
            take = f"UPDATE rows SET amount = %s WHERE id = {source} RETURNING amount"
            assert session.execute(take, [there - move[2]]).fetchone() == (there - move[2],)
            session.execute(f"UPDATE rows SET amount = amount + {move[2]} WHERE id = {target}")
            values = f"{marker}, {source}, {target}, {move[2]}"
            session.execute(f"INSERT INTO moves VALUES ({values})")
            (total,) = session.execute("SELECT sum(amount) FROM rows").fetchone()
            assert total == ROWS * AMOUNT
            if dice.random() < 0.1:
                session.execute("ROLLBACK")
                return
            committing = True
            assert session.execute("COMMIT").statusmessage == "COMMIT"
            self.moved[marker] = move
            self.ends["committed"] += 1
        except psycopg.errors.SerializationFailure as error:
            assert "(OC000)" in str(error), error
            self.ends["conflict"] += 1
            if self.goes_down and not committing:
                # The gateway's own session was lost first: there was nowhere to go on.
                session.execute("ROLLBACK")
            assert session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        except LOST:
            self.ends["lost"] += 1
            if committing:
                self.unknown[marker] = move
            raise

    @contextlib.contextmanager
    def busy(self):
        threads = [threading.Thread(target=self.client, args=(n,)) for n in range(1, CLIENTS + 1)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(timeout=30)
        assert not any(thread.is_alive() for thread in threads)
        assert self.faults == []

    def goes_on(self, count=20):
        """Waits until so many more have committed."""
        enough = self.ends["committed"] + count
        deadline = time.monotonic() + 30
        while self.ends["committed"] < enough:
            assert not self.faults, self.faults
            assert time.monotonic() < deadline, self.ends
            time.sleep(0.02)

    def check(self):
        with self.connect() as session:
            found = session.execute("SELECT id, source, target, amount FROM moves").fetchall()
            amounts = dict(session.execute("SELECT id, amount FROM rows").fetchall())
        there = {marker: tuple(move) for marker, *move in found}
        missing = self.moved.keys() - there.keys()
        assert not missing, f"acknowledged and lost: {missing}"
        invented = there.keys() - self.moved.keys() - self.unknown.keys()
        assert not invented, f"there, although it was refused: {invented}"
        expected = dict.fromkeys(range(1, ROWS + 1), AMOUNT)
        for source, target, amount in there.values():
            expected[source] -= amount
            expected[target] += amount
        assert amounts == expected


@pytest.fixture
def bank(place):
    return Bank(place)


def kill_client(bank):
    """Its connection breaks without a word."""
    session = random.choice(list(bank.connections.values()))
    with contextlib.suppress(OSError, *LOST), socket.socket(
        fileno=os.dup(session.pgconn.socket)
    ) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def backends(bank):
    """The process ids of those who serve clients, and of the postmaster."""
    directory = bank.place.data_dir / "clusters" / bank.cluster / "data"
    postmaster = int((directory / "postmaster.pid").read_text().splitlines()[0])
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
            title = (stat.parent / "cmdline").read_bytes()
            if parent == postmaster and b" admin postgres" in title.replace(b"\0", b" "):
                found.append(int(stat.parent.name))
    return found, postmaster


def end_backend(bank):
    """As pg_terminate_backend does."""
    found, _ = backends(bank)
    with contextlib.suppress(ProcessLookupError, IndexError):
        os.kill(random.choice(found), signal.SIGTERM)


def kill_backend(bank):
    """The whole instance starts again."""
    found, _ = backends(bank)
    assert found
    with contextlib.suppress(ProcessLookupError):
        os.kill(random.choice(found), signal.SIGKILL)


def kill_postgres(bank):
    processes.kill(bank.place, bank.cluster)


def kill_server(bank):
    bank.place.kill()
    bank.place.start()


@pytest.mark.parametrize(
    "kill",
    [kill_client, end_backend, kill_backend, kill_postgres, kill_server],
    ids=lambda kill: kill.__name__,
)
def test_kills(bank, kill, record_property):
    bank.goes_down = kill not in (kill_client, end_backend)
    with bank.busy():
        for _ in range(ROUNDS):
            bank.goes_on()
            for _ in range(8 if kill in (kill_client, end_backend) else 1):
                kill(bank)
                time.sleep(0.03)
        bank.goes_on()
    bank.check()
    record_property("figures", f"{kill.__name__}: {dict(bank.ends)}, {len(bank.unknown)} unknown")
    assert bank.ends["conflict"] > 0 and bank.ends["lost"] > 0


@pytest.mark.parametrize("kill", [kill_client, end_backend, kill_server])
def test_who_vanishes_hinders_nobody(bank, kill):
    """The winner and the loser of a conflict, of whom nobody is left."""
    one, two = bank.connect(), bank.connect()
    for session in (one, two):
        session.execute("BEGIN")
        session.execute("UPDATE rows SET amount = 0 WHERE id = 1")
    bank.connections = {1: one, 2: two}
    for _ in range(20):
        kill(bank)
        if kill is kill_server:
            break
    bank.connections = {1: one}
    if kill is kill_client:
        kill(bank)
    bank.connections = {2: two}
    if kill is kill_client:
        kill(bank)
    deadline = time.monotonic() + 10
    while True:
        try:
            with bank.connect() as session:
                session.execute("UPDATE rows SET amount = amount + 0 WHERE id = 1")
                break
        except (*LOST, psycopg.errors.SerializationFailure):
            assert time.monotonic() < deadline
    for session in (one, two):
        session.close()
    bank.check()
