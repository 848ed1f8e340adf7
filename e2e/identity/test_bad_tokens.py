"""Tokens that must not be accepted, made by an implementation that is not the server's.

They are signed with the keys of a real provider where the signature is not what is wrong.
"""

import json
import re

import pytest
import tokens
from expect import typed
from issuer import Issuer
from page import DOCS
from signed_in import EDITORS_LIST, LIST, Tokens, ask, decision, id_tokens, protected, refusal

EVERYBODY = 'permit(principal, action == Photos::Action::"list", resource);'
LATER = 7 * 24 * 3600


@pytest.fixture(scope="module")
def store(avp, provider):
    return protected(avp, id_tokens(provider.issuer), EVERYBODY)


def key_of(provider, alg):
    return next(key for key in provider.keys if key.alg == alg)


def changed(token, part, change):
    """The token with one part decoded, changed and encoded again."""
    parts = token.split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


def promote(payload):
    return tokens.encode(tokens.decode(payload) | {"groups": ["editors"], "sub": "root"})


def flip(part):
    """Another signature: one bit in the middle is the other way round."""
    middle = len(part) // 2
    return part[:middle] + ("A" if part[middle] != "A" else "B") + part[middle + 1 :]


def with_claims(**changes):
    return lambda provider: provider.forge(provider.claims(**changes))


def with_header(**header):
    return lambda provider: provider.forge(provider.claims(), **header)


def unsigned(alg, signature):
    def make(provider):
        header = {"alg": alg, "typ": "JWT", "kid": provider.keys[0].kid}
        return f"{tokens.encode(header)}.{tokens.encode(provider.claims())}.{signature}"

    return make


def confused(secret):
    """An HMAC whose secret everybody knows: the public key."""
    return lambda provider: tokens.with_secret(
        secret(provider.keys[0]), provider.claims(), kid=provider.keys[0].kid
    )


def payload(data):
    return lambda provider: tokens.sign(provider.keys[0], data)


def es256_of_zeros(provider):
    """r = s = 0, which fits everything where nobody looks."""
    key = key_of(provider, "ES256")
    header = {"alg": "ES256", "kid": key.kid}
    return f"{tokens.encode(header)}.{tokens.encode(provider.claims())}.{tokens.encode(bytes(64))}"


def stranger(**header):
    """Signed by somebody who claims to be one of the provider's keys."""
    return lambda provider: provider.forge(
        provider.claims(), tokens.new_key(kid=provider.keys[0].kid), **header
    )


def own_key_in_header(provider):
    key = tokens.new_key()
    return provider.forge(provider.claims(), key, kid="mine", jwk=key.as_dict(private=False))


MALFORMED = "malformed|not of the form|failed to satisfy constraint"
SIGNATURE = "signature"
ALGORITHM = "algorithm"
KEY = "key id|no key"

