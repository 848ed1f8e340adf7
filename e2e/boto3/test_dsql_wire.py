"""What goes over the wire, seen without an SDK: paths, queries, numbers, headers."""

import json
import threading
import urllib.parse
import uuid

import botocore.auth
import pytest
import urllib3
from accounts import deny
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from expect_dsql import invalid, members
from world import cluster_arn, put_policy

HTTP = urllib3.PoolManager(maxsize=40)
UNKNOWN = "abcdefghijklmnopqrstuvwxyz"


class Wire:
    """Signs requests that are given as method, path with query, and body."""

    def __init__(self, world):
        self.world = world

    def __call__(self, method, path, body=b"", **more):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        request = AWSRequest(method, self.world.endpoint + path, data=body, headers=headers)
        key = self.world.admin
        credentials = Credentials(key.access_key_id, key.secret_access_key)
        botocore.auth.SigV4Auth(credentials, "dsql", "us-east-1").add_auth(request)
        headers = dict(request.headers.items()) | more
        return HTTP.request(method, request.url, headers=headers, body=body, retries=False)


@pytest.fixture(scope="module")
def wire(world):
    return Wire(world)


def ok(reply):
    assert reply.status == 200, reply.data
    assert reply.headers["content-type"] == "application/json"
    assert str(uuid.UUID(reply.headers["x-amzn-requestid"])) == reply.headers["x-amzn-requestid"]
    return json.loads(reply.data) if reply.data else {}


def error(reply):
    """Status and code of an error."""
    body = json.loads(reply.data)
    code = reply.headers["x-amzn-errortype"].split(":")[0]
    assert isinstance(body["message"], str)
    assert reply.headers["x-amzn-requestid"]
    assert body.get("__type", code).split("#")[-1] == code
    return reply.status, code


def test_bodies_have_numbers_for_times_and_deletes_have_a_body(wire):
    created = ok(wire("POST", "/cluster", {"deletionProtectionEnabled": False}))
    identifier = created["identifier"]
    assert isinstance(created["creationTime"], int | float)
    assert created["creationTime"] > 1_700_000_000
    assert "tags" not in created and "multiRegionProperties" not in created
    found = ok(wire("GET", f"/cluster/{identifier}"))
    assert found["creationTime"] == created["creationTime"]
    deleted = ok(wire("DELETE", f"/cluster/{identifier}?client-token={uuid.uuid4()}"))
    assert deleted["status"] == "DELETING"


def test_an_empty_body_is_an_empty_input_and_null_is_nothing(wire):
    for body in [b"", b"{}", {"tags": None, "deletionProtectionEnabled": None, "unknown": 1}]:
        assert ok(wire("POST", "/cluster", body))["deletionProtectionEnabled"] is True


def test_names_of_members_differ_between_query_and_body(wire, dsql, cluster):
    policy = deny("dsql:DbConnect", Principal="*")
    version = put_policy(dsql, cluster, policy)
    path = f"/cluster/{cluster}/policy"
    assert error(wire("DELETE", f"{path}?expected-policy-version=x")) == (409, "ConflictException")
    body = {"policy": json.dumps(policy), "expectedPolicyVersion": "x"}
    assert error(wire("POST", path, body)) == (409, "ConflictException")
    deleted = ok(wire("DELETE", f"{path}?expected-policy-version={version}"))
    assert deleted == {"policyVersion": version}
    assert len(ok(wire("GET", "/cluster?max-results=1"))["clusters"]) == 1


def test_one_path_is_plural(wire, cluster):
    found = ok(wire("GET", f"/clusters/{cluster}/vpc-endpoint-service-name"))
    assert found["serviceName"].startswith("com.amazonaws.us-east-1.dsql")
    wrong = wire("GET", f"/cluster/{cluster}/vpc-endpoint-service-name")
    assert error(wrong) == (404, "UnknownOperationException")


def test_arns_in_paths_are_encoded_and_tag_keys_repeat(wire, cluster):
    path = "/tags/" + urllib.parse.quote(cluster_arn(cluster), safe="")
    assert "%2F" in path
    tags = {"a": "1", "b/c": "2", "d e": "3", "f+g": "4"}
    ok(wire("POST", path, {"tags": tags}))
    assert ok(wire("GET", path)) == {"tags": tags}
    ok(wire("DELETE", f"{path}?tagKeys=a&tagKeys=b%2Fc&tagKeys=d%20e"))
    assert ok(wire("GET", path)) == {"tags": {"f+g": "4"}}
    ok(wire("DELETE", f"{path}?tagKeys=f%2Bg"))
    assert ok(wire("GET", path)) == {"tags": {}}


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("GET", "/cluster?max-results=0", b"", "fieldValidationFailed"),
        ("GET", "/cluster?max-results=101", b"", "fieldValidationFailed"),
        ("GET", "/cluster?max-results=many", b"", None),
        ("GET", "/cluster/short", b"", "fieldValidationFailed"),
        ("GET", f"/cluster/{UNKNOWN.upper()}", b"", "fieldValidationFailed"),
        ("POST", "/cluster", b"{", "cannotParse"),
        ("POST", "/cluster", b"[]", None),
        ("POST", "/cluster", {"tags": "x"}, None),
        ("POST", f"/cluster/{UNKNOWN}/policy", {}, "fieldValidationFailed"),
    ],
)
def test_what_is_no_input_is_a_validation_exception_with_a_reason(wire, method, path, body, reason):
    reply = wire(method, path, body)
    assert error(reply) == (400, "ValidationException")
    found = json.loads(reply.data)["reason"]
    assert found == (reason or found)
    assert found in ("cannotParse", "fieldValidationFailed")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("PUT", "/cluster"), ("GET", "/nothing"), ("DELETE", "/cluster")],
)
def test_what_is_no_operation_is_told_so(wire, method, path):
    assert error(wire(method, path)) == (404, "UnknownOperationException")


def test_what_is_not_signed_is_refused(wire):
    url = wire.world.endpoint + "/cluster"
    reply = HTTP.request("GET", url, retries=False)
    assert error(reply) == (403, "MissingAuthenticationTokenException")
    reply = wire("POST", "/cluster", b"{}", **{"X-Amz-Date": "20200101T000000Z"})
    assert error(reply) == (403, "InvalidSignatureException")


def test_a_token_that_32_threads_use_at_once_makes_one_cluster(world, dsql):
    token, made, start = str(uuid.uuid4()), [], threading.Barrier(32)

    def create():
        client = world.dsql(world.admin)
        start.wait()
        made.append(members(client.create_cluster(clientToken=token)))

    threads = [threading.Thread(target=create) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 32
    assert all(cluster == made[0] for cluster in made)


def test_a_policy_may_have_20480_characters(world, dsql, cluster):
    careless = world.dsql(world.admin, parameter_validation=False)
    for letter in ["x", "\u00fc", "\U0001f600"]:
        policy = deny("dsql:DbConnect", Principal="*") | {"Id": ""}
        policy["Id"] = letter * (20480 - len(json.dumps(policy)))
        text = json.dumps(policy, ensure_ascii=False)
        assert len(text) == 20480
        dsql.put_cluster_policy(identifier=cluster, policy=text)
        assert dsql.get_cluster_policy(identifier=cluster)["policy"] == text
        request = {"identifier": cluster, "policy": text + " "}
        invalid("fieldValidationFailed", ["policy"], careless.put_cluster_policy, **request)
