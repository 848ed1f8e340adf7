"""`examples/photos/app.mjs`: AWS's middleware for Express and its client, both unmodified, decide
by tokens of the real providers."""

import http.client
import json

import pytest
import tokens
from openid import EXAMPLE
from service import Service
from signed_in import LIST, access_tokens, id_tokens, protected, user_pool
from treeline import REGION, free_ports

OWNERS = (
    'permit(principal, action == Photos::Action::"view", resource)'
    " when { resource.owner == principal };"
)


class App(Service):
    """The example's server."""

    def __init__(self, server, store, token, owner, folder):
        (port,) = free_ports(1)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "STORE": store,
            "OWNER": owner,
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": server.asker.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.asker.secret_access_key,
        }
        command = ["node", "app.mjs", str(port), token]
        super().__init__(port, command, folder / "app.log", cwd=EXAMPLE, env=environment)

    def ask(self, path, token=None, method="GET"):
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, json.loads(body) if answer.status < 300 else body


def may(action, group):
    return (
        f'permit(principal in Photos::Group::"{group}",'
        f' action == Photos::Action::"{action}", resource);'
    )


def with_scope(action, scope):
    return (
        f'permit(principal, action == Photos::Action::"{action}", resource)'
        f" when {{ context has token && context.token has scope"
        f' && context.token.scope.contains("{scope}") }};'
    )


DENIED = (401, "Not authorized with explicit deny")
# What the middleware answers when the service answers with an exception.
FAILED = (500, "Authorizer internal error")


@pytest.fixture(scope="module")
def by_access_token(server, avp, provider, tmp_path_factory):
    policies = [with_scope("list", "photos:read"), with_scope("upload", "photos:write"), OWNERS]
    store = protected(avp, access_tokens(provider.issuer), *policies)
    folder = tmp_path_factory.mktemp("app")
    with App(server, store, "accessToken", "people|ann", folder) as app:
        yield app


@pytest.fixture(scope="module")
def by_id_token(server, avp, provider, tmp_path_factory):
    policies = [may("list", "people|staff"), may("upload", "people|editors"), OWNERS]
    store = protected(avp, id_tokens(provider.issuer), *policies)
    folder = tmp_path_factory.mktemp("app")
    with App(server, store, "identityToken", "people|ann", folder) as app:
        yield app


def test_access_tokens_of_the_openid_provider(by_access_token, provider, ann, bob):
    app, reader = by_access_token, ann["access_token"]
    writer = provider.access_token("ann", scope="openid photos:write")
    assert app.ask("/photos", reader) == (200, ["beach", "attic"])
    assert app.ask("/photos", writer) == DENIED
    assert app.ask("/photos", reader, "POST") == DENIED
    assert app.ask("/photos", writer, "POST") == (201, "uploaded")
    assert app.ask("/photos/beach", reader) == (200, "Beach")
    assert app.ask("/photos/attic", reader) == DENIED
    assert app.ask("/photos/beach", bob["access_token"]) == DENIED
    assert app.ask("/photos", provider.program_token())[0] == 200


def test_id_tokens_of_the_openid_provider(by_id_token, provider, ann, bob):
    app = by_id_token
    assert app.ask("/photos", ann["id_token"]) == (200, ["beach", "attic"])
    assert app.ask("/photos", bob["id_token"]) == (200, ["beach", "attic"])
    assert app.ask("/photos", ann["id_token"], "POST") == (201, "uploaded")
    assert app.ask("/photos", bob["id_token"], "POST") == DENIED
    assert app.ask("/photos/beach", ann["id_token"]) == (200, "Beach")
    assert app.ask("/photos/beach", bob["id_token"]) == DENIED


def test_no_token_and_bad_tokens_get_nowhere(by_access_token, provider, ann):
    app = by_access_token
    assert app.ask("/photos") == (401, "Sign in first")
    assert app.ask("/photos/beach") == (401, "Sign in first")
    claims = tokens.claims(ann["access_token"])
    bad = [
        "nonsense",
        ann["id_token"],
        provider.forge(claims | {"exp": tokens.now(-90)}),
        provider.forge(claims | {"aud": "https://another.example"}),
        provider.forge(claims, tokens.new_key()),
        ann["access_token"][:-8] + "AAAAAAAA",
    ]
    for token in bad:
        assert app.ask("/photos", token) == FAILED
        assert app.ask("/photos/beach", token) == FAILED
        assert app.ask("/photos", token, "POST") == FAILED
    assert app.ask("/photos", provider.forge(claims))[0] == 200
    assert "ValidationException" in app.log.read_text()


@pytest.mark.parametrize("name", ["identityToken", "accessToken"])
def test_tokens_of_cognito(server, avp, pool, tmp_path, name):
    policies = [may("list", f"{pool.id}|staff"), may("upload", f"{pool.id}|editors"), OWNERS]
    store = protected(avp, user_pool(pool, groups="Photos::Group"), *policies)
    ann, bob = (pool.sign_in(name) for name in ("ann", "bob"))
    principal = avp.is_authorized_with_token(policyStoreId=store, **LIST, **ann)["principal"]
    with App(server, store, name, principal["entityId"], tmp_path) as app:
        assert app.ask("/photos", ann[name]) == (200, ["beach", "attic"])
        assert app.ask("/photos", ann[name], "POST") == (201, "uploaded")
        assert app.ask("/photos", bob[name], "POST") == DENIED
        assert app.ask("/photos/beach", ann[name]) == (200, "Beach")
        assert app.ask("/photos/beach", bob[name]) == DENIED
        (other,) = {"identityToken", "accessToken"} - {name}
        assert app.ask("/photos", ann[other]) == FAILED
