"""A server with databases behind its clusters, and ways to connect to them."""

import os
import subprocess
import tempfile
from pathlib import Path

import psycopg
from treeline import REGION
from world import World

BINARIES = os.environ.get("TREELINE_TEST_POSTGRES")
QUICK_JOBS = "--dsql-job-seconds=0.2"


class Database(World):
    """A `World` whose clusters can be connected to.

    Its data directory is below one that everybody may pass through: when the server runs as root,
    PostgreSQL runs as another user, to whom pytest's own directories are closed.
    """

    def __init__(self, options=()):
        self.home = Path(tempfile.mkdtemp(prefix="treeline-e2e-"))
        self.home.chmod(0o711)
        binaries = [f"--postgres-binaries={BINARIES}"] if BINARIES else []
        options = [QUICK_JOBS, *binaries, *options]
        super().__init__(self.home / "data", options, postgres="127.0.0.1:0")

    def __exit__(self, *_):
        super().__exit__(*_)
        # Thousands of files, whose end nobody has to wait for.
        subprocess.Popen(["rm", "-rf", "--", self.home], start_new_session=True)

    @property
    def port(self):
        return int(self.postgres.rpartition(":")[2])

    @property
    def authority(self):
        """The certificate that clients have to trust."""
        return str(self.data_dir / "tls" / "ca.pem")

    def token(self, cluster, user="admin", key=None, seconds=900, host=None, region=REGION):
        """A password, made by boto3, for a user of a cluster; `host` is another host's."""
        client = self.dsql(key or self.admin)
        name = "admin_auth_token" if user == "admin" else "auth_token"
        make = getattr(client, f"generate_db_connect_{name}")
        return make(host or host_of(cluster, region), region, seconds)

    def parameters(self, cluster, user="admin", key=None, region=REGION, **more):
        """What libpq has to know; parameters that are None are left out."""
        standard = {
            "host": host_of(cluster, region),
            "hostaddr": "127.0.0.1",
            "port": self.port,
            "user": user,
            "dbname": "postgres",
            "sslmode": "verify-full",
            "sslrootcert": self.authority,
            "connect_timeout": 20,
        }
        if "password" not in more:
            standard["password"] = self.token(cluster, user, key, region=region)
        found = standard | more
        return {name: value for name, value in found.items() if value is not None}

    def connect(self, cluster, user="admin", key=None, autocommit=True, **more):
        """A connection of psycopg. It needs no name resolution: it is told the address."""
        parameters = self.parameters(cluster, user, key, **more)
        return psycopg.connect(autocommit=autocommit, **parameters)


def host_of(cluster, region=REGION):
    return f"{cluster}.dsql.{region}.on.aws"
