"""Decisions about the people of an OpenID provider, with tokens that it really issued."""

import json

import pytest
import tokens
from expect import answer, invalid, not_found, refused, typed
from signed_in import (
    EDITORS_LIST,
    LIST,
    SCHEMA,
    VIEW,
    access_tokens,
    action,
    ask,
    decision,
    entity,
    id_tokens,
    openid,
    protected,
    refusal,
)

ANN = {"entityType": "Photos::User", "entityId": "people|ann"}
LIST_ACTION = {"entityType": "Photos::Action", "entityId": "list"}
BOB = {"entityType": "Photos::User", "entityId": "people|bob"}


def permit(condition, principal="principal"):
    return (
        f'permit({principal}, action == Photos::Action::"list", resource) when {{ {condition} }};'
    )


@pytest.fixture(scope="module")
def store(avp, provider):
    """Editors may list; it takes ID tokens."""
    return protected(avp, id_tokens(provider.issuer), EDITORS_LIST)


@pytest.fixture(scope="module")
def api(avp, provider):
    """Whoever has the scope may list; it takes access tokens."""
    scope = "context has token && context.token has scope && context.token.scope"
    may = permit(f'{scope}.contains("photos:read")')
    return protected(avp, access_tokens(provider.issuer), may)


def test_the_answer_tells_the_principal_with_both_decisions(avp, store, ann, bob):
    (policy,) = avp.list_policies(policyStoreId=store)["policies"]
    asked = avp.is_authorized_with_token(policyStoreId=store, identityToken=ann["id_token"], **LIST)
    assert answer(asked) == {
        "decision": "ALLOW",
        "determiningPolicies": [{"policyId": policy["policyId"]}],
        "errors": [],
        "principal": ANN,
    }
    asked = avp.is_authorized_with_token(policyStoreId=store, identityToken=bob["id_token"], **LIST)
    assert answer(asked) == {
        "decision": "DENY",
        "determiningPolicies": [],
        "errors": [],
        "principal": BOB,
    }


@pytest.mark.parametrize("kind", ["id_token", "access_token"])
@pytest.mark.parametrize(
    ("name", "groups"),
    [("ann", {"editors", "staff"}), ("bob", {"staff"}), ("cleo", {"guests", "staff"})],
)
def test_groups_are_parents_however_the_claim_is_written(avp, provider, kind, name, groups):
    """A list, a string, a string of words."""
    make = id_tokens if kind == "id_token" else access_tokens
    parameter = "identityToken" if kind == "id_token" else "accessToken"
    store = protected(avp, make(provider.issuer))
    token = provider.sign_in(name)[kind]
    assert decision(avp, store, **{parameter: token}) == "DENY"
    for group in ("editors", "staff", "guests", "guests staff"):
        statement = (
            f'permit(principal in Photos::Group::"people|{group}",'
            ' action == Photos::Action::"list", resource);'
        )
        made = avp.create_policy(
            policyStoreId=store, definition={"static": {"statement": statement}}
        )
        found = decision(avp, store, **{parameter: token})
        assert (group, found) == (group, "ALLOW" if group in groups else "DENY")
        avp.delete_policy(policyStoreId=store, policyId=made["policyId"])


def test_claims_of_an_access_token_are_in_the_context(avp, api, provider, ann):
    assert ask(avp, api, accessToken=ann["access_token"])["principal"] == ANN
    assert decision(avp, api, accessToken=ann["access_token"]) == "ALLOW"
    writer = provider.access_token("ann", scope="openid photos:write")
    assert decision(avp, api, accessToken=writer) == "DENY"
    both = provider.access_token("ann", scope="openid photos:read photos:write")
    assert decision(avp, api, accessToken=both) == "ALLOW"


def test_the_context_of_the_caller_cannot_pose_as_the_token(avp, api, store, provider):
    """Nor is it there when there is no access token: policies could not tell the difference."""
    token = provider.access_token("ann", scope="openid photos:write")
    scope = {"set": [{"string": "photos:read"}]}
    posing = [
        {"contextMap": {"token": {"record": {"scope": scope}}}},
        {"cedarJson": json.dumps({"token": {"scope": ["photos:read"]}})},
    ]
    for context in posing:
        assert "token" in refusal(avp, api, accessToken=token, context=context)
        identity = provider.forge(provider.claims())
        assert "token" in refusal(avp, store, identityToken=identity, context=context)


def test_a_program_is_a_principal_too(avp, api, provider):
    asked = ask(avp, api, accessToken=provider.program_token())
    assert (asked["decision"], asked["principal"]["entityId"]) == ("ALLOW", "people|backup")
    asked = ask(avp, api, accessToken=provider.program_token(scope="photos:write"))
    assert asked["decision"] == "DENY"


