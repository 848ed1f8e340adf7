"""As much of PostgreSQL's protocol as it takes to log in, with TLS, and run simple queries."""

import base64
import hashlib
import hmac
import secrets
import socket
import struct

PROTOCOL = 196608
SSL_REQUEST = 80877103


class Session:
    """A session. `address` is a path or (host, port); with `tls`, a context, `host` is verified."""

    def __init__(self, address, user, password="", host=None, tls=None, timeout=30):
        kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(kind, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        if kind == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket.sendall(struct.pack("!II", 8, SSL_REQUEST))
            if self.socket.recv(1) != b"S":
                raise RuntimeError("the server has no TLS")
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self.input = self.socket.makefile("rb")
        self._login(user, password)

    def _login(self, user, password):
        names = f"user\0{user}\0database\0postgres\0\0".encode()
        body = struct.pack("!I", PROTOCOL) + names
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        scram = Scram(password)
        while True:
            tag, body = self._receive()
            if tag == b"Z":
                return
            if tag != b"R":
                continue
            kind, rest = struct.unpack("!I", body[:4])[0], body[4:]
            if kind == 3:
                self._send(b"p", password.encode() + b"\0")
            elif kind == 10:
                first = scram.first()
                chosen = b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first
                self._send(b"p", chosen)
            elif kind == 11:
                self._send(b"p", scram.final(rest))

    def _send(self, tag, body):
        self.socket.sendall(tag + struct.pack("!I", len(body) + 4) + body)

    def _receive(self):
        header = self.input.read(5)
        if len(header) < 5:
            raise RuntimeError("the server has closed the connection")
        tag, length = header[:1], struct.unpack("!I", header[1:])[0]
        body = self.input.read(length - 4)
        if tag == b"E":
            fields = body.split(b"\0")
            raise RuntimeError(" ".join(f[1:].decode() for f in fields if f[:1] in b"CM"))
        return tag, body

    def query(self, text):
        """Runs a query string; gives the first column of its rows."""
        self._send(b"Q", text.encode() + b"\0")
        found = []
        while (message := self._receive())[0] != b"Z":
            if message[0] == b"D":
                (length,) = struct.unpack_from("!i", message[1], 2)
                found.append(message[1][6 : 6 + length].decode())
        return found

    def close(self):
        self._send(b"X", b"")
        self.input.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Scram:
    """SCRAM-SHA-256 without channel binding (RFC 7677)."""

    def __init__(self, password):
        self.password = password
        self.bare = f"n=,r={secrets.token_urlsafe(18)}"

    def first(self):
        return f"n,,{self.bare}".encode()

    def final(self, challenge):
        text = challenge.decode()
        given = dict(part.split("=", 1) for part in text.split(","))
        salt, rounds = base64.b64decode(given["s"]), int(given["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), salt, rounds)
        client = hmac.digest(salted, b"Client Key", "sha256")
        bare = f"c=biws,r={given['r']}"
        signed = f"{self.bare},{text},{bare}".encode()
        signature = hmac.digest(hashlib.sha256(client).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()
