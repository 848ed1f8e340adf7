"""Amazon Cognito as moto plays it: user pools that give tokens to boto3."""

import os
import sys

import boto3
from service import Service
from treeline import REGION, free_ports
from world import ACCOUNT

PASSWORD = "Correct-h0rse"


class Cognito(Service):
    """moto's server. Its pools are in the account of the tests."""

    def __init__(self, folder, account=ACCOUNT):
        folder.mkdir(parents=True, exist_ok=True)
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        environment = os.environ | {"MOTO_ACCOUNT_ID": account}
        super().__init__(port, command, folder / "moto.log", env=environment)

    def client(self):
        return boto3.client(
            "cognito-idp",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )

    def pool(self, name="people"):
        return Pool(self.client(), name)


class Pool:
    """A user pool with one application."""

    def __init__(self, idp, name):
        self.idp = idp
        attributes = [
            {"Name": "department", "AttributeDataType": "String", "Mutable": True},
        ]
        made = idp.create_user_pool(PoolName=name, Schema=attributes)["UserPool"]
        self.id, self.arn = made["Id"], made["Arn"]
        self.client_id = self.application("app")

    @property
    def issuer(self):
        """AWS's, which moto writes into its tokens."""
        return f"https://cognito-idp.{REGION}.amazonaws.com/{self.id}"

    def application(self, name):
        """The client id of another application."""
        made = self.idp.create_user_pool_client(
            UserPoolId=self.id,
            ClientName=name,
            ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"],
            ReadAttributes=["email", "custom:department"],
        )
        return made["UserPoolClient"]["ClientId"]

    def user(self, name, *groups, **attributes):
        """Adds somebody to the pool and to its groups; gives the name."""
        pairs = {"email": f"{name}@example.com"} | attributes
        self.idp.admin_create_user(
            UserPoolId=self.id,
            Username=name,
            UserAttributes=[{"Name": key, "Value": value} for key, value in pairs.items()],
        )
        self.idp.admin_set_user_password(
            UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True
        )
        for group in groups:
            there = self.idp.list_groups(UserPoolId=self.id)["Groups"]
            if group not in [found["GroupName"] for found in there]:
                self.idp.create_group(UserPoolId=self.id, GroupName=group)
            self.idp.admin_add_user_to_group(UserPoolId=self.id, Username=name, GroupName=group)
        return name

    def sign_in(self, name, client_id=None):
        """The ID token and the access token, as the token operations take them."""
        result = self.idp.admin_initiate_auth(
            UserPoolId=self.id,
            ClientId=client_id or self.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        return {"identityToken": result["IdToken"], "accessToken": result["AccessToken"]}
