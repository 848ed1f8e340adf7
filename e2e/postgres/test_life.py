"""Databases come and go with their clusters, and outlive what happens to the server."""

import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import processes
import psycopg
import pytest
from accounts import deny
from database import Database
from expect_sql import denied, kept_out, refused, until_running
from treeline import free_ports
from world import becomes, cluster_arn, put_policy, user

MOST = 60


@pytest.fixture(scope="module")
def place():
    """A server of which little may be used; clusters are idle soon."""
    (port,) = free_ports(1)
    listener = f"127.0.0.1:{port},vpc=vpc-0a1b2c3d,vpce=vpce-0c2d3e4f"
    options = [f"--dsql-connections={MOST}", "--dsql-idle-seconds=2"]
    with Database([*options, f"--postgres-listeners={listener}"]) as place:
        place.vpc_port = port
        yield place


@pytest.fixture(scope="module")
def dsql(place):
    return place.dsql(place.admin)


@pytest.fixture
def cluster(place, dsql):
    return place.cluster(dsql)


def one(place, cluster, sql="SELECT 1", **more):
    """The only value of a query in a session of its own."""
    with place.connect(cluster, **more) as session:
        return session.execute(sql).fetchone()[0]


def test_a_deleted_cluster_takes_its_data_with_it(place, dsql, cluster):
    directory = place.data_dir / "clusters" / cluster
    session = place.connect(cluster)
    session.execute("CREATE TABLE t (id int PRIMARY KEY)")
    assert directory.exists()
    dsql.delete_cluster(identifier=cluster)
    deadline = time.monotonic() + 15
    while directory.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    processes.end(place, cluster)
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    hint = f"User: {user('admin')} is not authorized to access this resource"
    denied(hint, place.connect, cluster)
    assert not (place.data_dir / "clusters" / "sockets" / cluster).exists()


def test_an_idle_cluster_stops_and_a_connection_wakes_it(place, dsql, cluster):
    with place.connect(cluster) as session:
        session.execute("CREATE TABLE t (id int PRIMARY KEY)")
        time.sleep(2.6)
        # Somebody is connected.
        assert dsql.get_cluster(identifier=cluster)["status"] == "ACTIVE"
        session.execute("INSERT INTO t VALUES (1)")
    becomes(dsql, cluster, "IDLE", seconds=15)
    processes.end(place, cluster)
    assert one(place, cluster, "SELECT id FROM t") == 1
    assert dsql.get_cluster(identifier=cluster)["status"] == "ACTIVE"


def test_many_wake_a_cluster_at_once(place, dsql, cluster):
    place.connect(cluster).close()
    becomes(dsql, cluster, "IDLE", seconds=15)
    processes.end(place, cluster)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda _: one(place, cluster), range(16))) == [1] * 16


def test_a_client_that_vanishes_in_a_transaction(place, cluster):
    """Its transaction is rolled back at once: nobody waits for its rows."""
    with place.connect(cluster) as session:
        session.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        session.execute("INSERT INTO t VALUES (1, 'a')")
        other = place.connect(cluster, autocommit=False)
        other.execute("UPDATE t SET v = 'b'")
        with socket.socket(fileno=os.dup(other.pgconn.socket)) as wire:
            wire.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 5
        while True:
            try:
                session.execute("UPDATE t SET v = v || 'c'")
                break
            except psycopg.errors.SerializationFailure:
                assert time.monotonic() < deadline
        assert session.execute("SELECT v FROM t").fetchone() == ("ac",)


@pytest.mark.parametrize("way", ["close", "shutdown"])
def test_a_client_that_vanishes_in_a_statement(place, cluster, way):
    """Nobody would hear of its end."""
    sql = "SELECT pg_sleep(60)"
    running = f"SELECT count(*) FROM pg_stat_activity WHERE query = '{sql}'"
    with place.connect(cluster) as session:
        other = place.connect(cluster)
        other.pgconn.send_query(sql.encode())
        other.pgconn.flush()
        until_running(session, sql)
        if way == "close":
            other.close()
        else:
            with socket.socket(fileno=os.dup(other.pgconn.socket)) as wire:
                wire.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 10
        while session.execute(running).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_noise_hurts_nobody(place, cluster):
    for size in range(1, 200):
        with socket.create_connection(("127.0.0.1", place.port)) as wire:
            wire.sendall(random.Random(size).randbytes(size))
    assert one(place, cluster) == 1


def test_the_death_of_a_postmaster(place, cluster):
    session = place.connect(cluster)
    session.execute("CREATE TABLE t (id int PRIMARY KEY)")
    session.execute("INSERT INTO t VALUES (1)")
    processes.kill(place, cluster)
    # A session that answers just then has not heard of it yet.
    with pytest.raises(psycopg.OperationalError):
        for _ in range(100):
            session.execute("SELECT pg_sleep(0.05)")
    assert one(place, cluster, "SELECT id FROM t") == 1


def test_the_death_of_the_server(place, dsql):
    """What was committed is there; no process of the old server is left."""
    clusters = [place.cluster(dsql) for _ in range(2)]
    sessions = [place.connect(cluster) for cluster in clusters]
    for session in sessions:
        session.execute("CREATE TABLE t (id int PRIMARY KEY)")
        session.execute("INSERT INTO t VALUES (1), (2)")
    sessions[0].execute("BEGIN")
    sessions[0].execute("INSERT INTO t VALUES (3)")
    before = set(processes.of(place))
    assert before
    place.kill()
    for session in sessions:
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    place.start()
    for cluster in clusters:
        assert one(place, cluster, "SELECT count(*) FROM t") == 2
    deadline = time.monotonic() + 15
    while before & set(processes.of(place)):
        assert time.monotonic() < deadline, processes.of(place)
        time.sleep(0.1)


