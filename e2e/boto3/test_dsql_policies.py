"""Cluster policies: what is kept, who may change it, and what each caller is told."""

import json
import threading
import uuid

import pytest
from accounts import allow, deny, document, statement
from botocore.exceptions import ClientError
from expect_dsql import conflict, denied, forbidden, invalid, members, missing, not_allowed
from world import ACCOUNT, cluster_arn, put_policy, user

HARMLESS = deny("dsql:DbConnect", Principal="*", Condition={"Null": {"aws:SourceVpc": "true"}})


def only(*arns, action="dsql:*"):
    """Denies everybody but these principals."""
    condition = {"StringNotEquals": {"aws:PrincipalArn": list(arns)}}
    return deny(action, Principal="*", Condition=condition, Sid="OnlyThese")


def policy_of(dsql, cluster):
    return members(dsql.get_cluster_policy(identifier=cluster))


def test_a_policy_is_kept_byte_for_byte_and_versions_never_repeat(dsql, cluster):
    missing("clusterPolicy", cluster, dsql.get_cluster_policy, identifier=cluster)
    missing("clusterPolicy", cluster, dsql.delete_cluster_policy, identifier=cluster)
    text = " \n" + json.dumps(HARMLESS, indent=3).replace("DbConnect", "DbC\\u006fnnect") + "\t\n"
    put = members(dsql.put_cluster_policy(identifier=cluster, policy=text))
    assert put.keys() == {"policyVersion"}
    assert policy_of(dsql, cluster) == {"policy": text} | put
    versions = [put["policyVersion"]]
    for _ in range(2):
        # The same text again is a new version, too.
        versions.append(put_policy(dsql, cluster, HARMLESS))
        deleted = members(dsql.delete_cluster_policy(identifier=cluster))
        assert deleted == {"policyVersion": versions[-1]}
        missing("clusterPolicy", cluster, dsql.get_cluster_policy, identifier=cluster)
        missing("clusterPolicy", cluster, dsql.delete_cluster_policy, identifier=cluster)
    versions.append(put_policy(dsql, cluster, HARMLESS))
    assert len(set(versions)) == 4


def test_an_expected_version_is_compared(dsql, cluster):
    put, delete = dsql.put_cluster_policy, dsql.delete_cluster_policy
    text = json.dumps(HARMLESS)
    request = {"identifier": cluster, "policy": text}
    conflict("clusterPolicy", cluster, put, **request, expectedPolicyVersion="1")
    first = put(**request)["policyVersion"]
    second = put(**request, expectedPolicyVersion=first)["policyVersion"]
    message = conflict("clusterPolicy", cluster, put, **request, expectedPolicyVersion=first)
    assert f"`{first}`" in message and f"`{second}`" in message
    conflict("clusterPolicy", cluster, delete, identifier=cluster, expectedPolicyVersion=first)
    assert policy_of(dsql, cluster)["policyVersion"] == second
    delete(identifier=cluster, expectedPolicyVersion=second)
    conflict("clusterPolicy", cluster, put, **request, expectedPolicyVersion=second)


def test_of_32_threads_with_the_same_expected_version_one_wins(world, dsql, cluster):
    current = put_policy(dsql, cluster, HARMLESS)
    texts = [json.dumps(HARMLESS | {"Id": str(number)}) for number in range(32)]
    outcomes, start = {}, threading.Barrier(32)

    def put(number):
        client = world.dsql(world.admin)
        request = {"identifier": cluster, "policy": texts[number]}
        start.wait()
        try:
            answer = client.put_cluster_policy(**request, expectedPolicyVersion=current)
            outcomes[number] = answer["policyVersion"]
        except ClientError as error:
            outcomes[number] = error.response["Error"]["Code"]

    threads = [threading.Thread(target=put, args=[number]) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, found in outcomes.items() if found != "ConflictException"]
    assert len(outcomes) == 32 and len(winners) == 1, outcomes
    (winner,) = winners
    expected = {"policy": texts[winner], "policyVersion": outcomes[winner]}
    assert policy_of(dsql, cluster) == expected


def test_requests_that_are_sent_again_get_the_first_result(dsql, cluster):
    put = {"identifier": cluster, "policy": json.dumps(HARMLESS), "clientToken": str(uuid.uuid4())}
    first = members(dsql.put_cluster_policy(**put))
    assert members(dsql.put_cluster_policy(**put)) == first
    assert policy_of(dsql, cluster)["policyVersion"] == first["policyVersion"]
    delete = {"identifier": cluster, "clientToken": str(uuid.uuid4())}
    assert members(dsql.delete_cluster_policy(**delete)) == first
    assert members(dsql.delete_cluster_policy(**delete)) == first
    missing("clusterPolicy", cluster, dsql.delete_cluster_policy, identifier=cluster)


