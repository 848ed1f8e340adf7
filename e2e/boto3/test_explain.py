"""`treeline iam explain`: the decision that a request would get, and the statements behind it."""

import json
import time

import pytest
from accounts import Account, deny, new_key
from expect_dsql import denied, forbidden, not_allowed
from treeline import Server
from world import ACCOUNT, World, cluster_arn, put_policy, user

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/any-name"
GET = "dsql:GetCluster"


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A server of its own, since it is stopped, and a cluster that only the role app may touch."""
    with World(tmp_path_factory.mktemp("explain") / "data") as world:
        dsql = world.dsql(world.admin)
        cluster = world.cluster(dsql, tags={"stage": "prod"})
        condition = {"StringNotEquals": {"aws:PrincipalArn": world.app}}
        policy = deny("dsql:*", Principal="*", Condition=condition, Sid="OnlyTheApp")
        put_policy(dsql, cluster, policy, bypassPolicyLockoutSafetyCheck=True)
        yield world, cluster_arn(cluster)


def explain(world, principal, action, resource, *more):
    """The output of the command, which must succeed."""
    asked = ["--principal", principal, "--action", action, "--resource", resource]
    code, out, err = world.treeline("iam", "explain", *asked, *more)
    assert (code, err) == (0, ""), err
    return out


def explain_json(world, *question):
    return json.loads(explain(world, *question, "--json"))


def test_a_decision_and_the_statements_behind_it(closed):
    world, arn = closed
    lines = explain(world, user("dev"), GET, arn).splitlines()
    refusal = forbidden(user("dev"), GET, arn)
    assert lines[:2] == ["ExplicitDeny", refusal]
    policy = f"cluster policy of {arn}"
    assert [line.split() for line in lines[2:]] == [
        "Allow identity user/dev: inline-0, statement 0: applies".split(),
        f"* Deny resource {policy}, statement 0 (OnlyTheApp): applies".split(),
    ]
    # It is what the server says.
    dsql = world.dsql(world.dev)
    assert denied(dsql.get_cluster, identifier=arn.rsplit("/")[-1]) == refusal

    for principal in [world.app, SESSION]:
        lines = explain(world, principal, GET, arn).splitlines()
        assert lines[0] == "Allow"
        has = f"(the request has {world.app})"
        failed = f"does not apply: StringNotEquals aws:PrincipalArn {has}"
        assert [line.split() for line in lines[1:]] == [
            "* Allow identity role/app: inline-0, statement 0: applies".split(),
            f"Deny resource {policy}, statement 0 (OnlyTheApp): {failed}".split(),
        ]


def test_as_json(closed):
    world, arn = closed
    found = explain_json(world, user("dev"), GET, arn)
    statements = found.pop("statements")
    assert found == {
        "decision": "ExplicitDeny",
        "reason": forbidden(user("dev"), GET, arn),
        "principal": user("dev"),
        "action": GET,
        "resource": arn,
        "notes": [],
    }
    base = {"index": 0, "applies": True, "failedCondition": None}
    own = {"policyType": "identity", "policy": "user/dev: inline-0", "sid": None}
    cluster = {"policyType": "resource", "policy": f"cluster policy of {arn}", "sid": "OnlyTheApp"}
    assert statements == [
        own | base | {"effect": "Allow", "decided": False},
        cluster | base | {"effect": "Deny", "decided": True},
    ]
    found = explain_json(world, SESSION, GET, arn)
    assert (found["decision"], found["reason"]) == ("Allow", None)
    failed = found["statements"][1]["failedCondition"]
    assert failed == {
        "operator": "StringNotEquals",
        "key": "aws:PrincipalArn",
        "requestValues": [world.app],
    }


def test_notes_tell_what_the_answer_does_not(closed):
    world, arn = closed
    for action, resource, notes in [
        (GET, arn, []),
        ("dsql:GetClustr", arn, ["dsql:GetClustr is no action of its service"]),
        (GET, cluster_arn("a" * 26), [f"{cluster_arn('a' * 26)} does not exist"]),
        ("dsql:ListClusters", "*", []),
    ]:
        assert explain_json(world, user("admin"), action, resource)["notes"] == notes
    lines = explain(world, user("admin"), "dsql:UpdateCluster", arn).splitlines()
    assert lines[-1].startswith("Note: the operation also asks dsql:GetCluster, ")


def test_a_policy_does_not_write_its_explanation(world):
    dsql = world.dsql(world.admin)
    sid = "x)\x1b[2K\r\nAllow\n* Allow identity"
    policy = deny("dsql:GetCluster", Principal="*", Sid=sid)
    cluster = dsql.create_cluster(policy=json.dumps(policy))["arn"]
    out = explain(world, user("admin"), GET, cluster)
    assert out.startswith("ExplicitDeny\n")
    assert "\x1b" not in out and "\nAllow" not in out, out
    assert "x)\\u{1b}[2K\\r\\nAllow\\n* Allow identity" in out, out


def test_many_questions(closed):
    world, arn = closed
    unknown = cluster_arn("a" * 26)
    for principal, action, resource, decision in [
        (user("admin"), GET, arn, "ExplicitDeny"),
        (ROOT, GET, arn, "ExplicitDeny"),
        (ROOT, GET, unknown, "Allow"),
        (user("reader"), "dsql:ListClusters", "*", "Allow"),
        (user("reader"), "dsql:DeleteCluster", unknown, "ImplicitDeny"),
        # The data plane asks for this when somebody connects.
        (world.app, "dsql:DbConnectAdmin", arn, "Allow"),
        (user("dev"), "dsql:DbConnectAdmin", arn, "ExplicitDeny"),
        (user("dev"), "sts:AssumeRole", world.app, "Allow"),
        (user("reader"), "sts:AssumeRole", world.app, "ImplicitDeny"),
        (user("stranger", "444455556666"), GET, unknown, "ImplicitDeny"),
    ]:
        found = explain_json(world, principal, action, resource)
        assert found["decision"] == decision, found


def test_the_context_of_a_question(closed):
    world, arn = closed
    world.dsql(world.app_key()).delete_cluster_policy(identifier=arn.rsplit("/")[-1])
    context = ["--context", f"aws:PrincipalArn={world.app}"]
    dsql = world.dsql(world.admin)
    for condition, flags, decision in [
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, [], "Allow"),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, ["aws:SourceIp=10.1.2.3"], "ExplicitDeny"),
        ({"Null": {"aws:SourceVpc": "true"}}, [], "ExplicitDeny"),
        ({"Null": {"aws:SourceVpc": "true"}}, ["aws:sourcevpc=vpc-1"], "Allow"),
        ({"StringEquals": {"aws:ResourceTag/stage": "prod"}}, [], "ExplicitDeny"),
        ({"StringEquals": {"aws:ResourceTag/stage": "prod"}}, ["aws:ResourceTag/stage=x"], "Allow"),
        (
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}},
            ["aws:TagKeys=a", "aws:TagKeys=b"],
            "ExplicitDeny",
        ),
        (
            {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}},
            ["aws:TagKeys=a", "aws:TagKeys=c"],
            "Allow",
        ),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, [], "ExplicitDeny"),
    ]:
        policy = deny(GET, Principal="*", Condition=condition)
        put_policy(dsql, arn.rsplit("/")[-1], policy)
        context = [word for flag in flags for word in ("--context", flag)]
        found = explain_json(world, user("dev"), GET, arn, *context)
        assert found["decision"] == decision, (condition, flags)


def test_the_live_policy_counts_whether_the_server_runs_or_not(closed):
    world, _ = closed
    dsql = world.dsql(world.admin)
    cluster = world.cluster(dsql)
    arn = cluster_arn(cluster)
    for action in [GET, "dsql:DeleteCluster"]:
        put_policy(dsql, cluster, deny(action, Principal="*"))
        for running in [True, False]:
            if not running:
                assert world.stop() == 0
            found = explain_json(world, user("dev"), action, arn)
            assert found["decision"] == "ExplicitDeny", (action, running)
        world.start()
    # A server that did not end cleanly left its last writes in the log of the database.
    put_policy(dsql, cluster, deny("dsql:UpdateCluster", Principal="*"))
    world.kill()
    found = explain_json(world, user("dev"), "dsql:UpdateCluster", arn)
    assert found["decision"] == "ExplicitDeny"
    world.start()
    assert dsql.get_cluster(identifier=cluster)["status"] == "ACTIVE"


def test_who_is_not_there_is_told_in_one_line(closed):
    world, arn = closed
    for principal in [user("nobody-knows"), "dev", "arn:aws:iam::999999999999:root"]:
        asked = ["--principal", principal, "--action", GET, "--resource", arn]
        code, out, err = world.treeline("iam", "explain", *asked)
        assert (code, out) == (1, "")
        assert err == f"treeline: account file {world.account_file} has no principal {principal}\n"
    code, out, err = world.treeline("iam", "explain", "--principal", user("dev"))
    assert (code, out) == (2, "") and "--action" in err


def test_it_needs_no_database(tmp_path, closed):
    world, arn = closed
    asked = ["--principal", user("reader"), "--action", GET, "--resource", arn]
    files = ["--data-dir", str(tmp_path), "--iam-file", str(world.account_file)]
    code, out, err = world.treeline("iam", "explain", *asked, *files)
    assert (code, out.splitlines()[0], err) == (0, "Allow", "")
    assert list(tmp_path.iterdir()) == []
    question = user("nobody"), GET, cluster_arn("a" * 26)
    assert not_allowed(*question) in explain(world, *question)


def test_a_cluster_has_its_policy_until_it_is_gone(tmp_path):
    """The command knows how long deletions take as the server does: by its configuration."""
    delay = "--dsql-deletion-seconds=60"
    key = new_key(ACCOUNT, "admin")
    options = ["--dsql-creation-seconds=0", delay]
    with Server(tmp_path / "data", Account.of(key), options=options) as server:
        dsql = server.client(key, "dsql")
        cluster = dsql.create_cluster(deletionProtectionEnabled=False)["identifier"]
        put_policy(dsql, cluster, deny(GET, Principal="*"))
        dsql.delete_cluster(identifier=cluster)
        # Longer than deletions take by default.
        time.sleep(2.1)
        arn = cluster_arn(cluster)
        assert denied(dsql.get_cluster, identifier=cluster) == forbidden(user("admin"), GET, arn)
        found = explain_json(server, user("admin"), GET, arn, delay)
        assert found["decision"] == "ExplicitDeny"
