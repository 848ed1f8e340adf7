"""CreatePolicyStore, GetPolicyStore, UpdatePolicyStore, DeletePolicyStore, ListPolicyStores."""

import pytest
from expect import ID, answer, invalid, is_recent, not_found, typed

OFF = {"mode": "OFF"}


def test_create_answers_id_arn_and_equal_dates(avp, keys):
    created = answer(avp.create_policy_store(validationSettings=OFF))
    assert created.keys() == {"policyStoreId", "arn", "createdDate", "lastUpdatedDate"}
    assert ID.fullmatch(created["policyStoreId"])
    # The ARN of a policy store has no Region.
    arn = f"arn:aws:verifiedpermissions::{keys[0].account}:policy-store/{created['policyStoreId']}"
    assert created["arn"] == arn
    assert is_recent(created["createdDate"])
    assert created["createdDate"] == created["lastUpdatedDate"]


def test_get_answers_what_was_created(avp):
    created = answer(
        avp.create_policy_store(
            validationSettings={"mode": "STRICT"},
            description="Photos of everyone",
            deletionProtection="ENABLED",
            tags={"team": "blue"},
        )
    )
    assert answer(avp.get_policy_store(policyStoreId=created["policyStoreId"])) == created | {
        "validationSettings": {"mode": "STRICT"},
        "description": "Photos of everyone",
        "deletionProtection": "ENABLED",
        "encryptionState": {"default": {}},
        "cedarVersion": "CEDAR_4",
    }


def test_get_answers_the_defaults(avp, store):
    found = answer(avp.get_policy_store(policyStoreId=store))
    assert found["deletionProtection"] == "DISABLED"
    assert found["encryptionState"] == {"default": {}}
    assert "description" not in found and "tags" not in found


def test_get_answers_tags_only_when_asked(avp):
    created = avp.create_policy_store(validationSettings=OFF, tags={"a": "1", "b": ""})
    store = created["policyStoreId"]
    assert "tags" not in avp.get_policy_store(policyStoreId=store)
    assert "tags" not in avp.get_policy_store(policyStoreId=store, tags=False)
    assert avp.get_policy_store(policyStoreId=store, tags=True)["tags"] == {"a": "1", "b": ""}


def test_get_omits_tags_when_there_are_none(avp, store):
    assert "tags" not in avp.get_policy_store(policyStoreId=store, tags=True)


def test_update_changes_mode_description_and_protection(avp, store):
    before = avp.get_policy_store(policyStoreId=store)
    updated = answer(
        avp.update_policy_store(
            policyStoreId=store,
            validationSettings={"mode": "STRICT"},
            description="new",
            deletionProtection="ENABLED",
        )
    )
    assert updated.keys() == {"policyStoreId", "arn", "createdDate", "lastUpdatedDate"}
    assert updated["createdDate"] == before["createdDate"]
    assert updated["lastUpdatedDate"] > before["lastUpdatedDate"]
    after = avp.get_policy_store(policyStoreId=store)
    assert after["validationSettings"] == {"mode": "STRICT"}
    assert after["description"] == "new"
    assert after["deletionProtection"] == "ENABLED"
    assert after["lastUpdatedDate"] == updated["lastUpdatedDate"]


def test_update_keeps_what_it_does_not_name(avp):
    created = avp.create_policy_store(
        validationSettings=OFF, description="kept", deletionProtection="ENABLED"
    )
    store = created["policyStoreId"]
    avp.update_policy_store(policyStoreId=store, validationSettings={"mode": "STRICT"})
    after = avp.get_policy_store(policyStoreId=store)
    assert (after["description"], after["deletionProtection"]) == ("kept", "ENABLED")
    avp.update_policy_store(policyStoreId=store, validationSettings=OFF, description="")
    assert "description" not in avp.get_policy_store(policyStoreId=store)


def test_delete_removes_the_store_and_can_be_repeated(avp, store):
    assert answer(avp.delete_policy_store(policyStoreId=store)) == {}
    not_found(store, "POLICY_STORE", avp.get_policy_store, policyStoreId=store)
    assert answer(avp.delete_policy_store(policyStoreId=store)) == {}


def test_a_protected_store_is_not_deleted(avp):
    created = avp.create_policy_store(validationSettings=OFF, deletionProtection="ENABLED")
    store = created["policyStoreId"]
    typed("InvalidStateException", 406, avp.delete_policy_store, policyStoreId=store)
    avp.update_policy_store(
        policyStoreId=store, validationSettings=OFF, deletionProtection="DISABLED"
    )
    avp.delete_policy_store(policyStoreId=store)
    not_found(store, "POLICY_STORE", avp.get_policy_store, policyStoreId=store)


def test_list_shows_every_store_with_its_description(avp):
    created = answer(avp.create_policy_store(validationSettings=OFF, description="listed"))
    pages = avp.get_paginator("list_policy_stores").paginate()
    items = {item["policyStoreId"]: item for page in pages for item in page["policyStores"]}
    assert items[created["policyStoreId"]] == created | {"description": "listed"}


def test_kms_settings_are_reported_with_the_key_as_an_arn(avp, keys):
    created = avp.create_policy_store(
        validationSettings=OFF,
        encryptionSettings={
            "kmsEncryptionSettings": {"key": "alias/photos", "encryptionContext": {"app": "photos"}}
        },
    )
    found = avp.get_policy_store(policyStoreId=created["policyStoreId"])
    state = found["encryptionState"]["kmsEncryptionState"]
    assert state["key"] == f"arn:aws:kms:us-east-1:{keys[0].account}:alias/photos"
    assert state["encryptionContext"] == {
        "app": "photos",
        "aws:verifiedpermissions:policy-store-arn": created["arn"],
    }


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"validationSettings": {"mode": "LAX"}}, "/validationSettings/mode"),
        ({"validationSettings": OFF, "description": "x" * 151}, "/description"),
        ({"validationSettings": OFF, "deletionProtection": "YES"}, "/deletionProtection"),
        ({"validationSettings": OFF, "clientToken": "white space"}, "/clientToken"),
        ({"validationSettings": OFF, "clientToken": "x" * 65}, "/clientToken"),
    ],
)
def test_create_refuses_what_boto3_does_not_check(avp, arguments, path):
    assert list(invalid(avp.create_policy_store, **arguments)) == [path]


def test_every_broken_constraint_is_listed(avp):
    fields = invalid(
        avp.create_policy_store,
        validationSettings={"mode": "LAX"},
        description="x" * 151,
        clientToken="?",
    )
    assert sorted(fields) == ["/clientToken", "/description", "/validationSettings/mode"]
