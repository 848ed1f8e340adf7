"""Two clusters in two Regions that are one database, made and taken apart as the guide says.

One server stands for all Regions: a client's `region_name` is where it is."""

import functools

import pytest
from accounts import Account, allow, deny, document, statement
from expect_dsql import conflict, denied, invalid, members, missing, not_allowed
from treeline import Server
from world import ACCOUNT, QUICK, becomes, cluster_arn, put_policy, user

WITNESS = "us-west-2"
PROPERTIES = "multiRegionProperties"


def properties(*clusters, witness=WITNESS):
    found = {"witnessRegion": witness} | ({"clusters": list(clusters)} if clusters else {})
    return {PROPERTIES: found}


class Pair:
    """A cluster in each of two Regions; they are linked in `linked_pair`."""

    def __init__(self, world, key):
        self.east = world.dsql(key, region="us-east-1")
        self.ohio = world.dsql(key, region="us-east-2")

    def make(self):
        """Steps 1 and 2: one with the witness alone, one that names the first."""
        created = members(self.east.create_cluster(**properties()))
        self.a, self.a_arn = created["identifier"], created["arn"]
        assert created["status"] == "CREATING"
        # The own ARN is in the list.
        assert created[PROPERTIES] == {"witnessRegion": WITNESS, "clusters": [self.a_arn]}
        becomes(self.east, self.a, "PENDING_SETUP")
        created = members(self.ohio.create_cluster(**properties(self.a_arn)))
        self.b, self.b_arn = created["identifier"], created["arn"]
        assert self.b_arn == cluster_arn(self.b, region="us-east-2")
        becomes(self.ohio, self.b, "PENDING_SETUP")
        # One side alone changes nothing.
        assert self.east.get_cluster(identifier=self.a)["status"] == "PENDING_SETUP"

    def link(self):
        """Step 3: the first names the second."""
        updated = self.east.update_cluster(identifier=self.a, **properties(self.b_arn))
        assert updated["status"] in ("UPDATING", "CREATING")
        self.east.get_waiter("cluster_active").wait(identifier=self.a)
        self.ohio.get_waiter("cluster_active").wait(identifier=self.b)

    def clusters(self):
        return [
            client.get_cluster(identifier=identifier)[PROPERTIES]["clusters"]
            for client, identifier in [(self.east, self.a), (self.ohio, self.b)]
        ]

    def unprotect(self):
        self.east.update_cluster(identifier=self.a, deletionProtectionEnabled=False)
        self.ohio.update_cluster(identifier=self.b, deletionProtectionEnabled=False)


@pytest.fixture
def pair(world):
    pair = Pair(world, world.admin)
    pair.make()
    return pair


@pytest.fixture
def linked(pair):
    pair.link()
    return pair


def test_two_clusters_that_name_each_other_become_active(linked):
    for found in linked.clusters():
        assert sorted(found) == sorted([linked.a_arn, linked.b_arn])
    for client, identifier, region in [
        (linked.east, linked.a, "us-east-1"),
        (linked.ohio, linked.b, "us-east-2"),
    ]:
        found = client.get_cluster(identifier=identifier)
        assert found[PROPERTIES]["witnessRegion"] == WITNESS
        assert found["endpoint"] == f"{identifier}.dsql.{region}.on.aws"
        # Naming again what is there changes nothing.
        arns = found[PROPERTIES]["clusters"]
        updated = client.update_cluster(identifier=identifier, **properties(*arns))
        assert updated["status"] == "ACTIVE"


def test_both_can_be_linked_after_they_are_made(world):
    pair = Pair(world, world.admin)
    a, b = (client.create_cluster(**properties()) for client in (pair.east, pair.ohio))
    pair.a, pair.b, pair.b_arn = a["identifier"], b["identifier"], b["arn"]
    becomes(pair.east, pair.a, "PENDING_SETUP")
    becomes(pair.ohio, pair.b, "PENDING_SETUP")
    pair.ohio.update_cluster(identifier=pair.b, **properties(a["arn"]))
    becomes(pair.ohio, pair.b, "PENDING_SETUP")
    pair.link()


def test_the_first_that_is_deleted_waits_for_the_other(linked):
    linked.unprotect()
    deleted = linked.east.delete_cluster(identifier=linked.a)
    assert deleted["status"] == "PENDING_DELETE"
    becomes(linked.east, linked.a, "PENDING_DELETE", seconds=0)
    becomes(linked.ohio, linked.b, "ACTIVE", seconds=0)
    update = linked.east.update_cluster
    conflict("cluster", linked.a, update, identifier=linked.a, metricGroups=[])
    assert linked.ohio.delete_cluster(identifier=linked.b)["status"] == "DELETING"
    assert linked.east.get_cluster(identifier=linked.a)["status"] == "DELETING"
    linked.east.get_waiter("cluster_not_exists").wait(identifier=linked.a)
    missing("cluster", linked.b, linked.ohio.get_cluster, identifier=linked.b)


