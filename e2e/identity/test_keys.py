"""Keys: how providers rotate them, how often the server asks for them, and where."""

import collections
import threading
import time

import pytest
import tokens
from issuer import DISCOVERY, KEYS, POOL_KEYS, Issuer
from signed_in import (
    EDITORS_LIST,
    LIST,
    Tokens,
    decision,
    id_tokens,
    protected,
    refusal,
    user_pool,
)
from treeline import REGION
from world import ACCOUNT

ANYBODY = "permit(principal, action, resource);"


class Requests:
    """Threads that ask with the newest token of a list as long as the `with` lasts."""

    def __init__(self, server, store, seen, threads=4):
        self.store, self.seen = store, seen
        self.outcomes = collections.Counter()
        self.over = threading.Event()
        clients = [server.client(server.admin) for _ in range(threads)]
        self.threads = [threading.Thread(target=self.ask, args=(avp,)) for avp in clients]

    def ask(self, avp):
        count = 0
        while not self.over.is_set():
            # Mostly the newest, sometimes one that others have as well.
            token = self.seen[-1] if count % 4 else self.seen[-min(2, len(self.seen))]
            count += 1
            try:
                outcome = decision(avp, self.store, identityToken=token)
            except Exception as error:
                outcome = repr(error)
            self.outcomes[outcome] += 1

    def more(self, count=40):
        """Waits for that many further answers."""
        end = time.monotonic() + 20
        wanted = sum(self.outcomes.values()) + count
        while sum(self.outcomes.values()) < wanted:
            assert time.monotonic() < end, self.outcomes
            time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def test_keys_rotate_while_requests_run(server, avp, openid):
    """As providers do it: the new key signs, the old one stays for a while."""
    store = protected(avp, id_tokens(openid.issuer), EDITORS_LIST)
    old, new = openid.keys[0], tokens.new_key()
    seen = [openid.id_token("ann")]
    with Requests(server, store, seen) as requests:
        requests.more()
        openid.restart(new, old)
        requests.more()
        seen.append(openid.id_token("ann"))
        requests.more()
    assert set(requests.outcomes) == {"ALLOW"}
    kids = [tokens.decode(token.split(".")[0])["kid"] for token in seen]
    assert kids == [old.kid, new.kid]


def test_a_key_that_is_gone_is_good_for_nothing(avp, issuer):
    """The server learns of it when it fetches the new one. It had seen the token."""
    store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
    before = issuer.token()
    assert decision(avp, store, identityToken=before) == "ALLOW"
    issuer.keys = [tokens.new_key()]
    assert decision(avp, store, identityToken=issuer.token()) == "ALLOW"
    assert "key" in refusal(avp, store, identityToken=before)


def test_a_provider_that_is_down_does_not_matter(avp, openid):
    store = protected(avp, id_tokens(openid.issuer), EDITORS_LIST)
    first, second = openid.id_token("ann"), openid.id_token("ann")
    assert decision(avp, store, identityToken=first) == "ALLOW"
    openid.stop()
    assert decision(avp, store, identityToken=first) == "ALLOW"
    # It was never seen before, but its key was.
    assert decision(avp, store, identityToken=second) == "ALLOW"
    unknown = openid.forge(openid.claims(), tokens.new_key())
    call = avp.is_authorized_with_token
    with pytest.raises(avp.exceptions.ClientError):
        call(policyStoreId=store, identityToken=unknown, **LIST)
    assert decision(avp, store, identityToken=second) == "ALLOW"
    openid.start()
    assert decision(avp, store, identityToken=openid.id_token("ann")) == "ALLOW"


