"""The four alias operations, and aliases in place of policy store ids."""

import uuid

import photos
import pytest
from expect import answer, conflict, invalid, is_recent, not_found, over_quota, typed


@pytest.fixture
def name():
    """A name that no other test has: aliases belong to the account."""
    return f"policy-store-alias/{uuid.uuid4()}"


@pytest.fixture
def alias(avp, store, name):
    avp.create_policy_store_alias(aliasName=name, policyStoreId=store)
    return name


def test_create_answers_the_regional_arn_and_no_state(avp, store, name, keys):
    created = answer(avp.create_policy_store_alias(aliasName=name, policyStoreId=store))
    assert is_recent(created.pop("createdAt"))
    assert created == {
        "aliasName": name,
        "policyStoreId": store,
        "aliasArn": f"arn:aws:verifiedpermissions:us-east-1:{keys[0].account}:{name}",
    }


def test_create_again_for_the_same_store_answers_the_same_alias(avp, store, name):
    first = answer(avp.create_policy_store_alias(aliasName=name, policyStoreId=store))
    assert answer(avp.create_policy_store_alias(aliasName=name, policyStoreId=store)) == first


def test_create_for_another_store_is_a_conflict(avp, alias):
    other = avp.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
    arguments = {"aliasName": alias, "policyStoreId": other}
    conflict(alias, "POLICY_STORE_ALIAS", avp.create_policy_store_alias, **arguments)


def test_get_answers_what_was_created_with_its_state(avp, store, name):
    created = answer(avp.create_policy_store_alias(aliasName=name, policyStoreId=store))
    found = answer(avp.get_policy_store_alias(aliasName=name))
    assert found == created | {"state": "Active"}


def test_get_of_an_unknown_alias_is_not_found(avp, name):
    not_found(name, "POLICY_STORE_ALIAS", avp.get_policy_store_alias, aliasName=name)


def test_list_filters_by_store(avp, store, alias):
    found = answer(avp.list_policy_store_aliases(filter={"policyStoreId": store}))
    assert found == {"policyStoreAliases": [answer(avp.get_policy_store_alias(aliasName=alias))]}
    nothing = avp.list_policy_store_aliases(filter={"policyStoreId": "unknown"})
    assert nothing["policyStoreAliases"] == []


def test_soft_delete_reserves_the_name(avp, store, alias):
    assert answer(avp.delete_policy_store_alias(aliasName=alias)) == {}
    assert avp.get_policy_store_alias(aliasName=alias)["state"] == "PendingDeletion"
    listed = avp.list_policy_store_aliases(filter={"policyStoreId": store})["policyStoreAliases"]
    assert [item["state"] for item in listed] == ["PendingDeletion"]
    arguments = {"aliasName": alias, "policyStoreId": store}
    typed("ConflictException", 409, avp.create_policy_store_alias, **arguments)
    typed("ResourceNotFoundException", 404, avp.get_policy_store, policyStoreId=alias)


@pytest.mark.parametrize("before", [[], ["SoftDelete"]])
def test_hard_delete_frees_the_name(avp, store, alias, before):
    for mode in [*before, "HardDelete"]:
        assert answer(avp.delete_policy_store_alias(aliasName=alias, deletionMode=mode)) == {}
    not_found(alias, "POLICY_STORE_ALIAS", avp.get_policy_store_alias, aliasName=alias)
    avp.create_policy_store_alias(aliasName=alias, policyStoreId=store)


def test_deleting_an_unknown_alias_succeeds(avp, name):
    assert answer(avp.delete_policy_store_alias(aliasName=name)) == {}
    assert answer(avp.delete_policy_store_alias(aliasName=name, deletionMode="HardDelete")) == {}


def test_deleting_the_store_deletes_its_aliases(avp, store, alias):
    avp.delete_policy_store(policyStoreId=store)
    not_found(alias, "POLICY_STORE_ALIAS", avp.get_policy_store_alias, aliasName=alias)


@pytest.mark.parametrize("name", ["photos", "policy-store-alias/", "policy-store-alias/a b", ""])
def test_names_without_prefix_or_with_odd_letters_are_refused(avp, store, name):
    fields = invalid(avp.create_policy_store_alias, aliasName=name, policyStoreId=store)
    assert fields and all(path.strip("/") == "aliasName" for path in fields)


def test_a_missing_prefix_is_refused_in_the_words_of_the_service(avp, store):
    fields = invalid(avp.create_policy_store_alias, aliasName="photos", policyStoreId=store)
    assert fields == {"aliasName": ["Invalid format."]}


def test_the_target_must_be_an_existing_id(avp, alias, name):
    other = f"{name}-other"
    arguments = {"aliasName": other, "policyStoreId": "unknown"}
    not_found("unknown", "POLICY_STORE", avp.create_policy_store_alias, **arguments)
    invalid(avp.create_policy_store_alias, aliasName=other, policyStoreId=alias)


def test_a_store_has_at_most_ten_aliases(avp, store, name):
    for index in range(10):
        avp.create_policy_store_alias(aliasName=f"{name}/{index}", policyStoreId=store)
    arguments = {"aliasName": f"{name}/10", "policyStoreId": store}
    over_quota("POLICY_STORE_ALIAS", avp.create_policy_store_alias, **arguments)
    # What is being deleted does not count.
    avp.delete_policy_store_alias(aliasName=f"{name}/0")
    avp.create_policy_store_alias(**arguments)


def test_an_alias_stands_for_the_store_everywhere(avp, store, alias):
    avp.put_schema(policyStoreId=alias, definition=photos.schema())
    assert avp.get_schema(policyStoreId=alias)["policyStoreId"] == store
    policy = photos.create_static(avp, alias)
    template = photos.create_template(avp, alias)
    photos.create_linked(avp, alias, template, photos.user("bob"), photos.photo("beach"))
    for found in (
        avp.get_policy_store(policyStoreId=alias),
        avp.get_policy(policyStoreId=alias, policyId=policy),
        avp.get_policy_template(policyStoreId=alias, policyTemplateId=template),
        *avp.list_policies(policyStoreId=alias)["policies"],
        *avp.list_policy_templates(policyStoreId=alias)["policyTemplates"],
        avp.update_policy_store(policyStoreId=alias, validationSettings={"mode": "STRICT"}),
    ):
        assert found["policyStoreId"] == store
    decision = avp.is_authorized(**photos.question(alias))
    assert (decision["decision"], decision["determiningPolicies"]) == (
        "ALLOW",
        [{"policyId": policy}],
    )
    avp.delete_policy(policyStoreId=alias, policyId=policy)
    assert avp.is_authorized(**photos.question(store))["decision"] == "DENY"


def test_an_alias_does_not_stand_for_the_store_in_its_deletion(avp, store, alias):
    invalid(avp.delete_policy_store, policyStoreId=alias)
    avp.get_policy_store(policyStoreId=store)


def test_an_unknown_alias_as_a_store_is_not_found(avp, name):
    not_found(name, "POLICY_STORE_ALIAS", avp.get_policy_store, policyStoreId=name)
