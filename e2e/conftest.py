"""One server for the session; every test makes policy stores of its own in it."""

import re

import photos
import pytest
from accounts import Account, new_key
from database import Database
from treeline import Server
from world import World


@pytest.fixture(scope="session")
def keys():
    """Two accounts, with one user each."""
    return new_key("111122223333", "alice"), new_key("444455556666", "bob")


@pytest.fixture(scope="session")
def server(tmp_path_factory, keys):
    accounts = map(Account.of, keys)
    with Server(tmp_path_factory.mktemp("treeline") / "data", *accounts) as server:
        yield server
        assert server.process.poll() is None, server.log.read_text()


@pytest.fixture(scope="session")
def avp(server, keys):
    """A client of the first account."""
    return server.client(keys[0])


@pytest.fixture(scope="session")
def other_account(server, keys):
    """A client of the second account."""
    return server.client(keys[1])


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A server on which time is short and several people of one account may do different things."""
    with World(tmp_path_factory.mktemp("world") / "data") as world:
        yield world


@pytest.fixture(scope="session")
def dsql(world):
    """A client that may do everything with clusters."""
    return world.dsql(world.admin)


@pytest.fixture
def cluster(world, dsql):
    """The id of a new cluster that is ACTIVE and may be deleted."""
    return world.cluster(dsql)


@pytest.fixture(scope="session")
def database():
    """A `World` with databases."""
    with Database() as database:
        yield database
        assert database.process.poll() is None, database.log.read_text()


@pytest.fixture(scope="session")
def home(database):
    """The id of a cluster that many tests share: each names its tables after itself."""
    return database.cluster(database.dsql(database.admin))


@pytest.fixture
def session(database, home):
    """A session of admin at that cluster."""
    with database.connect(home) as session:
        yield session


@pytest.fixture
def table(request, session):
    """The name of a new table with a key and a value; it is dropped afterwards."""
    name = re.sub(r"\W+", "_", request.node.name.removeprefix("test_"))[:40].strip("_").lower()
    session.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, v text)")
    yield name
    session.execute("ROLLBACK")
    session.execute(f"DROP TABLE IF EXISTS {name} CASCADE")


@pytest.fixture
def store(avp):
    """A policy store without validation."""
    return avp.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]


@pytest.fixture
def strict_store(avp):
    """A policy store that validates against the schema of `photos`."""
    store = avp.create_policy_store(validationSettings={"mode": "STRICT"})["policyStoreId"]
    avp.put_schema(policyStoreId=store, definition=photos.schema())
    return store


def pytest_terminal_summary(terminalreporter):
    """Prints the figures that tests recorded with `record_property("figures", text)`."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(text)