def test_whoever_would_be_locked_out_is_told_so(world, dsql, cluster):
    root = f"arn:aws:iam::{ACCOUNT}:root"
    for policy in [
        only(world.app),
        only(world.app, action="dsql:PutClusterPolicy"),
        deny("*", Principal={"AWS": user("admin")}),
        deny("*", Principal="*", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}}),
        deny("*", Principal="*", Condition={"Null": {"aws:SourceVpc": "true"}}),
    ]:
        request = {"identifier": cluster, "policy": json.dumps(policy)}
        message = invalid("other", [], dsql.put_cluster_policy, **request)
        assert "lock you out" in message and "bypassPolicyLockoutSafetyCheck" in message
        missing("clusterPolicy", cluster, dsql.get_cluster_policy, identifier=cluster)
    # Not the caller, or not what would take the policy away again.
    put_policy(dsql, cluster, only(user("admin"), world.app))
    put_policy(dsql, cluster, deny("dsql:DeleteCluster", Principal="*"))
    put_policy(dsql, cluster, only(root), bypassPolicyLockoutSafetyCheck=True)
    arn, action = cluster_arn(cluster), "dsql:PutClusterPolicy"
    request = {"identifier": cluster, "policy": json.dumps(HARMLESS)}
    for lockout in [{}, {"bypassPolicyLockoutSafetyCheck": True}]:
        text = denied(dsql.put_cluster_policy, **request, **lockout)
        assert text == forbidden(user("admin"), action, arn)
    # Whom it names can still help.
    world.dsql(world.root).delete_cluster_policy(identifier=cluster)
    put_policy(dsql, cluster, HARMLESS)


@pytest.mark.parametrize(
    "policy",
    [
        allow("dsql:DbConnect", Principal="*"),
        allow("dsql:GetCluster", Principal={"AWS": "*"}),
        allow(
            "dsql:DbConnect", Principal="*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        ),
        allow("dsql:DbConnect", Principal="*", Condition={"StringLike": {"aws:PrincipalArn": "*"}}),
        document(
            statement("Deny", "dsql:DbConnect", Principal="*"),
            statement("Allow", "dsql:GetCluster", Principal="*", Sid="Open"),
        ),
    ],
)
def test_public_policies_are_refused(dsql, cluster, policy):
    request = {"identifier": cluster, "policy": json.dumps(policy)}
    for bypass in [False, True]:
        message = invalid(
            "other", [], dsql.put_cluster_policy, **request, bypassPolicyLockoutSafetyCheck=bypass
        )
        assert "public access" in message
    missing("clusterPolicy", cluster, dsql.get_cluster_policy, identifier=cluster)


def test_policies_for_everybody_of_something_fixed_are_not_public(dsql, cluster):
    for key, value in [
        ("aws:PrincipalAccount", ACCOUNT),
        ("aws:PrincipalOrgID", "o-a1b2c3d4e5"),
        ("aws:SourceVpc", "vpc-0a1b2c3d"),
        ("aws:SourceVpce", "vpce-0a1b2c3d"),
    ]:
        condition = {"StringEquals": {key: value}}
        put_policy(dsql, cluster, allow("dsql:DbConnect", Principal="*", Condition=condition))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannotParse"),
        ("[]", "fieldValidationFailed"),
        (json.dumps(allow("s3:GetObject", Principal={"AWS": ACCOUNT})), "fieldValidationFailed"),
        (json.dumps(deny("dsql:NoSuchAction", Principal="*")), "fieldValidationFailed"),
        (json.dumps(deny("dsql:DbConnect")), "fieldValidationFailed"),
        (json.dumps(HARMLESS | {"Version": "2020-01-01"}), "fieldValidationFailed"),
    ],
)
def test_what_is_no_cluster_policy_is_refused(dsql, cluster, text, reason):
    invalid(reason, ["policy"], dsql.put_cluster_policy, identifier=cluster, policy=text)


def test_a_policy_is_in_force_at_once_for_users_and_sessions(world, dsql, cluster):
    arn = cluster_arn(cluster)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/ann"
    dev, app = world.dsql(world.dev), world.dsql(world.app_key("ann"))
    everyone = {user("admin"): dsql, user("dev"): dev, session: app}
    for client in everyone.values():
        client.get_cluster(identifier=cluster)
    put_policy(dsql, cluster, only(world.app), bypassPolicyLockoutSafetyCheck=True)
    operations = {
        "get_cluster": "dsql:GetCluster",
        "delete_cluster": "dsql:DeleteCluster",
        "get_cluster_policy": "dsql:GetClusterPolicy",
        "get_vpc_endpoint_service_name": "dsql:GetVpcEndpointServiceName",
        "update_cluster": "dsql:UpdateCluster",
    }
    for name in [user("admin"), user("dev")]:
        for operation, action in operations.items():
            text = denied(getattr(everyone[name], operation), identifier=cluster)
            assert text == forbidden(name, action, arn)
        text = denied(everyone[name].list_tags_for_resource, resourceArn=arn)
        assert text == forbidden(name, "dsql:ListTagsForResource", arn)
    for operation in operations.keys() - {"delete_cluster"}:
        getattr(app, operation)(identifier=cluster)
    assert cluster in str(dsql.list_clusters())
    app.delete_cluster_policy(identifier=cluster)
    for client in everyone.values():
        client.get_cluster(identifier=cluster)


