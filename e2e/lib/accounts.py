"""Account files: accounts with users, groups, roles, policies and access keys."""

import secrets
from dataclasses import dataclass, field

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Key:
    """An access key: that of a user or root user, or the temporary one of a role's session."""

    account: str
    user: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def of_session(cls, assumed):
        """The key in an answer of AssumeRole."""
        arn, credentials = assumed["AssumedRoleUser"]["Arn"], assumed["Credentials"]
        return cls(
            arn.split(":")[4],
            arn,
            credentials["AccessKeyId"],
            credentials["SecretAccessKey"],
            credentials["SessionToken"],
        )


def letters(count=16):
    return "".join(secrets.choice(LETTERS) for _ in range(count))


def new_key(account, user):
    return Key(account, user, "AKIA" + letters(), secrets.token_urlsafe(30))


def statement(effect, action, resource="*", **more):
    """A statement; `more` are elements such as Condition, Principal or Sid. None leaves one out."""
    elements = {"Effect": effect, "Action": action, "Resource": resource} | more
    return {name: value for name, value in elements.items() if value is not None}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action, resource="*", **more):
    """A document with one statement."""
    return document(statement("Allow", action, resource, **more))


def deny(action, resource="*", **more):
    return document(statement("Deny", action, resource, **more))


EVERYTHING = allow("*")


def trust(*principals, action="sts:AssumeRole", **more):
    """A trust policy for these ARNs."""
    principal = {"AWS": list(principals)}
    return document(statement("Allow", action, None, Principal=principal, **more))


def inline(documents):
    return [
        {"PolicyName": f"inline-{number}", "PolicyDocument": text}
        for number, text in enumerate(documents)
    ]


def attached(arns):
    return [{"PolicyName": arn.rsplit("/")[-1], "PolicyArn": arn} for arn in arns]


def boundary_of(arn):
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


class Account:
    """An account in the making. `json` is its object of the account file."""

    def __init__(self, account):
        self.id = account
        self.json = {
            "AccountId": account,
            "AccessKeys": [],
            "UserDetailList": [],
            "GroupDetailList": [],
            "RoleDetailList": [],
            "Policies": [],
        }

    @classmethod
    def of(cls, key):
        """An account whose only user is the owner of this key, who may do everything."""
        account = cls(key.account)
        account.user(key.user, EVERYTHING, key=key)
        return account

    def arn(self, resource):
        return f"arn:aws:iam::{self.id}:{resource}"

    def user(self, name, *documents, key=None, managed=(), groups=(), boundary=None, tags=None):
        """Adds a user with these inline policies; gives its key."""
        key = key or new_key(self.id, name)
        user = {
            "UserName": name,
            "Path": "/",
            "UserId": "AIDA" + letters(),
            "Arn": self.arn(f"user/{name}"),
            "GroupList": list(groups),
            "UserPolicyList": inline(documents),
            "AttachedManagedPolicies": attached(managed),
            "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        }
        if boundary:
            user["PermissionsBoundary"] = boundary_of(boundary)
        self.json["UserDetailList"].append(user)
        self.add_key(key, UserName=name)
        return key

    def add_key(self, key, **owner):
        pair = {"AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key}
        self.json["AccessKeys"].append(pair | owner)

    def root(self):
        """Gives the root user a key."""
        key = new_key(self.id, "root")
        self.add_key(key, Root=True)
        return key

    def group(self, name, *documents, managed=()):
        group = {
            "GroupName": name,
            "Path": "/",
            "GroupId": "AGPA" + letters(),
            "Arn": self.arn(f"group/{name}"),
            "GroupPolicyList": inline(documents),
            "AttachedManagedPolicies": attached(managed),
        }
        self.json["GroupDetailList"].append(group)

    def role(self, name, trust, *documents, managed=(), boundary=None, tags=None, longest=None):
        """Adds a role; gives its ARN. `longest` is how long its sessions may last, in seconds."""
        role = {
            "RoleName": name,
            "Path": "/",
            "RoleId": "AROA" + letters(),
            "Arn": self.arn(f"role/{name}"),
            "AssumeRolePolicyDocument": trust,
            "RolePolicyList": inline(documents),
            "AttachedManagedPolicies": attached(managed),
            "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        }
        if longest:
            role["MaxSessionDuration"] = longest
        if boundary:
            role["PermissionsBoundary"] = boundary_of(boundary)
        self.json["RoleDetailList"].append(role)
        return role["Arn"]

    def policy(self, name, text):
        """Adds a managed policy; gives its ARN."""
        version = {"VersionId": "v1", "IsDefaultVersion": True, "Document": text}
        policy = {
            "PolicyName": name,
            "Path": "/",
            "Arn": self.arn(f"policy/{name}"),
            "DefaultVersionId": "v1",
            "PolicyVersionList": [version],
        }
        self.json["Policies"].append(policy)
        return policy["Arn"]
