"""The five list operations page by page."""

import re
import uuid

import photos
import pytest
from expect import answer, invalid

TOKEN = re.compile(r"[A-Za-z0-9\-_=+/.]{1,8000}")


def aliases(avp):
    """Aliases of two stores, since one has at most ten."""
    ids = []
    for _ in range(2):
        store = avp.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
        for _ in range(6):
            name = f"policy-store-alias/{uuid.uuid4()}"
            avp.create_policy_store_alias(aliasName=name, policyStoreId=store)
            ids.append(name)
    return ids


def listing(avp, store, kind):
    """12 things: the list operation, its arguments, where the items are, what names them, ids."""
    if kind == "policies":
        ids = [photos.create_static(avp, store) for _ in range(12)]
        return "list_policies", {"policyStoreId": store}, "policies", "policyId", ids
    if kind == "templates":
        ids = [photos.create_template(avp, store) for _ in range(12)]
        arguments = {"policyStoreId": store}
        return "list_policy_templates", arguments, "policyTemplates", "policyTemplateId", ids
    if kind == "aliases":
        ids = aliases(avp)
        return "list_policy_store_aliases", {}, "policyStoreAliases", "aliasName", ids
    created = [avp.create_policy_store(validationSettings={"mode": "OFF"}) for _ in range(12)]
    ids = [store["policyStoreId"] for store in created]
    return "list_policy_stores", {}, "policyStores", "policyStoreId", ids


KINDS = pytest.mark.parametrize(
    ("kind", "default"), [("policies", 10), ("templates", 10), ("stores", 10), ("aliases", 5)]
)


@KINDS
def test_paginators_visit_everything_once_in_a_stable_order(avp, store, kind, default):
    operation, arguments, items, name, ids = listing(avp, store, kind)
    paginator = avp.get_paginator(operation)
    pages = [page[items] for page in paginator.paginate(**arguments)]
    assert len(pages[0]) == default
    assert all(len(page) == default for page in pages[:-1])
    # Other tests make stores and aliases too.
    seen = [item[name] for page in pages for item in page if item[name] in set(ids)]
    assert seen == ids
    small = paginator.paginate(**arguments, PaginationConfig={"PageSize": 7})
    again = [item[name] for page in small for item in page[items] if item[name] in set(ids)]
    assert again == ids


@KINDS
def test_tokens_are_opaque_and_absent_on_the_last_page(avp, store, kind, default):
    operation, arguments, items, name, _ = listing(avp, store, kind)
    call = getattr(avp, operation)
    first = answer(call(maxResults=2, **arguments))
    assert len(first[items]) == 2
    token = first["nextToken"]
    assert TOKEN.fullmatch(token)
    assert not any(item[name] in token for item in first[items])
    # A token can be used again.
    pages = [answer(call(maxResults=2, nextToken=token, **arguments))[items] for _ in range(2)]
    assert pages[0] == pages[1]
    page = call(maxResults=50, **arguments)
    while "nextToken" in page:
        page = call(maxResults=50, nextToken=page["nextToken"], **arguments)


@KINDS
def test_foreign_and_made_up_tokens_are_refused(avp, other_account, store, kind, default):
    operation, arguments, _, _, _ = listing(avp, store, kind)
    call = getattr(avp, operation)
    token = call(maxResults=2, **arguments)["nextToken"]
    tampered = ("A" if token[0] != "A" else "B") + token[1:]
    for bad in ("made-up", tampered, token[:-1], "not a token!", "x" * 8001):
        assert invalid(call, nextToken=bad, **arguments) is not None
    if "policyStoreId" not in arguments:
        assert invalid(getattr(other_account, operation), nextToken=token) is not None


def test_a_token_belongs_to_its_store_filter_and_operation(avp, store, strict_store):
    for _ in range(3):
        photos.create_static(avp, store)
        photos.create_static(avp, strict_store)
        photos.create_template(avp, store)
    token = avp.list_policies(policyStoreId=store, maxResults=1)["nextToken"]
    for call, arguments in [
        (avp.list_policies, {"policyStoreId": strict_store}),
        (avp.list_policies, {"policyStoreId": store, "filter": {"policyType": "STATIC"}}),
        (avp.list_policy_templates, {"policyStoreId": store}),
        (avp.list_identity_sources, {"policyStoreId": store}),
        (avp.list_policy_stores, {}),
    ]:
        assert invalid(call, nextToken=token, **arguments) is not None


def test_what_is_created_or_deleted_between_pages_disturbs_nothing(avp, store):
    ids = [photos.create_static(avp, store) for _ in range(6)]
    first = avp.list_policies(policyStoreId=store, maxResults=3)
    avp.delete_policy(policyStoreId=store, policyId=ids[2])
    avp.delete_policy(policyStoreId=store, policyId=ids[4])
    new = photos.create_static(avp, store)
    rest = avp.list_policies(policyStoreId=store, nextToken=first["nextToken"])["policies"]
    assert [item["policyId"] for item in rest] == [ids[3], ids[5], new]


def test_a_filtered_list_pages_through_all_that_it_selects(avp, store):
    ids = []
    for number in range(24):
        who = "ann" if number % 3 else "bob"
        policy = photos.create_static(avp, store, photos.ANN_VIEWS.replace("ann", who))
        ids += [policy] if who == "bob" else []
    pages = avp.get_paginator("list_policies").paginate(
        policyStoreId=store,
        filter={"principal": {"identifier": photos.user("bob")}},
        PaginationConfig={"PageSize": 3},
    )
    assert [item["policyId"] for page in pages for item in page["policies"]] == ids


def test_a_page_has_at_most_50_items(avp, store):
    for _ in range(51):
        photos.create_static(avp, store)
    page = avp.list_policies(policyStoreId=store, maxResults=1000)
    assert len(page["policies"]) == 50 and page["nextToken"]


def test_the_identity_source_paginator_ends(avp, store):
    pages = list(avp.get_paginator("list_identity_sources").paginate(policyStoreId=store))
    assert [page["identitySources"] for page in pages] == [[]]
