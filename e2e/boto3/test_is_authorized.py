"""IsAuthorized."""

import json

import photos
import pytest
from expect import answer, invalid, not_found

ENTITY = {"entityType": "T", "entityId": "e"}

ATTRIBUTES = {
    "boolean": ({"boolean": True}, "v"),
    "long": ({"long": -9223372036854775808}, "v == -9223372036854775808"),
    "string": ({"string": 'a"b\n'}, 'v == "a\\"b\\n"'),
    "entityIdentifier": ({"entityIdentifier": ENTITY}, 'v == T::"e"'),
    "set": (
        {"set": [{"long": 1}, {"string": "1"}, {"set": [{"long": 1}]}]},
        'v == ["1", [1], 1, 1]',
    ),
    "record": ({"record": {"a b": {"record": {"c": {"long": 2}}}}}, 'v["a b"].c == 2'),
    "ipaddr": ({"ipaddr": "10.0.0.0/8"}, 'ip("10.1.2.3").isInRange(v)'),
    "decimal": ({"decimal": "-12.3400"}, 'v == decimal("-12.34")'),
    "datetime": (
        {"datetime": "2024-10-15T11:35:00.123+0100"},
        'v == datetime("2024-10-15T10:35:00.123Z")',
    ),
    "duration": ({"duration": "1d2h3m4s5ms"}, "v.toMilliseconds() == 93784005"),
    "empty set": ({"set": []}, "v.isEmpty()"),
    "empty record": ({"record": {}}, "v == {}"),
    "empty string": ({"string": ""}, 'v == ""'),
}


def decide(avp, store, **arguments):
    response = answer(avp.is_authorized(**photos.question(store, **arguments)))
    assert response.keys() == {"decision", "determiningPolicies", "errors"}
    return response


def allow(avp, store, condition):
    """A policy that allows everything under this condition."""
    return photos.create_static(
        avp, store, f"permit(principal, action, resource) when {{ {condition} }};"
    )


def test_without_policies_everything_is_denied(avp, store):
    nothing = {"decision": "DENY", "determiningPolicies": [], "errors": []}
    assert decide(avp, store) == nothing


def test_permits_allow_and_are_named(avp, store):
    policies = [photos.create_static(avp, store) for _ in range(3)]
    response = decide(avp, store)
    assert response["decision"] == "ALLOW" and response["errors"] == []
    named = [policy["policyId"] for policy in response["determiningPolicies"]]
    assert sorted(named) == sorted(policies)
    assert decide(avp, store, who="bob")["decision"] == "DENY"


def test_a_forbid_overrides_and_is_named_alone(avp, store):
    photos.create_static(avp, store)
    forbid = photos.create_static(avp, store, "forbid(principal, action, resource);")
    expected = {"decision": "DENY", "determiningPolicies": [{"policyId": forbid}], "errors": []}
    assert decide(avp, store) == expected


