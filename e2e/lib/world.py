"""A server for clusters: they become ACTIVE soon, and people may do different things."""

import json
import time

from accounts import EVERYTHING, Account, allow, trust
from treeline import REGION, Server

ACCOUNT = "111122223333"
QUICK = [
    "--dsql-creation-seconds=0.1",
    "--dsql-update-seconds=1",
    "--dsql-deletion-seconds=1",
]
MANY = ["--quota-dsql-clusters=1000", "--quota-dsql-multi-region-clusters=1000"]
READ_ONLY = "arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess"


class World(Server):
    """admin may do everything; dev and the role app everything with clusters; reader may read;
    nobody nothing. dev may assume app, and the roles connector, who may only connect as a role of a
    database, and administrator, who may only connect as its admin."""

    def __init__(self, data_dir, options=(), postgres="off"):
        account = Account(ACCOUNT)
        self.admin = account.user("admin", EVERYTHING)
        self.dev = account.user("dev", allow("dsql:*"))
        self.reader = account.user("reader", managed=[READ_ONLY])
        self.nobody = account.user("nobody")
        self.root = account.root()
        by_dev = trust(account.arn("user/dev"))
        self.app = account.role("app", by_dev, allow("dsql:*"))
        self.connector = account.role("connector", by_dev, allow("dsql:DbConnect"))
        self.administrator = account.role("administrator", by_dev, allow("dsql:DbConnectAdmin"))
        self.other = Account("444455556666")
        self.stranger = self.other.user("stranger", EVERYTHING)
        given = {option.partition("=")[0] for option in options}
        usual = (option for option in QUICK + MANY if option.partition("=")[0] not in given)
        options = [*usual, *options]
        super().__init__(data_dir, account, self.other, options=options, postgres=postgres)

    def dsql(self, key, **config):
        return self.client(key, "dsql", **config)

    def app_key(self, name="session", **arguments):
        return self.session_key(self.dev, self.app, name, **arguments)

    def cluster(self, dsql, **arguments):
        """The id of a new cluster that is ACTIVE and may be deleted."""
        settings = {"deletionProtectionEnabled": False} | arguments
        created = dsql.create_cluster(**settings)
        becomes(dsql, created["identifier"], "ACTIVE")
        return created["identifier"]


def cluster_arn(cluster, account=ACCOUNT, region=REGION):
    return f"arn:aws:dsql:{region}:{account}:cluster/{cluster}"


def user(name, account=ACCOUNT):
    return f"arn:aws:iam::{account}:user/{name}"


def becomes(dsql, cluster, status, seconds=10):
    """Waits until a cluster has this status; waiters know ACTIVE only."""
    end = time.monotonic() + seconds
    while (found := dsql.get_cluster(identifier=cluster)["status"]) != status:
        assert time.monotonic() < end, f"{cluster} is {found}, not {status}"
        time.sleep(0.05)


def put_policy(dsql, cluster, document, **arguments):
    """Gives a cluster a policy; gives its version."""
    put = dsql.put_cluster_policy(identifier=cluster, policy=json.dumps(document), **arguments)
    return put["policyVersion"]
