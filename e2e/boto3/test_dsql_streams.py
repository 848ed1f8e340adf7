"""Streams of changes. Nothing is delivered yet, so they stay CREATING."""

import re
import uuid

import pytest
from accounts import Account, allow, document, new_key, statement
from expect import is_recent
from expect_dsql import conflict, denied, invalid, members, missing, not_allowed, over_quota
from treeline import Server
from world import ACCOUNT, QUICK, becomes, cluster_arn, user

UNKNOWN = "abcdefghijklmnopqrstuvwxyz"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/delivery"
KINESIS = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/changes"
BRIEF = {"clusterIdentifier", "streamIdentifier", "arn", "status", "creationTime"}


def to_kinesis(**changes):
    kinesis = {"streamArn": KINESIS, "roleArn": ROLE} | changes
    target = {"targetDefinition": {"kinesis": kinesis}}
    return target | {"ordering": "UNORDERED", "format": "JSON"}


def create(dsql, cluster, **arguments):
    created = dsql.create_stream(clusterIdentifier=cluster, **to_kinesis(), **arguments)
    return created["streamIdentifier"]


def test_the_life_of_a_stream(dsql, cluster):
    tags = {"team": "blue"}
    created = members(dsql.create_stream(clusterIdentifier=cluster, **to_kinesis(), tags=tags))
    stream = created["streamIdentifier"]
    assert created.keys() == BRIEF | {"ordering", "format"}
    assert re.fullmatch(r"[a-z2-7]{26}", stream)
    assert created["arn"] == f"{cluster_arn(cluster)}/stream/{stream}"
    assert (created["status"], created["clusterIdentifier"]) == ("CREATING", cluster)
    assert (created["ordering"], created["format"]) == ("UNORDERED", "JSON")
    assert is_recent(created["creationTime"])

    ids = {"clusterIdentifier": cluster, "streamIdentifier": stream}
    found = members(dsql.get_stream(**ids))
    expected = created | {"targetDefinition": to_kinesis()["targetDefinition"], "tags": tags}
    assert {name: found[name] for name in expected} == expected
    (listed,) = dsql.list_streams(clusterIdentifier=cluster)["streams"]
    assert listed == {name: created[name] for name in BRIEF}

    deleted = members(dsql.delete_stream(**ids))
    assert deleted == {name: created[name] for name in BRIEF} | {"status": "DELETING"}
    assert dsql.delete_stream(**ids)["status"] == "DELETING"
    dsql.get_waiter("stream_not_exists").wait(**ids)
    missing("stream", stream, dsql.get_stream, **ids)
    assert dsql.list_streams(clusterIdentifier=cluster)["streams"] == []


def test_lists_come_in_pages(dsql, cluster):
    made = [create(dsql, cluster) for _ in range(5)]
    pages = dsql.get_paginator("list_streams").paginate(
        clusterIdentifier=cluster, PaginationConfig={"PageSize": 2}
    )
    pages = [[stream["streamIdentifier"] for stream in page["streams"]] for page in pages]
    assert pages == [made[:2], made[2:4], made[4:]]
    request = {"clusterIdentifier": cluster, "nextToken": "unknown"}
    invalid("fieldValidationFailed", ["nextToken"], dsql.list_streams, **request)


def test_a_cluster_has_five_streams_at_most_and_takes_them_with_it(dsql, cluster):
    made = [create(dsql, cluster) for _ in range(5)]
    ids = {"clusterIdentifier": cluster}
    over_quota("stream", "StreamsPerCluster", dsql.create_stream, **ids, **to_kinesis())
    dsql.delete_cluster(identifier=cluster)
    found = dsql.get_stream(**ids, streamIdentifier=made[0])
    assert found["status"] == "DELETING"
    dsql.get_waiter("cluster_not_exists").wait(identifier=cluster)
    missing("cluster", cluster, dsql.get_stream, **ids, streamIdentifier=made[0])


def test_what_does_not_exist_is_named(dsql, cluster):
    ids = {"clusterIdentifier": cluster, "streamIdentifier": UNKNOWN}
    for operation in [dsql.get_stream, dsql.delete_stream]:
        missing("stream", UNKNOWN, operation, **ids)
        missing("cluster", UNKNOWN, operation, **ids | {"clusterIdentifier": UNKNOWN})
    missing("cluster", UNKNOWN, dsql.list_streams, clusterIdentifier=UNKNOWN)
    missing("cluster", UNKNOWN, dsql.create_stream, clusterIdentifier=UNKNOWN, **to_kinesis())


