"""PutSchema and GetSchema."""

import json

import photos
import pytest
from expect import answer, invalid, is_recent, not_found, over_quota


def test_put_answers_the_namespaces_and_dates(avp, store):
    put = answer(avp.put_schema(policyStoreId=store, definition=photos.schema()))
    assert put.keys() == {"policyStoreId", "namespaces", "createdDate", "lastUpdatedDate"}
    assert (put["policyStoreId"], put["namespaces"]) == (store, ["Photos"])
    assert is_recent(put["createdDate"]) and put["createdDate"] == put["lastUpdatedDate"]


def test_get_answers_the_text_byte_for_byte(avp, store):
    text = '{ "Odd" :\n {"entityTypes":{} , "actions":{}}}  '
    put = answer(avp.put_schema(policyStoreId=store, definition={"cedarJson": text}))
    assert answer(avp.get_schema(policyStoreId=store)) == put | {"schema": text}


def test_put_replaces_the_schema_and_keeps_its_creation_date(avp, store):
    first = avp.put_schema(policyStoreId=store, definition=photos.schema())
    second = avp.put_schema(policyStoreId=store, definition=photos.schema("Pictures"))
    assert second["namespaces"] == ["Pictures"]
    assert second["createdDate"] == first["createdDate"]
    assert second["lastUpdatedDate"] > first["lastUpdatedDate"]


def test_a_schema_may_have_several_namespaces(avp, store):
    empty = {"entityTypes": {}, "actions": {}}
    text = json.dumps({"One": empty, "Two::Inner": empty})
    put = avp.put_schema(policyStoreId=store, definition={"cedarJson": text})
    assert sorted(put["namespaces"]) == ["One", "Two::Inner"]


def test_an_empty_schema_deletes_it(avp, strict_store):
    put = avp.put_schema(policyStoreId=strict_store, definition={"cedarJson": "{}"})
    assert put["namespaces"] == []
    not_found(strict_store, "SCHEMA", avp.get_schema, policyStoreId=strict_store)


def test_a_store_without_schema_has_none_to_get(avp, store):
    not_found(store, "SCHEMA", avp.get_schema, policyStoreId=store)


@pytest.mark.parametrize("operation", ["get", "put"])
def test_an_unknown_store_is_not_found(avp, operation):
    arguments = {"policyStoreId": "unknown"}
    if operation == "put":
        arguments["definition"] = photos.schema()
    not_found("unknown", "POLICY_STORE", getattr(avp, f"{operation}_schema"), **arguments)


NAMESPACE = {"entityTypes": {}, "actions": {}}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("not JSON", "Provided schema is not a valid JSON object."),
        ("[]", "Provided schema is not a valid JSON object."),
        ({"": NAMESPACE}, "Namespace lengths must be at least 1 and at most 100 bytes"),
        ({"N" * 101: NAMESPACE}, f"'{'N' * 101}' is 101 bytes in size."),
        ({"N": {"entityTypes": {}}}, "missing field `actions`"),
        ({"N": {"actions": {}}}, "missing field `entityTypes`"),
        ({"N": NAMESPACE | {"odd": 1}}, "unknown field `odd`, expected one of `commonTypes`"),
        (
            {"N": {"entityTypes": {"A": {"memberOfTypes": ["B"]}}, "actions": {}}},
            "failed to resolve type",
        ),
        (
            {"N": {"entityTypes": {}, "actions": {"a": {"memberOf": [{"id": "b"}]}}}},
            "undeclared action",
        ),
        ({"__cedar": NAMESPACE}, "reserved"),
    ],
)
def test_a_faulty_schema_is_refused_with_the_text_of_the_service(avp, store, schema, text):
    schema = schema if isinstance(schema, str) else json.dumps(schema)
    fields = invalid(avp.put_schema, policyStoreId=store, definition={"cedarJson": schema})
    assert list(fields) == ["/schema"]
    assert text in fields["/schema"][0]
    not_found(store, "SCHEMA", avp.get_schema, policyStoreId=store)


def test_a_schema_has_at_most_100_000_bytes(avp, store):
    text = photos.schema()["cedarJson"]
    exact = text + " " * (100_000 - len(text))
    avp.put_schema(policyStoreId=store, definition={"cedarJson": exact})
    arguments = {"policyStoreId": store, "definition": {"cedarJson": exact + " "}}
    over_quota("SCHEMA", avp.put_schema, **arguments)


def test_policies_are_kept_when_the_schema_changes(avp, strict_store):
    policy = photos.create_static(avp, strict_store)
    avp.put_schema(policyStoreId=strict_store, definition=photos.schema("Pictures"))
    found = avp.get_policy(policyStoreId=strict_store, policyId=policy)
    assert found["definition"]["static"]["statement"] == photos.ANN_VIEWS
