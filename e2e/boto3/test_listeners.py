"""Where a request comes from: proxies that tell it, and listeners that play a VPC endpoint."""

import http.client
import io
import json
import socket
import struct

import botocore.auth
import pytest
from accounts import EVERYTHING, Account, allow, deny, document, statement
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from expect_dsql import denied, forbidden, invalid
from treeline import Server, free_ports
from world import ACCOUNT, QUICK, becomes, cluster_arn, put_policy, user

OFFICE = "203.0.113.0/24"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


class Site:
    """A server with a listener of every kind; ann may list clusters from the office only."""

    def __init__(self, data_dir):
        account = Account(ACCOUNT)
        self.admin = account.user("admin", EVERYTHING)
        office = {"IpAddress": {"aws:SourceIp": OFFICE}}
        self.ann = account.user("ann", allow("dsql:ListClusters", Condition=office))
        inside = {"IpAddress": {"aws:VpcSourceIp": "127.0.0.0/8"}}
        self.bob = account.user("bob", allow("dsql:ListClusters", Condition=inside))
        tls = {"Bool": {"aws:SecureTransport": "true"}}
        self.tom = account.user("tom", allow("dsql:ListClusters", Condition=tls))
        names = ["forwarded", "far-forwarded", "proxied", "vpc", "tls"]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        tags = {
            "forwarded": "client-address=x-forwarded-for",
            "far-forwarded": "client-address=x-forwarded-for,proxies=10.0.0.0/8",
            "proxied": "client-address=proxy-protocol",
            "vpc": "vpc=vpc-0a1b2c3d,vpce=vpce-0c2d3e4f",
            "tls": "secure-transport",
        }
        listeners = " ".join(f"127.0.0.1:{self.ports[name]},{tags[name]}" for name in names)
        options = [*QUICK, "--listeners", listeners]
        self.server = Server(data_dir, account, options=options)

    def client(self, key, listener=None):
        port = self.ports.get(listener)
        endpoint = {"endpoint": f"http://127.0.0.1:{port}"} if port else {}
        return self.server.client(key, "dsql", **endpoint)

    def request(self, key, port, headers):
        """A signed ListClusters as bytes."""
        request = AWSRequest("GET", f"http://127.0.0.1:{port}/cluster")
        credentials = Credentials(key.access_key_id, key.secret_access_key)
        botocore.auth.SigV4Auth(credentials, "dsql", "us-east-1").add_auth(request)
        headers = {"Host": f"127.0.0.1:{port}", "Connection": "close"} | headers
        lines = [f"{name}: {value}" for name, value in {**request.headers, **headers}.items()]
        return "\r\n".join(["GET /cluster HTTP/1.1", *lines, "", ""]).encode()

    def send(self, key, listener, first=b"", **headers):
        """The status of ListClusters; None if the connection is closed without an answer."""
        port = self.ports[listener]
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(first + self.request(key, port, headers))
            try:
                reply = b"".join(iter(lambda: connection.recv(65536), b""))
            except ConnectionResetError:
                return None
        if not reply:
            return None
        answer = http.client.HTTPResponse(Reply(reply))
        answer.begin()
        return answer.status


class Reply:
    """What `http.client` wants of a socket."""

    def __init__(self, reply):
        self.reply = reply

    def makefile(self, *_):
        return io.BytesIO(self.reply)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site") / "data")
    with site.server:
        yield site


