"""Clusters from their creation to their end, with the waiters and paginators of botocore."""

import datetime
import json
import re
import uuid

import pytest
from accounts import Account, deny, new_key
from botocore.exceptions import ClientError, WaiterError
from expect import is_recent
from expect_dsql import conflict, invalid, members, missing, over_quota
from treeline import Server
from world import QUICK, becomes, cluster_arn

ID = re.compile(r"[a-z2-7]{26}")
UNKNOWN = "abcdefghijklmnopqrstuvwxyz"
KEY = new_key("111122223333", "admin")
BRIEF = {"identifier", "arn", "status", "creationTime"}
FULL = BRIEF | {"deletionProtectionEnabled", "encryptionDetails", "endpoint", "metricGroups"}


def test_the_life_of_a_cluster(dsql):
    created = members(dsql.create_cluster(tags={"Name": "orders"}))
    identifier = created["identifier"]
    assert created.keys() == FULL
    assert ID.fullmatch(identifier)
    assert created["arn"] == cluster_arn(identifier)
    assert created["endpoint"] == f"{identifier}.dsql.us-east-1.on.aws"
    assert created["status"] == "CREATING"
    assert created["deletionProtectionEnabled"] is True
    assert created["metricGroups"] == []
    assert isinstance(created["creationTime"], datetime.datetime)
    assert is_recent(created["creationTime"])

    dsql.get_waiter("cluster_active").wait(identifier=identifier)
    found = members(dsql.get_cluster(identifier=identifier))
    assert found == created | {"status": "ACTIVE", "tags": {"Name": "orders"}}

    message = invalid("deletionProtectionEnabled", [], dsql.delete_cluster, identifier=identifier)
    assert identifier in message
    updated = dsql.update_cluster(identifier=identifier, deletionProtectionEnabled=False)
    assert members(updated).keys() == BRIEF
    assert dsql.get_cluster(identifier=identifier)["deletionProtectionEnabled"] is False

    deleted = members(dsql.delete_cluster(identifier=identifier))
    expected = {name: created[name] for name in BRIEF} | {"status": "DELETING"}
    assert deleted == expected
    dsql.get_waiter("cluster_not_exists").wait(identifier=identifier)
    missing("cluster", identifier, dsql.get_cluster, identifier=identifier)
    listed = dsql.get_paginator("list_clusters").paginate().build_full_result()["clusters"]
    assert identifier not in [cluster["identifier"] for cluster in listed]


def test_deleting_again_tells_the_state_and_nothing_else_can_be_done(tmp_path):
    options = ["--dsql-creation-seconds=0", "--dsql-deletion-seconds=60"]
    with Server(tmp_path, Account.of(KEY), options=options) as server:
        dsql = server.client(KEY, "dsql")
        created = dsql.create_cluster(deletionProtectionEnabled=False)
        identifier = created["identifier"]
        # Without a delay it is ACTIVE before anybody can look.
        becomes(dsql, identifier, "ACTIVE", seconds=0)
        for _ in range(2):
            assert dsql.delete_cluster(identifier=identifier)["status"] == "DELETING"
        assert dsql.get_cluster(identifier=identifier)["status"] == "DELETING"
        update = dsql.update_cluster
        conflict("cluster", identifier, update, identifier=identifier, metricGroups=[])
        waiter = dsql.get_waiter("cluster_not_exists")
        with pytest.raises(WaiterError, match="Max attempts exceeded"):
            waiter.wait(identifier=identifier, WaiterConfig={"Delay": 0, "MaxAttempts": 2})


def test_a_cluster_that_nobody_uses_becomes_idle(tmp_path):
    options = [*QUICK, "--dsql-idle-seconds=1.5", "--dsql-inactive-seconds=3"]
    with Server(tmp_path, Account.of(KEY), options=options) as server:
        dsql = server.client(KEY, "dsql")
        identifier = dsql.create_cluster()["identifier"]
        for status in ["ACTIVE", "IDLE", "INACTIVE"]:
            becomes(dsql, identifier, status)
        dsql.update_cluster(identifier=identifier, deletionProtectionEnabled=False)
        becomes(dsql, identifier, "ACTIVE", seconds=1)