def test_tags_of_a_stream(dsql, cluster):
    arn = f"{cluster_arn(cluster)}/stream/{create(dsql, cluster)}"
    dsql.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    dsql.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert dsql.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    assert dsql.get_cluster(identifier=cluster)["tags"] == {}


def test_targets_are_of_the_own_account_and_region(dsql, cluster):
    target = "targetDefinition.kinesis"
    for changes, field in [
        ({"streamArn": KINESIS.replace("us-east-1", "eu-west-1")}, "streamArn"),
        ({"streamArn": KINESIS.replace(ACCOUNT, "444455556666")}, "streamArn"),
    ]:
        arguments = {"clusterIdentifier": cluster} | to_kinesis(**changes)
        field = f"{target}.{field}"
        invalid("fieldValidationFailed", [field], dsql.create_stream, **arguments)


def test_client_tokens(dsql, cluster):
    token = str(uuid.uuid4())
    first = create(dsql, cluster, clientToken=token)
    assert create(dsql, cluster, clientToken=token) == first
    request = {"clusterIdentifier": cluster, "clientToken": token, "tags": {"a": "1"}}
    conflict("stream", first, dsql.create_stream, **request, **to_kinesis())


def test_only_an_active_cluster_gets_streams(tmp_path):
    key = new_key(ACCOUNT, "admin")
    options = ["--dsql-creation-seconds=1", "--dsql-idle-seconds=1.5"]
    with Server(tmp_path, Account.of(key), options=options) as server:
        dsql = server.client(key, "dsql")
        cluster = dsql.create_cluster()["identifier"]
        for status in ["CREATING", "IDLE"]:
            becomes(dsql, cluster, status)
            arguments = {"clusterIdentifier": cluster} | to_kinesis()
            assert status in invalid("other", [], dsql.create_stream, **arguments)


@pytest.mark.parametrize(
    ("grants", "arguments", "action", "resource"),
    [
        ([], {}, "dsql:CreateStream", "cluster"),
        ([statement("Allow", "dsql:CreateStream")], {}, "iam:PassRole", ROLE),
        (
            [
                statement("Allow", "dsql:CreateStream"),
                statement("Allow", "iam:PassRole", ROLE.replace("delivery", "other")),
            ],
            {},
            "iam:PassRole",
            ROLE,
        ),
        (
            [
                statement("Allow", "dsql:CreateStream"),
                statement(
                    "Allow",
                    "iam:PassRole",
                    Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
                ),
            ],
            {},
            "iam:PassRole",
            ROLE,
        ),
        (
            [statement("Allow", ["dsql:CreateStream", "iam:PassRole"])],
            {"tags": {"a": "1"}},
            "dsql:TagResource",
            "cluster",
        ),
        (
            [
                statement("Allow", "dsql:CreateStream"),
                statement(
                    "Allow",
                    "iam:PassRole",
                    ROLE,
                    Condition={"StringEquals": {"iam:PassedToService": "dsql.amazonaws.com"}},
                ),
            ],
            {},
            None,
            None,
        ),
    ],
)
def test_the_role_must_be_passed(tmp_path, grants, arguments, action, resource):
    account = Account(ACCOUNT)
    admin = account.user("admin", allow("dsql:*"))
    key = account.user("dev", document(*grants))
    with Server(tmp_path, account, options=QUICK) as server:
        dsql = server.client(admin, "dsql")
        cluster = dsql.create_cluster()["identifier"]
        becomes(dsql, cluster, "ACTIVE")
        arn = cluster_arn(cluster) if resource == "cluster" else resource
        call = server.client(key, "dsql").create_stream
        arguments = {"clusterIdentifier": cluster} | to_kinesis() | arguments
        if action is None:
            assert call(**arguments)["status"] == "CREATING"
        else:
            assert denied(call, **arguments) == not_allowed(user("dev"), action, arn)


@pytest.mark.parametrize("cmk", [False, True])
def test_the_managed_policy_is_enough(tmp_path, cmk):
    """AmazonAuroraDSQLFullAccess, for clusters with a key of their own as well."""
    account = Account(ACCOUNT)
    key = account.user("dev", managed=["arn:aws:iam::aws:policy/AmazonAuroraDSQLFullAccess"])
    with Server(tmp_path, account, options=QUICK) as server:
        dsql = server.client(key, "dsql")
        own = {"kmsEncryptionKey": "alias/orders"} if cmk else {}
        cluster = dsql.create_cluster(**own)["identifier"]
        becomes(dsql, cluster, "ACTIVE")
        assert create(dsql, cluster)
