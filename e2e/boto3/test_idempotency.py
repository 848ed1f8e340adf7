"""Client tokens: a create request that is sent again creates nothing new."""

import threading
import uuid

import photos
import pytest
from expect import answer, conflict, typed
from treeline import session


@pytest.fixture
def token():
    return str(uuid.uuid4())


def creation(avp, store, kind):
    """A create call, its arguments, other arguments, the id's member and the resource type."""
    if kind == "store":
        arguments = {"validationSettings": {"mode": "OFF"}}
        other = arguments | {"description": "other"}
        return avp.create_policy_store, arguments, other, "policyStoreId", "POLICY_STORE"
    if kind == "policy":
        arguments = {
            "policyStoreId": store,
            "definition": {"static": {"statement": photos.ANN_VIEWS}},
        }
        other = arguments | {"name": "name/other"}
        return avp.create_policy, arguments, other, "policyId", "POLICY"
    arguments = {"policyStoreId": store, "statement": photos.TEMPLATE}
    other = arguments | {"description": "other"}
    return avp.create_policy_template, arguments, other, "policyTemplateId", "POLICY_TEMPLATE"


KINDS = pytest.mark.parametrize("kind", ["store", "policy", "template"])


@KINDS
def test_the_same_token_gives_the_same_answer(avp, store, kind, token):
    call, arguments, _, _, _ = creation(avp, store, kind)
    first = answer(call(clientToken=token, **arguments))
    assert answer(call(clientToken=token, **arguments)) == first


@KINDS
def test_other_tokens_create_anew(avp, store, kind, token):
    call, arguments, _, member, _ = creation(avp, store, kind)
    ids = {call(clientToken=token, **arguments)[member], call(**arguments)[member]}
    ids.add(call(**arguments)[member])
    assert len(ids) == 3


@KINDS
def test_the_same_token_with_other_parameters_is_a_conflict(avp, store, kind, token):
    call, arguments, other, member, resource_type = creation(avp, store, kind)
    created = call(clientToken=token, **arguments)[member]
    conflict(created, resource_type, call, clientToken=token, **other)


def test_a_token_belongs_to_its_operation_and_store(avp, store, strict_store, token):
    one = photos.create_static(avp, store, clientToken=token)
    two = photos.create_static(avp, strict_store, clientToken=token)
    template = photos.create_template(avp, store, clientToken=token)
    assert len({one, two, template}) == 3


def test_accounts_do_not_share_tokens(avp, other_account, token):
    arguments = {"validationSettings": {"mode": "OFF"}, "clientToken": token}
    mine = avp.create_policy_store(**arguments)["policyStoreId"]
    theirs = other_account.create_policy_store(**arguments)["policyStoreId"]
    assert mine != theirs


def test_a_repetition_does_not_bring_back_what_was_deleted(avp, store, token):
    definition = {"static": {"statement": photos.ANN_VIEWS}}
    arguments = {"policyStoreId": store, "definition": definition, "clientToken": token}
    first = answer(avp.create_policy(**arguments))
    avp.delete_policy(policyStoreId=store, policyId=first["policyId"])
    assert answer(avp.create_policy(**arguments)) == first
    assert avp.list_policies(policyStoreId=store)["policies"] == []


def test_a_refused_request_does_not_use_up_its_token(avp, strict_store, token):
    bad = {"static": {"statement": "permit(principal == X::\"x\", action, resource);"}}
    arguments = {"policyStoreId": strict_store, "definition": bad, "clientToken": token}
    typed("ValidationException", 400, avp.create_policy, **arguments)
    photos.create_static(avp, strict_store, clientToken=token)


def test_one_token_at_the_same_time_creates_one_policy(server, keys, avp, store, token):
    session()
    barrier = threading.Barrier(8)
    ids = []

    def create(client):
        barrier.wait()
        ids.append(photos.create_static(client, store, clientToken=token))

    clients = [server.client(keys[0]) for _ in range(8)]
    threads = [threading.Thread(target=create, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8 and len(set(ids)) == 1
    assert len(avp.list_policies(policyStoreId=store)["policies"]) == 1


def test_a_retry_of_boto3_sends_the_same_token_and_creates_once(server, keys, avp, store):
    """The first answer is lost on its way, as when a connection breaks."""
    client = server.client(keys[0], retries={"mode": "standard", "total_max_attempts": 3})
    lost = []

    def lose_first(http_response, **_):
        if not lost:
            lost.append(http_response)
            return 0
        return None

    client.meta.events.register_first(
        "needs-retry.verifiedpermissions.CreatePolicy",
        lambda response, attempts, **_: lose_first(response[0]) if response else None,
    )
    definition = {"static": {"statement": photos.ANN_VIEWS}}
    created = client.create_policy(policyStoreId=store, definition=definition)
    assert lost and created["ResponseMetadata"]["RetryAttempts"] == 1
    listed = avp.list_policies(policyStoreId=store)["policies"]
    assert [item["policyId"] for item in listed] == [created["policyId"]]