def test_lists_come_in_pages(world, dsql):
    made = [world.cluster(dsql) for _ in range(3)]
    paginator = dsql.get_paginator("list_clusters")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": 2}))
    assert all(len(page["clusters"]) == 2 for page in pages[:-1])
    listed = [cluster for page in pages for cluster in page["clusters"]]
    assert all(cluster.keys() == {"identifier", "arn"} for cluster in listed)
    identifiers = [cluster["identifier"] for cluster in listed]
    # The oldest first, and other tests make clusters, too.
    assert [identifier for identifier in identifiers if identifier in made] == made
    assert len(set(identifiers)) == len(identifiers)
    invalid("fieldValidationFailed", ["nextToken"], dsql.list_clusters, nextToken="unknown")
    elsewhere = world.dsql(world.admin, region="eu-west-1")
    token = dsql.list_clusters(maxResults=1)["nextToken"]
    invalid("fieldValidationFailed", ["nextToken"], elsewhere.list_clusters, nextToken=token)


def test_accounts_and_regions_have_clusters_of_their_own(world, dsql, cluster):
    for client in [
        world.dsql(world.stranger),
        world.dsql(world.admin, region="eu-west-1"),
    ]:
        missing("cluster", cluster, client.get_cluster, identifier=cluster)
        missing("cluster", cluster, client.delete_cluster, identifier=cluster)
        assert cluster not in str(client.list_clusters())


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("get_cluster", {}),
        ("update_cluster", {"deletionProtectionEnabled": False}),
        ("delete_cluster", {}),
        ("get_vpc_endpoint_service_name", {}),
        ("get_cluster_policy", {}),
        ("delete_cluster_policy", {}),
        ("put_cluster_policy", {"policy": json.dumps(deny("dsql:DbConnect", Principal="*"))}),
    ],
)
def test_what_does_not_exist_is_named(dsql, operation, arguments):
    missing("cluster", UNKNOWN, getattr(dsql, operation), identifier=UNKNOWN, **arguments)


def test_tags(dsql, cluster):
    arn = cluster_arn(cluster)

    def tags():
        listed = members(dsql.list_tags_for_resource(resourceArn=arn))["tags"]
        assert dsql.get_cluster(identifier=cluster)["tags"] == listed
        return listed

    assert tags() == {}
    assert members(dsql.tag_resource(resourceArn=arn, tags={"a": "1", "b/c": "2", "d": ""})) == {}
    dsql.tag_resource(resourceArn=arn, tags={"b/c": "3"})
    assert tags() == {"a": "1", "b/c": "3", "d": ""}
    untagged = dsql.untag_resource(resourceArn=arn, tagKeys=["a", "b/c", "unknown"])
    assert members(untagged) == {}
    assert tags() == {"d": ""}
    missing("cluster", UNKNOWN, dsql.list_tags_for_resource, resourceArn=cluster_arn(UNKNOWN))
    for no_cluster in ["no-arn", "arn:aws:s3:::bucket", f"{arn}/table/x"]:
        request = {"resourceArn": no_cluster}
        error = pytest.raises(ClientError, dsql.list_tags_for_resource, **request).value
        assert error.response["Error"]["Code"] == "ValidationException", error
    tag = dsql.tag_resource
    invalid("fieldValidationFailed", ["tags"], tag, resourceArn=arn, tags={"aws:x": "1"})
    over_quota(
        "cluster",
        "TagsPerResource",
        tag,
        resourceArn=arn,
        tags={f"k{number}": "" for number in range(50)},
    )
    assert tags() == {"d": ""}


def test_vpc_endpoint_service_names(dsql, cluster):
    found = members(dsql.get_vpc_endpoint_service_name(identifier=cluster))
    group = re.fullmatch(r"com\.amazonaws\.us-east-1\.(dsql-[0-9a-f]{6})", found["serviceName"])
    assert found["clusterVpcEndpoint"] == f"{cluster}.{group[1]}.us-east-1.on.aws"


