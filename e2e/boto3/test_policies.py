"""CreatePolicy, GetPolicy, DeletePolicy, ListPolicies."""

import photos
import pytest
from expect import ID, answer, conflict, invalid, is_recent, not_found, over_quota

STATEMENT = """// Ann may look at the holiday photos.
@id("holidays")
permit (
    principal ==   Photos::User::"ann",
    action in [Photos::Action::"view", Photos::Action::"edit"],
    resource in Photos::Album:: "holidays"
)
when { resource has private && !resource.private };"""

SUMMARY = {
    "policyType": "STATIC",
    "effect": "Permit",
    "principal": photos.user("ann"),
    "resource": photos.entity("Photos::Album", "holidays"),
    "actions": [photos.action("view"), photos.action("edit")],
}


def test_create_answers_the_summary_of_the_scope(avp, store):
    created = answer(
        avp.create_policy(policyStoreId=store, definition={"static": {"statement": STATEMENT}})
    )
    assert ID.fullmatch(created["policyId"])
    assert is_recent(created["createdDate"])
    assert created == SUMMARY | {
        "policyStoreId": store,
        "policyId": created["policyId"],
        "createdDate": created["createdDate"],
        "lastUpdatedDate": created["createdDate"],
    }


def test_get_answers_the_statement_byte_for_byte(avp, store):
    definition = {"static": {"statement": STATEMENT, "description": "Holidays"}}
    created = answer(
        avp.create_policy(policyStoreId=store, definition=definition, name="name/holidays")
    )
    found = answer(avp.get_policy(policyStoreId=store, policyId=created["policyId"]))
    assert found == created | {"definition": definition, "name": "name/holidays"}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("principal, action, resource", {}),
        ("principal is A, action, resource is B", {}),
        (
            'principal is A in G::"g", action == Action::"a", resource == B::"b"',
            {
                "principal": {"entityType": "G", "entityId": "g"},
                "actions": [{"actionType": "Action", "actionId": "a"}],
                "resource": {"entityType": "B", "entityId": "b"},
            },
        ),
        (
            'principal in G::"g", action in N::Action::"all", resource',
            {
                "principal": {"entityType": "G", "entityId": "g"},
                "actions": [{"actionType": "N::Action", "actionId": "all"}],
            },
        ),
    ],
)
@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_the_summary_follows_the_scope(avp, store, effect, scope, expected):
    policy = photos.create_static(avp, store, f"{effect} ({scope});")
    found = avp.get_policy(policyStoreId=store, policyId=policy)
    summary = {key: found[key] for key in ("principal", "actions", "resource") if key in found}
    assert summary == expected
    assert found["effect"] == effect.capitalize()


def test_a_linked_policy_reports_the_filled_scope(avp, strict_store):
    template = photos.create_template(avp, strict_store)
    linked = {
        "policyTemplateId": template,
        "principal": photos.user("bob"),
        "resource": photos.photo("beach"),
    }
    created = answer(
        avp.create_policy(policyStoreId=strict_store, definition={"templateLinked": linked})
    )
    assert created["policyType"] == "TEMPLATE_LINKED"
    assert created["principal"] == photos.user("bob")
    assert created["resource"] == photos.photo("beach")
    assert created["actions"] == [photos.action("view")]
    assert created["effect"] == "Permit"
    found = answer(avp.get_policy(policyStoreId=strict_store, policyId=created["policyId"]))
    assert found == created | {"definition": {"templateLinked": linked}}


def test_a_linked_policy_reports_what_the_template_fixes_but_was_not_given_it(avp, store):
    statement = 'permit(principal == ?principal, action, resource == Photos::Photo::"beach");'
    template = photos.create_template(avp, store, statement, name="name/beach")
    linked = {"policyTemplateId": "name/beach", "principal": photos.user("bob")}
    policy = avp.create_policy(policyStoreId=store, definition={"templateLinked": linked})
    assert policy["resource"] == photos.photo("beach")
    found = avp.get_policy(policyStoreId=store, policyId=policy["policyId"])
    assert found["definition"]["templateLinked"] == linked | {"policyTemplateId": template}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"principal": photos.user("bob")}, "resource"),
        ({"resource": photos.photo("beach")}, "principal"),
    ],
)
def test_every_slot_must_be_filled(avp, store, given, path):
    template = photos.create_template(avp, store)
    definition = {"templateLinked": {"policyTemplateId": template} | given}
    fields = invalid(avp.create_policy, policyStoreId=store, definition=definition)
    assert fields == {f"/definition/templateLinked/{path}": [f"Invalid Parameter: {path}"]}


def test_only_slots_can_be_filled(avp, store):
    statement = 'permit(principal == ?principal, action, resource == Photos::Photo::"beach");'
    linked = {
        "policyTemplateId": photos.create_template(avp, store, statement),
        "principal": photos.user("bob"),
        "resource": photos.photo("beach"),
    }
    definition = {"templateLinked": linked}
    fields = invalid(avp.create_policy, policyStoreId=store, definition=definition)
    assert fields == {"/definition/templateLinked/resource": ["Invalid Parameter: resource"]}


def test_a_link_to_an_unknown_template_is_not_found(avp, store):
    linked = {"policyTemplateId": "unknown", "principal": photos.user("bob")}
    arguments = {"policyStoreId": store, "definition": {"templateLinked": linked}}
    not_found("unknown", "POLICY_TEMPLATE", avp.create_policy, **arguments)


def test_delete_removes_the_policy_and_can_be_repeated(avp, store):
    policy = photos.create_static(avp, store)
    assert avp.is_authorized(**photos.question(store))["decision"] == "ALLOW"
    assert answer(avp.delete_policy(policyStoreId=store, policyId=policy)) == {}
    not_found(policy, "POLICY", avp.get_policy, policyStoreId=store, policyId=policy)
    assert avp.is_authorized(**photos.question(store))["decision"] == "DENY"
    assert answer(avp.delete_policy(policyStoreId=store, policyId=policy)) == {}


