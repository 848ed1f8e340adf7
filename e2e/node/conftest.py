"""What the clients find in their environment."""

import pytest
from database import host_of
from treeline import REGION
from world import user


@pytest.fixture(scope="session")
def environment(database, home):
    """A cluster, where it is, an access key, and an authority to trust."""
    return {
        "CLUSTER_HOST": host_of(home),
        "CLUSTER_PORT": str(database.port),
        "CALLER": user("admin"),
        "AWS_ACCESS_KEY_ID": database.admin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": database.admin.secret_access_key,
        "AWS_REGION": REGION,
        "NODE_EXTRA_CA_CERTS": database.authority,
    }
