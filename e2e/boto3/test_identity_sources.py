"""Identity sources: the operations on them, as boto3 sees them. Tokens are in `identity/`."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from expect import ID, answer, conflict, invalid, is_recent, not_found, over_quota, refused, typed
from issuer import DISCOVERY, Issuer
from signed_in import Tokens
from treeline import REGION
from world import ACCOUNT

POOL = f"{REGION}_AbCd12345"
POOL_ARN = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL}"
POOL_ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"
TYPE = "MyCorp::User"


@pytest.fixture(scope="module")
def issuer():
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Tokens(tmp_path_factory.mktemp("treeline") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def avp(server):
    return server.client(server.admin)


@pytest.fixture
def store(avp):
    return avp.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]


def user_pool(**members):
    return {"cognitoUserPoolConfiguration": {"userPoolArn": POOL_ARN} | members}


def openid(provider, selection, **members):
    members = {"issuer": provider.url, "tokenSelection": selection} | members
    return {"openIdConnectConfiguration": members}


def create(avp, store, configuration, kind=TYPE, **arguments):
    """The arguments that name a new identity source."""
    arguments |= {"principalEntityType": kind} if kind else {}
    made = avp.create_identity_source(policyStoreId=store, configuration=configuration, **arguments)
    return {"policyStoreId": store, "identitySourceId": made["identitySourceId"]}


def created(avp, store, configuration, kind=TYPE):
    """What GetIdentitySource says of the configuration of a new identity source."""
    return avp.get_identity_source(**create(avp, store, configuration, kind))["configuration"]


def test_create_answers_with_the_id_and_the_dates(avp, store):
    made = answer(
        avp.create_identity_source(
            policyStoreId=store, configuration=user_pool(), principalEntityType=TYPE
        )
    )
    assert set(made) == {"identitySourceId", "policyStoreId", "createdDate", "lastUpdatedDate"}
    assert made["policyStoreId"] == store
    assert ID.fullmatch(made["identitySourceId"])
    assert is_recent(made["createdDate"]) and made["lastUpdatedDate"] == made["createdDate"]


def test_a_user_pool_with_nothing_but_its_arn(avp, store):
    """What Terraform's acceptance tests expect: a type, and an empty list of clients."""
    names = create(avp, store, user_pool(), kind=None)
    got = answer(avp.get_identity_source(**names))
    dates = {name: got.pop(name) for name in ("createdDate", "lastUpdatedDate")}
    assert all(is_recent(date) for date in dates.values())
    details = got.pop("details")
    # The documentation has the URL with and without the path.
    assert details.pop("discoveryUrl") in (POOL_ISSUER, POOL_ISSUER + DISCOVERY)
    assert details == {"clientIds": [], "userPoolArn": POOL_ARN, "openIdIssuer": "COGNITO"}
    assert got == names | {
        "principalEntityType": "AWS::Cognito",
        "configuration": {
            "cognitoUserPoolConfiguration": {
                "userPoolArn": POOL_ARN,
                "clientIds": [],
                "issuer": POOL_ISSUER,
            }
        },
    }


def test_a_user_pool_with_everything(avp, store):
    members = {
        "clientIds": ["b", "a", "c"],
        "groupConfiguration": {"groupEntityType": "MyCorp::UserGroup"},
    }
    names = create(avp, store, user_pool(**members))
    got = avp.get_identity_source(**names)
    pool = got["configuration"]["cognitoUserPoolConfiguration"]
    assert pool == members | {"userPoolArn": POOL_ARN, "issuer": POOL_ISSUER}
    assert got["principalEntityType"] == TYPE
    assert got["details"]["clientIds"] == members["clientIds"]


@pytest.mark.parametrize(
    "selection",
    [
        {"accessTokenOnly": {}},
        {"accessTokenOnly": {"principalIdClaim": "sub"}},
        {"accessTokenOnly": {"audiences": ["https://myapp.example.com", "other"]}},
        {"identityTokenOnly": {}},
        {"identityTokenOnly": {"principalIdClaim": "email", "clientIds": ["1example23456789"]}},
    ],
)
def test_an_openid_provider_comes_back_as_it_was_given(avp, store, issuer, selection):
    """Members that were not given are not invented: Terraform would show them as changes."""
    given = openid(issuer, selection)
    names = create(avp, store, given)
    got = avp.get_identity_source(**names)
    assert got["configuration"] == given
    assert "details" not in got


