"""Providers that are ill or ill-meaning, and providers that may not be contacted."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import tokens
from authority import certificate
from expect import typed
from issuer import DISCOVERY, KEYS, Issuer, reply
from signed_in import LIST, Tokens, decision, id_tokens, protected

ANYBODY = "permit(principal, action, resource);"
FAILED = "Failed to deserialize discovery document from issuer: "


def refused_at_creation(avp, issuer):
    """The text of the exception, and how long it took."""
    store = avp.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
    start = time.monotonic()
    error = typed(
        "ValidationException",
        400,
        avp.create_identity_source,
        policyStoreId=store,
        configuration=id_tokens(issuer),
        principalEntityType="User",
    )
    assert avp.list_identity_sources(policyStoreId=store)["identitySources"] == []
    return error.response["message"], time.monotonic() - start


def never(handler):
    time.sleep(30)


def dripping(handler):
    """A document that never ends."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(3000):
        handler.wfile.write(b" ")
        time.sleep(0.01)


def huge(handler):
    """10 MB."""
    reply(handler, b"[" + b"0," * 5_000_000 + b"0]")


def around(handler):
    reply(handler, b"", 302, Location=DISCOVERY)


# What there is instead of a discovery document.
ILL = {
    "nothing": None,
    "an error": lambda handler: reply(handler, b"{}", 503),
    "a page": lambda handler: reply(handler, b"<html>", Content_Type="text/html"),
    "a list": [],
    "no keys": {"issuer": "ISSUER"},
    "another issuer": {"issuer": "https://idp.example", "jwks_uri": "ISSUER/keys"},
    "keys at a file": {"issuer": "ISSUER", "jwks_uri": "file:///etc/passwd"},
    "redirects": around,
    "10 MB": huge,
    "silence": never,
    "drops": dripping,
}


def with_url(answer, url):
    if not isinstance(answer, dict):
        return answer
    return {name: value.replace("ISSUER", url) for name, value in answer.items()}


@pytest.mark.parametrize("name", ILL)
def test_discovery_fails_in_the_words_of_the_service(avp, issuer, name):
    issuer.answers[DISCOVERY] = with_url(ILL[name], issuer.url)
    text, seconds = refused_at_creation(avp, issuer.url)
    assert text == FAILED + issuer.url + DISCOVERY
    assert seconds < 9
    assert sum(issuer.asked.values()) <= 10


def test_nobody_listens(avp, openid):
    openid.stop()
    text, _ = refused_at_creation(avp, openid.issuer)
    assert text == FAILED + openid.issuer + DISCOVERY


def test_what_follows_the_issuer_is_appended_to_it(avp):
    """The text of the real service for such an issuer: the URL that it tried."""
    issuer = "https://127.0.0.1:9?a=b"
    text, _ = refused_at_creation(avp, issuer)
    assert text == f"{FAILED}{issuer}{DISCOVERY}"


@pytest.mark.parametrize("ill", [None, huge, never, around, [], {"keys": []}])
def test_keys_that_cannot_be_had_are_nobodys_permission(avp, issuer, ill):
    store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
    issuer.answers[KEYS] = ill
    arguments = {"policyStoreId": store, "identityToken": issuer.token(), **LIST}
    start = time.monotonic()
    with pytest.raises(avp.exceptions.ClientError) as caught:
        avp.is_authorized_with_token(**arguments)
    assert time.monotonic() - start < 9
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == (400 if ill == {"keys": []} else 500), caught.value
    assert issuer.url not in str(caught.value)


@pytest.fixture
def silent():
    """More providers than are contacted at once, which never give their keys."""
    with contextlib.ExitStack() as stack:
        issuers = [stack.enter_context(Issuer(tokens.new_key("ES256"))) for _ in range(24)]
        for issuer in issuers:
            issuer.answers[KEYS] = never
        yield issuers


