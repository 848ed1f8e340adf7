"""Policies of the account file decide: users, groups, managed policies, boundaries, conditions."""

import datetime
import json

import pytest
from accounts import EVERYTHING, Account, allow, deny, document, statement, trust
from expect_dsql import denied, forbidden, not_allowed
from treeline import Server
from world import ACCOUNT, QUICK, READ_ONLY, becomes, cluster_arn, user

AVP_READ_ONLY = "arn:aws:iam::aws:policy/AmazonVerifiedPermissionsReadOnlyAccess"
LIST, CREATE = "dsql:ListClusters", "dsql:CreateCluster"
NEW = cluster_arn("*")


def when(operator, key, value):
    return {"Condition": {operator: {key: value}}}


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A server, and the keys of its users by their names."""
    account = Account(ACCOUNT)
    own = account.policy("readers", allow(["dsql:List*", "dsql:Get*"]))
    limit = account.policy("limit", allow(["dsql:*", "verifiedpermissions:List*"]))
    account.group("readers", managed=[own])
    account.group("makers", allow("dsql:CreateCluster"), deny("dsql:DeleteCluster"))
    managed = {"managed": [READ_ONLY, AVP_READ_ONLY]}
    tagged = "${aws:PrincipalTag/team, 'nobody'}"
    team = when("StringEquals", "aws:ResourceTag/team", tagged)
    ireland = when("StringEquals", "aws:RequestedRegion", "eu-west-1")
    tagging = document(
        statement("Allow", [CREATE, LIST]),
        statement(
            "Allow", "dsql:TagResource", **when("StringEquals", "aws:RequestTag/team", "blue")
        ),
        statement(
            "Deny",
            "dsql:TagResource",
            **when("ForAnyValue:StringNotEquals", "aws:TagKeys", ["team", "Name"]),
        ),
    )
    people = {
        "admin": account.user("admin", EVERYTHING),
        "nobody": account.user("nobody"),
        "reader": account.user("reader", **managed),
        "grouped": account.user("grouped", groups=["readers", "makers"]),
        "limited": account.user("limited", EVERYTHING, boundary=limit),
        "blue": account.user("blue", allow("dsql:GetCluster", **team), tags={"team": "blue"}),
        "untagged": account.user("untagged", allow("dsql:GetCluster", **team)),
        "ireland": account.user("ireland", allow("dsql:*", **ireland)),
        "tagger": account.user("tagger", tagging),
        "agent": account.user(
            "agent", allow(LIST, **when("StringLike", "aws:UserAgent", "*Boto3*"))
        ),
        "past": account.user(
            "past", allow(LIST, **when("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z"))
        ),
        "today": account.user(
            "today",
            allow(LIST, **when("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z")),
        ),
        "secure": account.user(
            "secure", allow(LIST, **when("Bool", "aws:SecureTransport", "true"))
        ),
        "root": account.root(),
    }
    trusted = trust(user("admin"))
    role = account.role("limited", trusted, EVERYTHING, boundary=limit)
    with Server(tmp_path_factory.mktemp("iam") / "data", account, options=QUICK) as server:
        people["limited-role"] = server.session_key(people["admin"], role)
        yield server, people


@pytest.fixture(scope="module")
def client(company):
    server, people = company

    def client(name, service="dsql", **config):
        return server.client(people[name], service, **config)

    return client


@pytest.fixture(scope="module")
def team_cluster(client):
    admin = client("admin")
    created = admin.create_cluster(tags={"team": "blue"}, deletionProtectionEnabled=False)
    becomes(admin, created["identifier"], "ACTIVE")
    return created["identifier"]


def test_without_a_policy_nothing_may_be_done(client, team_cluster):
    arn = cluster_arn(team_cluster)
    nobody, name = client("nobody"), user("nobody")
    assert denied(nobody.list_clusters) == not_allowed(name, LIST, "*")
    assert denied(nobody.create_cluster) == not_allowed(name, CREATE, NEW)
    text = denied(nobody.get_cluster, identifier=team_cluster)
    assert text == not_allowed(name, "dsql:GetCluster", arn)
    # What does not exist is told like what does.
    unknown = "a" * 26
    text = denied(nobody.get_cluster, identifier=unknown)
    assert text == not_allowed(name, "dsql:GetCluster", cluster_arn(unknown))
    text = denied(client("nobody", "verifiedpermissions").list_policy_stores)
    assert text == not_allowed(name, "verifiedpermissions:ListPolicyStores", "*")


def test_the_root_user_may_do_everything(client, team_cluster):
    client("root").get_cluster(identifier=team_cluster)
    client("root", "verifiedpermissions").list_policy_stores()


def test_managed_policies_of_aws_are_built_in(client, team_cluster):
    reader = client("reader")
    assert team_cluster in str(reader.list_clusters())
    reader.get_cluster(identifier=team_cluster)
    reader.get_vpc_endpoint_service_name(identifier=team_cluster)
    text = denied(reader.delete_cluster, identifier=team_cluster)
    assert text == not_allowed(user("reader"), "dsql:DeleteCluster", cluster_arn(team_cluster))
    admin, avp = client("admin", "verifiedpermissions"), client("reader", "verifiedpermissions")
    store = admin.create_policy_store(validationSettings={"mode": "OFF"})
    assert store["policyStoreId"] in str(avp.list_policy_stores())
    asked = {"policyStoreId": store["policyStoreId"]}
    avp.is_authorized(**asked, principal={"entityType": "User", "entityId": "ann"})
    text = denied(avp.delete_policy_store, **asked)
    action = "verifiedpermissions:DeletePolicyStore"
    assert text == not_allowed(user("reader"), action, store["arn"])


def test_groups_give_and_take(client):
    grouped = client("grouped")
    cluster = grouped.create_cluster(deletionProtectionEnabled=False)["identifier"]
    grouped.get_cluster(identifier=cluster)
    text = denied(grouped.delete_cluster, identifier=cluster)
    expected = user("grouped"), "dsql:DeleteCluster", cluster_arn(cluster)
    assert text == forbidden(*expected, "an identity-based policy")
    denied(grouped.update_cluster, identifier=cluster)


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("limited", user("limited")),
        ("limited-role", f"arn:aws:sts::{ACCOUNT}:assumed-role/limited/session"),
    ],
)
def test_a_boundary_limits_users_and_roles(client, name, arn):
    client(name).list_clusters()
    avp = client(name, "verifiedpermissions")
    avp.list_policy_stores()
    text = denied(avp.create_policy_store, validationSettings={"mode": "OFF"})
    action = "verifiedpermissions:CreatePolicyStore"
    resource = f"arn:aws:verifiedpermissions::{ACCOUNT}:policy-store/*"
    assert text in [
        not_allowed(arn, action, resource, "permissions boundary"),
        not_allowed(arn, action, "*", "permissions boundary"),
    ]


def test_tags_of_principal_and_resource_are_compared(client, team_cluster):
    client("blue").get_cluster(identifier=team_cluster)
    denied(client("untagged").get_cluster, identifier=team_cluster)
    other = client("admin").create_cluster(tags={"team": "red"})["identifier"]
    denied(client("blue").get_cluster, identifier=other)


def test_tags_of_the_request_are_condition_keys(client):
    tagger = client("tagger")
    tagger.create_cluster()
    tagger.create_cluster(tags={"team": "blue", "Name": "x"})
    denied(tagger.create_cluster, tags={"team": "red"})
    text = denied(tagger.create_cluster, tags={"team": "blue", "secret": "x"})
    assert text == forbidden(user("tagger"), "dsql:TagResource", NEW, "an identity-based policy")


def test_the_region_is_a_condition_key(client):
    client("ireland", region="eu-west-1").create_cluster()
    assert denied(client("ireland").create_cluster) == not_allowed(user("ireland"), CREATE, NEW)


@pytest.mark.parametrize(
    ("name", "allowed"), [("agent", True), ("past", False), ("today", True), ("secure", False)]
)
def test_further_condition_keys(client, name, allowed):
    call = client(name).list_clusters
    if allowed:
        call()
    else:
        assert denied(call) == not_allowed(user(name), LIST, "*")


def test_a_refusal_is_a_line_of_the_decision_log(company, client, team_cluster):
    server, people = company
    before = len(server.decisions())
    client("admin").list_clusters()
    error = pytest.raises(
        client("nobody").exceptions.AccessDeniedException, client("nobody").list_clusters
    )
    action, arn = "dsql:DeleteCluster", cluster_arn(team_cluster)
    text = denied(client("grouped").delete_cluster, identifier=team_cluster)
    plain, explicit = server.decisions()[before:]
    time = datetime.datetime.fromisoformat(plain.pop("time"))
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs(now - time) < datetime.timedelta(minutes=1)
    response = error.value.response
    assert plain == {
        "requestId": response["ResponseMetadata"]["RequestId"],
        "principal": user("nobody"),
        "action": LIST,
        "resource": "*",
        "decision": "ImplicitDeny",
        "reason": response["message"],
        "statement": None,
        "sourceAddress": "127.0.0.1",
    }
    assert (explicit["decision"], explicit["reason"]) == ("ExplicitDeny", text)
    assert (explicit["action"], explicit["resource"]) == (action, arn)
    statement = explicit["statement"]
    assert statement.keys() == {"policyType", "policy", "index", "sid"}
    assert (statement["index"], statement["sid"]) == (0, None)
    assert "makers" in statement["policy"], statement


def test_no_log_holds_a_secret(company, client):
    """Neither the decision log nor the log: keys, tokens, session policies, client tokens."""
    server, people = company
    policy = json.dumps(allow("dsql:GetCluster", Sid="VeryPrivateSid"))
    session = server.session_key(
        people["admin"], f"arn:aws:iam::{ACCOUNT}:role/limited", Policy=policy
    )
    denied(server.client(session, "dsql").list_clusters)
    denied(client("nobody").create_cluster, clientToken="private-client-token")
    logs = (server.data_dir / "decisions.jsonl").read_text() + server.log.read_text()
    assert "session" in logs and user("nobody") in logs
    for key in [*people.values(), session]:
        assert key.secret_access_key not in logs
        assert not key.session_token or key.session_token not in logs
    assert "private-client-token" not in logs and "VeryPrivateSid" not in logs


@pytest.mark.parametrize("kept", [True, False])
def test_the_decision_log_can_be_elsewhere_or_off(tmp_path, kept):
    account = Account(ACCOUNT)
    key = account.user("nobody")
    log = tmp_path / "refusals.jsonl"
    option = str(log) if kept else "off"
    with Server(tmp_path / "data", account, options=["--decision-log", option]) as server:
        denied(server.client(key, "dsql").list_clusters)
        assert log.exists() == kept
        assert not (server.data_dir / "decisions.jsonl").exists()
        assert not kept or json.loads(log.read_text())["action"] == LIST
        assert not kept or log.stat().st_mode & 0o077 == 0