def test_an_openid_provider_with_everything(avp, store, issuer):
    selection = {"accessTokenOnly": {"principalIdClaim": "sub", "audiences": ["a"]}}
    groups = {"groupClaim": "groups", "groupEntityType": "MyCorp::UserGroup"}
    given = openid(issuer, selection, entityIdPrefix="MyOIDCProvider", groupConfiguration=groups)
    assert created(avp, store, given) == given


def test_an_openid_provider_is_asked_for_its_discovery_document(avp, store, issuer):
    issuer.asked.clear()
    create(avp, store, openid(issuer, {"identityTokenOnly": {}}))
    assert issuer.asked[DISCOVERY] == 1


def test_an_openid_provider_needs_a_type(avp, store, issuer):
    issuer.asked.clear()
    given = openid(issuer, {"identityTokenOnly": {}})
    call = avp.create_identity_source
    error = typed("ValidationException", 400, call, policyStoreId=store, configuration=given)
    assert error.response["message"] == "Invalid PrincipalEntityType, must not be empty"
    assert "fieldList" not in error.response
    assert not issuer.asked


def test_a_policy_store_has_one_at_most(avp, store, issuer):
    create(avp, store, user_pool())
    for given in (user_pool(), openid(issuer, {"identityTokenOnly": {}})):
        call = avp.create_identity_source
        arguments = {"policyStoreId": store, "configuration": given, "principalEntityType": TYPE}
        response = over_quota("IDENTITY_SOURCE", call, **arguments)
        assert response["message"] == "Identity Source Limit Exceeded."


def all_at_once(server, count, **arguments):
    """What CreateIdentitySource says to so many at once: ids and codes of errors."""

    def attempt(avp):
        try:
            return avp.create_identity_source(**arguments)["identitySourceId"]
        except avp.exceptions.ClientError as error:
            return error.response["Error"]["Code"]

    clients = [server.client(server.admin) for _ in range(count)]
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(attempt, clients))


def test_there_is_one_however_many_ask_at_once(server, avp, store, issuer):
    given = openid(issuer, {"identityTokenOnly": {}})
    arguments = {"policyStoreId": store, "configuration": given, "principalEntityType": TYPE}
    said = all_at_once(server, 8, **arguments)
    (source,) = avp.list_identity_sources(policyStoreId=store)["identitySources"]
    refusals = ["ServiceQuotaExceededException"] * 7
    assert sorted(said) == sorted([source["identitySourceId"], *refusals])


def test_one_client_token_is_one_creation_however_many_send_it(server, store):
    arguments = {"policyStoreId": store, "configuration": user_pool(), "clientToken": "many"}
    assert len(set(all_at_once(server, 8, **arguments))) == 1


def test_one_may_follow_another(avp, store, issuer):
    avp.delete_identity_source(**create(avp, store, user_pool()))
    create(avp, store, openid(issuer, {"identityTokenOnly": {}}))


def test_the_same_client_token_creates_once(avp, store):
    arguments = {"policyStoreId": store, "configuration": user_pool(), "clientToken": "once"}
    first = answer(avp.create_identity_source(**arguments))
    assert answer(avp.create_identity_source(**arguments)) == first
    assert len(avp.list_identity_sources(policyStoreId=store)["identitySources"]) == 1
    other = arguments | {"configuration": user_pool(clientIds=["a"])}
    conflict(first["identitySourceId"], "IDENTITY_SOURCE", avp.create_identity_source, **other)


