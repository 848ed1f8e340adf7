"""Real clients lose the race: what the second to commit is told, and how its library says so."""

import asyncio
import os
import ssl
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psycopg
import psycopg2
import pytest
import surroundings
from database import host_of
from expect_sql import diagnosed
from interleaving import CONFLICT, statement
from shell import Shell
from treeline import REGION

NODE = Path(__file__).parents[1] / "node"
ADD = statement("add 1")
READ = statement("read 1")


@pytest.fixture
def winner(arena):
    """A session that adds to row 1, and is done at once."""
    parties = arena.fresh()

    def win():
        (answer,) = parties[1](ADD)
        assert answer.text == "UPDATE 1"

    return win


@pytest.fixture
def value(arena):
    return lambda: int(arena.party(0)(READ)[0].text)


def test_psycopg(arena, winner, value):
    with arena.connect(autocommit=False) as session:
        assert session.execute(ADD).rowcount == 1
        winner()
        assert session.execute(READ).fetchone() == (101,)
        with pytest.raises(psycopg.errors.SerializationFailure) as caught:
            session.commit()
        diagnosed(caught.value, "40001", CONFLICT)
        assert session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        session.execute(ADD)
        session.commit()
    assert value() == 102


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("threshold", [None, 0, 2])
def test_psycopg_prepares(arena, winner, value, binary, threshold):
    """Statements that were prepared before a conflict serve within it and after it."""
    sql = "UPDATE t SET v = v + %b WHERE id = %b RETURNING id, v, u"
    with arena.connect() as session, session.cursor(binary=binary) as cursor:
        session.prepare_threshold = threshold
        for end in ("rollback", "conflict", "conflict", "commit"):
            session.execute("BEGIN")
            before = cursor.execute("SELECT v FROM t WHERE id = %b", [1]).fetchone()[0]
            if end == "conflict":
                winner()
            for number in range(1, 5):
                found = cursor.execute(sql, [1, 1]).fetchone()
                assert found == (1, before + number, "u1")
            assert cursor.execute("SELECT v FROM t WHERE id = %b", [1]).fetchone()[0] == before + 4
            if end == "conflict":
                with pytest.raises(psycopg.errors.SerializationFailure, match="OC000"):
                    session.execute("COMMIT")
            else:
                session.execute(end)
    assert value() == before + 4


def test_a_pipeline(arena, winner, value):
    with arena.connect(autocommit=False) as session:
        session.execute(READ)
        winner()
        with session.pipeline() as pipeline:
            found = [session.execute(ADD), session.execute(ADD + " RETURNING v")]
            found.append(session.execute("UPDATE t SET v = %s WHERE id = 2 RETURNING v", [5]))
            found.append(session.execute("SELECT sum(v) FROM t WHERE id < 3"))
            pipeline.sync()
            assert [cursor.rowcount for cursor in found] == [1, 1, 1, 1]
            assert [cursor.fetchone() for cursor in found[1:]] == [(102,), (5,), (107,)]
        with pytest.raises(psycopg.errors.SerializationFailure):
            session.commit()
    assert value() == 101


def test_a_pipeline_with_its_commit(arena, winner, value):
    """The whole transaction is sent at once, and meets one that has written before."""
    parties = arena.fresh()
    parties[2]("BEGIN")
    parties[2](ADD)
    with arena.connect() as session, session.pipeline():
        session.execute("BEGIN")
        session.execute(ADD)
        found = session.execute(READ)
        session.execute("COMMIT")
        assert found.fetchone() == (101,)
    assert value() == 101
    (answer,) = parties[2]("COMMIT")
    assert answer.text == "OC000"


def test_a_pipeline_that_is_one_transaction(arena, winner, value):
    """What is sent before a sync, without BEGIN: nothing waits, and all or nothing happens."""
    parties = arena.fresh()
    parties[2]("BEGIN")
    parties[2](ADD)
    with arena.connect() as session:
        try:
            with session.pipeline():
                session.execute("UPDATE t SET v = v + 10 WHERE id = 1")
                session.execute("UPDATE t SET v = v + 10 WHERE id = 2")
            expected = (110, 110)
        except psycopg.errors.SerializationFailure as error:
            diagnosed(error, "40001", CONFLICT)
            expected = (100, 100)
        found = session.execute("SELECT v FROM t WHERE id < 3 ORDER BY id").fetchall()
    assert tuple(v for (v,) in found) == expected
    (answer,) = parties[2]("COMMIT")
    assert answer.text == ("OC000" if expected == (110, 110) else "COMMIT")


@pytest.mark.parametrize("text", [f"{ADD}; {READ}", f"{READ}; {ADD}; {ADD}"])
def test_several_statements_in_one_text(arena, value, text):
    """They are one transaction: it succeeds, or fails as a whole."""
    parties = arena.fresh()
    parties[2]("BEGIN")
    parties[2](ADD)
    answers = [answer.text for answer in parties[1](text)]
    if "OC000" in answers:
        assert value() == 100
    else:
        assert value() == 100 + text.count("UPDATE")
    assert parties[1].state == "idle"
    (answer,) = parties[2]("COMMIT")
    assert answer.text == ("COMMIT" if "OC000" in answers else "OC000")


def test_a_block_in_one_text(arena, value):
    parties = arena.fresh()
    parties[2]("BEGIN")
    parties[2](ADD)
    answers = [answer.text for answer in parties[1](f"BEGIN; {ADD}; {READ}; COMMIT")]
    assert answers == ["BEGIN", "UPDATE 1", "101", "COMMIT"]
    answers = [answer.text for answer in parties[2](f"{READ}; {ADD}; COMMIT; {READ}")]
    assert answers[:3] == ["101", "UPDATE 1", "OC000"]
    assert value() == 101