def test_an_orderly_end(place, cluster):
    session = place.connect(cluster)
    session.execute("CREATE TABLE t (id int PRIMARY KEY)")
    assert place.stop() == 0
    processes.end(place, seconds=1)
    with pytest.raises(psycopg.OperationalError) as caught:
        session.execute("SELECT 1")
    assert caught.value.sqlstate in ("57P01", None), caught.value
    place.start()
    assert one(place, cluster, "SELECT count(*) FROM t") == 0


def test_many_clusters_at_once(place, dsql):
    def use(number):
        cluster = place.cluster(dsql)
        with place.connect(cluster) as session:
            session.execute("CREATE TABLE t (id int PRIMARY KEY)")
            session.execute("INSERT INTO t VALUES (%s)", [number])
            return cluster, session.execute("SELECT id FROM t").fetchone()[0]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(use, range(6)))
    assert [number for _, number in found] == list(range(6))
    assert len({cluster for cluster, _ in found}) == 6


def test_many_connections_and_one_too_many(place, cluster):
    with ThreadPoolExecutor(8) as pool:
        sessions = list(pool.map(lambda _: place.connect(cluster), range(MOST)))
        found = list(pool.map(lambda s: s.execute("SELECT 1").fetchone(), sessions[:50]))
        assert found == [(1,)] * 50
        try:
            text = kept_out("FATAL", place.connect, cluster)
            assert "Unable to accept connection, too many open connections." in text
            sessions.pop().close()
            deadline = time.monotonic() + 5
            while True:
                try:
                    assert one(place, cluster) == 1
                    break
                except psycopg.OperationalError:
                    assert time.monotonic() < deadline
        finally:
            list(pool.map(lambda session: session.close(), sessions))


def test_a_linked_cluster_whose_peer_is_missing(place, dsql):
    witness = {"witnessRegion": "us-west-2"}
    cluster = dsql.create_cluster(multiRegionProperties=witness)["identifier"]
    becomes(dsql, cluster, "PENDING_SETUP")
    denied("The cluster is PENDING_SETUP.", place.connect, cluster)


def test_linked_clusters_share_a_database(place):
    clients = [place.dsql(place.admin, region=region) for region in ("us-east-1", "us-east-2")]
    witness = {"witnessRegion": "us-west-2"}
    first = clients[0].create_cluster(multiRegionProperties=witness)
    second = clients[1].create_cluster(multiRegionProperties=witness | {"clusters": [first["arn"]]})
    clients[0].update_cluster(
        identifier=first["identifier"],
        multiRegionProperties=witness | {"clusters": [second["arn"]]},
    )
    for client, cluster in zip(clients, (first, second), strict=True):
        becomes(client, cluster["identifier"], "ACTIVE")
    with place.connect(first["identifier"]) as east:
        east.execute("CREATE TABLE t (id int PRIMARY KEY)")
        with place.connect(second["identifier"], region="us-east-2") as ohio:
            ohio.execute("INSERT INTO t VALUES (1)")
            assert east.execute("SELECT id FROM t").fetchall() == [(1,)]
            refused("23505", "", east, "INSERT INTO t VALUES (1)")


def test_a_policy_that_asks_for_the_vpc(place, dsql, cluster):
    outside = {"Null": {"aws:SourceVpc": "true"}}
    policy = deny("dsql:DbConnectAdmin", Principal={"AWS": user("dev")}, Condition=outside)
    put_policy(dsql, cluster, policy)
    hint = "with an explicit deny in a resource-based policy"
    denied(hint, place.connect, cluster, key=place.dev)
    line = place.decisions()[-1]
    found = line["principal"], line["resource"], line["sourceAddress"]
    assert found == (user("dev"), cluster_arn(cluster), "127.0.0.1"), line
    assert one(place, cluster, key=place.dev, port=place.vpc_port) == 1


def test_the_account_file_counts_for_the_next_connection(place, cluster):
    """A permission that is taken away cuts nobody off."""
    key = place.app_key()
    with place.connect(cluster, key=key) as session:
        text = place.account_file.read_text()
        try:
            place.write_account_file(text.replace("dsql:*", "dsql:GetCluster"))
            deadline = time.monotonic() + 10
            while True:
                try:
                    place.connect(cluster, key=key).close()
                except psycopg.OperationalError as error:
                    reason = "no identity-based policy allows the dsql:DbConnectAdmin action"
                    assert reason in str(error)
                    break
                assert time.monotonic() < deadline
            assert session.execute("SELECT 1").fetchone() == (1,)
        finally:
            place.write_account_file(text)


def test_jobs_survive_the_death_of_the_server(place, cluster):
    """A job that was submitted is done by the next server."""
    with place.connect(cluster) as session:
        session.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        session.execute("INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 3000) g")
        for number in range(3):
            session.execute(f"CREATE INDEX ASYNC i{number} ON t (v, id)")
        found = session.execute("SELECT job_id FROM sys.jobs WHERE job_type = 'INDEX_BUILD'")
        jobs = found.fetchall()
        assert len(jobs) == 3
        place.kill()
    place.start()
    with place.connect(cluster) as session:
        for job in jobs:
            assert session.execute("CALL sys.wait_for_job(%s)", job).fetchone() == (True,)
        valid = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid"
        assert session.execute(valid).fetchone() == (4,)