def test_update_replaces_the_configuration_as_a_whole(avp, store):
    names = create(
        avp, store, user_pool(clientIds=["a"], groupConfiguration={"groupEntityType": "G"})
    )
    before = avp.get_identity_source(**names)
    updated = answer(avp.update_identity_source(updateConfiguration=user_pool(), **names))
    assert set(updated) == {*names, "createdDate", "lastUpdatedDate"}
    assert {name: updated[name] for name in names} == names
    assert updated["createdDate"] == before["createdDate"]
    assert updated["lastUpdatedDate"] > before["lastUpdatedDate"]
    after = avp.get_identity_source(**names)
    assert after["lastUpdatedDate"] == updated["lastUpdatedDate"]
    pool = after["configuration"]["cognitoUserPoolConfiguration"]
    assert pool == {"userPoolArn": POOL_ARN, "clientIds": [], "issuer": POOL_ISSUER}
    # What was not given is kept.
    assert after["principalEntityType"] == TYPE


def test_update_changes_the_type_of_principals(avp, store):
    names = create(avp, store, user_pool(), kind=None)
    update = avp.update_identity_source
    update(updateConfiguration=user_pool(), principalEntityType="Other::User", **names)
    assert avp.get_identity_source(**names)["principalEntityType"] == "Other::User"


def test_update_changes_tokens_and_providers_in_place(avp, store, issuer):
    """As Terraform does it."""
    audiences = {"accessTokenOnly": {"audiences": ["https://myapp.example.com"]}}
    clients = {"identityTokenOnly": {"clientIds": ["1example23456789"]}}
    names = create(avp, store, user_pool(), kind=None)
    given = openid(issuer, audiences)
    avp.update_identity_source(updateConfiguration=given, principalEntityType=TYPE, **names)
    got = avp.get_identity_source(**names)
    assert (got["configuration"], got["principalEntityType"]) == (given, TYPE)
    assert "details" not in got
    given = openid(issuer, clients, entityIdPrefix="p")
    avp.update_identity_source(updateConfiguration=given, **names)
    assert avp.get_identity_source(**names)["configuration"] == given
    avp.update_identity_source(
        updateConfiguration=user_pool(), principalEntityType="AWS::Cognito", **names
    )
    got = avp.get_identity_source(**names)
    assert got["principalEntityType"] == "AWS::Cognito"
    assert got["details"]["userPoolArn"] == POOL_ARN


def test_an_openid_provider_does_not_inherit_the_type_of_cognito(avp, store, issuer):
    names = create(avp, store, user_pool(), kind=None)
    given = openid(issuer, {"identityTokenOnly": {}})
    call = avp.update_identity_source
    error = typed("ValidationException", 400, call, updateConfiguration=given, **names)
    assert error.response["message"] == "Invalid PrincipalEntityType, must not be empty"


def test_update_asks_the_new_provider_and_keeps_the_old_if_that_fails(avp, store, issuer):
    given = openid(issuer, {"identityTokenOnly": {}})
    names = create(avp, store, given)
    bad = issuer.url + "/nowhere"
    wrong = {"openIdConnectConfiguration": given["openIdConnectConfiguration"] | {"issuer": bad}}
    call = avp.update_identity_source
    error = typed("ValidationException", 400, call, updateConfiguration=wrong, **names)
    text = "Failed to deserialize discovery document from issuer: " + bad + DISCOVERY
    assert error.response["message"] == text
    assert avp.get_identity_source(**names)["configuration"] == given


def test_delete(avp, store):
    names = create(avp, store, user_pool())
    assert answer(avp.delete_identity_source(**names)) == {}
    assert avp.list_identity_sources(policyStoreId=store)["identitySources"] == []
    for call in (avp.get_identity_source, avp.delete_identity_source):
        not_found(names["identitySourceId"], "IDENTITY_SOURCE", call, **names)


def test_what_does_not_exist(avp, store, issuer):
    """Also what exists in another policy store."""
    other = avp.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
    elsewhere = create(avp, other, user_pool())["identitySourceId"]
    calls = [
        (avp.get_identity_source, {}),
        (avp.delete_identity_source, {}),
        (avp.update_identity_source, {"updateConfiguration": user_pool()}),
    ]
    for call, more in calls:
        for unknown in ("unknown", elsewhere):
            names = {"policyStoreId": store, "identitySourceId": unknown}
            not_found(unknown, "IDENTITY_SOURCE", call, **names, **more)
        names = {"policyStoreId": "unknown", "identitySourceId": elsewhere}
        not_found("unknown", "POLICY_STORE", call, **names, **more)
    for call, more in [
        (avp.create_identity_source, {"configuration": user_pool()}),
        (avp.list_identity_sources, {}),
    ]:
        not_found("unknown", "POLICY_STORE", call, policyStoreId="unknown", **more)


