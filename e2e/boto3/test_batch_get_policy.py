"""BatchGetPolicy: results and errors item by item."""

import uuid

import photos
from expect import answer, invalid


def test_items_of_several_stores_come_in_the_order_of_the_request(avp, store, strict_store):
    alias = f"policy-store-alias/{uuid.uuid4()}"
    avp.create_policy_store_alias(aliasName=alias, policyStoreId=strict_store)
    definition = {"static": {"statement": photos.ANN_VIEWS, "description": "Ann"}}
    one = avp.create_policy(policyStoreId=store, definition=definition, name="name/one")["policyId"]
    template = photos.create_template(avp, strict_store)
    two = photos.create_linked(
        avp, strict_store, template, photos.user("bob"), photos.photo("beach")
    )
    batch = answer(
        avp.batch_get_policy(
            requests=[
                {"policyStoreId": alias, "policyId": two},
                {"policyStoreId": store, "policyId": "name/one"},
                {"policyStoreId": store, "policyId": one},
            ]
        )
    )
    assert batch.keys() == {"results", "errors"}
    assert batch["errors"] == []
    members = ("policyStoreId", "policyId", "policyType", "definition", "createdDate",
               "lastUpdatedDate", "name")  # fmt: skip
    single = {
        policy: avp.get_policy(policyStoreId=where, policyId=policy)
        for where, policy in [(store, one), (strict_store, two)]
    }
    expected = {
        policy: {member: found[member] for member in members if member in found}
        for policy, found in single.items()
    }
    assert batch["results"] == [expected[two], expected[one], expected[one]]


def test_what_is_not_found_is_an_error_of_its_item(avp, store):
    policy = photos.create_static(avp, store)
    requests = [
        {"policyStoreId": "unknown", "policyId": policy},
        {"policyStoreId": store, "policyId": policy},
        {"policyStoreId": store, "policyId": "unknown"},
        {"policyStoreId": "policy-store-alias/unknown", "policyId": policy},
    ]
    batch = answer(avp.batch_get_policy(requests=requests))
    assert [found["policyId"] for found in batch["results"]] == [policy]
    assert all(error.pop("message") for error in batch["errors"])
    assert batch["errors"] == [
        requests[0] | {"code": "POLICY_STORE_NOT_FOUND"},
        requests[2] | {"code": "POLICY_NOT_FOUND"},
        requests[3] | {"code": "POLICY_STORE_ALIAS_NOT_FOUND"},
    ]


def test_a_batch_has_at_most_100_items(avp, store):
    item = {"policyStoreId": store, "policyId": photos.create_static(avp, store)}
    assert len(avp.batch_get_policy(requests=[item] * 100)["results"]) == 100
    assert list(invalid(avp.batch_get_policy, requests=[item] * 101)) == ["/requests"]
