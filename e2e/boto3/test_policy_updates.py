"""UpdatePolicy."""

import photos
import pytest
from expect import answer, conflict, invalid, not_found

BEFORE = 'permit(principal == U::"a", action == Action::"x", resource in R::"r") when { 1 < 2 };'


@pytest.fixture
def policy(avp, store):
    definition = {"static": {"statement": BEFORE, "description": "before"}}
    created = avp.create_policy(policyStoreId=store, definition=definition, name="name/before")
    return created["policyId"]


def update(avp, store, policy, statement, **static):
    definition = {"static": {"statement": statement} | static}
    return avp.update_policy(policyStoreId=store, policyId=policy, definition=definition)


@pytest.mark.parametrize(
    "statement",
    [
        'permit(principal == U::"a", action, resource in R::"r");',
        'permit(principal == U::"a", action in [Action::"y"], resource in R::"r");',
        'permit(principal==U::"a",action==Action::"x",resource in R::"r")unless{false};',
    ],
)
def test_actions_and_conditions_may_change(avp, store, policy, statement):
    before = avp.get_policy(policyStoreId=store, policyId=policy)
    updated = answer(update(avp, store, policy, statement, description="after"))
    assert updated["policyId"] == policy
    assert updated["policyType"] == "STATIC"
    assert updated["effect"] == "Permit"
    assert updated["createdDate"] == before["createdDate"]
    assert updated["lastUpdatedDate"] > before["lastUpdatedDate"]
    assert "definition" not in updated and "name" not in updated
    found = answer(avp.get_policy(policyStoreId=store, policyId=policy))
    definition = {"static": {"statement": statement, "description": "after"}}
    assert found == updated | {"definition": definition, "name": "name/before"}


@pytest.mark.parametrize(
    "statement",
    [
        BEFORE.replace("permit", "forbid"),
        BEFORE.replace('U::"a"', 'U::"b"'),
        BEFORE.replace("principal ==", "principal in"),
        BEFORE.replace('principal == U::"a"', "principal"),
        BEFORE.replace('R::"r"', 'R::"s"'),
        BEFORE.replace("resource in", "resource =="),
        BEFORE.replace("resource in", "resource is R in"),
    ],
)
def test_effect_principal_and_resource_may_not_change(avp, store, policy, statement):
    definition = {"static": {"statement": statement}}
    arguments = {"policyStoreId": store, "policyId": policy, "definition": definition}
    assert invalid(avp.update_policy, **arguments) is not None
    found = avp.get_policy(policyStoreId=store, policyId=policy)
    assert found["definition"]["static"]["statement"] == BEFORE


def test_the_scope_is_compared_by_meaning(avp, store, policy):
    same = '@a("b") permit ( principal==U::"a" , action == Action::"x" , resource in R::"\\u{72}" );'
    update(avp, store, policy, same)
    found = avp.get_policy(policyStoreId=store, policyId=policy)
    assert found["definition"]["static"]["statement"] == same


def test_the_static_definition_is_replaced_as_a_whole(avp, store, policy):
    update(avp, store, policy, BEFORE)
    found = avp.get_policy(policyStoreId=store, policyId=policy)
    assert found["definition"] == {"static": {"statement": BEFORE}}


def test_decisions_follow_an_update_at_once(avp, store):
    policy = photos.create_static(avp, store)
    for condition, decision in [("false", "DENY"), ("true", "ALLOW"), ("1 > 2", "DENY")]:
        update(avp, store, policy, photos.ANN_VIEWS.replace(";", f" when {{ {condition} }};"))
        assert avp.is_authorized(**photos.question(store))["decision"] == decision


def test_a_name_is_kept_changed_and_removed(avp, store, policy):
    def name():
        return avp.get_policy(policyStoreId=store, policyId=policy).get("name")

    update(avp, store, policy, BEFORE)
    assert name() == "name/before"
    avp.update_policy(policyStoreId=store, policyId=policy, name="name/after")
    assert name() == "name/after"
    arguments = {"policyStoreId": store, "policyId": "name/before"}
    not_found("name/before", "POLICY", avp.get_policy, **arguments)
    avp.update_policy(policyStoreId=store, policyId="name/after", name="")
    assert name() is None
    photos.create_static(avp, store, name="name/after")


def test_a_name_in_use_is_a_conflict(avp, store, policy):
    other = photos.create_static(avp, store)
    arguments = {"policyStoreId": store, "policyId": other, "name": "name/before"}
    conflict(policy, "POLICY", avp.update_policy, **arguments)


def test_a_linked_policy_can_be_renamed_but_not_made_static(avp, store):
    template = photos.create_template(avp, store)
    policy = photos.create_linked(avp, store, template, photos.user("bob"), photos.photo("beach"))
    avp.update_policy(policyStoreId=store, policyId=policy, name="name/linked")
    found = avp.get_policy(policyStoreId=store, policyId="name/linked")
    assert (found["policyId"], found["policyType"]) == (policy, "TEMPLATE_LINKED")
    definition = {"static": {"statement": photos.ANN_VIEWS}}
    invalid(avp.update_policy, policyStoreId=store, policyId=policy, definition=definition)


def test_an_unknown_policy_is_not_found(avp, store):
    arguments = {"policyStoreId": store, "policyId": "unknown", "name": "name/x"}
    not_found("unknown", "POLICY", avp.update_policy, **arguments)


def test_an_update_is_validated_against_the_present_schema(avp, strict_store):
    policy = photos.create_static(avp, strict_store)
    statement = photos.ANN_VIEWS.replace(";", " when { resource.size > 1 };")
    definition = {"static": {"statement": statement}}
    arguments = {"policyStoreId": strict_store, "policyId": policy, "definition": definition}
    fields = invalid(avp.update_policy, **arguments)
    assert list(fields) == ["/definition"]
    assert "attribute `size`" in fields["/definition"][0]