# How each is made, and the check that it must fail.
BAD = {
    "expired": (with_claims(exp=tokens.now(-90)), "expired"),
    "expired long ago": (with_claims(exp=1), "expired"),
    "without an end": (with_claims(exp=None), "malformed|exp"),
    "ends with a string": (with_claims(exp="9999999999"), "malformed|exp"),
    "not valid yet": (with_claims(nbf=tokens.now(3600)), "not valid yet"),
    "starts with a string": (with_claims(nbf="soon"), "malformed|nbf"),
    "another issuer": (with_claims(iss="https://idp.example"), "issuer"),
    "no issuer": (with_claims(iss=None), "issuer|malformed"),
    "several issuers": (
        lambda provider: provider.forge(provider.claims(iss=[provider.issuer])),
        "issuer|malformed",
    ),
    "issuer and a slash": (
        lambda provider: provider.forge(provider.claims(iss=provider.issuer + "/")),
        "issuer",
    ),
    "another audience": (with_claims(aud="another"), "aud"),
    "other audiences": (with_claims(aud=["another", "photos2"]), "aud"),
    "part of the audience": (with_claims(aud="photo"), "aud"),
    "no audience": (with_claims(aud=None), "aud"),
    "no subject": (with_claims(sub=None), "sub"),
    "empty subject": (with_claims(sub=""), "sub"),
    "number as subject": (with_claims(sub=7), "sub"),
    "groups of another form": (with_claims(groups=[{"name": "editors"}]), "groups"),
    "number as groups": (with_claims(groups=7), "groups"),
    "none": (unsigned("none", ""), f"{MALFORMED}|{ALGORITHM}"),
    "none with something": (unsigned("none", "AAAA"), ALGORITHM),
    "NoNe": (unsigned("NoNe", "AAAA"), ALGORITHM),
    "no algorithm": (unsigned(None, "AAAA"), f"{MALFORMED}|{ALGORITHM}"),
    "stripped signature": (unsigned("RS256", ""), f"{MALFORMED}|{SIGNATURE}"),
    "short signature": (unsigned("RS256", "AAAA"), SIGNATURE),
    "HMAC with the PEM": (confused(lambda key: key.as_pem(private=False)), ALGORITHM),
    "HMAC with the DER": (confused(lambda key: key.as_der(private=False)), ALGORITHM),
    "HMAC with the JWK": (
        confused(lambda key: json.dumps(key.as_dict(private=False)).encode()),
        ALGORITHM,
    ),
    "HMAC with nothing": (confused(lambda _: b""), ALGORITHM),
    "another algorithm than the key's": (
        lambda provider: provider.forge(
            provider.claims(), key_of(provider, "RS256"), kid=key_of(provider, "PS256").kid
        ),
        f"{ALGORITHM}|{SIGNATURE}",
    ),
    "RSA with the id of an EC key": (
        lambda provider: provider.forge(provider.claims(), kid=key_of(provider, "ES256").kid),
        f"{ALGORITHM}|{SIGNATURE}",
    ),
    "EC signature of zeros": (es256_of_zeros, SIGNATURE),
    "tampered payload": (
        lambda provider: changed(provider.forge(provider.claims()), 1, promote),
        SIGNATURE,
    ),
    "tampered signature": (
        lambda provider: changed(provider.forge(provider.claims()), 2, flip),
        SIGNATURE,
    ),
    "signature of another token": (
        lambda provider: changed(
            provider.forge(provider.claims()),
            2,
            lambda _: provider.forge(provider.claims(sub="bob")).split(".")[2],
        ),
        SIGNATURE,
    ),
    "unknown key": (
        lambda provider: provider.forge(provider.claims(), tokens.new_key()),
        KEY,
    ),
    "somebody else's key": (stranger(), SIGNATURE),
    "its own key": (own_key_in_header, KEY),
    "a path as key id": (with_header(kid="../../../dev/null"), KEY),
    "a number as key id": (with_header(kid=7), f"{MALFORMED}|{KEY}"),
    "must be understood": (
        lambda provider: provider.forge(provider.claims(), crit=["exp"], exp=1),
        "malformed",
    ),
    "no JSON": (payload("hello"), "malformed"),
    "no object": (payload('["sub"]'), "malformed"),
    "two parts": (lambda provider: provider.forge(provider.claims()).rpartition(".")[0], MALFORMED),
    "four parts": (lambda provider: provider.forge(provider.claims()) + ".AAAA", MALFORMED),
    "encrypted": (lambda _: "AAAA.AAAA.AAAA.AAAA.AAAA", MALFORMED),
    "no token": (lambda _: "a.b.c", MALFORMED),
    "line break": (
        lambda provider: provider.forge(provider.claims()).replace(".", ".\n", 1),
        MALFORMED,
    ),
    "too long": (
        with_claims(more="x" * 131072),
        "131072|failed to satisfy constraint",
    ),
}


def documented():
    """The messages of docs/identity-provider.md as patterns; words in capitals stand for others."""
    table = (DOCS / "identity-provider.md").read_text().split("## When it fails")[1]
    start, patterns = r"The (identity|access)Token is not valid: ", []
    for message in re.findall(r"^\| ``(.+?)`` \|", table, re.M):
        pattern = re.sub(r"[A-Z]{3,}", ".+", re.escape(message))
        patterns.append(pattern if message[0].isupper() else start + pattern)
    return re.compile("|".join(patterns))


