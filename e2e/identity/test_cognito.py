"""Decisions about the users of a pool, with tokens that moto's Cognito gave to boto3."""

import pytest
import tokens
from signed_in import (
    LIST,
    access_tokens,
    ask,
    decision,
    id_tokens,
    protected,
    refusal,
    user_pool,
)

ANYBODY = "permit(principal, action, resource);"


def permit(condition):
    return f"permit(principal, action, resource) when {{ {condition} }};"


@pytest.fixture(scope="module")
def ann(pool):
    """Her ID token and her access token, by the names of the parameters."""
    return pool.sign_in("ann")


@pytest.fixture(scope="module")
def bob(pool):
    return pool.sign_in("bob")


def one(signed, name):
    return {name: signed[name]}


def subject(signed):
    return tokens.claims(signed["identityToken"])["sub"]


@pytest.mark.parametrize("name", ["identityToken", "accessToken"])
def test_the_types_are_those_of_cognito_unless_others_are_given(avp, pool, ann, bob, name):
    editors = f'permit(principal in AWS::CognitoGroup::"{pool.id}|editors", action, resource);'
    store = protected(avp, user_pool(pool), editors, schema=None, principal=None)
    for signed, decided in [(ann, "ALLOW"), (bob, "DENY")]:
        asked = ask(avp, store, **one(signed, name))
        assert asked["decision"] == decided
        assert asked["principal"] == {
            "entityType": "AWS::Cognito",
            "entityId": f"{pool.id}|{subject(signed)}",
        }


@pytest.mark.parametrize("name", ["identityToken", "accessToken"])
def test_groups_and_users_have_the_types_of_the_schema(avp, pool, ann, bob, name):
    editors = (
        f'permit(principal in Photos::Group::"{pool.id}|editors",'
        ' action == Photos::Action::"list", resource);'
    )
    store = protected(avp, user_pool(pool, groups="Photos::Group"), editors)
    for signed, decided in [(ann, "ALLOW"), (bob, "DENY")]:
        asked = ask(avp, store, **one(signed, name))
        assert asked["decision"] == decided
        assert asked["principal"]["entityType"] == "Photos::User"


@pytest.mark.parametrize(
    "condition",
    [
        'principal.email == "ann@example.com"',
        'principal["cognito:username"] == "ann"',
        'principal.cognito.username == "ann"',
        'principal["custom:department"] == "art"',
        'principal.custom.department == "art"',
        'principal.token_use == "id"',
        "!(context has token)",
    ],
)
def test_an_id_token_gives_attributes(avp, pool, ann, condition):
    store = protected(avp, user_pool(pool), permit(condition), schema=None)
    assert decision(avp, store, **one(ann, "identityToken")) == "ALLOW"


@pytest.mark.parametrize(
    "condition",
    [
        'context.token.scope == ["aws.cognito.signin.user.admin"]',
        'context.token.username == "ann"',
        'context.token.token_use == "access"',
        "!(principal has username) && !(principal has email)",
    ],
)
def test_an_access_token_gives_context(avp, pool, ann, condition):
    store = protected(avp, user_pool(pool), permit(condition), schema=None)
    assert decision(avp, store, **one(ann, "accessToken")) == "ALLOW"


def test_both_at_once_give_both(avp, pool, ann):
    scope = "aws.cognito.signin.user.admin"
    condition = f'principal.email like "ann@*" && context.token.scope.contains("{scope}")'
    store = protected(avp, user_pool(pool), permit(condition), schema=None)
    asked = ask(avp, store, **ann)
    assert asked["decision"] == "ALLOW"
    assert asked["principal"]["entityId"] == f"{pool.id}|{subject(ann)}"
    for name in ann:
        answer = avp.is_authorized_with_token(policyStoreId=store, **LIST, **one(ann, name))
        assert answer["decision"] == "DENY"
    batch = avp.batch_is_authorized_with_token(policyStoreId=store, requests=[LIST] * 2, **ann)
    assert [result["decision"] for result in batch["results"]] == ["ALLOW"] * 2
    assert batch["principal"] == asked["principal"]


def test_both_must_be_of_one_person(avp, pool, ann, bob):
    store = protected(avp, user_pool(pool), ANYBODY, schema=None)
    mixed = {"identityToken": ann["identityToken"], "accessToken": bob["accessToken"]}
    assert refusal(avp, store, **mixed)


def test_entities_may_not_speak_of_users_and_groups(avp, pool, ann):
    """By whatever types they have."""
    usual = {"principal": None, "schema": None}
    own = user_pool(pool, groups="Photos::Group")
    stores = [
        (protected(avp, user_pool(pool), ANYBODY, **usual), "AWS::Cognito", "AWS::CognitoGroup"),
        (protected(avp, own, ANYBODY, schema=None), "Photos::User", "Photos::Group"),
    ]
    for store, user, group in stores:
        for kind in (user, group):
            item = {"identifier": {"entityType": kind, "entityId": "x"}}
            assert refusal(avp, store, **ann, entities={"entityList": [item]})
        item = {"identifier": {"entityType": "Photos::Photo", "entityId": "x"}}
        assert decision(avp, store, **ann, entities={"entityList": [item]}) == "ALLOW"


def test_a_token_is_of_its_kind(avp, pool, ann):
    store = protected(avp, user_pool(pool), ANYBODY, schema=None)
    text = refusal(avp, store, identityToken=ann["accessToken"])
    assert "identityToken" in text and "token_use" in text
    text = refusal(avp, store, accessToken=ann["identityToken"])
    assert "accessToken" in text and "token_use" in text


def test_only_the_configured_applications(avp, pool, ann):
    other = pool.application("other")
    store = protected(avp, user_pool(pool, clientIds=[other]), ANYBODY, schema=None)
    elsewhere = pool.sign_in("ann", client_id=other)
    for name, claim in [("identityToken", "aud"), ("accessToken", "client_id")]:
        assert claim in refusal(avp, store, **one(ann, name))
        assert decision(avp, store, **one(elsewhere, name)) == "ALLOW"
    both = [other, pool.client_id]
    store = protected(avp, user_pool(pool, clientIds=both), ANYBODY, schema=None)
    assert decision(avp, store, **ann) == "ALLOW"


def test_another_pool_is_another_issuer(avp, cognito, pool, ann):
    """moto signs with one key for all of its pools."""
    another = cognito.pool("another")
    another.user("ann")
    store = protected(avp, user_pool(another), ANYBODY, schema=None)
    assert decision(avp, store, **another.sign_in("ann")) == "ALLOW"
    for name in ann:
        assert "iss" in refusal(avp, store, **one(ann, name))


def test_providers_do_not_vouch_for_each_other(avp, provider, pool, ann):
    openid = provider.sign_in("ann")
    store = protected(avp, user_pool(pool), ANYBODY, schema=None)
    refusal(avp, store, identityToken=openid["id_token"])
    refusal(avp, store, accessToken=openid["access_token"])
    store = protected(avp, id_tokens(provider.issuer), ANYBODY, schema=None)
    refusal(avp, store, **one(ann, "identityToken"))
    store = protected(avp, access_tokens(provider.issuer), ANYBODY, schema=None)
    refusal(avp, store, **one(ann, "accessToken"))