def test_keys_are_fetched_once_for_all_that_wait(server, avp, issuer):
    store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
    release = threading.Event()

    def slowly(handler):
        release.wait(4)
        issuer.published(handler)

    issuer.answers[KEYS] = slowly
    issuer.asked.clear()
    found = []

    def ask():
        avp = server.client(server.admin)
        found.append(decision(avp, store, identityToken=issuer.token()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    release.set()
    for thread in threads:
        thread.join()
    assert found == ["ALLOW"] * 8
    assert issuer.asked[KEYS] == 1


def test_unknown_keys_do_not_make_the_server_ask_for_ever(avp, issuer):
    store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
    assert decision(avp, store, identityToken=issuer.token()) == "ALLOW"
    issuer.asked.clear()
    stranger = tokens.new_key()
    for number in range(60):
        token = tokens.sign(stranger, issuer.claims(), kid=f"k{number}")
        assert "key" in refusal(avp, store, identityToken=token)
    assert sum(issuer.asked.values()) <= 4


def test_the_one_key_of_a_provider_needs_no_name(avp, issuer):
    store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
    token = tokens.sign(issuer.keys[0], issuer.claims(), kid=None)
    assert decision(avp, store, identityToken=token) == "ALLOW"
    # Of two keys nobody can say which.
    issuer.keys.append(tokens.new_key())
    assert decision(avp, store, identityToken=issuer.token(issuer.keys[1])) == "ALLOW"
    token = tokens.sign(issuer.keys[0], issuer.claims(sub="bob"), kid=None)
    assert "key" in refusal(avp, store, identityToken=token)


def test_what_else_is_in_a_key_set_does_not_matter(avp, issuer):
    """Keys for encryption, of kinds that nobody knows, and broken ones."""
    good = issuer.keys[0].as_dict(private=False)
    small = tokens.new_key().as_dict(private=False) | {"kid": "small", "n": "AQAB"}
    others = [
        good | {"kid": "enc", "use": "enc"},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "new", "kid": "new"},
        {"kty": "RSA", "kid": "broken"},
        small,
    ]
    issuer.answers[KEYS] = {"keys": [*others, good], "more": 1}
    store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
    assert decision(avp, store, identityToken=issuer.token()) == "ALLOW"
    for kid in ("enc", "new", "broken", "small"):
        token = tokens.sign(issuer.keys[0], issuer.claims(), kid=kid)
        assert refusal(avp, store, identityToken=token)
    token = tokens.with_secret(b"secret", issuer.claims(), kid="secret")
    assert "algorithm" in refusal(avp, store, identityToken=token)


def test_a_key_need_not_name_its_algorithm(avp, issuer):
    """Those of Microsoft Entra do not."""
    key = issuer.keys[0].as_dict(private=False)
    issuer.answers[KEYS] = {"keys": [{k: v for k, v in key.items() if k not in ("alg", "use")}]}
    store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
    assert decision(avp, store, identityToken=issuer.token()) == "ALLOW"


@pytest.mark.parametrize(("host", "name"), [("127.0.0.1", "localhost"), ("::1", "[::1]")])
def test_this_machine_has_other_names(avp, host, name):
    try:
        issuer = Issuer(host=host, name=name)
    except OSError:
        pytest.skip(f"there is no {host}")
    with issuer:
        store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
        assert decision(avp, store, identityToken=issuer.token()) == "ALLOW"


def test_a_slash_at_the_end_belongs_to_the_name(avp, issuer):
    """And is not repeated in the URL of the discovery document, as the standard says."""
    name = issuer.url + "/"
    issuer.answers[DISCOVERY] = issuer.discovery(issuer=name)
    store = protected(avp, id_tokens(name), ANYBODY, schema=None)
    assert decision(avp, store, identityToken=issuer.token(iss=name)) == "ALLOW"
    assert "issuer" in refusal(avp, store, identityToken=issuer.token(iss=issuer.url))


def test_tokens_decide_after_a_restart(tmp_path, issuer):
    server, token = Tokens(tmp_path / "data"), issuer.token()
    with server:
        avp = server.client(server.admin)
        store = protected(avp, id_tokens(issuer.url), ANYBODY, schema=None)
        assert decision(avp, store, identityToken=token) == "ALLOW"
    with server:
        assert decision(avp, store, identityToken=token) == "ALLOW"
        stranger = tokens.sign(tokens.new_key(), issuer.claims())
        assert "key" in refusal(avp, store, identityToken=stranger)


class Pool:
    """What a user pool's configuration needs to know."""

    def __init__(self, name):
        self.id = f"{REGION}_{name}"
        self.arn = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{self.id}"
        self.issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{self.id}"


def test_one_pool_may_be_elsewhere(tmp_path, issuer):
    """Both names of the issuer will do; other pools are still Amazon's."""
    pool, other = Pool("Here"), Pool("There")
    options = [f"--cognito-issuers={pool.id}={issuer.url}"]
    with Tokens(tmp_path / "data", options=options) as server:
        avp = server.client(server.admin)
        store = protected(avp, user_pool(pool), ANYBODY, schema=None)
        usual = {"aud": "app", "token_use": "id"}
        for iss in (pool.issuer, issuer.url):
            token = issuer.token(iss=iss, **usual)
            assert decision(avp, store, identityToken=token) == "ALLOW"
        for iss in (other.issuer, f"{issuer.url}/{pool.id}", "https://idp.example"):
            assert "issuer" in refusal(avp, store, identityToken=issuer.token(iss=iss, **usual))
        assert issuer.asked == {POOL_KEYS: 1}


def test_a_claim_and_the_prefix_of_another_cannot_be_told_apart(tmp_path, issuer):
    pool = Pool("Both")
    with Tokens(tmp_path / "data", options=[f"--cognito-issuers={pool.id}={issuer.url}"]) as server:
        avp = server.client(server.admin)
        store = protected(avp, user_pool(pool), ANYBODY, schema=None)
        usual = {"iss": pool.issuer, "aud": "app", "token_use": "id"}
        for claims in (
            {"custom:tier": "1", "custom": "x"},
            {"cognito:username": "ann", "cognito": {"a": 1}},
        ):
            refusal(avp, store, identityToken=issuer.token(**usual, **claims))
        for claims in ({"custom": "x"}, {"custom:tier": "1"}):
            token = issuer.token(**usual, **claims)
            assert decision(avp, store, identityToken=token) == "ALLOW"
