import pytest
import surroundings
from treeline import REGION


@pytest.fixture(autouse=True)
def credentials(monkeypatch, database):
    """The environment has the key of somebody who may do everything, and nothing else."""
    surroundings.credentials(monkeypatch, database.admin, REGION)


@pytest.fixture
def names():
    with surroundings.names():
        yield
