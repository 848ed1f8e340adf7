"""asyncpg, unmodified. It takes no address beside the host name: the name is resolved here."""

import asyncio
import ssl
import uuid

import asyncpg
import pytest
import surroundings
from database import host_of


@pytest.fixture(autouse=True)
def names():
    with surroundings.names():
        yield


async def connect(database, cluster, **more):
    context = ssl.create_default_context(cafile=database.authority)
    standard = {
        "host": host_of(cluster),
        "port": database.port,
        "user": "admin",
        "database": "postgres",
        "password": database.token(cluster),
        "ssl": context,
        "timeout": 20,
    }
    return await asyncpg.connect(**(standard | more))


@pytest.fixture
def run(database, home):
    """Runs an async function with a connection."""

    def run(function, **more):
        async def main():
            connection = await connect(database, home, **more)
            try:
                return await function(connection)
            finally:
                await connection.close()

        return asyncio.run(main())

    return run


@pytest.mark.parametrize("direct", [False, True])
def test_tls(run, direct):
    assert run(lambda c: c.fetchval("SELECT 1"), direct_tls=direct) == 1


def test_tls_that_is_verified_by_a_name(run, database):
    run(lambda c: c.fetchval("SELECT 1"), ssl="require")
    with pytest.raises(asyncpg.PostgresError, match="SSL is mandatory"):
        run(lambda c: c.fetchval("SELECT 1"), ssl=False)


def test_prepared_statements(run, table):
    async def walk(connection):
        insert = await connection.prepare(f"INSERT INTO {table} VALUES ($1, $2) RETURNING id")
        assert [await insert.fetchval(n, str(n)) for n in range(10)] == list(range(10))
        assert [p.name for p in insert.get_parameters()] == ["int4", "text"]
        select = await connection.prepare(f"SELECT v FROM {table} WHERE id BETWEEN $1 AND $2")
        assert await select.fetch(1, 2) == [("1",), ("2",)]
        # The same text again comes from its cache.
        for number in range(3):
            assert await connection.fetchval("SELECT $1::int + 1", number) == number + 1
        return await connection.fetchval("SELECT $1::uuid", uuid.UUID(int=5))

    assert run(walk) == uuid.UUID(int=5)


def test_many_rows(run, table):
    async def walk(connection):
        rows = [(n, f"v{n}") for n in range(1000)]
        await connection.executemany(f"INSERT INTO {table} VALUES ($1, $2)", rows)
        found = await connection.fetch(f"SELECT * FROM {table} ORDER BY id")
        assert [tuple(row) for row in found] == rows
        return await connection.execute(f"DELETE FROM {table}")

    assert run(walk) == "DELETE 1000"


def test_records_are_copied(run, table):
    async def walk(connection):
        rows = [(n, f"v{n}") for n in range(2000)]
        done = await connection.copy_records_to_table(table, records=rows)
        assert done == "COPY 2000"
        out = []

        async def take(data):
            out.append(data)

        await connection.copy_from_query(
            f"SELECT id FROM {table} WHERE id < 3 ORDER BY 1", output=take
        )
        return b"".join(out)

    assert run(walk) == b"0\n1\n2\n"


def test_transactions(run, table):
    async def walk(connection):
        async with connection.transaction():
            await connection.execute(f"INSERT INTO {table} VALUES (1, 'a')")
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction(isolation="repeatable_read"):
                await connection.execute(f"INSERT INTO {table} VALUES (2, 'b')")
                raise ZeroDivisionError
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with connection.transaction(readonly=True):
                await connection.execute(f"INSERT INTO {table} VALUES (3, 'c')")
        return await connection.fetch(f"SELECT id FROM {table}")

    assert run(walk) == [(1,)]


def test_an_isolation_level_that_is_not_there(run):
    async def walk(connection):
        with pytest.raises(asyncpg.FeatureNotSupportedError, match="Unsupported isolation level"):
            async with connection.transaction(isolation="serializable"):
                pass

    run(walk)


def test_a_cursor_of_the_protocol(run):
    """asyncpg's cursors are portals: no DECLARE."""

    async def walk(connection):
        async with connection.transaction():
            rows = connection.cursor("SELECT generate_series(1, 200)", prefetch=7)
            return [row[0] async for row in rows]

    assert run(walk) == list(range(1, 201))


def test_a_timeout_cancels(run):
    async def walk(connection):
        with pytest.raises(TimeoutError):
            await connection.fetchval("SELECT pg_sleep(20)", timeout=0.3)
        return await connection.fetchval("SELECT 1")

    assert run(walk) == 1


def test_types_that_are_looked_up(run):
    """What asyncpg asks of the catalog for a type it does not know: arrays are among these."""

    async def walk(connection):
        await connection.execute("CREATE DOMAIN asyncpg_even AS int CHECK (VALUE % 2 = 0)")
        try:
            found = await connection.fetchval("SELECT $1::asyncpg_even", 4)
            pairs = await connection.fetchval("SELECT ROW(1, 'a'::text)")
            array = await connection.fetchval("SELECT $1::int[]", [1, None])
            return found, tuple(pairs), array
        finally:
            await connection.execute("DROP DOMAIN asyncpg_even")

    assert run(walk) == (4, (1, "a"), [1, None])


def test_a_pool(database, home, table):
    async def main():
        def reset(connection):
            return connection.execute("RESET ALL")

        pool = await asyncpg.create_pool(
            min_size=2, max_size=4, reset=reset,
            connect=lambda *_, **__: connect(database, home),
        )  # fmt: skip
        async with pool:
            insert = f"INSERT INTO {table} VALUES ($1, 'a')"
            await asyncio.gather(*(pool.execute(insert, n) for n in range(20)))
            return await pool.fetchval(f"SELECT count(*) FROM {table}")

    assert asyncio.run(main()) == 20