def test_a_policy_alone_can_allow_and_only_what_it_names(world, dsql, cluster):
    nobody, arn = world.dsql(world.nobody), cluster_arn(cluster)
    text = denied(nobody.get_cluster, identifier=cluster)
    assert text == not_allowed(user("nobody"), "dsql:GetCluster", arn)
    put_policy(dsql, cluster, allow("dsql:GetCluster", Principal={"AWS": user("nobody")}))
    assert nobody.get_cluster(identifier=cluster)["identifier"] == cluster
    text = denied(nobody.get_cluster_policy, identifier=cluster)
    assert text == not_allowed(user("nobody"), "dsql:GetClusterPolicy", arn)
    # The account as a principal only delegates to its identity policies.
    put_policy(dsql, cluster, allow("dsql:GetCluster", Principal={"AWS": ACCOUNT}))
    denied(nobody.get_cluster, identifier=cluster)
    other_cluster = cluster_arn("a" * 26)
    put_policy(
        dsql, cluster, allow("dsql:GetCluster", other_cluster, Principal={"AWS": user("nobody")})
    )
    denied(nobody.get_cluster, identifier=cluster)


def test_a_policy_does_not_open_the_cluster_to_another_account(world, dsql, cluster):
    arn, stranger = cluster_arn(cluster), world.dsql(world.stranger)
    name = user("stranger", world.stranger.account)
    put_policy(dsql, cluster, allow("dsql:*", Principal={"AWS": name}))
    text = denied(stranger.list_tags_for_resource, resourceArn=arn)
    assert text == f"User: {name} is not authorized to access this resource"


def test_conditions_see_the_tags_of_the_cluster(world, dsql, cluster):
    condition = {"StringEquals": {"aws:ResourceTag/stage": "prod"}}
    put_policy(dsql, cluster, deny("dsql:GetCluster", Principal="*", Condition=condition))
    dev = world.dsql(world.dev)
    dev.get_cluster(identifier=cluster)
    dsql.tag_resource(resourceArn=cluster_arn(cluster), tags={"stage": "prod"})
    text = denied(dev.get_cluster, identifier=cluster)
    assert text == forbidden(user("dev"), "dsql:GetCluster", cluster_arn(cluster))


def test_a_cluster_can_be_made_with_a_policy(world, dsql):
    text = json.dumps(only(user("admin")))
    cluster = world.cluster(dsql, policy=text)
    assert policy_of(dsql, cluster)["policy"] == text
    denied(world.dsql(world.dev).get_cluster, identifier=cluster)
    for policy, reason, fields in [
        (only(world.app), "other", []),
        (allow("dsql:GetCluster", Principal="*"), "other", []),
        ("x", "fieldValidationFailed", ["policy"]),
    ]:
        invalid(reason, fields, dsql.create_cluster, policy=json.dumps(policy))
    cluster = world.cluster(
        world.dsql(world.dev),
        policy=json.dumps(only(world.app, action="dsql:*Policy")),
        bypassPolicyLockoutSafetyCheck=True,
    )
    denied(dsql.get_cluster_policy, identifier=cluster)
    dsql.get_cluster(identifier=cluster)


def test_what_terraform_expects(world, dsql, cluster):
    """A policy resource reads what it has put, and takes NotFound for the end of it."""
    for number in range(20):
        policy = HARMLESS | {"Id": str(number)}
        version = put_policy(dsql, cluster, policy)
        found = policy_of(dsql, cluster)
        assert (json.loads(found["policy"]), found["policyVersion"]) == (policy, version)
        dsql.delete_cluster_policy(identifier=cluster)
        missing("clusterPolicy", cluster, dsql.get_cluster_policy, identifier=cluster)
    dsql.delete_cluster(identifier=cluster)
    missing_or_deleting = pytest.raises(ClientError, put_policy, dsql, cluster, HARMLESS)
    code = missing_or_deleting.value.response["Error"]["Code"]
    assert code in ("ConflictException", "ResourceNotFoundException")
