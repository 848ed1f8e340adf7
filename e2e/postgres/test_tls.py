"""TLS is compulsory; the certificate is that of the cluster's host name."""

import shutil
import socket
import ssl
import struct

import psycopg
import pytest
from database import host_of
from expect_sql import kept_out


def test_no_session_without_tls(database, home):
    text = kept_out("SSL is mandatory", database.connect, home, sslmode="disable")
    assert "FATAL:  SSL is mandatory: unable to accept an unencrypted connection" in text


@pytest.mark.parametrize("mode", ["allow", "prefer", "require", "verify-ca", "verify-full"])
def test_the_modes_of_tls(database, home, mode):
    authority = database.authority if mode.startswith("verify") else None
    with database.connect(home, sslmode=mode, sslrootcert=authority) as session:
        assert session.pgconn.ssl_in_use


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_direct_tls(database, home, mode):
    with database.connect(home, sslmode=mode, sslnegotiation="direct") as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_an_unknown_authority_is_not_trusted(database, home):
    system = {"sslrootcert": "system"}
    kept_out("certificate verify failed", database.connect, home, **system)


def test_another_host_name_is_not_that_of_the_certificate(database, home):
    """The cluster is named in `options`, as through a private endpoint."""
    host = "vpce-0a1b2c3d.dsql.example.com"
    options = {"host": host, "options": f"-c amzn-cluster-id={home}"}
    password = database.token(home)
    kept_out("does not match host name", database.connect, home, password=password, **options)
    with database.connect(home, password=password, sslmode="require", **options) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_the_options_beside_the_cluster_are_settings(database, home):
    options = f"-c amzn-cluster-id={home} -c search_path=pg_catalog -c timezone=UTC"
    with database.connect(home, options=options) as session:
        assert session.execute("SHOW search_path").fetchone() == ("pg_catalog",)
    text = kept_out("FATAL", database.connect, home, options="-c statement_timeout=10")
    assert 'setting configuration parameter "statement_timeout" not supported' in text


def test_no_server_name(database, home):
    """Neither a server name nor a cluster: the message of the service."""
    kept_out("sni was not received", database.connect, home, sslsni=0, sslmode="require")
    options = f"-c amzn-cluster-id={home}"
    with database.connect(home, sslsni=0, sslmode="require", options=options) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_the_authority_is_where_env_says(database, home, tmp_path):
    """`sslrootcert=system` of libpq trusts what SSL_CERT_FILE names."""
    code, out, err = database.treeline("env")
    assert code == 0, err
    assert f"export PGSSLROOTCERT='{database.authority}'" in out
    assert f"export PGPORT='{database.port}'" in out
    shutil.copy(database.authority, tmp_path / "ca.pem")
    with database.connect(home, sslrootcert=str(tmp_path / "ca.pem")) as session:
        assert session.info.backend_pid


class Wire:
    """PostgreSQL's protocol by hand."""

    def __init__(self, database):
        self.socket = socket.create_connection(("127.0.0.1", database.port), timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, code):
        """The answer to a request with nothing but its code."""
        self.socket.sendall(struct.pack("!II", 8, code))
        return self.socket.recv(1)

    def tls(self, database, host, protocols):
        context = ssl.create_default_context(cafile=database.authority)
        if protocols:
            context.set_alpn_protocols(protocols)
        self.socket = context.wrap_socket(self.socket, server_hostname=host)
        return self.socket


SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


def test_tls_is_offered_and_kerberos_is_not(database):
    with Wire(database) as wire:
        assert wire.ask(GSS_REQUEST) == b"N"
        assert wire.ask(SSL_REQUEST) == b"S"


@pytest.mark.parametrize("ask", [True, False])
@pytest.mark.parametrize("protocols", [[], ["postgresql"]])
def test_the_handshake(database, home, ask, protocols):
    """Direct TLS without ALPN too: some clients make it."""
    with Wire(database) as wire:
        if ask:
            assert wire.ask(SSL_REQUEST) == b"S"
        tls = wire.tls(database, host_of(home), protocols)
        assert tls.version() in ("TLSv1.2", "TLSv1.3")
        assert tls.selected_alpn_protocol() == (protocols[0] if protocols else None)
        names = [name for kind, name in tls.getpeercert()["subjectAltName"] if kind == "DNS"]
        assert "*.dsql.us-east-1.on.aws" in names


def test_a_foreign_host_is_refused_by_the_client(database):
    with Wire(database) as wire, pytest.raises(ssl.SSLCertVerificationError):
        wire.ask(SSL_REQUEST)
        wire.tls(database, "example.com", [])


def test_what_is_sent_before_the_handshake_is_not_taken_for_the_clients(database, home):
    """Plaintext that somebody put behind the request for TLS is not part of the session."""
    with Wire(database) as wire:
        wire.socket.sendall(struct.pack("!II", 8, SSL_REQUEST) + b"Q\0\0\0\x0dSELECT 1\0")
        with pytest.raises((ssl.SSLError, OSError)):
            assert wire.socket.recv(1) == b"S"
            wire.tls(database, host_of(home), [])


def test_the_newest_protocol_is_negotiated(database, home):
    with database.connect(home, max_protocol_version="latest") as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
        assert psycopg.pq.version() >= 170000
