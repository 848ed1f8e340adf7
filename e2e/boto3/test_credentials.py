"""Who may call at all: keys, secrets, Regions, clocks, presigned URLs, unsigned requests."""

import dataclasses
import datetime
import json

import botocore.auth
import botocore.session
import pytest
import urllib3
from accounts import Account
from botocore import UNSIGNED
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from expect import answer, not_found, refused
from treeline import Server

TARGET = "VerifiedPermissions.ListPolicyStores"
HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": TARGET}


def send(url, headers, body=b"{}"):
    """A request without any SDK: status and JSON."""
    reply = urllib3.PoolManager().request("POST", url, headers=headers, body=body, retries=False)
    return reply.status, json.loads(reply.data)


def request(server, key, signer, headers=HEADERS, body=b"{}", service="verifiedpermissions", **more):
    """A request signed by this botocore signer class."""
    request = AWSRequest("POST", f"{server.endpoint}/", headers=dict(headers), data=body)
    credentials = Credentials(key.access_key_id, key.secret_access_key)
    signer(credentials, service, "us-east-1", **more).add_auth(request)
    return request


def test_an_unknown_key_is_refused(server, keys):
    stranger = dataclasses.replace(keys[0], access_key_id="AKIAUNKNOWN000000000")
    call = server.client(stranger).list_policy_stores
    refused("UnrecognizedClientException", 403, call)


def test_a_wrong_secret_is_refused(server, keys):
    forger = dataclasses.replace(keys[0], secret_access_key=keys[1].secret_access_key)
    refused("InvalidSignatureException", 403, server.client(forger).list_policy_stores)


def test_a_region_that_is_not_served_is_refused(tmp_path, keys):
    options = ["--regions", "us-east-1 us-west-2"]
    with Server(tmp_path / "data", Account.of(keys[0]), options=options) as server:
        for region in ["us-east-1", "us-west-2"]:
            server.client(keys[0], region=region).list_policy_stores()
        for service, operation in [
            ("verifiedpermissions", "list_policy_stores"),
            ("dsql", "list_clusters"),
        ]:
            client = server.client(keys[0], service, region="eu-west-1")
            error = refused("InvalidSignatureException", 403, getattr(client, operation))
            message = error.response["Error"]["Message"]
            assert message.startswith("Credential should be scoped to a valid region")
        client = server.client(keys[0], "sts", region="eu-west-1")
        refused("SignatureDoesNotMatch", 403, client.get_caller_identity)


def test_every_region_is_a_world_of_its_own(server, keys, avp, store):
    elsewhere = server.client(keys[0], region="eu-west-1")
    not_found(store, "POLICY_STORE", elsewhere.get_policy_store, policyStoreId=store)
    created = elsewhere.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
    not_found(created, "POLICY_STORE", avp.get_policy_store, policyStoreId=created)
    assert elsewhere.get_policy_store(policyStoreId=created)["policyStoreId"] == created


def test_another_service_is_refused(server, keys):
    signed = request(server, keys[0], botocore.auth.SigV4Auth, service="dsql")
    status, body = send(signed.url, dict(signed.headers.items()))
    assert (status, body["__type"].split("#")[-1]) == (403, "InvalidSignatureException")


def test_a_session_token_with_a_long_term_key_is_refused(server, keys):
    client = server.client(keys[0], session_token="IQoJb3JpZ2luX2Vj")
    refused("UnrecognizedClientException", 403, client.list_policy_stores)


def test_unsigned_requests_are_refused(server, keys):
    client = server.client(keys[0], signature_version=UNSIGNED)
    refused("MissingAuthenticationTokenException", 403, client.list_policy_stores)


class Skewed(botocore.auth.SigV4Auth):
    """Signs as a machine does whose clock is wrong by `skew`."""

    skew = datetime.timedelta()

    def add_auth(self, request):
        real = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda *args, **kwargs: real(*args, **kwargs) + self.skew
        try:
            super().add_auth(request)
        finally:
            botocore.auth.get_current_datetime = real