@pytest.mark.parametrize("alg", tokens.ALGORITHMS)
def test_every_algorithm(avp, provider, alg):
    clients = [f"photos-{alg}"]
    signed = provider.sign_in("ann", client=clients[0])
    store = protected(avp, id_tokens(provider.issuer, clients), EDITORS_LIST)
    assert tokens.decode(signed["id_token"].split(".")[0])["alg"] == alg
    assert decision(avp, store, identityToken=signed["id_token"]) == "ALLOW"
    store = protected(avp, access_tokens(provider.issuer), EDITORS_LIST)
    assert decision(avp, store, accessToken=signed["access_token"]) == "ALLOW"


@pytest.mark.parametrize(
    ("prefix", "claim", "principal"),
    [
        ("people", None, "people|ann"),
        ("people", "email", "people|ann@example.com"),
        (None, None, "ann"),
        (None, "name", "Ann"),
    ],
)
def test_prefix_and_claim_make_the_principal(avp, provider, ann, prefix, claim, principal):
    selection = {"identityTokenOnly": {"principalIdClaim": claim} if claim else {}}
    configuration = openid(provider.issuer, selection, entityIdPrefix=prefix)
    group = f"{prefix}|editors" if prefix else "editors"
    statement = (
        f'permit(principal == Photos::User::"{principal}", action, resource)'
        f' when {{ principal in Photos::Group::"{group}" }};'
    )
    store = protected(avp, configuration, statement, schema=None)
    asked = ask(avp, store, identityToken=ann["id_token"])
    assert (asked["principal"]["entityId"], asked["decision"]) == (principal, "ALLOW")


def test_a_claim_that_is_to_name_the_principal_must(avp, provider, ann):
    for claim in ("nickname", "level", "address"):
        selection = {"identityTokenOnly": {"principalIdClaim": claim}}
        store = protected(avp, openid(provider.issuer, selection))
        assert claim in refusal(avp, store, identityToken=ann["id_token"])


def test_only_the_configured_kind_is_processed(avp, store, api, ann):
    assert "identityToken" in refusal(avp, store, accessToken=ann["access_token"])
    assert "accessToken" in refusal(avp, api, identityToken=ann["id_token"])
    # An ID token is for the application and no audience of the API, and the other way round.
    refusal(avp, store, identityToken=ann["access_token"])
    refusal(avp, api, accessToken=ann["id_token"])
    call = avp.is_authorized_with_token
    typed("ValidationException", 400, call, policyStoreId=store, **LIST)


@pytest.mark.parametrize("name", ['a"b', "a\\", "a|b", "é\n\0", "__entity", "x" * 600])
def test_a_name_is_a_name_whatever_is_in_it(avp, store, provider, name):
    token = provider.forge(provider.claims(sub=name, groups=[name, "editors"]))
    asked = ask(avp, store, identityToken=token)
    assert (asked["principal"]["entityId"], asked["decision"]) == (f"people|{name}", "ALLOW")


def test_entities_may_not_speak_of_principals(avp, store, ann):
    token = ann["id_token"]
    for kind, name in [("User", "people|ann"), ("User", "people|bob"), ("Group", "people|x")]:
        item = {"identifier": entity(kind, name)}
        assert refusal(avp, store, identityToken=token, entities={"entityList": [item]})
        text = json.dumps(
            [{"uid": {"type": f"Photos::{kind}", "id": name}, "attrs": {}, "parents": []}]
        )
        assert refusal(avp, store, identityToken=token, entities={"cedarJson": text})
    # What the AWS client for JavaScript sends.
    nothing = {"entities": {"cedarJson": "[]"}, "context": {"cedarJson": "{}"}}
    assert decision(avp, store, identityToken=token, **nothing) == "ALLOW"


def test_entities_may_name_actions(avp, store, ann):
    """By their identifiers, says the documentation, although they come from the schema."""
    actions = {"entityList": [{"identifier": LIST_ACTION}]}
    assert decision(avp, store, identityToken=ann["id_token"], entities=actions) == "ALLOW"


def test_somebody_may_be_in_99_groups(avp, store, provider):
    """With the principal itself that makes 100."""
    for count, refuses in [(99, False), (101, True)]:
        groups = [f"g{number}" for number in range(count - 1)]
        token = provider.forge(provider.claims(groups=["editors", *groups]))
        if refuses:
            refusal(avp, store, identityToken=token)
        else:
            assert decision(avp, store, identityToken=token) == "ALLOW"


def test_entities_say_what_resources_are(avp, provider, ann):
    owners = (
        'permit(principal, action == Photos::Action::"view", resource)'
        " when { resource.owner == principal };"
    )
    store = protected(avp, id_tokens(provider.issuer), owners)
    for owner, decided in [("people|ann", "ALLOW"), ("people|bob", "DENY")]:
        photo = {
            "identifier": VIEW["resource"],
            "attributes": {"owner": {"entityIdentifier": entity("User", owner)}},
        }
        given = {"entityList": [photo]}
        assert decision(avp, store, VIEW, identityToken=ann["id_token"], entities=given) == decided