def test_one_that_is_not_linked_is_deleted_alone(pair):
    pair.unprotect()
    assert pair.east.delete_cluster(identifier=pair.a)["status"] == "DELETING"
    pair.east.get_waiter("cluster_not_exists").wait(identifier=pair.a)
    becomes(pair.ohio, pair.b, "PENDING_SETUP", seconds=0)


def test_a_peer_that_is_left_out_is_removed(linked):
    linked.unprotect()
    linked.east.update_cluster(identifier=linked.a, **properties(linked.a_arn))
    becomes(linked.east, linked.a, "PENDING_SETUP")
    becomes(linked.ohio, linked.b, "PENDING_SETUP")
    assert linked.clusters() == [[linked.a_arn], [linked.b_arn, linked.a_arn]]
    assert linked.ohio.delete_cluster(identifier=linked.b)["status"] == "DELETING"


def test_what_cannot_be_linked(world, dsql, cluster, pair):
    ireland = world.dsql(world.admin, region="eu-west-1")
    single = world.cluster(world.dsql(world.admin, region="us-east-2"))
    single = cluster_arn(single, region="us-east-2")
    third = ireland.create_cluster(**properties(witness="eu-west-2"))["arn"]
    unknown = cluster_arn("a" * 26, region="us-east-2")
    foreign = cluster_arn("a" * 26, account="444455556666", region="us-east-2")
    witness, clusters = f"{PROPERTIES}.witnessRegion", f"{PROPERTIES}.clusters"
    create = dsql.create_cluster
    for arguments, field in [
        (properties(witness="us-east-1"), witness),
        (properties(witness="US East"), witness),
        (properties(unknown), clusters),
        (properties(foreign), clusters),
        (properties(single), clusters),
        (properties(third), clusters),
        (properties(pair.a_arn), clusters),
        (properties(pair.b_arn, third), clusters),
        ({PROPERTIES: {"clusters": [pair.b_arn]}}, clusters),
    ]:
        invalid("fieldValidationFailed", [field], create, **arguments)
    update = dsql.update_cluster
    for identifier, arguments in [
        (cluster, properties()),
        (pair.a, properties(witness="eu-west-1")),
    ]:
        invalid("fieldValidationFailed", [witness], update, identifier=identifier, **arguments)


def test_policies_stay_in_their_region(world, linked):
    everyone_but_admin = {"StringNotEquals": {"aws:PrincipalArn": user("admin")}}
    closed = deny("dsql:*", Principal="*", Condition=everyone_but_admin)
    put_policy(linked.east, linked.a, closed)
    missing("clusterPolicy", linked.b, linked.ohio.get_cluster_policy, identifier=linked.b)
    dev = Pair(world, world.dev)
    denied(dev.east.get_cluster, identifier=linked.a)
    dev.ohio.get_cluster(identifier=linked.b)


def test_every_step_has_its_permission(tmp_path):
    """The witness is asked for in its own Region, too, and each peer for itself."""
    account = Account(ACCOUNT)
    may = ["dsql:CreateCluster", "dsql:GetCluster", "dsql:UpdateCluster"]
    key = account.user("dev", allow(may))

    def grants(*statements):
        account.json["UserDetailList"] = []
        account.json["AccessKeys"] = []
        account.user("dev", document(statement("Allow", may), *statements), key=key)
        return account

    in_region = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    west = {"StringEquals": {"dsql:WitnessRegion": WITNESS}}
    other = {"StringEquals": {"dsql:WitnessRegion": "eu-west-1"}}
    properties_only = statement("Allow", "dsql:PutMultiRegionProperties")
    witness = functools.partial(statement, "Allow", "dsql:PutWitnessRegion")
    steps = [
        ([], "dsql:PutMultiRegionProperties"),
        ([properties_only], "dsql:PutWitnessRegion"),
        ([properties_only, witness(Condition=in_region)], "dsql:PutWitnessRegion"),
        ([properties_only, witness(Condition=other)], "dsql:PutWitnessRegion"),
        ([properties_only, witness(Condition=west)], None),
    ]
    for number, (statements, refused) in enumerate(steps):
        with Server(tmp_path / str(number), grants(*statements), options=QUICK) as server:
            dsql = server.client(key, "dsql")
            if refused:
                text = denied(dsql.create_cluster, **properties())
                assert text == not_allowed(user("dev"), refused, cluster_arn("*")), statements
                continue
            first = dsql.create_cluster(**properties())["arn"]
            ohio = server.client(key, "dsql", region="us-east-2")
            text = denied(ohio.create_cluster, **properties(first))
            resource = cluster_arn("*", region="us-east-2")
            assert text == not_allowed(user("dev"), "dsql:AddPeerCluster", resource)