def test_psycopg2(arena, winner, value):
    connection = psycopg2.connect(**arena.database.parameters(arena.cluster))
    try:
        with connection.cursor() as cursor:
            cursor.execute(ADD)
            winner()
            cursor.execute(ADD + " RETURNING v")
            assert cursor.fetchall() == [(102,)]
            with pytest.raises(psycopg2.errors.SerializationFailure) as caught:
                connection.commit()
            assert CONFLICT in str(caught.value)
            cursor.execute(ADD)
            connection.commit()
    finally:
        connection.close()
    assert value() == 102


async def asyncpg_of(arena):
    return await asyncpg.connect(
        host=host_of(arena.cluster),
        port=arena.database.port,
        user="admin",
        database="postgres",
        password=arena.database.token(arena.cluster),
        ssl=ssl.create_default_context(cafile=arena.database.authority),
    )


def test_asyncpg(arena, winner, value):
    async def lose():
        connection = await asyncpg_of(arena)
        try:
            with pytest.raises(asyncpg.SerializationError, match="OC000"):
                async with connection.transaction():
                    assert await connection.execute(ADD) == "UPDATE 1"
                    winner()
                    sql = "UPDATE t SET v = v + $1 WHERE id = $2 RETURNING v"
                    assert await connection.fetchval(sql, 1, 1) == 102
                    assert await connection.fetchval(READ) == 102
                    rows = [record async for record in connection.cursor("SELECT id FROM t")]
                    assert len(rows) == 9
            assert not connection.is_in_transaction()
            async with connection.transaction():
                await connection.execute(ADD)
        finally:
            await connection.close()

    with surroundings.names():
        asyncio.run(lose())
    assert value() == 102


def test_a_cursor_that_is_open_when_its_transaction_makes_way(arena, winner):
    """What it has still to give is of the same snapshot and time; or there is no more, and the
    transaction has failed."""

    found = []

    async def read():
        connection = await asyncpg_of(arena)
        try:
            async with connection.transaction():
                await connection.execute(ADD)
                cursor = await connection.cursor("SELECT id, v FROM t ORDER BY id")
                found.extend(await cursor.fetch(3))
                winner()
                found.extend(await cursor.fetch(3))
                assert await connection.execute("UPDATE t SET v = 0 WHERE id = 9") == "UPDATE 1"
                found.extend(await cursor.fetch(9))
        finally:
            await connection.close()

    with surroundings.names(), pytest.raises(asyncpg.SerializationError, match="OC000"):
        asyncio.run(read())
    rows = [(1, 101), *((number, 100) for number in range(2, 10))]
    assert [tuple(row) for row in found] in (rows[:3], rows)


def test_psql(arena, winner, value, tmp_path):
    """Two statements of psql with a pause between, in which the other commits."""
    shell = Shell(arena.database, tmp_path)
    command = "psql -X --no-password -At -v VERBOSITY=verbose"
    go, ready = tmp_path / "go", tmp_path / "ready"
    wait = f"touch '{ready}'; timeout 10 sh -c 'until [ -e {go} ]; do sleep 0.02; done'"
    script = f"BEGIN;\n{ADD};\n\\! {wait}\n{READ};\nCOMMIT;\n{ADD};\n"
    environment = {
        "PGPASSWORD": arena.database.token(arena.cluster),
        "PGHOST": host_of(arena.cluster),
        "PGUSER": "admin",
        "PGDATABASE": "postgres",
        "SCRIPT": script,
    }
    with ThreadPoolExecutor(1) as pool:
        psql = pool.submit(shell, f'{command} 2>&1 <<< "$SCRIPT"', **environment)
        deadline = time.monotonic() + 10
        while not ready.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        winner()
        go.touch()
        _, printed, _ = psql.result()
    lines = printed.splitlines()
    assert lines[:3] == ["BEGIN", "UPDATE 1", "101"]
    assert lines[3] == f"ERROR:  40001: {CONFLICT}"
    assert lines[-1] == "UPDATE 1"
    assert value() == 102


LOSE = """
import assert from "node:assert/strict";
import pg from "pg";
import { host, port, token } from "./cluster.mjs";
const options = { host, port, user: "admin", database: "postgres", password: token, ssl: true };
const [one, two] = [new pg.Client(options), new pg.Client(options)];
await one.connect();
await two.connect();
const add = "UPDATE t SET v = v + $1 WHERE id = $2 RETURNING v";
await one.query("BEGIN");
assert.equal((await one.query(add, [1, 1])).rows[0].v, 101);
assert.equal((await two.query({ name: "add", text: add, values: [1, 1] })).rows[0].v, 101);
assert.equal((await one.query({ name: "add", text: add, values: [1, 1] })).rows[0].v, 102);
const error = await one.query("COMMIT").then(() => assert.fail("it committed"), (error) => error);
assert.equal(error.code, "40001");
assert.equal(error.message, "change conflicts with another transaction (OC000)");
assert.equal((await one.query(add, [1, 1])).rows[0].v, 102);
await one.end();
await two.end();
"""


def test_node_postgres(arena, value):
    arena.fresh()
    environment = {
        "CLUSTER_HOST": host_of(arena.cluster),
        "CLUSTER_PORT": str(arena.database.port),
        "AWS_ACCESS_KEY_ID": arena.database.admin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": arena.database.admin.secret_access_key,
        "AWS_REGION": REGION,
        "NODE_EXTRA_CA_CERTS": arena.database.authority,
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        ["node", "--import", "./names.mjs", "--input-type=module", "-e", LOSE],
        cwd=NODE,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert value() == 102
