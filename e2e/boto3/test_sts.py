"""STS: who one is, roles that one may assume, and what the temporary credentials are good for."""

import dataclasses
import datetime
import json
import re

import pytest
from accounts import EVERYTHING, Account, Key, allow, deny, document, new_key, statement, trust
from botocore import UNSIGNED
from expect import answer, is_recent, refused
from expect_dsql import denied, forbidden, not_allowed
from treeline import Server
from world import QUICK, READ_ONLY, cluster_arn, user

ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A server with roles of all kinds; ann may do everything, bob only assume roles."""
    account, other = Account(ACCOUNT), Account("444455556666")
    people = {
        "ann": account.user("ann", EVERYTHING, tags={"team": "blue"}),
        "bob": account.user("bob", allow(["sts:AssumeRole", "sts:TagSession"])),
        "eve": account.user("eve"),
        "tom": other.user("tom", EVERYTHING),
        "root": account.root(),
    }
    ann, bob, eve = (user(name) for name in ("ann", "bob", "eve"))
    own = account.arn("root")
    account.role("delegating", trust(own), allow("dsql:*"), tags={"team": "red", "floor": "1"})
    account.role("for-eve", trust(eve), allow("dsql:*"))
    account.role("for-tom", trust(other.arn("user/tom")), allow("dsql:*"))
    external = {"StringEquals": {"sts:ExternalId": "secret-1"}}
    account.role("external", trust(ann, Condition=external), allow("dsql:*"))
    account.role("long", trust(ann), EVERYTHING, longest=7200)
    tagging = ["sts:AssumeRole", "sts:TagSession"]
    account.role("tagged", trust(own, action=tagging), allow("dsql:*"), tags={"team": "red"})
    named = {"StringLike": {"sts:RoleSessionName": "${aws:username}"}}
    account.role("named", trust(own, Condition=named), allow("dsql:*"))
    blue = {"StringEquals": {"aws:RequestTag/team": "blue"}}
    account.role("blue", trust(own, action=tagging, Condition=blue), allow("dsql:*"))
    account.role("next", trust(account.arn("role/long"), action=tagging), allow("dsql:*"))
    with Server(tmp_path_factory.mktemp("sts") / "data", account, other, options=QUICK) as server:
        yield server, people


def role(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def session_arn(name, session="session"):
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}"


class People:
    """What the tests do with that server."""

    def __init__(self, server, keys):
        self.server, self.keys = server, keys

    def sts(self, name):
        return self.server.client(self.key(name), "sts")

    def key(self, name):
        return name if isinstance(name, Key) else self.keys[name]

    def assume(self, who, name, session="session", **arguments):
        assume = self.sts(who).assume_role
        return assume(RoleArn=role(name), RoleSessionName=session, **arguments)

    def session(self, who, name, session="session", **arguments):
        return self.server.session_key(self.key(who), role(name), session, **arguments)

    def refusal(self, who, name, code="AccessDenied", status=403, **arguments):
        error = refused(code, status, self.assume, who=who, name=name, **arguments)
        assert error.response["Error"]["Type"] == "Sender"
        return error.response["Error"]["Message"]


@pytest.fixture(scope="module")
def those(people):
    return People(*people)


def test_everybody_may_ask_who_they_are(those):
    for name, arn, user_id in [
        ("ann", user("ann"), r"AIDA\w{16}"),
        ("eve", user("eve"), r"AIDA\w{16}"),
        ("root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
        (those.session("ann", "delegating"), session_arn("delegating"), r"AROA\w{16}:session"),
    ]:
        found = answer(those.sts(name).get_caller_identity(), media_type="text/xml")
        assert found.keys() == {"UserId", "Account", "Arn"}
        assert (found["Account"], found["Arn"]) == (ACCOUNT, arn)
        assert re.fullmatch(user_id, found["UserId"])


def test_a_role_gives_credentials(those):
    found = answer(those.assume("ann", "delegating", "nightly-build"), media_type="text/xml")
    assert found.keys() == {"Credentials", "AssumedRoleUser"}
    assert found["AssumedRoleUser"]["Arn"] == session_arn("delegating", "nightly-build")
    assert re.fullmatch(r"AROA\w{16}:nightly-build", found["AssumedRoleUser"]["AssumedRoleId"])
    credentials = found["Credentials"]
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", credentials["AccessKeyId"])
    assert len(credentials["SecretAccessKey"]) == 40
    again = those.assume("ann", "delegating", "nightly-build")["Credentials"]
    for secret in ["AccessKeyId", "SecretAccessKey", "SessionToken"]:
        assert again[secret] != credentials[secret]


def test_who_may_assume_a_role(those):
    for who, name in [
        ("ann", "delegating"),  # its own policies allow it, and the role delegates to them
        ("bob", "delegating"),
        ("eve", "for-eve"),  # the role names it: that is enough in the same account
        ("tom", "for-tom"),  # both sides allow it
    ]:
        those.assume(who, name)
    action = "sts:AssumeRole"
    for who, name, text in [
        ("eve", "delegating", not_allowed(user("eve"), action, role("delegating"))),
        ("ann", "no-such-role", None),
        ("tom", "delegating", None),
        ("root", "delegating", "Roles may not be assumed by root accounts."),
    ]:
        message = those.refusal(who, name)
        assert text in (None, message), message
    tom = f"arn:aws:iam::444455556666:user/tom is not authorized to perform: {action}"
    assert tom in those.refusal("tom", "delegating")


def test_an_external_id_is_a_condition_of_the_role(those):
    those.assume("ann", "external", ExternalId="secret-1")
    for wrong in [{}, {"ExternalId": "secret-2"}]:
        assert "sts:AssumeRole" in those.refusal("ann", "external", **wrong)


def test_the_session_name_is_a_condition_key(those):
    those.assume("ann", "named", "ann")
    those.refusal("ann", "named", session="bob")


def test_how_long_a_session_may_last(those):
    for name, seconds in [("delegating", None), ("delegating", 900), ("long", 7200)]:
        given = {} if seconds is None else {"DurationSeconds": seconds}
        end = those.assume("ann", name, **given)["Credentials"]["Expiration"]
        assert is_recent(end - datetime.timedelta(seconds=seconds or 3600))
    for name, seconds in [("delegating", 3601), ("long", 7201)]:
        message = those.refusal("ann", name, "ValidationError", 400, DurationSeconds=seconds)
        assert "urationSeconds" in message, message


def test_a_session_of_a_role_opens_a_session_of_another(those):
    first = those.session("ann", "long", DurationSeconds=7200)
    second = those.session(first, "next", DurationSeconds=3600)
    assert those.sts(second).get_caller_identity()["Arn"] == session_arn("next")
    message = those.refusal(first, "next", "ValidationError", 400, DurationSeconds=3601)
    assert "1 hour" in message
    assert session_arn("delegating") in those.refusal(those.session("ann", "delegating"), "next")


def test_credentials_serve_both_services(those):
    key = those.session("ann", "delegating")
    dsql = those.server.client(key, "dsql")
    assert dsql.create_cluster()["status"] == "CREATING"
    avp = those.server.client(key)
    action = "verifiedpermissions:ListPolicyStores"
    message = denied(avp.list_policy_stores)
    assert message == not_allowed(session_arn("delegating"), action, "*")
    those.server.client(those.session("ann", "long")).list_policy_stores()


@pytest.mark.parametrize(
    "narrow",
    [{"Policy": json.dumps(allow("dsql:ListClusters"))}, {"PolicyArns": [{"arn": READ_ONLY}]}],
)
def test_a_session_policy_narrows_what_the_role_may_do(those, narrow):
    assumed = those.assume("ann", "long", **narrow)
    assert 0 < assumed["PackedPolicySize"] <= 100
    key = those.session("ann", "long", **narrow)
    dsql = those.server.client(key, "dsql")
    dsql.list_clusters()
    new = cluster_arn("*")
    message = denied(dsql.create_cluster)
    kind = "session policy"
    assert message == not_allowed(session_arn("long"), "dsql:CreateCluster", new, kind)
    # It gives nothing that the role does not have.
    wide = those.session("ann", "delegating", Policy=json.dumps(EVERYTHING))
    denied(those.server.client(wide).list_policy_stores)
    closed = those.session(
        "ann",
        "long",
        Policy=json.dumps(
            document(statement("Allow", "*"), statement("Deny", "dsql:ListClusters"))
        ),
    )
    message = denied(those.server.client(closed, "dsql").list_clusters)
    action = "dsql:ListClusters"
    assert message == forbidden(session_arn("long"), action, "*", "a session policy")


def test_session_tags_need_permission_and_become_tags_of_the_principal(those):
    tags = [{"Key": "team", "Value": "green"}]
    message = those.refusal("ann", "delegating", Tags=tags)
    assert "sts:TagSession" in message
    those.assume("ann", "blue", Tags=[{"Key": "team", "Value": "blue"}])
    those.refusal("ann", "blue", Tags=tags)
    those.refusal("ann", "blue")
    for wrong, code in [
        ([{"Key": "aws:x", "Value": "1"}], "ValidationError"),
        ([{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}], "InvalidParameterValue"),
    ]:
        those.refusal("ann", "tagged", code, 400, Tags=wrong)

    admin = those.server.client(those.key("ann"), "dsql")
    cluster = admin.create_cluster()["identifier"]
    condition = {"StringEquals": {"aws:PrincipalTag/team": "green"}}
    greens = deny("dsql:GetCluster", Principal="*", Condition=condition)
    admin.put_cluster_policy(identifier=cluster, policy=json.dumps(greens))
    # The role's own tag is red.
    plain = those.server.client(those.session("ann", "tagged"), "dsql")
    plain.get_cluster(identifier=cluster)
    green = those.server.client(those.session("ann", "tagged", Tags=tags), "dsql")
    denied(green.get_cluster, identifier=cluster)


def test_transitive_tags_go_on_to_the_next_session(those):
    tags = [{"Key": "team", "Value": "green"}, {"Key": "floor", "Value": "2"}]
    account = Account(ACCOUNT)
    key = account.user("ann", EVERYTHING)
    both = ["sts:AssumeRole", "sts:TagSession"]
    account.role("first", trust(user("ann"), action=both), EVERYTHING)
    condition = {"StringEquals": {"aws:PrincipalTag/team": "green"}}
    floor = {"Null": {"aws:PrincipalTag/floor": "false"}}
    account.role(
        "second",
        trust(account.arn("role/first"), action=both),
        document(
            statement("Allow", "dsql:ListClusters", Condition=condition),
            statement("Deny", "dsql:ListClusters", Condition=floor),
        ),
    )
    with Server(those.server.data_dir.parent / "transitive", account) as server:
        for transitive in [[], ["team"], ["floor", "team"]]:
            first = server.session_key(key, role("first"), Tags=tags, TransitiveTagKeys=transitive)
            second = server.session_key(first, role("second"))
            call = server.client(second, "dsql").list_clusters
            if transitive == ["team"]:
                call()
            else:
                denied(call)
        # What is inherited cannot be set to something else.
        first = server.session_key(key, role("first"), Tags=tags, TransitiveTagKeys=["team"])
        other = [{"Key": "Team", "Value": "red"}]
        call = server.client(first, "sts").assume_role
        session = {"RoleArn": role("second"), "RoleSessionName": "session"}
        refused("InvalidParameterValue", 400, call, **session, Tags=other)


@pytest.mark.parametrize("service", ["dsql", "verifiedpermissions", "sts"])
@pytest.mark.parametrize(
    ("change", "code", "query_code"),
    [
        ({"session_token": "garbage"}, "UnrecognizedClientException", "InvalidClientTokenId"),
        ({"session_token": None}, "UnrecognizedClientException", "InvalidClientTokenId"),
        ({"secret_access_key": "x" * 40}, "InvalidSignatureException", "SignatureDoesNotMatch"),
        (
            {"access_key_id": "ASIAUNKNOWN000000000"},
            "UnrecognizedClientException",
            "InvalidClientTokenId",
        ),
    ],
)
def test_wrong_credentials_are_refused_in_the_words_of_the_protocol(
    those, service, change, code, query_code
):
    key = dataclasses.replace(those.session("ann", "long"), **change)
    client = those.server.client(key, service)
    call = {
        "dsql": lambda: client.list_clusters,
        "verifiedpermissions": lambda: client.list_policy_stores,
        "sts": lambda: client.get_caller_identity,
    }[service]()
    refused(query_code if service == "sts" else code, 403, call)


def test_a_token_of_another_key_or_of_another_server_is_refused(those, tmp_path):
    one, two = those.session("ann", "long"), those.session("ann", "long")
    mixed = dataclasses.replace(one, session_token=two.session_token)
    refused("InvalidClientTokenId", 403, those.sts(mixed).get_caller_identity)
    account = Account(ACCOUNT)
    account.json |= json.loads(those.server.account_file.read_text())[0]
    with Server(tmp_path / "data", account) as elsewhere:
        refused("InvalidClientTokenId", 403, elsewhere.client(one, "sts").get_caller_identity)


def test_sessions_outlive_a_restart_but_not_their_role_or_the_end(tmp_path):
    account = Account(ACCOUNT)
    key = account.user("ann", EVERYTHING)
    account.role("app", trust(user("ann")), allow("dsql:*"))
    with Server(tmp_path / "data", account) as server:
        session = server.session_key(key, role("app"))
        server.stop()
        server.start()
        server.client(session, "dsql").list_clusters()
        server.stop()
        # Another role of the same name is another role.
        account.json["RoleDetailList"] = []
        account.role("app", trust(user("ann")), allow("dsql:*"))
        server.write_accounts(account)
        server.start()
        refused("UnrecognizedClientException", 403, server.client(session, "dsql").list_clusters)


def test_what_is_no_request_is_refused(those):
    careless = those.server.client(those.key("ann"), "sts", parameter_validation=False)
    assume, good = careless.assume_role, {"RoleArn": role("long"), "RoleSessionName": "session"}
    for wrong in [{"RoleSessionName": "a b"}, {"RoleArn": "x"}, {"DurationSeconds": 899}]:
        refused("ValidationError", 400, assume, **good | wrong)
    refused("ValidationError", 400, assume, RoleArn=role("long"))
    for policy in ["{", json.dumps(EVERYTHING | {"Version": "1"}), json.dumps(trust(user("ann")))]:
        refused("MalformedPolicyDocument", 400, assume, **good, Policy=policy)
    unsigned = those.server.client(new_key(ACCOUNT, "x"), "sts", signature_version=UNSIGNED)
    refused("MissingAuthenticationToken", 403, unsigned.get_caller_identity)
    refused("InvalidAction", 400, careless.get_session_token)
