"""What real frameworks need of the surroundings: a name for every cluster, and credentials."""

import contextlib
import socket
from unittest import mock

REAL = socket.getaddrinfo


def _here(host, *arguments, **more):
    ours = isinstance(host, str) and host.endswith(".on.aws")
    return REAL("127.0.0.1" if ours else host, *arguments, **more)


def names():
    """While it lasts, the host names of all clusters are this machine's, for clients written in
    Python: in production it is the name service that says so."""
    return mock.patch.object(socket, "getaddrinfo", _here)


def credentials(monkeypatch, key, region):
    """This key and no other is in the environment."""
    with contextlib.suppress(KeyError):
        monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key.secret_access_key)
    if key.session_token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", key.session_token)
    else:
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