def proxy_header(source, command=1):
    """A PROXY protocol v2 header for a TCP connection from this address, written by hand."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    here = "::1" if ":" in source else "127.0.0.1"
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, here)
    rest = addresses + struct.pack("!HH", 40000, 443)
    kind = 0x21 if family == socket.AF_INET6 else 0x11
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, kind, len(rest)) + rest


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        (None, 403),
        ("203.0.113.9", 200),
        ("198.51.100.1", 403),
        # What stands left of the first stranger is only the stranger's word.
        ("203.0.113.9, 198.51.100.1", 403),
        ("198.51.100.1, 203.0.113.9", 200),
        ("198.51.100.1, 203.0.113.9, 127.0.0.1", 200),
        ("198.51.100.1, 203.0.113.9:4433", 200),
        # The proxy's own address would be let in where only the proxy is.
        ("nonsense", 400),
        ("203.0.113.9,", 400),
    ],
)
def test_the_address_in_x_forwarded_for(site, forwarded, status):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert site.send(site.ann, "forwarded", **headers) == status
    # Only from a proxy, and only where the listener says so.
    for listener in ["far-forwarded", "vpc", "tls"]:
        assert site.send(site.ann, listener, **headers) == 403


@pytest.mark.parametrize(
    ("first", "status"),
    [
        (proxy_header("203.0.113.9"), 200),
        (proxy_header("198.51.100.1"), 403),
        (proxy_header("::ffff:203.0.113.9"), 200),
        (proxy_header("2001:db8::1"), 403),
        # LOCAL: the proxy speaks for itself.
        (proxy_header("203.0.113.9", command=0), 403),
        (b"", None),
        (SIGNATURE, None),
        (b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 443\r\n", None),
    ],
)
def test_the_address_in_a_proxy_protocol_header(site, first, status):
    assert site.send(site.ann, "proxied", first) == status


def test_a_forwarding_header_does_not_count_behind_the_proxy_protocol(site):
    headers = {"X-Forwarded-For": "203.0.113.9"}
    assert site.send(site.ann, "proxied", proxy_header("198.51.100.1"), **headers) == 403


def test_the_decision_log_has_the_address_of_the_client(site):
    site.send(site.ann, "proxied", proxy_header("198.51.100.77"))
    assert site.server.decisions()[-1]["sourceAddress"] == "198.51.100.77"


def test_a_vpc_has_its_own_address_keys(site):
    site.client(site.bob, "vpc").list_clusters()
    denied(site.client(site.bob).list_clusters)


def test_secure_transport_is_what_the_listener_says(site):
    site.client(site.tom, "tls").list_clusters()
    denied(site.client(site.tom).list_clusters)


def test_a_cluster_that_only_a_vpc_may_touch(site):
    """The policy that the guide gives for it: no way past the VPC, except for those it names."""
    outside, inside = site.client(site.admin), site.client(site.admin, "vpc")
    cluster = outside.create_cluster()["identifier"]
    becomes(outside, cluster, "ACTIVE")
    closed = deny("dsql:*", Principal={"AWS": "*"}, Condition={"Null": {"aws:SourceVpc": "true"}})
    message = invalid(
        "other", [], outside.put_cluster_policy, identifier=cluster, policy=json.dumps(closed)
    )
    assert "lock you out" in message
    # From inside it locks nobody out.
    put_policy(inside, cluster, closed)
    inside.get_cluster(identifier=cluster)
    text = denied(outside.get_cluster, identifier=cluster)
    assert text == forbidden(user("admin"), "dsql:GetCluster", cluster_arn(cluster))
    for wanted in ["vpce-0c2d3e4f", "vpce-other"]:
        other = {"StringNotEquals": {"aws:SourceVpce": wanted}}
        policy = document(
            statement("Deny", "dsql:GetCluster", Principal="*", Condition=other),
        )
        put_policy(inside, cluster, policy)
        if wanted == "vpce-other":
            denied(inside.get_cluster, identifier=cluster)
        else:
            inside.get_cluster(identifier=cluster)


@pytest.mark.parametrize("listeners", ["127.0.0.1", "127.0.0.1:0,color=blue", "127.0.0.1:0,vpc="])
def test_a_listener_that_is_not_understood_is_told(tmp_path, listeners):
    server = Server(tmp_path / "data", options=["--listeners", listeners])
    with pytest.raises(RuntimeError, match="listeners"):
        server.start()
