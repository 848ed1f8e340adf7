"""Identity sources that are refused for their form: no provider is asked."""

import pytest
from expect import invalid
from treeline import REGION
from world import ACCOUNT

POOL_ARN = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_AbCd12345"
POOL = {"userPoolArn": POOL_ARN}
OPENID = {"issuer": "https://idp.example", "tokenSelection": {"identityTokenOnly": {}}}


def user_pool(**members):
    return {"cognitoUserPoolConfiguration": POOL | members}


def openid(**members):
    return {"openIdConnectConfiguration": OPENID | members}


@pytest.mark.parametrize(
    "arn",
    [
        "us-east-1_abc",
        POOL_ARN.replace("cognito-idp", "cognito"),
        POOL_ARN.replace("userpool/", "identitypool/"),
        POOL_ARN.replace(ACCOUNT, "1234"),
        POOL_ARN + "/x",
        POOL_ARN + "x" * 255,
    ],
)
def test_the_arn_of_a_user_pool_has_its_form(avp, store, arn):
    given = user_pool(userPoolArn=arn)
    assert invalid(avp.create_identity_source, policyStoreId=store, configuration=given)


@pytest.mark.parametrize("kind", ["9x", "a b", "::", "User::", 'User::"x"', "x" * 201])
def test_types_are_names_of_cedar(avp, store, kind):
    create, update = avp.create_identity_source, avp.update_identity_source
    arguments = {"policyStoreId": store, "principalEntityType": kind}
    for given in (user_pool(), openid()):
        assert invalid(create, configuration=given, **arguments)
    arguments = {"policyStoreId": store, "principalEntityType": "User"}
    groups = {"groupEntityType": kind}
    named = groups | {"groupClaim": "groups"}
    for given in (user_pool(groupConfiguration=groups), openid(groupConfiguration=named)):
        assert invalid(create, configuration=given, **arguments)
    made = create(configuration=user_pool(), **arguments)
    names = {"policyStoreId": store, "identitySourceId": made["identitySourceId"]}
    assert invalid(update, updateConfiguration=user_pool(), principalEntityType=kind, **names)
    given = user_pool(groupConfiguration=groups)
    assert invalid(update, updateConfiguration=given, **names)


def test_people_are_no_groups_and_neither_are_actions(avp, store):
    arguments = {"policyStoreId": store, "principalEntityType": "A::User"}
    for kind in ("A::User", "Action", "A::Action"):
        given = user_pool(groupConfiguration={"groupEntityType": kind})
        assert invalid(avp.create_identity_source, configuration=given, **arguments)
    for kind in ("Action", "A::Action"):
        arguments = {"policyStoreId": store, "principalEntityType": kind}
        assert invalid(avp.create_identity_source, configuration=user_pool(), **arguments)


def clients(*ids):
    return {"tokenSelection": {"identityTokenOnly": {"clientIds": list(ids)}}}


def audiences(*names):
    return {"tokenSelection": {"accessTokenOnly": {"audiences": list(names)}}}


@pytest.mark.parametrize(
    "members",
    [
        {"issuer": "ftp://idp.example"},
        {"issuer": "idp.example"},
        {"issuer": "http://idp.example"},
        {"issuer": "https://" + "x" * 2048},
        {"entityIdPrefix": "x" * 101},
        clients(*["x"] * 1001),
        clients("x" * 256),
        audiences(*["x"] * 256),
        audiences("x" * 256),
    ],
)
def test_sizes_and_patterns_are_those_of_the_model(avp, store, members):
    arguments = {"policyStoreId": store, "principalEntityType": "User"}
    given = openid(**members)
    assert invalid(avp.create_identity_source, configuration=given, **arguments)
    made = avp.create_identity_source(configuration=user_pool(), **arguments)
    source = {"identitySourceId": made["identitySourceId"]}
    assert invalid(avp.update_identity_source, updateConfiguration=given, **source, **arguments)
