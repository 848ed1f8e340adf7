"""Statements against the grammar and against the schema."""

import photos
import pytest
from expect import invalid

ALL = "permit(principal, action, resource);"


def refused_policy(avp, store, statement):
    definition = {"static": {"statement": statement}}
    return invalid(avp.create_policy, policyStoreId=store, definition=definition)


def refused_template(avp, store, statement):
    return invalid(avp.create_policy_template, policyStoreId=store, statement=statement)


@pytest.mark.parametrize("statement", ["permit", ALL + ALL, "// nothing", "permit(principal);"])
@pytest.mark.parametrize("mode", ["OFF", "STRICT"])
def test_a_statement_is_exactly_one_policy(avp, mode, statement):
    store = avp.create_policy_store(validationSettings={"mode": mode})["policyStoreId"]
    fields = refused_policy(avp, store, statement)
    assert fields["/definition/static/statement"][0] == "Failed to validate policy body."


def test_a_template_is_no_static_policy(avp, store):
    fields = refused_policy(avp, store, "permit(principal == ?principal, action, resource);")
    text = "expected a static policy, got a template containing the slot ?principal"
    assert any(text in message for message in fields["/definition/static/statement"])


def test_a_static_policy_is_no_template(avp, store):
    fields = refused_template(avp, store, ALL)
    assert fields == {"/template/statement": ["expected a template, got a static policy"]}


@pytest.mark.parametrize(
    "statement",
    [
        "permit(principal == ?resource, action, resource == ?resource);",
        "permit(principal == ?principal, action == ?action, resource == ?resource);",
        "permit(principal == ?principal, action, resource) when { resource == ?resource };",
        "permit(principal, action, resource == ?resource);",
        "permit(principal == ?principal, action, resource);",
    ],
)
def test_slots_stand_in_both_scopes_and_nowhere_else(avp, store, statement):
    assert list(refused_template(avp, store, statement)) == ["/template/statement"]


def test_strict_without_schema_fails_every_policy_and_template(avp):
    created = avp.create_policy_store(validationSettings={"mode": "STRICT"})
    store = created["policyStoreId"]
    text = "No schema present - automatically failing all validation."
    assert refused_policy(avp, store, ALL) == {"/definition": [text]}
    assert [text] in refused_template(avp, store, photos.TEMPLATE).values()


def test_strict_passes_on_all_of_cedars_texts(avp, strict_store):
    statement = photos.ANN_VIEWS.replace('"view"', '"delete"')
    assert refused_policy(avp, strict_store, statement) == {
        "/definition": [
            'for policy `policy0`, unrecognized action `Photos::Action::"delete"`',
            "for policy `policy0`, unable to find an applicable action "
            "given the policy scope constraints",
        ]
    }


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("resource.size > 1", "attribute `size`"),
        ("resource.private > 1", "unexpected type"),
        ("context.mfa", "optional attribute"),
        ('principal in Photos::Team::"t"', "unrecognized entity type `Photos::Team`"),
        ("[].isEmpty()", "empty set literals are forbidden"),
        ('resource.owner == ip("10.0.0.1")', "are not compatible"),
    ],
)
def test_strict_refuses_conditions_that_do_not_fit_the_schema(avp, strict_store, condition, text):
    statement = photos.ANN_VIEWS.replace(";", f" when {{ {condition} }};")
    fields = refused_policy(avp, strict_store, statement)
    assert list(fields) == ["/definition"]
    assert any(text in message for message in fields["/definition"]), fields


@pytest.mark.parametrize(
    "condition", ["resource.private", "context has mfa && context.mfa", "principal in resource.owner"]
)
def test_strict_accepts_conditions_that_fit_the_schema(avp, strict_store, condition):
    photos.create_static(
        avp, strict_store, photos.ANN_VIEWS.replace(";", f" when {{ {condition} }};")
    )


def test_strict_validates_templates_and_what_fills_them(avp, strict_store):
    bad = photos.TEMPLATE.replace("view", "delete")
    assert any(
        "unrecognized action" in message
        for messages in refused_template(avp, strict_store, bad).values()
        for message in messages
    )
    template = photos.create_template(avp, strict_store)
    linked = {
        "policyTemplateId": template,
        "principal": photos.entity("Photos::Robot", "r"),
        "resource": photos.photo("beach"),
    }
    arguments = {"policyStoreId": strict_store, "definition": {"templateLinked": linked}}
    assert invalid(avp.create_policy, **arguments)


def test_off_stores_what_no_schema_knows(avp, store):
    avp.put_schema(policyStoreId=store, definition=photos.schema())
    photos.create_static(avp, store, 'permit(principal == X::"x", action == Action::"a", resource);')


def test_turning_strict_on_judges_new_policies_only(avp, store):
    old = photos.create_static(avp, store)
    avp.update_policy_store(policyStoreId=store, validationSettings={"mode": "STRICT"})
    assert avp.get_policy(policyStoreId=store, policyId=old)["policyId"] == old
    assert avp.is_authorized(**photos.question(store))["decision"] == "ALLOW"
    assert refused_policy(avp, store, ALL)