@pytest.mark.parametrize(
    ("minutes", "status"), [(-6, 403), (-4, 200), (0, 200), (4, 200), (6, 403)]
)
def test_clocks_may_differ_by_five_minutes(server, keys, minutes, status):
    signer = type("Signer", (Skewed,), {"skew": datetime.timedelta(minutes=minutes)})
    signed = request(server, keys[0], signer)
    found, body = send(signed.url, dict(signed.headers.items()))
    assert found == status, body
    if status == 403:
        assert body["__type"].split("#")[-1] == "InvalidSignatureException"
        assert body["message"].startswith("Signature ")


def test_a_body_that_was_not_signed_is_refused(server, keys):
    signed = request(server, keys[0], botocore.auth.SigV4Auth)
    headers = dict(signed.headers.items())
    assert send(signed.url, headers)[0] == 200
    status, body = send(signed.url, headers, b'{"maxResults": 1}')
    assert (status, body["__type"].split("#")[-1]) == (403, "InvalidSignatureException")


def test_a_target_that_was_not_signed_is_refused(server, keys):
    plain = {name: value for name, value in HEADERS.items() if name != "X-Amz-Target"}
    signed = request(server, keys[0], botocore.auth.SigV4Auth, headers=plain)
    assert send(signed.url, dict(signed.headers.items()) | {"X-Amz-Target": TARGET})[0] == 403


class Presigner(botocore.auth.SigV4QueryAuth):
    """botocore moves the body into the query, as the query protocol wants it; JSON keeps it."""

    def _modify_request_before_signing(self, request):
        body, request.data = request.data, b""
        super()._modify_request_before_signing(request)
        request.data = body


def test_a_presigned_url_can_be_used_until_it_expires(server, keys, avp, store):
    signed = request(server, keys[0], Presigner, expires=60)
    assert "X-Amz-Signature=" in signed.url
    status, body = send(signed.url, HEADERS)
    assert status == 200, body
    assert body["policyStores"]
    status, body = send(signed.url, HEADERS, b'{"maxResults": 1}')
    assert status == 403, body
    status, body = send(signed.url.replace("Expires=60", "Expires=61"), HEADERS)
    assert status == 403, body


def test_a_presigned_url_expires(server, keys):
    signer = type("Signer", (Skewed, Presigner), {"skew": datetime.timedelta(minutes=-4)})
    assert send(request(server, keys[0], signer, expires=300).url, HEADERS)[0] == 200
    status, body = send(request(server, keys[0], signer, expires=60).url, HEADERS)
    assert status == 403, body


def test_a_presigned_url_of_boto3_can_be_used(server, avp):
    url = avp.generate_presigned_url("list_policy_stores", ExpiresIn=60, HttpMethod="POST")
    status, body = send(url, HEADERS, b"")
    assert status == 200, body
    assert "policyStores" in body


def test_errors_are_typed_in_body_and_header(server):
    reply = urllib3.PoolManager().request("POST", server.endpoint, headers=HEADERS, body=b"{}")
    assert reply.status == 403
    assert reply.headers["content-type"] == "application/x-amz-json-1.0"
    code = json.loads(reply.data)["__type"].split("#")[-1]
    assert code == "MissingAuthenticationTokenException"
    assert reply.headers["x-amzn-requestid"]


def test_unknown_operations_are_named_so(server, keys):
    headers = HEADERS | {"X-Amz-Target": "VerifiedPermissions.Nothing"}
    signed = request(server, keys[0], botocore.auth.SigV4Auth, headers=headers)
    status, body = send(signed.url, dict(signed.headers.items()))
    assert (status, body["__type"].split("#")[-1]) == (404, "UnknownOperationException")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"maxResults": "one"}', b"\xff"])
def test_bodies_that_are_no_input_are_refused_but_an_empty_one_is_empty_input(server, keys, body):
    signed = request(server, keys[0], botocore.auth.SigV4Auth, body=body)
    status, reply = send(signed.url, dict(signed.headers.items()), body)
    if body == b"":
        assert status == 200, reply
    else:
        assert (status, reply["__type"].split("#")[-1]) == (400, "SerializationException")


def test_health_needs_no_signature(server):
    reply = urllib3.PoolManager().request("GET", f"{server.endpoint}/health")
    assert reply.status == 200


def test_every_answer_has_its_own_request_id(avp):
    ids = {avp.list_policy_stores()["ResponseMetadata"]["RequestId"] for _ in range(3)}
    assert len(ids) == 3
    assert answer(avp.list_policy_stores())
