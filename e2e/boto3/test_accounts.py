"""Accounts are separate worlds."""

import uuid

import photos
import pytest
from expect import not_found


def test_a_store_of_another_account_does_not_exist(avp, other_account, store):
    policy = photos.create_static(avp, store)
    template = photos.create_template(avp, store)
    in_store = {"policyStoreId": store}
    for operation, arguments in [
        ("get_policy_store", {}),
        ("update_policy_store", {"validationSettings": {"mode": "OFF"}}),
        ("put_schema", {"definition": photos.schema()}),
        ("get_schema", {}),
        ("create_policy", {"definition": {"static": {"statement": photos.ANN_VIEWS}}}),
        ("get_policy", {"policyId": policy}),
        ("update_policy", {"policyId": policy, "name": "name/mine"}),
        ("delete_policy", {"policyId": policy}),
        ("list_policies", {}),
        ("create_policy_template", {"statement": photos.TEMPLATE}),
        ("get_policy_template", {"policyTemplateId": template}),
        (
            "update_policy_template",
            {"policyTemplateId": template, "statement": photos.TEMPLATE},
        ),
        ("delete_policy_template", {"policyTemplateId": template}),
        ("list_policy_templates", {}),
        ("list_identity_sources", {}),
        ("is_authorized", {"principal": photos.user("ann")}),
        ("batch_is_authorized", {"requests": [{"principal": photos.user("ann")}]}),
        ("create_policy_store_alias", {"aliasName": f"policy-store-alias/{uuid.uuid4()}"}),
    ]:
        call = getattr(other_account, operation)
        not_found(store, "POLICY_STORE", call, **in_store, **arguments)
    # Nothing happened to it.
    assert avp.get_policy(policyStoreId=store, policyId=policy)["policyId"] == policy
    assert len(avp.list_policies(policyStoreId=store)["policies"]) == 1


def test_a_batch_finds_nothing_of_another_account(avp, other_account, store):
    request = {"policyStoreId": store, "policyId": photos.create_static(avp, store)}
    batch = other_account.batch_get_policy(requests=[request])
    assert batch["results"] == []
    assert [error["code"] for error in batch["errors"]] == ["POLICY_STORE_NOT_FOUND"]


def test_deleting_a_store_of_another_account_deletes_nothing(avp, other_account, store):
    other_account.delete_policy_store(policyStoreId=store)
    assert avp.get_policy_store(policyStoreId=store)["policyStoreId"] == store


def test_lists_show_the_own_account_only(avp, other_account, store):
    theirs = other_account.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]

    def stores(client):
        pages = client.get_paginator("list_policy_stores").paginate()
        return {item["policyStoreId"] for page in pages for item in page["policyStores"]}

    assert store in stores(avp) and theirs not in stores(avp)
    assert theirs in stores(other_account) and store not in stores(other_account)


@pytest.mark.parametrize("mode", ["SoftDelete", "HardDelete"])
def test_accounts_do_not_share_alias_names(avp, other_account, store, mode):
    name = f"policy-store-alias/{uuid.uuid4()}"
    avp.create_policy_store_alias(aliasName=name, policyStoreId=store)
    not_found(name, "POLICY_STORE_ALIAS", other_account.get_policy_store_alias, aliasName=name)
    not_found(name, "POLICY_STORE_ALIAS", other_account.get_policy_store, policyStoreId=name)
    listed = other_account.list_policy_store_aliases(filter={"policyStoreId": store})
    assert listed["policyStoreAliases"] == []
    other_account.delete_policy_store_alias(aliasName=name, deletionMode=mode)
    assert avp.get_policy_store_alias(aliasName=name)["state"] == "Active"
    theirs = other_account.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
    other_account.create_policy_store_alias(aliasName=name, policyStoreId=theirs)
    assert avp.get_policy_store_alias(aliasName=name)["policyStoreId"] == store
