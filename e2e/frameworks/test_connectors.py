"""AWS's connectors for Python: they make the tokens themselves."""

import asyncio

import aurora_dsql_asyncpg
import aurora_dsql_psycopg
import aurora_dsql_psycopg2
import psycopg
import pytest
from database import host_of
from world import user


@pytest.fixture
def place(database, home):
    """What psycopg and psycopg2 are told."""
    return {
        "host": host_of(home),
        "hostaddr": "127.0.0.1",
        "port": database.port,
        "user": "admin",
        "sslmode": "verify-full",
        "sslrootcert": database.authority,
    }


def test_psycopg(place):
    with aurora_dsql_psycopg.DSQLConnection.connect(**place) as connection:
        found = connection.execute("SELECT current_user, current_database()").fetchone()
        assert found == ("admin", "postgres")
        name = connection.execute("SHOW application_name").fetchone()[0]
        assert name.startswith("aurora-dsql-python-psycopg/")


def test_psycopg_with_direct_tls(place):
    with aurora_dsql_psycopg.DSQLConnection.connect(**place, sslnegotiation="direct") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_psycopg_with_a_url(place, database, home):
    url = (
        f"postgresql://admin@{host_of(home)}:{database.port}/postgres?hostaddr=127.0.0.1"
        f"&sslmode=verify-full&sslrootcert={database.authority}&token_duration_secs=900"
    )
    with aurora_dsql_psycopg.DSQLConnection.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_psycopg_asynchronously(place):
    async def main():
        async with await aurora_dsql_psycopg.DSQLAsyncConnection.connect(**place) as connection:
            cursor = await connection.execute("SELECT 1")
            return await cursor.fetchone()

    assert asyncio.run(main()) == (1,)


def test_a_pool_of_psycopg(place, table):
    with aurora_dsql_psycopg.create_pool(kwargs=place, min_size=1, max_size=3) as pool:
        for number in range(5):
            with pool.connection() as connection:
                connection.execute(f"INSERT INTO {table} VALUES (%s, 'a')", [number])
        with pool.connection() as connection:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (5,)


def test_a_conflict_is_known_as_one(place, table):
    with aurora_dsql_psycopg.DSQLConnection.connect(**place) as one:
        one.execute(f"INSERT INTO {table} VALUES (1, 'a')")
        one.commit()
        with aurora_dsql_psycopg.DSQLConnection.connect(**place) as two:
            two.execute(f"SELECT * FROM {table}")
            one.execute(f"UPDATE {table} SET v = 'x'")
            one.commit()
            with pytest.raises(psycopg.Error) as caught:
                two.execute(f"UPDATE {table} SET v = 'y'")
                two.commit()
            assert aurora_dsql_psycopg.is_occ_error(caught.value)
            two.rollback()


def test_psycopg2(place):
    connection = aurora_dsql_psycopg2.connect(**place)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("admin",)
    connection.close()


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("direct", [False, True])
def test_asyncpg(database, home, direct):
    async def main():
        connection = await aurora_dsql_asyncpg.connect(
            host=host_of(home),
            port=database.port,
            user="admin",
            ssl="verify-full",
            sslrootcert=database.authority,
            direct_tls=direct,
        )
        try:
            return await connection.fetchval("SELECT $1::text || current_user", "I am ")
        finally:
            await connection.close()

    assert asyncio.run(main()) == "I am admin"


@pytest.mark.usefixtures("names")
def test_a_pool_of_asyncpg(database, home, monkeypatch, table):
    monkeypatch.setenv("SSL_CERT_FILE", database.authority)

    async def main():
        pool = await aurora_dsql_asyncpg.create_pool(
            host=host_of(home), port=database.port, user="admin", ssl=True, min_size=1, max_size=3
        )
        async with pool:
            insert = f"INSERT INTO {table} VALUES ($1, 'a')"
            await asyncio.gather(*(pool.execute(insert, number) for number in range(9)))
            return await pool.fetchval(f"SELECT count(*) FROM {table}")

    assert asyncio.run(main()) == 9


def test_a_role_of_ones_own(place, session):
    """The connector signs for DbConnect when the user is not admin."""
    session.execute("CREATE ROLE for_connectors WITH LOGIN")
    session.execute(f"AWS IAM GRANT for_connectors TO '{user('admin')}'")
    own = place | {"user": "for_connectors"}
    with aurora_dsql_psycopg.DSQLConnection.connect(**own) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("for_connectors",)
    session.execute(f"AWS IAM REVOKE for_connectors FROM '{user('admin')}'")
    session.execute("DROP ROLE for_connectors")
