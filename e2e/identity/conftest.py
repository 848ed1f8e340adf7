"""A server with two identity providers beside it: an OpenID provider, and moto's Cognito."""

import pytest
import tokens
from cognito import Cognito
from issuer import Issuer
from openid import OpenIdProvider
from signed_in import Tokens


@pytest.fixture(scope="session")
def provider(tmp_path_factory):
    keys = [tokens.new_key(alg) for alg in tokens.ALGORITHMS]
    with OpenIdProvider(tmp_path_factory.mktemp("provider"), *keys) as provider:
        yield provider


@pytest.fixture(scope="session")
def cognito(tmp_path_factory):
    with Cognito(tmp_path_factory.mktemp("cognito")) as cognito:
        yield cognito


@pytest.fixture(scope="session")
def pool(cognito):
    """A user pool: ann, of the department art, is in editors and staff, bob in staff."""
    pool = cognito.pool()
    pool.user("ann", "editors", "staff", **{"custom:department": "art"})
    pool.user("bob", "staff")
    return pool


@pytest.fixture(scope="session")
def server(tmp_path_factory, cognito):
    with Tokens(tmp_path_factory.mktemp("treeline") / "data", cognito) as server:
        yield server
        assert server.process.poll() is None, server.log.read_text()


@pytest.fixture(scope="session")
def avp(server):
    return server.client(server.admin)


@pytest.fixture(scope="session")
def ann(provider):
    """What ann's application got when she signed in: `id_token` and `access_token`."""
    return provider.sign_in("ann")


@pytest.fixture(scope="session")
def bob(provider):
    return provider.sign_in("bob")


@pytest.fixture
def openid(tmp_path):
    """An OpenID provider of one test alone."""
    with OpenIdProvider(tmp_path / "provider") as openid:
        yield openid


@pytest.fixture
def issuer():
    """A provider in this process, which does what the test says."""
    with Issuer() as issuer:
        yield issuer