DOCUMENTED = documented()


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused(avp, store, provider, name):
    make, check = BAD[name]
    token = make(provider)
    text = refusal(avp, store, identityToken=token)
    assert re.search(check, text), text
    constraint = text.startswith("Invalid input; Value") and "at '/identityToken'" in text
    assert constraint or DOCUMENTED.fullmatch(text), text
    # A second time is no better.
    assert refusal(avp, store, identityToken=token) == text


GOOD = {
    "the usual": {},
    "several audiences": {"aud": ["another", "photos"]},
    "valid already": {"nbf": tokens.now(-10)},
    "ends with a fraction": {"exp": tokens.now(300) + 0.5},
    "valid for long": {"exp": tokens.now(LATER)},
    "no groups": {"groups": []},
    "nearly too long": {"more": "x" * 95000},
    "null": {"groups": None, "nickname": None},
    "more claims": {"nested": {"a": [1, {"b": [None, 1.5]}]}, "long": 2**63, "text": "é" * 100},
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_signed_here_would_be_accepted(avp, store, provider, name):
    """So the table above is about what it says."""
    token = provider.forge(provider.claims(**GOOD[name]))
    assert decision(avp, store, identityToken=token) == "ALLOW"


def test_nothing_is_fetched_from_where_a_token_says(avp, store, provider):
    with Issuer() as attacker:
        key = attacker.keys[0]
        for header in ({"jku": f"{attacker.url}/keys"}, {"x5u": f"{attacker.url}/keys"}):
            token = provider.forge(provider.claims(), key, **header)
            assert re.search(KEY, refusal(avp, store, identityToken=token))
        attacker.answers["/elsewhere"] = attacker.published
        token = provider.forge(provider.claims(iss=attacker.url), key)
        assert "issuer" in refusal(avp, store, identityToken=token)
        assert not attacker.asked


def test_a_remembered_token_ends_with_its_time(avp, store, provider):
    """The answers stop; nothing else changed."""
    token = provider.forge(provider.claims(exp=tokens.now(3)))
    allowed = 0
    while True:
        try:
            ask(avp, store, identityToken=token)
        except avp.exceptions.ValidationException as error:
            assert "expired" in str(error)
            break
        allowed += 1
        assert tokens.now() <= tokens.claims(token)["exp"] + 1
    assert allowed > 0


def test_another_policy_store_has_another_provider(avp, store, provider):
    """The claims are the same, and both are signed by who issued them."""
    with Issuer() as other:
        elsewhere = protected(avp, id_tokens(other.url), EVERYBODY)
        theirs, ours = other.token(), provider.forge(provider.claims())
        assert decision(avp, elsewhere, identityToken=theirs) == "ALLOW"
        assert decision(avp, store, identityToken=ours) == "ALLOW"
        assert "issuer" in refusal(avp, elsewhere, identityToken=ours)
        assert "issuer" in refusal(avp, store, identityToken=theirs)
        posing = provider.forge(provider.claims(), other.keys[0])
        assert re.search(KEY, refusal(avp, store, identityToken=posing))


def test_nothing_of_a_token_is_in_any_log(tmp_path, provider):
    """Not even when everything is logged."""
    with Tokens(tmp_path / "data", options=["--log=trace"]) as server:
        avp, decider = server.client(server.admin), server.client(server.decider)
        store = protected(avp, id_tokens(provider.issuer), EDITORS_LIST)
        good = provider.id_token("ann")
        seen = [good, *(make(provider) for make, _ in BAD.values())]
        for token in seen:
            question = {"policyStoreId": store, "identityToken": token, **LIST}
            if token == good:
                avp.is_authorized_with_token(**question)
                with pytest.raises(decider.exceptions.AccessDeniedException):
                    decider.is_authorized_with_token(**question)
            else:
                typed("ValidationException", 400, avp.is_authorized_with_token, **question)
        server.stop()
        written = server.log.read_text() + (server.data_dir / "decisions.jsonl").read_text()
        assert "AccessDenied" in written or server.decisions()
        parts = {part for token in seen for part in token.split(".") if len(part) > 20}
        assert [part for part in parts if part in written] == []
        assert "ann@example.com" not in written