def test_a_batch_has_one_principal_and_echoes_its_requests(avp, store, ann):
    items = [LIST, VIEW, LIST | {"context": {"contextMap": {}}}, {"action": action("upload")}]
    asked = answer(
        avp.batch_is_authorized_with_token(
            policyStoreId=store, identityToken=ann["id_token"], requests=items
        )
    )
    assert asked["principal"] == ANN
    results = asked["results"]
    assert [result["request"] for result in results] == items
    assert [result["decision"] for result in results] == ["ALLOW", "DENY", "ALLOW", "DENY"]
    assert [len(result["determiningPolicies"]) for result in results] == [1, 0, 1, 0]
    assert all(result["errors"] == [] for result in results)


def test_a_batch_has_its_limits(avp, store, ann):
    call, token = avp.batch_is_authorized_with_token, ann["id_token"]
    many = call(policyStoreId=store, identityToken=token, requests=[LIST] * 30)
    assert len(many["results"]) == 30
    assert invalid(call, policyStoreId=store, identityToken=token, requests=[LIST] * 31)
    photos = {"entityList": [{"identifier": entity("Photo", str(n))} for n in range(100)]}
    call(policyStoreId=store, identityToken=token, requests=[LIST], entities=photos)


def test_a_bad_token_fails_the_whole_batch(avp, store, provider):
    token = provider.forge(provider.claims(exp=tokens.now(-60)))
    call = avp.batch_is_authorized_with_token
    arguments = {"policyStoreId": store, "identityToken": token, "requests": [LIST]}
    error = typed("ValidationException", 400, call, **arguments)
    assert "identityToken" in error.response["message"]


def test_one_permission_is_for_both_operations(server, store, ann):
    token = ann["id_token"]
    arguments = {"policyStoreId": store, "identityToken": token}
    asker = server.client(server.asker)
    assert decision(asker, store, identityToken=token) == "ALLOW"
    asker.batch_is_authorized_with_token(requests=[LIST], **arguments)
    decider = server.client(server.decider)
    for call, more in [
        (decider.is_authorized_with_token, LIST),
        (decider.batch_is_authorized_with_token, {"requests": [LIST]}),
    ]:
        error = refused("AccessDeniedException", 403, call, **arguments, **more)
        assert "verifiedpermissions:IsAuthorizedWithToken" in str(error)
    principal = {"principal": ANN}
    refused("AccessDeniedException", 403, asker.is_authorized, policyStoreId=store, **principal)


def test_a_policy_store_without_an_identity_source_accepts_no_token(avp, ann):
    bare = avp.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
    arguments = LIST | {"identityToken": ann["id_token"]}
    call = avp.is_authorized_with_token
    not_found(bare, "IDENTITY_SOURCE", call, policyStoreId=bare, **arguments)
    not_found("unknown", "POLICY_STORE", call, policyStoreId="unknown", **arguments)


def test_an_alias_will_do(avp, store, ann):
    alias = "policy-store-alias/tokens"
    avp.create_policy_store_alias(aliasName=alias, policyStoreId=store)
    assert decision(avp, alias, identityToken=ann["id_token"]) == "ALLOW"


def test_changes_of_the_identity_source_count_at_once(avp, provider, ann):
    """Although the server has seen the token before."""
    store = protected(avp, id_tokens(provider.issuer), EDITORS_LIST)
    (source,) = avp.list_identity_sources(policyStoreId=store)["identitySources"]
    names = {"policyStoreId": store, "identitySourceId": source["identitySourceId"]}
    token = {"identityToken": ann["id_token"]}

    def update(**changes):
        configuration = id_tokens(provider.issuer, **changes)
        avp.update_identity_source(updateConfiguration=configuration, **names)

    assert decision(avp, store, **token) == "ALLOW"
    update(entityIdPrefix="others")
    asked = ask(avp, store, **token)
    assert (asked["decision"], asked["principal"]["entityId"]) == ("DENY", "others|ann")
    update(clients=["another application"])
    assert "aud" in refusal(avp, store, **token)
    update()
    assert decision(avp, store, **token) == "ALLOW"
    avp.delete_identity_source(**names)
    call = avp.is_authorized_with_token
    not_found(store, "IDENTITY_SOURCE", call, policyStoreId=store, **LIST, **token)


def test_the_schema_decides_anew_when_it_changes(avp, provider):
    """Although the server has seen the token before."""
    store = protected(avp, id_tokens(provider.issuer), EDITORS_LIST)
    token = {"identityToken": provider.id_token("ann")}
    assert decision(avp, store, **token) == "ALLOW"
    schema = json.loads(SCHEMA)
    attributes = schema["Photos"]["entityTypes"]["User"]["shape"]["attributes"]
    attributes["badge"] = {"type": "String"}
    avp.put_schema(policyStoreId=store, definition={"cedarJson": json.dumps(schema)})
    assert "badge" in refusal(avp, store, **token)
    avp.put_schema(policyStoreId=store, definition={"cedarJson": SCHEMA})
    assert decision(avp, store, **token) == "ALLOW"