@pytest.mark.parametrize(("value", "condition"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_every_attribute_type_reaches_cedar_through_context_attributes_and_tags(
    avp, store, value, condition
):
    policies = [
        {"policyId": allow(avp, store, condition.replace("v", place, 1))}
        for place in ("context.c", "resource.r", 'resource.getTag("t")')
        if condition.count("v") >= 1
    ]
    item = {"identifier": photos.photo("beach"), "attributes": {"r": value}, "tags": {"t": value}}
    response = decide(
        avp, store, context={"contextMap": {"c": value}}, entities={"entityList": [item]}
    )
    assert response["errors"] == []
    named = sorted(response["determiningPolicies"], key=str)
    assert named == sorted(policies, key=str)


@pytest.mark.parametrize(
    "value",
    [
        {"ipaddr": "300.0.0.1"},
        {"decimal": "1.23456"},
        {"decimal": "999999999999999.9999"},
        {"datetime": "2024-13-01"},
        {"duration": "1d1d"},
        {"ipaddr": "x" * 45},
        {"set": [{"decimal": "one"}]},
        {"record": {"a": {"duration": "one"}}},
    ],
)
def test_malformed_extension_values_are_refused(avp, store, value):
    arguments = photos.question(store, context={"contextMap": {"c": value}})
    assert invalid(avp.is_authorized, **arguments) is not None
    item = {"identifier": photos.photo("beach"), "attributes": {"r": value}}
    arguments = photos.question(store, entities={"entityList": [item]})
    assert invalid(avp.is_authorized, **arguments) is not None


def test_parents_are_followed_through_all_generations(avp, store):
    policy = photos.create_static(
        avp, store, 'permit(principal in Photos::Group::"all", action, resource);'
    )
    group = photos.entity("Photos::Group", "all")
    team = photos.entity("Photos::Group", "team")
    entities = [
        {"identifier": photos.user("ann"), "parents": [team]},
        {"identifier": team, "parents": [group]},
    ]
    assert decide(avp, store)["decision"] == "DENY"
    response = decide(avp, store, entities={"entityList": entities})
    assert response["determiningPolicies"] == [{"policyId": policy}]


def test_parents_in_a_circle_are_refused(avp, store):
    one, two = photos.entity("T", "1"), photos.entity("T", "2")
    entities = [{"identifier": one, "parents": [two]}, {"identifier": two, "parents": [one]}]
    arguments = photos.question(store, entities={"entityList": entities})
    assert invalid(avp.is_authorized, **arguments) is not None


def test_the_last_of_two_equal_entities_counts(avp, store):
    allow(avp, store, "resource.r == 2")
    items = [
        {"identifier": photos.photo("beach"), "attributes": {"r": {"long": number}}}
        for number in (1, 2)
    ]
    assert decide(avp, store, entities={"entityList": items})["decision"] == "ALLOW"
    assert decide(avp, store, entities={"entityList": items[::-1]})["decision"] == "DENY"


def test_entities_and_context_can_be_cedar_json(avp, store):
    allow(avp, store, 'resource.owner == principal && resource.getTag("t") == 1 && context.n == 2')
    item = {
        "uid": {"type": "Photos::Photo", "id": "beach"},
        "attrs": {"owner": {"__entity": {"type": "Photos::User", "id": "ann"}}},
        "parents": [],
        "tags": {"t": 1},
    }
    arguments = {
        "entities": {"cedarJson": json.dumps([item])},
        "context": {"cedarJson": '{"n": 2}'},
    }
    assert decide(avp, store, **arguments)["decision"] == "ALLOW"
    assert decide(avp, store, who="bob", **arguments)["decision"] == "DENY"


def test_empty_cedar_json_is_good(avp, store):
    photos.create_static(avp, store)
    arguments = {"entities": {"cedarJson": "[]"}, "context": {"cedarJson": "{}"}}
    assert decide(avp, store, **arguments)["decision"] == "ALLOW"


@pytest.mark.parametrize(
    "arguments",
    [
        {"entities": {"cedarJson": "{}"}},
        {"entities": {"cedarJson": "["}},
        {"entities": {"cedarJson": '[{"uid": {"type": "A", "id": "a"}}]'}},
        {
            "entities": {
                "cedarJson": json.dumps(
                    [{"uid": {"type": "A", "id": "a"}, "attrs": {"x": n}, "parents": []}
                     for n in (1, 2)]  # fmt: skip
                )
            }
        },
        {"context": {"cedarJson": "[]"}},
        {"context": {"cedarJson": "{"}},
        {"context": {"cedarJson": '{"a": 1.5}'}},
    ],
)
def test_faulty_cedar_json_is_refused(avp, store, arguments):
    assert invalid(avp.is_authorized, **photos.question(store, **arguments)) is not None


def test_action_groups_come_from_the_schema(avp, strict_store):
    policy = photos.create_static(
        avp, strict_store, 'permit(principal, action in Photos::Action::"readOnly", resource);'
    )
    assert decide(avp, strict_store)["determiningPolicies"] == [{"policyId": policy}]
    assert decide(avp, strict_store, what="edit")["decision"] == "DENY"


def test_action_entities_are_not_accepted(avp, strict_store):
    item = {"identifier": photos.entity("Photos::Action", "view")}
    arguments = photos.question(strict_store, entities={"entityList": [item]})
    assert invalid(avp.is_authorized, **arguments) is not None


def test_an_error_skips_the_policy_and_is_reported(avp, store):
    good = photos.create_static(avp, store)
    bad = allow(avp, store, "resource.missing")
    response = decide(avp, store)
    assert response["decision"] == "ALLOW"
    assert response["determiningPolicies"] == [{"policyId": good}]
    (error,) = response["errors"]
    assert error["errorDescription"].startswith(f"error while evaluating policy `{bad}`: ")
    assert 'entity `Photos::Photo::"beach"` does not exist' in error["errorDescription"]


def test_unknown_actions_and_types_are_denied_not_refused(avp, strict_store):
    assert decide(avp, strict_store, what="unknown")["decision"] == "DENY"


@pytest.mark.parametrize("left_out", ["principal", "action", "resource"])
def test_what_is_left_out_meets_only_open_scopes(avp, store, left_out):
    for part, scope in {
        "principal": 'principal == Photos::User::"ann", action, resource',
        "action": 'principal, action == Photos::Action::"view", resource',
        "resource": 'principal, action, resource == Photos::Photo::"beach"',
    }.items():
        if part == left_out:
            photos.create_static(avp, store, f"permit({scope});")
    arguments = photos.question(store)
    assert avp.is_authorized(**arguments)["decision"] == "ALLOW"
    del arguments[left_out]
    assert avp.is_authorized(**arguments)["decision"] == "DENY"
    open_policy = photos.create_static(avp, store, "permit(principal, action, resource);")
    response = avp.is_authorized(**arguments)
    assert response["determiningPolicies"] == [{"policyId": open_policy}]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"action": {"actionType": "Verb", "actionId": "view"}}, "/action/actionType"),
        ({"principal": photos.entity("T" * 201, "x")}, "/principal/entityType"),
        ({"resource": photos.entity("T", "x" * 613)}, "/resource/entityId"),
        ({"policyStoreId": "white space"}, "/policyStoreId"),
        ({"policyStoreId": "x" * 201}, "/policyStoreId"),
    ],
)
def test_the_server_checks_patterns_and_lengths(avp, store, arguments, path):
    assert list(invalid(avp.is_authorized, **(photos.question(store) | arguments))) == [path]


def test_an_unknown_store_is_not_found(avp):
    not_found("unknown", "POLICY_STORE", avp.is_authorized, **photos.question("unknown"))


def test_an_entity_has_at_most_100_ancestors(avp, store):
    def entities(count):
        parents = [photos.entity("Photos::Group", str(number)) for number in range(count)]
        return {"entityList": [{"identifier": photos.user("ann"), "parents": parents}]}

    decide(avp, store, entities=entities(100))
    arguments = photos.question(store, entities=entities(101))
    assert invalid(avp.is_authorized, **arguments) is not None
