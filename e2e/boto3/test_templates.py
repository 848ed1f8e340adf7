"""The five template operations."""

import photos
import pytest
from expect import ID, answer, conflict, invalid, is_recent, not_found, over_quota


def test_create_answers_id_and_dates(avp, store):
    created = answer(avp.create_policy_template(policyStoreId=store, statement=photos.TEMPLATE))
    assert created.keys() == {"policyStoreId", "policyTemplateId", "createdDate", "lastUpdatedDate"}
    assert created["policyStoreId"] == store and ID.fullmatch(created["policyTemplateId"])
    assert is_recent(created["createdDate"])
    assert created["createdDate"] == created["lastUpdatedDate"]


def test_get_answers_the_statement_byte_for_byte(avp, store):
    statement = "// odd\n" + photos.TEMPLATE.replace(",", " ,\n")
    created = answer(
        avp.create_policy_template(
            policyStoreId=store, statement=statement, description="Views", name="name/views"
        )
    )
    expected = created | {"statement": statement, "description": "Views", "name": "name/views"}
    for template in (created["policyTemplateId"], "name/views"):
        found = answer(avp.get_policy_template(policyStoreId=store, policyTemplateId=template))
        assert found == expected


def test_list_shows_items_without_their_statement(avp, store):
    created = answer(
        avp.create_policy_template(
            policyStoreId=store, statement=photos.TEMPLATE, description="Views", name="name/views"
        )
    )
    listed = answer(avp.list_policy_templates(policyStoreId=store))
    assert listed == {
        "policyTemplates": [created | {"description": "Views", "name": "name/views"}]
    }


def test_an_update_reaches_the_linked_policies_at_once(avp, store):
    template = photos.create_template(avp, store)
    policy = photos.create_linked(avp, store, template, photos.user("bob"), photos.photo("beach"))
    question = photos.question(store, who="bob")
    assert avp.is_authorized(**question)["determiningPolicies"] == [{"policyId": policy}]
    before = avp.get_policy_template(policyStoreId=store, policyTemplateId=template)
    linked_before = avp.get_policy(policyStoreId=store, policyId=policy)
    statement = photos.TEMPLATE.replace('"view"', '"edit"')
    updated = answer(
        avp.update_policy_template(
            policyStoreId=store, policyTemplateId=template, statement=statement, description="Edits"
        )
    )
    assert updated["createdDate"] == before["createdDate"]
    assert updated["lastUpdatedDate"] > before["lastUpdatedDate"]
    found = answer(avp.get_policy_template(policyStoreId=store, policyTemplateId=template))
    assert found == updated | {"statement": statement, "description": "Edits"}
    assert avp.is_authorized(**question)["decision"] == "DENY"
    assert avp.is_authorized(**(question | {"action": photos.action("edit")}))["decision"] == "ALLOW"
    linked_after = avp.get_policy(policyStoreId=store, policyId=policy)
    assert linked_after["actions"] == [photos.action("edit")]
    assert linked_after["lastUpdatedDate"] == linked_before["lastUpdatedDate"]


@pytest.mark.parametrize(
    "statement",
    [
        photos.TEMPLATE.replace("permit", "forbid"),
        photos.TEMPLATE.replace("principal ==", "principal in"),
        photos.TEMPLATE.replace("?principal", 'Photos::User::"ann"'),
        photos.TEMPLATE.replace("resource ==", "resource in"),
        photos.TEMPLATE.replace("?resource", 'Photos::Photo::"beach"'),
        photos.ANN_VIEWS,
    ],
)
def test_effect_principal_and_resource_may_not_change(avp, store, statement):
    template = photos.create_template(avp, store)
    arguments = {"policyStoreId": store, "policyTemplateId": template, "statement": statement}
    assert invalid(avp.update_policy_template, **arguments) is not None
    found = avp.get_policy_template(policyStoreId=store, policyTemplateId=template)
    assert found["statement"] == photos.TEMPLATE


def test_delete_takes_the_linked_policies_with_it(avp, store):
    template = photos.create_template(avp, store)
    policy = photos.create_linked(
        avp, store, template, photos.user("bob"), photos.photo("beach"), name="name/linked"
    )
    kept = photos.create_static(avp, store)
    arguments = {"policyStoreId": store, "policyTemplateId": template}
    assert answer(avp.delete_policy_template(**arguments)) == {}
    not_found(template, "POLICY_TEMPLATE", avp.get_policy_template, **arguments)
    not_found(policy, "POLICY", avp.get_policy, policyStoreId=store, policyId=policy)
    listed = avp.list_policies(policyStoreId=store)["policies"]
    assert [item["policyId"] for item in listed] == [kept]
    assert avp.is_authorized(**photos.question(store, who="bob"))["decision"] == "DENY"
    # The names went too.
    photos.create_static(avp, store, name="name/linked")
    not_found(template, "POLICY_TEMPLATE", avp.delete_policy_template, **arguments)


def test_a_name_is_unique_among_templates_only(avp, store):
    photos.create_static(avp, store, name="name/same")
    template = photos.create_template(avp, store, name="name/same")
    arguments = {"policyStoreId": store, "statement": photos.TEMPLATE, "name": "name/same"}
    conflict(template, "POLICY_TEMPLATE", avp.create_policy_template, **arguments)
    other = photos.create_template(avp, store)
    arguments |= {"policyTemplateId": other}
    conflict(template, "POLICY_TEMPLATE", avp.update_policy_template, **arguments)


def test_a_name_is_kept_and_removed(avp, store):
    template = photos.create_template(avp, store, name="name/views")
    arguments = {"policyStoreId": store, "policyTemplateId": template}

    def name():
        return avp.get_policy_template(**arguments).get("name")

    avp.update_policy_template(statement=photos.TEMPLATE, **arguments)
    assert name() == "name/views"
    avp.update_policy_template(statement=photos.TEMPLATE, name="", **arguments)
    assert name() is None


def test_a_store_has_at_most_40_templates(avp, store):
    templates = [photos.create_template(avp, store) for _ in range(40)]
    arguments = {"policyStoreId": store, "statement": photos.TEMPLATE}
    error = over_quota("POLICY_TEMPLATE", avp.create_policy_template, **arguments)
    assert error["quotaCode"] == "L-97BDA0CF"
    avp.delete_policy_template(policyStoreId=store, policyTemplateId=templates[0])
    avp.create_policy_template(**arguments)


def test_a_template_has_at_most_10_000_bytes(avp, store):
    exact = photos.TEMPLATE + " " * (10_000 - len(photos.TEMPLATE))
    photos.create_template(avp, store, exact)
    arguments = {"policyStoreId": store, "statement": exact + " "}
    over_quota("POLICY_TEMPLATE", avp.create_policy_template, **arguments)


def test_unknown_templates_are_not_found(avp, store):
    arguments = {"policyStoreId": store, "policyTemplateId": "unknown"}
    for call, more in [
        (avp.get_policy_template, {}),
        (avp.update_policy_template, {"statement": photos.TEMPLATE}),
        (avp.delete_policy_template, {}),
    ]:
        not_found("unknown", "POLICY_TEMPLATE", call, **arguments, **more)