def test_list(avp, store, issuer):
    listed = avp.list_identity_sources
    assert answer(listed(policyStoreId=store)) == {"identitySources": []}
    for given, kind in [(user_pool(), None), (openid(issuer, {"accessTokenOnly": {}}), TYPE)]:
        names = create(avp, store, given, kind)
        got = answer(avp.get_identity_source(**names))
        assert answer(listed(policyStoreId=store)) == {"identitySources": [got]}
        avp.delete_identity_source(**names)


def test_filters_are_alternatives(avp, store):
    create(avp, store, user_pool())
    for types, found in [
        ([TYPE], 1),
        (["Other"], 0),
        (["Other", TYPE], 1),
        (["MyCorp"], 0),
        ([], 1),
    ]:
        filters = [{"principalEntityType": kind} for kind in types]
        listed = avp.list_identity_sources(policyStoreId=store, filters=filters)
        assert len(listed["identitySources"]) == found, types
    many = [{"principalEntityType": str(number)} for number in range(11)]
    assert invalid(avp.list_identity_sources, policyStoreId=store, filters=many)


def test_the_paginator_finds_it(avp, store):
    names = create(avp, store, user_pool())
    pages = avp.get_paginator("list_identity_sources")
    for size in (1, 50):
        found = pages.paginate(policyStoreId=store, PaginationConfig={"PageSize": size})
        (source,) = found.build_full_result()["identitySources"]
        assert source["identitySourceId"] == names["identitySourceId"]
    call = avp.list_identity_sources
    typed("ValidationException", 400, call, policyStoreId=store, nextToken="bad")


def test_an_alias_stands_for_the_policy_store(avp, store):
    alias = "policy-store-alias/sources"
    avp.create_policy_store_alias(aliasName=alias, policyStoreId=store)
    names = create(avp, alias, user_pool())
    assert avp.get_identity_source(**names)["policyStoreId"] == store
    (listed,) = avp.list_identity_sources(policyStoreId=alias)["identitySources"]
    assert listed["policyStoreId"] == store
    avp.update_identity_source(updateConfiguration=user_pool(), **names)
    avp.delete_identity_source(**names)


def test_it_goes_with_its_policy_store(avp, store):
    names = create(avp, store, user_pool())
    avp.delete_policy_store(policyStoreId=store)
    not_found(store, "POLICY_STORE", avp.get_identity_source, **names)


def test_it_outlives_a_restart(tmp_path, issuer):
    server = Tokens(tmp_path / "data")
    with server:
        avp = server.client(server.admin)
        store = avp.create_policy_store(validationSettings={"mode": "OFF"})["policyStoreId"]
        names = create(avp, store, openid(issuer, {"identityTokenOnly": {"clientIds": ["a"]}}))
        before = answer(avp.get_identity_source(**names))
    with server:
        assert answer(avp.get_identity_source(**names)) == before


def test_each_operation_has_a_permission(server, avp, store):
    names = create(avp, store, user_pool())
    asker = server.client(server.asker)
    policy_store, source = {"policyStoreId": store}, names
    for operation, arguments in [
        ("CreateIdentitySource", policy_store | {"configuration": user_pool()}),
        ("GetIdentitySource", source),
        ("UpdateIdentitySource", source | {"updateConfiguration": user_pool()}),
        ("DeleteIdentitySource", source),
        ("ListIdentitySources", policy_store),
    ]:
        name = "".join("_" + c.lower() if c.isupper() else c for c in operation)[1:]
        error = refused("AccessDeniedException", 403, getattr(asker, name), **arguments)
        assert f"verifiedpermissions:{operation}" in str(error)


def test_another_account_does_not_see_it(avp, store, server):
    names = create(avp, store, user_pool())
    stranger = server.client(server.stranger)
    not_found(store, "POLICY_STORE", stranger.get_identity_source, **names)