def test_a_name_stands_for_the_id(avp, store):
    policy = photos.create_static(avp, store, name="name/ann/views")
    found = avp.get_policy(policyStoreId=store, policyId="name/ann/views")
    assert (found["policyId"], found["name"]) == (policy, "name/ann/views")
    avp.delete_policy(policyStoreId=store, policyId="name/ann/views")
    arguments = {"policyStoreId": store, "policyId": policy}
    not_found(policy, "POLICY", avp.get_policy, **arguments)


def test_a_name_is_free_again_after_the_deletion(avp, store):
    first = photos.create_static(avp, store, name="name/one")
    definition = {"static": {"statement": photos.ANN_VIEWS}}
    arguments = {"policyStoreId": store, "definition": definition, "name": "name/one"}
    conflict(first, "POLICY", avp.create_policy, **arguments)
    avp.delete_policy(policyStoreId=store, policyId=first)
    assert avp.create_policy(**arguments)["policyId"] != first


@pytest.mark.parametrize("name", ["one", "name/", "name/a b", "name/" + "x" * 146])
def test_names_without_prefix_or_with_odd_letters_are_refused(avp, store, name):
    definition = {"static": {"statement": photos.ANN_VIEWS}}
    fields = invalid(avp.create_policy, policyStoreId=store, definition=definition, name=name)
    assert [path.strip("/") for path in fields] == ["name"]


def test_list_shows_items_without_their_statement(avp, store):
    definition = {"static": {"statement": STATEMENT, "description": "Holidays"}}
    created = answer(avp.create_policy(policyStoreId=store, definition=definition, name="name/h"))
    plain = photos.create_static(avp, store, "permit(principal, action, resource);")
    template = photos.create_template(avp, store)
    linked = {
        "policyTemplateId": template,
        "principal": photos.user("bob"),
        "resource": photos.photo("beach"),
    }
    other = answer(avp.create_policy(policyStoreId=store, definition={"templateLinked": linked}))
    listed = answer(avp.list_policies(policyStoreId=store))
    assert listed.keys() == {"policies"}
    items = {item["policyId"]: item for item in listed["policies"]}
    assert items.keys() == {created["policyId"], plain, other["policyId"]}
    first = created | {"definition": {"static": {"description": "Holidays"}}, "name": "name/h"}
    assert items[created["policyId"]] == first
    assert items[plain]["definition"] == {"static": {}}
    assert items[other["policyId"]] == other | {"definition": {"templateLinked": linked}}


@pytest.fixture
def filtered(avp, store):
    """Four policies of different scopes, and the ids that a filter selects."""
    template = photos.create_template(avp, store, name="name/t")
    ids = {
        photos.create_static(avp, store): "ann",
        photos.create_static(avp, store, "permit(principal, action, resource);"): "open",
        photos.create_linked(
            avp, store, template, photos.user("bob"), photos.photo("beach")
        ): "linked",
        photos.create_static(
            avp, store, 'permit(principal in Photos::User::"ann", action, resource == P::"p");'
        ): "in",
    }

    def select(**filters):
        listed = avp.list_policies(policyStoreId=store, filter=filters)["policies"]
        return sorted(ids[item["policyId"]] for item in listed)

    select.template = template
    return select


@pytest.mark.parametrize(
    ("filters", "selected"),
    [
        ({"principal": {"identifier": photos.user("ann")}}, ["ann", "in"]),
        ({"principal": {"identifier": photos.user("bob")}}, ["linked"]),
        ({"principal": {"unspecified": True}}, ["open"]),
        ({"resource": {"unspecified": True}}, ["ann", "open"]),
        ({"resource": {"identifier": photos.photo("beach")}}, ["linked"]),
        ({"policyType": "STATIC"}, ["ann", "in", "open"]),
        ({"policyType": "TEMPLATE_LINKED"}, ["linked"]),
        ({"policyTemplateId": "name/t"}, ["linked"]),
        ({"policyTemplateId": "unknown"}, []),
        (
            {"principal": {"identifier": photos.user("ann")}, "resource": {"unspecified": True}},
            ["ann"],
        ),
        ({"policyType": "STATIC", "policyTemplateId": "name/t"}, []),
    ],
)
def test_list_filters_by_scope_type_and_template(filtered, filters, selected):
    assert filtered(**filters) == selected


def test_a_filter_by_the_id_of_the_template_selects_its_policies(filtered):
    assert filtered(policyTemplateId=filtered.template) == ["linked"]


def test_a_statement_has_at_most_10_000_bytes(avp, store):
    statement = "permit(principal, action, resource);"
    exact = statement + " " * (10_000 - len(statement))
    policy = photos.create_static(avp, store, exact)
    found = avp.get_policy(policyStoreId=store, policyId=policy)
    assert found["definition"]["static"]["statement"] == exact
    definition = {"static": {"statement": exact + " "}}
    over_quota("POLICY", avp.create_policy, policyStoreId=store, definition=definition)


def test_policies_of_one_resource_have_at_most_200_000_bytes(avp, store):
    def statement(resource):
        text = f'permit(principal, action, resource == P::"{resource}");'
        return text + " " * (10_000 - len(text))

    last = [photos.create_static(avp, store, statement("a")) for _ in range(20)][-1]
    definition = {"static": {"statement": statement("a")}}
    over_quota("POLICY", avp.create_policy, policyStoreId=store, definition=definition)
    photos.create_static(avp, store, statement("b"))
    avp.delete_policy(policyStoreId=store, policyId=last)
    photos.create_static(avp, store, statement("a"))
