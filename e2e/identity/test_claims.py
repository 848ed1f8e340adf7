"""What claims of an OpenID provider's tokens are to policies, with a schema and without one."""

import json

import pytest
from openid import CLIENT
from signed_in import SCHEMA, access_tokens, decision, id_tokens, protected, refusal


def permit(condition, principal="principal"):
    return (
        f'permit({principal}, action == Photos::Action::"list", resource) when {{ {condition} }};'
    )


@pytest.mark.parametrize(
    ("condition", "decided"),
    [
        ('principal has department && principal.department == "art"', "ALLOW"),
        ("principal has level && principal.level > 6", "ALLOW"),
        ("principal has level && principal.level > 7", "DENY"),
        ('principal has email && principal.email like "*@example.com"', "ALLOW"),
        ("principal has email_verified && principal.email_verified", "ALLOW"),
        ("context has token", "DENY"),
    ],
)
def test_claims_of_an_id_token_are_typed_attributes(avp, provider, ann, condition, decided):
    store = protected(avp, id_tokens(provider.issuer), permit(condition))
    assert decision(avp, store, identityToken=ann["id_token"]) == decided


@pytest.mark.parametrize(
    "condition",
    [
        'principal.address == {"country": "NL", "locality": "Delft"}',
        f'principal.aud == "{CLIENT}"',
        'principal.sub == "ann"',
        "principal.exp > principal.iat",
        'principal.name == "Ann" && principal.level == 7',
        "!(principal has groups)",
        "!(context has token)",
    ],
)
def test_without_a_schema_all_claims_are_attributes(avp, provider, ann, condition):
    store = protected(avp, id_tokens(provider.issuer), permit(condition), schema=None)
    assert decision(avp, store, identityToken=ann["id_token"]) == "ALLOW"


def test_an_undeclared_claim_is_no_obstacle_and_a_required_one_must_be_there(avp, provider):
    schema = json.loads(SCHEMA)
    attributes = schema["Photos"]["entityTypes"]["User"]["shape"]["attributes"]
    attributes["department"]["required"] = True
    need = permit('principal.department == "art"')
    store = protected(avp, id_tokens(provider.issuer), need, schema=json.dumps(schema))
    assert decision(avp, store, identityToken=provider.id_token("ann")) == "ALLOW"
    assert "department" in refusal(avp, store, identityToken=provider.id_token("bob"))


@pytest.mark.parametrize(
    "condition",
    [
        'context.token.scope == ["photos:read"]',
        f'context.token.client_id == "{CLIENT}"',
        'context.token.sub == "ann"',
        "!(context.token has groups)",
        "!(principal has sub) && !(principal has scope)",
        'context.hour == 12 && context.token.aud == "https://photos.example"',
    ],
)
def test_without_a_schema_all_claims_are_in_the_context(avp, provider, ann, condition):
    store = protected(avp, access_tokens(provider.issuer), permit(condition), schema=None)
    context = {"contextMap": {"hour": {"long": 12}}}
    assert decision(avp, store, accessToken=ann["access_token"], context=context) == "ALLOW"


def test_a_claim_cannot_pose_as_an_entity(avp, provider):
    """Or as a value of another type: in Cedar's JSON these would be."""
    group = {"type": "Photos::Group", "id": "people|editors"}
    posing = {
        "x": {"__entity": group},
        "y": {"__extn": {"fn": "ip", "arg": "10.0.0.1"}},
        "groups": [],
    }
    token = provider.forge(provider.claims(**posing))
    no = 'principal.x == Photos::Group::"people|editors" || principal.y == ip("10.0.0.1")'
    for condition, decided in [(no, "DENY"), (f"!({no})", "ALLOW")]:
        store = protected(avp, id_tokens(provider.issuer), permit(condition), schema=None)
        assert decision(avp, store, identityToken=token) == decided


TYPED = {
    "home": {"type": "Extension", "name": "ipaddr"},
    "since": {"type": "Extension", "name": "datetime"},
    "rate": {"type": "Extension", "name": "decimal"},
    "aud": {"type": "Set", "element": {"type": "String"}},
    "groups": {"type": "Set", "element": {"type": "String"}},
    "address": {
        "type": "Record",
        "attributes": {"country": {"type": "String"}},
    },
}
GOOD = {
    "home": "10.1.2.3",
    "since": "2026-01-31",
    "rate": "0.75",
    "aud": CLIENT,
    "groups": ["editors"],
    "address": {"country": "NL", "locality": "Delft"},
}


@pytest.fixture(scope="module")
def typed(avp, provider):
    """A policy store that declares these types and looks at all of them."""
    schema = json.loads(SCHEMA)
    schema["Photos"]["entityTypes"]["User"]["shape"]["attributes"] = TYPED
    looks = (
        'principal.home.isInRange(ip("10.0.0.0/8")) && principal.since < datetime("2027-01-01")'
        ' && principal.rate.lessThan(decimal("0.8")) && principal.groups.contains("editors")'
        f' && principal.aud.contains("{CLIENT}") && principal.address.country == "NL"'
    )
    configuration = id_tokens(provider.issuer)
    return protected(avp, configuration, permit(looks), schema=json.dumps(schema))


def test_the_schema_makes_values_of_strings(avp, typed, provider):
    token = provider.forge(provider.claims(**GOOD))
    assert decision(avp, typed, identityToken=token) == "ALLOW"
    token = provider.forge(provider.claims(**GOOD | {"home": "11.1.2.3"}))
    assert decision(avp, typed, identityToken=token) == "DENY"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("home", "here"),
        ("home", 7),
        ("since", "long ago"),
        ("rate", 0.75),
        ("rate", "0.123456"),
        ("groups", [["editors"]]),
        ("address", "Delft"),
        ("address", {"locality": "Delft"}),
        ("address", {"country": 31}),
        ("address", None),
    ],
)
def test_a_claim_of_another_type_is_refused(avp, typed, provider, claim, value):
    token = provider.forge(provider.claims(**GOOD | {claim: value}))
    assert claim in refusal(avp, typed, identityToken=token)


def test_the_token_that_is_not_processed_is_not_looked_at(avp, provider, ann):
    """Not even whether it is one of this provider's."""
    tokens = {"identityToken": ann["id_token"], "accessToken": "any.thing.else"}
    store = protected(avp, id_tokens(provider.issuer), permit("!(context has token)"))
    assert decision(avp, store, **tokens) == "ALLOW"
    tokens = {"identityToken": "any.thing.else", "accessToken": ann["access_token"]}
    store = protected(avp, access_tokens(provider.issuer), permit("context has token"))
    assert decision(avp, store, **tokens) == "ALLOW"
