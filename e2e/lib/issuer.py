"""An identity provider in this process: it counts what it is asked, and may behave badly."""

import collections
import http.server
import json
import socket
import threading

import tokens

DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"
# Where Amazon Cognito has them.
POOL_KEYS = "/.well-known/jwks.json"


class Issuer:
    """`answers` maps paths to what is there: JSON, or a function that gets the request handler.

    It listens at `host`, an address of this machine, and calls itself `name`.
    """

    def __init__(self, *keys, tls=None, host="127.0.0.1", name=None):
        self.asked = collections.Counter()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        kind = type("Server", (http.server.ThreadingHTTPServer,), {"address_family": family})
        self.server = kind((host, 0), self._handler())
        # Those who are kept waiting go away.
        self.server.handle_error = lambda *_: None
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{name or host}:{self.server.server_address[1]}"
        self.keys = list(keys) or [tokens.new_key()]
        self.answers = {
            DISCOVERY: self.discovery(),
            KEYS: self.published,
            POOL_KEYS: self.published,
        }

    def discovery(self, **changes):
        return {"issuer": self.url, "jwks_uri": self.url + KEYS} | changes

    def published(self, handler):
        reply(handler, tokens.jwks(*self.keys).encode())

    def claims(self, **changes):
        """Those of a good ID token, with changes; None takes one away."""
        usual = {"iss": self.url, "aud": "photos", "sub": "ann", "exp": tokens.now(300)}
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def token(self, key=None, **changes):
        return tokens.sign(key or self.keys[0], self.claims(**changes))

    def _handler(issuer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                issuer.asked[self.path] += 1
                answer = issuer.answers.get(self.path)
                if callable(answer):
                    answer(self)
                elif answer is None:
                    reply(self, b"nothing", 404)
                else:
                    reply(self, json.dumps(answer).encode())

            def log_message(self, *_):
                pass

        return Handler

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def reply(handler, body, status=200, **headers):
    handler.send_response(status)
    for name, value in ({"Content-Type": "application/json"} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
