import pytest
from shell import Shell


@pytest.fixture(scope="session")
def shell(server, tmp_path_factory):
    return Shell(server, tmp_path_factory.mktemp("home"))
