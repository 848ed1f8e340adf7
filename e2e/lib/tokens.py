"""Keys, and tokens signed with them by joserfc: an implementation that is not the server's."""

import base64
import hashlib
import hmac
import json
import time
import uuid

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "EdDSA",
]
_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS)


def new_key(alg="RS256", kid=None):
    """A key pair for one algorithm."""
    about = {"kid": kid or uuid.uuid4().hex, "alg": alg, "use": "sig"}
    if alg.startswith("ES"):
        return ECKey.generate_key("P-" + alg[2:], about)
    if alg == "EdDSA":
        return OKPKey.generate_key("Ed25519", about)
    return RSAKey.generate_key(2048, about)


def jwks(*keys, private=False):
    """The text of a set of keys."""
    return json.dumps({"keys": [key.as_dict(private=private) for key in keys]})


def sign(key, claims, **header):
    """A token; `header` adds members to the usual header, and None takes one away."""
    header = {"alg": key.alg, "kid": key.kid, "typ": "JWT"} | header
    header = {name: value for name, value in header.items() if value is not None}
    payload = claims.encode() if isinstance(claims, str) else claims
    start = f"{encode(header)}.{encode(payload)}"
    signature = _REGISTRY.get_alg(key.alg).sign(start.encode(), key)
    return f"{start}.{encode(signature)}"


def encode(part):
    """A part of a token: of bytes, or of what JSON can say."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part):
    """The JSON in a part of a token."""
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def claims(token):
    """What a token says; nobody checks the signature."""
    return decode(token.split(".")[1])


def with_secret(secret, payload, **header):
    """A token with an HMAC."""
    start = encode({"alg": "HS256", "typ": "JWT"} | header) + "." + encode(payload)
    return start + "." + encode(hmac.digest(secret, start.encode(), hashlib.sha256))


def now(seconds=0):
    """The time of a claim."""
    return int(time.time()) + seconds