def test_providers_that_are_ill_do_not_hold_up_others(server, avp, issuer, silent):
    """Also not when another one has a new key."""
    good = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
    assert decision(avp, good, identityToken=issuer.token()) == "ALLOW"
    stores = [protected(avp, id_tokens(ill.url), ANYBODY, schema=None) for ill in silent]

    def wait(store, ill):
        with pytest.raises(avp.exceptions.ClientError):
            decision(server.client(server.admin), store, identityToken=ill.token())

    with ThreadPoolExecutor(len(silent)) as threads:
        waiting = [threads.submit(wait, *pair) for pair in zip(stores, silent, strict=True)]
        time.sleep(1)
        start = time.monotonic()
        for _ in range(10):
            assert decision(avp, good, identityToken=issuer.token()) == "ALLOW"
        issuer.keys.insert(0, tokens.new_key("ES256"))
        assert decision(avp, good, identityToken=issuer.token()) == "ALLOW"
        assert time.monotonic() - start < 3
        for thread in waiting:
            thread.result()


def test_this_machine_is_not_contacted_unless_that_is_allowed(tmp_path, issuer):
    """Neither directly nor by a redirect or a discovery document of somebody else."""
    with Tokens(tmp_path / "data", networks="10.0.0.0/8") as server:
        avp = server.client(server.admin)
        for url in (issuer.url, issuer.url.replace("127.0.0.1", "localhost")):
            text, _ = refused_at_creation(avp, url)
            assert "issuer" in text or "Invalid" in text
        text, _ = refused_at_creation(avp, issuer.url.replace("http:", "https:"))
        assert text.startswith(FAILED)
    assert not issuer.asked


def leads_to(issuer, elsewhere):
    """Ways to make the server ask another address than the one of the issuer."""
    yield DISCOVERY, lambda handler: reply(handler, b"", 302, Location=elsewhere.url + DISCOVERY)
    yield DISCOVERY, issuer.discovery(jwks_uri=elsewhere.url + KEYS)
    yield KEYS, lambda handler: reply(handler, b"", 307, Location=elsewhere.url + KEYS)


def test_nobody_leads_the_server_to_where_it_may_not_go(tmp_path):
    """127.0.0.2 stands for a machine of the operator's that is nobody's business."""
    with (
        Issuer() as issuer,
        Issuer(issuer.keys[0], host="127.0.0.2") as inside,
        Tokens(tmp_path / "data", networks="127.0.0.1/32") as server,
    ):
        avp = server.client(server.admin)
        usual = dict(issuer.answers)
        for path, answer in leads_to(issuer, inside):
            issuer.answers = usual | {path: answer}
            try:
                store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
            except avp.exceptions.ValidationException as error:
                assert FAILED in str(error)
                continue
            with pytest.raises(avp.exceptions.ClientError):
                decision(avp, store, identityToken=issuer.token())
        text, _ = refused_at_creation(avp, inside.url)
        assert "Invalid input" in text
        assert not inside.asked and issuer.asked[DISCOVERY] > 2


def test_a_private_authority_is_trusted_when_it_is_configured(server, avp, tmp_path):
    authority, context = certificate(tmp_path)
    with Issuer(tls=context) as issuer:
        text, _ = refused_at_creation(avp, issuer.url)
        assert text == FAILED + issuer.url + DISCOVERY
        options = [f"--identity-provider-ca={authority}"]
        with Tokens(tmp_path / "data", options=options) as trusting:
            theirs = trusting.client(trusting.admin)
            store = protected(theirs, id_tokens(issuer.url), ANYBODY, schema=None)
            assert decision(theirs, store, identityToken=issuer.token()) == "ALLOW"


def test_a_certificate_is_for_an_address(tmp_path):
    authority, context = certificate(tmp_path, address="127.0.0.2")
    with (
        Issuer(tls=context) as issuer,
        Tokens(tmp_path / "data", options=[f"--identity-provider-ca={authority}"]) as server,
    ):
        text, _ = refused_at_creation(server.client(server.admin), issuer.url)
        assert text == FAILED + issuer.url + DISCOVERY
