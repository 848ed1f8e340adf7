"""BatchIsAuthorized."""

import photos
import pytest
from expect import answer, invalid, not_found


def item(who="ann", what="view", which="beach", **more):
    request = photos.question("", who, what, which, **more)
    del request["policyStoreId"]
    return request


def test_results_come_in_the_order_of_the_requests_and_repeat_them(avp, strict_store):
    policy = photos.create_static(avp, strict_store)
    forbid = photos.create_static(
        avp,
        strict_store,
        'forbid(principal, action, resource) when { context has mfa && !context.mfa };',
    )
    requests = [
        item(),
        item(what="edit"),
        item(which="city", context={"contextMap": {"mfa": {"boolean": False}}}),
        item(which="city", context={"contextMap": {"mfa": {"boolean": True}}}),
    ]
    batch = answer(avp.batch_is_authorized(policyStoreId=strict_store, requests=requests))
    assert batch == {
        "results": [
            {
                "request": request,
                "decision": decision,
                "determiningPolicies": [{"policyId": found} for found in policies],
                "errors": [],
            }
            for request, decision, policies in zip(
                requests,
                ["ALLOW", "DENY", "DENY", "ALLOW"],
                [[policy], [], [forbid], [policy]],
                strict=True,
            )
        ]
    }


def test_the_entities_are_shared(avp, store):
    photos.create_static(
        avp, store, "permit(principal, action, resource) when { resource.owner == principal };"
    )
    entities = [
        {
            "identifier": photos.photo(which),
            "attributes": {"owner": {"entityIdentifier": photos.user(owner)}},
        }
        for which, owner in [("beach", "ann"), ("city", "bob")]
    ]
    requests = [item(which="beach"), item(which="city"), item(which="lost")]
    batch = avp.batch_is_authorized(
        policyStoreId=store, requests=requests, entities={"entityList": entities}
    )
    assert [result["decision"] for result in batch["results"]] == ["ALLOW", "DENY", "DENY"]
    assert [len(result["errors"]) for result in batch["results"]] == [0, 0, 1]


def test_a_batch_agrees_with_single_decisions(avp, store):
    photos.create_static(avp, store)
    requests = [item(what=what, which=which) for what in ("view", "edit") for which in "ab"]
    batch = avp.batch_is_authorized(policyStoreId=store, requests=requests)["results"]
    for request, result in zip(requests, batch, strict=True):
        single = answer(avp.is_authorized(policyStoreId=store, **request))
        assert result == single | {"request": request}


@pytest.mark.parametrize("same", ["principal", "resource"])
def test_one_of_principal_and_resource_is_the_same_in_all(avp, store, same):
    varying = {"who" if same == "resource" else "which": "other"}
    good = avp.batch_is_authorized(policyStoreId=store, requests=[item(), item(**varying)])
    assert len(good["results"]) == 2
    requests = [item(), item(who="other", which="other")]
    invalid(avp.batch_is_authorized, policyStoreId=store, requests=requests)


def test_a_batch_has_at_most_30_requests(avp, store):
    batch = avp.batch_is_authorized(policyStoreId=store, requests=[item()] * 30)
    assert len(batch["results"]) == 30
    invalid(avp.batch_is_authorized, policyStoreId=store, requests=[item()] * 31)


def test_one_malformed_request_fails_the_batch(avp, store):
    bad = item(context={"contextMap": {"a": {"decimal": "one"}}})
    fields = invalid(avp.batch_is_authorized, policyStoreId=store, requests=[item(), bad])
    assert all(path.startswith("/requests/1/") for path in fields)


def test_an_unknown_store_is_not_found(avp):
    arguments = {"policyStoreId": "unknown", "requests": [item()]}
    not_found("unknown", "POLICY_STORE", avp.batch_is_authorized, **arguments)
