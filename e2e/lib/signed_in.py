"""Policy stores whose principals are the people of an identity provider.

The schema is that of `examples/photos`.
"""

from accounts import EVERYTHING, Account, allow
from expect import typed
from openid import AUDIENCE, CLIENT, EXAMPLE
from treeline import Server
from world import ACCOUNT

LOOPBACK = "127.0.0.0/8 ::1/128"
SCHEMA = (EXAMPLE / "store/schema.json").read_text()
PREFIX = "people"
EDITORS_LIST = (
    f'permit(principal in Photos::Group::"{PREFIX}|editors", action == Photos::Action::"list",'
    " resource);"
)


class Tokens(Server):
    """A server that may ask identity providers of this machine, or of other `networks`. asker may do nothing but ask with
    tokens, decider nothing but ask without, and stranger everything in another account."""

    def __init__(self, data_dir, cognito=None, options=(), networks=LOOPBACK):
        account = Account(ACCOUNT)
        self.admin = account.user("admin", EVERYTHING)
        self.asker = account.user("asker", allow("verifiedpermissions:IsAuthorizedWithToken"))
        self.decider = account.user("decider", allow("verifiedpermissions:IsAuthorized"))
        other = Account("444455556666")
        self.stranger = other.user("stranger", EVERYTHING)
        given = [f"--identity-provider-networks={networks}", *options]
        if cognito:
            given.append(f"--cognito-issuers={cognito.url}")
        super().__init__(data_dir, account, other, options=given)


def id_tokens(issuer, clients=(CLIENT,), **more):
    """The configuration for the ID tokens of an OpenID provider."""
    return openid(issuer, {"identityTokenOnly": {"clientIds": list(clients)}}, **more)


def access_tokens(issuer, audiences=(AUDIENCE,), **more):
    """The configuration for the access tokens of an OpenID provider."""
    return openid(issuer, {"accessTokenOnly": {"audiences": list(audiences)}}, **more)


def openid(issuer, selection, **changes):
    """A configuration with a prefix and groups; None takes a member away."""
    usual = {
        "issuer": issuer,
        "tokenSelection": selection,
        "entityIdPrefix": PREFIX,
        "groupConfiguration": {"groupClaim": "groups", "groupEntityType": "Photos::Group"},
    }
    members = {name: value for name, value in (usual | changes).items() if value is not None}
    return {"openIdConnectConfiguration": members}


def user_pool(pool, groups=None, **members):
    """The configuration for the tokens of a user pool."""
    members = {"userPoolArn": pool.arn} | members
    if groups:
        members["groupConfiguration"] = {"groupEntityType": groups}
    return {"cognitoUserPoolConfiguration": members}


def protected(avp, configuration, *policies, schema=SCHEMA, principal="Photos::User"):
    """A policy store with this identity source and these policies; gives its id.

    It is STRICT, unless there is no schema.
    """
    mode = "STRICT" if schema else "OFF"
    store = avp.create_policy_store(validationSettings={"mode": mode})["policyStoreId"]
    if schema:
        avp.put_schema(policyStoreId=store, definition={"cedarJson": schema})
    for statement in policies:
        avp.create_policy(policyStoreId=store, definition={"static": {"statement": statement}})
    kind = {"principalEntityType": principal} if principal else {}
    avp.create_identity_source(policyStoreId=store, configuration=configuration, **kind)
    return store


def entity(kind, name):
    return {"entityType": f"Photos::{kind}", "entityId": name}


def action(name):
    return {"actionType": "Photos::Action", "actionId": name}


LIST = {"action": action("list"), "resource": entity("Application", "Photos")}
VIEW = {"action": action("view"), "resource": entity("Photo", "beach")}


def ask(avp, store, what=LIST, **arguments):
    """The answer of IsAuthorizedWithToken."""
    answer = avp.is_authorized_with_token(policyStoreId=store, **(what | arguments))
    assert answer["errors"] == []
    return answer


def decision(avp, store, what=LIST, **arguments):
    return ask(avp, store, what, **arguments)["decision"]


def refusal(avp, store, what=LIST, **arguments):
    """The texts of the ValidationException, in which nothing of a token may stand."""
    call = avp.is_authorized_with_token
    error = typed("ValidationException", 400, call, policyStoreId=store, **(what | arguments))
    fields = error.response.get("fieldList", [])
    text = "; ".join([error.response["message"], *(field["message"] for field in fields)])
    for name in ("identityToken", "accessToken"):
        for part in arguments.get(name, "").split("."):
            assert len(part) < 8 or part not in text
    return text
