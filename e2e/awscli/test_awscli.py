"""The AWS CLI in a shell: the first success, and how errors look."""

import json
import uuid
from datetime import datetime, timezone

import photos
import pytest
from accounts import Account
from expect import ID
from shell import Shell
from treeline import Server

AVP = "aws verifiedpermissions"


def test_eval_of_env_is_all_that_a_shell_needs(shell, keys):
    created = shell.json(f"{AVP} create-policy-store --validation-settings mode=STRICT")
    assert created.keys() == {"policyStoreId", "arn", "createdDate", "lastUpdatedDate"}
    assert ID.fullmatch(created["policyStoreId"])
    assert created["arn"].startswith(f"arn:aws:verifiedpermissions::{keys[0].account}:")
    date = datetime.fromisoformat(created["createdDate"])
    assert abs(datetime.now(timezone.utc) - date).total_seconds() < 120


FIRST_SUCCESS = f"""
STORE=$({AVP} create-policy-store --validation-settings mode=STRICT \
    --query policyStoreId --output text)
{AVP} put-schema --policy-store-id "$STORE" --definition "$SCHEMA" >&2
POLICY=$({AVP} create-policy --policy-store-id "$STORE" \
    --definition "static={{statement='$STATEMENT',description=Ann}}" \
    --query policyId --output text)
ask() {{
    {AVP} is-authorized --policy-store-id "$STORE" \
        --principal "entityType=Photos::User,entityId=$1" \
        --action actionType=Photos::Action,actionId=view \
        --resource entityType=Photos::Photo,entityId=beach \
        --query "[decision, determiningPolicies[0].policyId == '$POLICY']" --output json
}}
ask ann | tr -d '\\n '; echo
ask bob | tr -d '\\n '; echo
"""


def test_the_first_success(shell):
    code, out, err = shell(
        FIRST_SUCCESS, SCHEMA=json.dumps(photos.schema()), STATEMENT=photos.ANN_VIEWS
    )
    assert code == 0, err
    assert out == '["ALLOW",true]\n["DENY",false]\n'
    assert '"Photos"' in err


def test_a_template_with_a_file_and_cli_input_json(shell, avp, store, tmp_path):
    (tmp_path / "template.cedar").write_text(photos.TEMPLATE)
    template = shell.json(
        f'{AVP} create-policy-template --policy-store-id "$STORE"'
        f' --statement "file://$FOLDER/template.cedar" --name name/views',
        STORE=store,
        FOLDER=str(tmp_path),
    )
    linked = {
        "policyTemplateId": "name/views",
        "principal": photos.user("bob"),
        "resource": photos.photo("beach"),
    }
    arguments = {"policyStoreId": store, "definition": {"templateLinked": linked}}
    (tmp_path / "input.json").write_text(json.dumps(arguments))
    policy = shell.json(
        f'{AVP} create-policy --cli-input-json "file://$FOLDER/input.json"', FOLDER=str(tmp_path)
    )
    assert policy["policyType"] == "TEMPLATE_LINKED"
    found = avp.get_policy(policyStoreId=store, policyId=policy["policyId"])
    assert found["definition"]["templateLinked"]["policyTemplateId"] == template["policyTemplateId"]


def test_the_cli_pages_through_lists(shell, avp, store):
    ids = [photos.create_static(avp, store) for _ in range(23)]
    script = f'{AVP} list-policies --policy-store-id "$STORE" --query "policies[].policyId"'
    assert shell.json(script, STORE=store) == ids
    assert shell.json(f"{script} --max-items 12", STORE=store) == ids[:12]
    assert shell.json(f"{script} --page-size 4", STORE=store) == ids


def test_newer_operations_are_known(shell, avp, store):
    policy = photos.create_static(avp, store)
    alias = f"policy-store-alias/{uuid.uuid4()}"
    batch = shell.json(
        f'{AVP} create-policy-store-alias --policy-store-id "$STORE" --alias-name "$ALIAS" >&2\n'
        f"{AVP} batch-get-policy"
        ' --requests "policyStoreId=$ALIAS,policyId=$POLICY" "policyStoreId=$STORE,policyId=x"\n'
        f'{AVP} delete-policy-store-alias --alias-name "$ALIAS" --deletion-mode HardDelete',
        STORE=store,
        ALIAS=alias,
        POLICY=policy,
    )
    assert [found["policyId"] for found in batch["results"]] == [policy]
    assert [error["code"] for error in batch["errors"]] == ["POLICY_NOT_FOUND"]
    avp.create_policy_store_alias(aliasName=alias, policyStoreId=store)


@pytest.mark.parametrize(
    ("script", "code", "operation"),
    [
        ("get-policy-store --policy-store-id unknown", "ResourceNotFoundException", "GetPolicyStore"),
        (
            "create-policy-store --validation-settings mode=OFF --description "
            + "x" * 151,
            "ValidationException",
            "CreatePolicyStore",
        ),
        (
            "get-identity-source --policy-store-id a --identity-source-id b",
            "ResourceNotFoundException",
            "GetIdentitySource",
        ),
    ],
)
def test_errors_name_their_code_and_operation(shell, script, code, operation):
    error = shell.error(f"{AVP} {script}")
    assert f"An error occurred ({code}) when calling the {operation} operation: " in error


def test_a_schema_error_shows_the_fields(shell, store):
    error = shell.error(
        f'{AVP} put-schema --policy-store-id "$STORE" --definition cedarJson=nonsense', STORE=store
    )
    assert "(ValidationException)" in error and "Invalid input" in error


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("export AWS_SECRET_ACCESS_KEY=wrong", "InvalidSignatureException"),
        ("export AWS_ACCESS_KEY_ID=AKIAUNKNOWN000000000", "UnrecognizedClientException"),
        ("export AWS_SESSION_TOKEN=token", "UnrecognizedClientException"),
    ],
)
def test_bad_credentials_are_refused(shell, change, code):
    assert f"({code})" in shell.error(f"{change}\n{AVP} list-policy-stores")


ELSEWHERE = f"""
export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1
{AVP} list-policy-stores --query 'policyStores[].policyStoreId'
"""


def test_another_region_is_another_world(shell, store):
    assert store in shell.json(ELSEWHERE.replace("eu-west-1", "us-east-1"))
    assert store not in (shell.json(ELSEWHERE) or [])


def test_a_region_that_is_not_served_is_refused(tmp_path, keys):
    options = ["--regions", "us-east-1 us-west-2"]
    with Server(tmp_path / "data", Account.of(keys[0]), options=options) as server:
        shell = Shell(server, tmp_path)
        assert shell.json(ELSEWHERE.replace("eu-west-1", "us-west-2")) == []
        assert "(InvalidSignatureException)" in shell.error(ELSEWHERE)


def test_an_unsigned_request_is_refused(shell):
    error = shell.error(f"{AVP} list-policy-stores --no-sign-request")
    assert "(MissingAuthenticationTokenException)" in error


def test_env_names_a_user_of_another_account(shell, store, keys):
    other = shell.of(f"--account {keys[1].account}")
    error = other.error(f'{AVP} get-policy-store --policy-store-id "$STORE"', STORE=store)
    assert "(ResourceNotFoundException)" in error
