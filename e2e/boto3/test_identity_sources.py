"""Identity sources and tokens: routed, and refused in clear words until they are there."""

import pytest
from expect import answer, not_found, refused

CONFIGURATION = {
    "cognitoUserPoolConfiguration": {
        "userPoolArn": "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_abc"
    }
}


def test_list_answers_an_empty_list(avp, store):
    assert answer(avp.list_identity_sources(policyStoreId=store)) == {"identitySources": []}
    filters = [{"principalEntityType": "User"}]
    assert avp.list_identity_sources(policyStoreId=store, filters=filters)["identitySources"] == []
    not_found("unknown", "POLICY_STORE", avp.list_identity_sources, policyStoreId="unknown")


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_identity_source", {"configuration": CONFIGURATION}),
        ("get_identity_source", {"identitySourceId": "x"}),
        (
            "update_identity_source",
            {"identitySourceId": "x", "updateConfiguration": CONFIGURATION},
        ),
        ("delete_identity_source", {"identitySourceId": "x"}),
        ("is_authorized_with_token", {"identityToken": "a.b.c"}),
        (
            "batch_is_authorized_with_token",
            {
                "identityToken": "a.b.c",
                "requests": [{"action": {"actionType": "Action", "actionId": "a"}}],
            },
        ),
    ],
)
def test_the_others_say_that_they_are_not_available(avp, store, operation, arguments):
    call = getattr(avp, operation)
    error = refused("UnknownOperationException", 404, call, policyStoreId=store, **arguments)
    assert "is not available in this release" in error.response["Error"]["Message"]