def test_keys_of_kms(dsql, cluster):
    aws_owned = {"encryptionType": "AWS_OWNED_KMS_KEY", "encryptionStatus": "ENABLED"}

    def details():
        return dsql.get_cluster(identifier=cluster)["encryptionDetails"]

    assert details() == aws_owned
    dsql.update_cluster(identifier=cluster, kmsEncryptionKey="alias/orders")
    own = {
        "encryptionType": "CUSTOMER_MANAGED_KMS_KEY",
        "kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:alias/orders",
    }
    assert details() == own | {"encryptionStatus": "UPDATING"}
    assert dsql.get_cluster(identifier=cluster)["status"] == "UPDATING"
    dsql.get_waiter("cluster_active").wait(identifier=cluster)
    assert details() == own | {"encryptionStatus": "ENABLED"}
    dsql.update_cluster(identifier=cluster, kmsEncryptionKey="AWS_OWNED_KMS_KEY")
    becomes(dsql, cluster, "ACTIVE")
    assert details() == aws_owned
    key = "arn:aws:kms:eu-west-1:111122223333:key/7c9b1c5e"
    create = dsql.create_cluster
    invalid("fieldValidationFailed", ["kmsEncryptionKey"], create, kmsEncryptionKey=key)


def test_metric_groups(dsql, cluster):
    groups = [{"metricGroup": "STATEMENT_STATISTICS"}]

    def found():
        return dsql.get_cluster(identifier=cluster)["metricGroups"]

    dsql.update_cluster(identifier=cluster, metricGroups=groups)
    assert found() == groups
    dsql.update_cluster(identifier=cluster, deletionProtectionEnabled=False)
    assert found() == groups
    dsql.update_cluster(identifier=cluster, metricGroups=[])
    assert found() == []
    created = dsql.create_cluster(metricGroups=groups)
    assert created["metricGroups"] == groups
    twice = groups * 2
    invalid("fieldValidationFailed", ["metricGroups"], dsql.create_cluster, metricGroups=twice)


def test_client_tokens(dsql, cluster):
    request = {"clientToken": str(uuid.uuid4()), "deletionProtectionEnabled": False}
    first, second = (members(dsql.create_cluster(**request)) for _ in range(2))
    assert first == second
    identifier = first["identifier"]
    changed = request | {"deletionProtectionEnabled": True}
    conflict("cluster", identifier, dsql.create_cluster, **changed)

    # The same token of another operation or for another cluster is another token.
    request = {"identifier": identifier, "clientToken": request["clientToken"]}
    first = dsql.delete_cluster(**request)
    assert first["status"] == "DELETING"
    dsql.get_waiter("cluster_not_exists").wait(identifier=identifier)
    assert members(dsql.delete_cluster(**request)) == members(first)
    assert dsql.delete_cluster(**request | {"identifier": cluster})["identifier"] == cluster


def test_quotas(tmp_path):
    options = [*QUICK, "--quota-dsql-clusters=2", "--quota-dsql-multi-region-clusters=1"]
    with Server(tmp_path, Account.of(KEY), options=options) as server:
        dsql = server.client(KEY, "dsql")
        first = dsql.create_cluster(deletionProtectionEnabled=False)["identifier"]
        dsql.create_cluster()
        error = over_quota("cluster", "SingleRegionClusters", dsql.create_cluster)
        assert ID.fullmatch(error["resourceId"])
        pair = {"multiRegionProperties": {"witnessRegion": "us-west-2"}}
        dsql.create_cluster(**pair)
        over_quota("cluster", "MultiRegionClusters", dsql.create_cluster, **pair)
        server.client(KEY, "dsql", region="eu-west-1").create_cluster()
        dsql.delete_cluster(identifier=first)
        dsql.get_waiter("cluster_not_exists").wait(identifier=first)
        dsql.create_cluster()


def test_what_boto3_itself_would_not_send(world):
    careless = world.dsql(world.admin, parameter_validation=False)
    long = "x" * 129
    for arguments, fields in [
        ({"clientToken": long}, ["clientToken"]),
        ({"kmsEncryptionKey": "*"}, ["kmsEncryptionKey"]),
        ({"tags": {"\u00e4": "1"}}, None),
        ({"policy": "x" * 20481}, ["policy"]),
        ({"metricGroups": [{"metricGroup": "X"}]}, None),
    ]:
        error = pytest.raises(
            careless.exceptions.ValidationException, careless.create_cluster, **arguments
        )
        response = error.value.response
        assert response["reason"] == "fieldValidationFailed", response
        names = [field["name"] for field in response["fieldList"]]
        assert names == (fields or names) and names, response
    message = invalid("fieldValidationFailed", ["identifier"], careless.get_cluster, identifier="X")
    assert "identifier" in message
