"""`aws dsql` and `aws sts` in a shell that `treeline env` has set up."""

import json

import pytest
from accounts import deny
from expect_dsql import forbidden, not_allowed
from shell import Shell
from world import ACCOUNT, cluster_arn, user

POLICY = deny("dsql:DbConnect", Principal="*", Condition={"Null": {"aws:SourceVpc": "true"}})


@pytest.fixture(scope="module")
def cli(world, tmp_path_factory):
    return Shell(world, tmp_path_factory.mktemp("home"))


def as_user(cli, name):
    """The same shell with the key of another user."""
    return cli.of(f"--user {name}")


def test_the_life_of_a_cluster(cli):
    created = cli.json("aws dsql create-cluster --tags Name=orders,team=blue")
    cluster, arn = created["identifier"], created["arn"]
    assert arn == cluster_arn(cluster)
    assert (created["status"], created["deletionProtectionEnabled"]) == ("CREATING", True)
    variables = {"CLUSTER": cluster, "ARN": arn, "POLICY": json.dumps(POLICY)}

    def run(script):
        return cli.json(f"aws dsql {script}", **variables)

    named = '--identifier "$CLUSTER"'
    assert run(f"wait cluster-active {named}") is None
    assert run(f"get-cluster {named}")["status"] == "ACTIVE"
    assert run(f"get-cluster {named} --query tags") == {"Name": "orders", "team": "blue"}
    assert arn in run("list-clusters --query 'clusters[].arn'")
    assert run('tag-resource --resource-arn "$ARN" --tags team=red,stage=test') is None
    assert run('untag-resource --resource-arn "$ARN" --tag-keys Name team') is None
    tags = run('list-tags-for-resource --resource-arn "$ARN"')
    assert tags == {"tags": {"stage": "test"}}

    put = run(f'put-cluster-policy {named} --policy "$POLICY"')
    found = run(f"get-cluster-policy {named}")
    assert found == {"policy": variables["POLICY"]} | put
    error = cli.error(
        f'aws dsql put-cluster-policy {named} --policy "$POLICY" --expected-policy-version 17',
        **variables,
    )
    start = "An error occurred (ConflictException) when calling the PutClusterPolicy operation: "
    assert start in error
    assert run(f"delete-cluster-policy {named} --expected-policy-version 1") == put
    error = cli.error(f"aws dsql get-cluster-policy {named}", **variables)
    assert "(ResourceNotFoundException)" in error

    error = cli.error(f"aws dsql delete-cluster {named}", **variables)
    assert "(ValidationException)" in error and "deletion protection" in error
    run(f"update-cluster {named} --no-deletion-protection-enabled")
    assert run(f"delete-cluster {named}")["status"] == "DELETING"
    assert run(f"wait cluster-not-exists {named}") is None
    assert "(ResourceNotFoundException)" in cli.error(f"aws dsql get-cluster {named}", **variables)


def test_the_cli_pages_through_clusters(cli):
    made = {cli.json("aws dsql create-cluster")["identifier"] for _ in range(2)}
    listed = cli.json("aws dsql list-clusters --page-size 1 --query 'clusters[].identifier'")
    assert made <= set(listed)


def test_a_pair_in_two_regions(cli):
    script = """
    A=$(aws dsql create-cluster --region us-east-1 \\
        --multi-region-properties witnessRegion=us-west-2 --query arn --output text)
    B=$(aws dsql create-cluster --region us-east-2 \\
        --multi-region-properties "witnessRegion=us-west-2,clusters=$A" --query arn --output text)
    aws dsql update-cluster --region us-east-1 --identifier "${A##*/}" \\
        --multi-region-properties "witnessRegion=us-west-2,clusters=$B" >&2
    aws dsql wait cluster-active --region us-east-1 --identifier "${A##*/}"
    aws dsql wait cluster-active --region us-east-2 --identifier "${B##*/}"
    aws dsql get-cluster --region us-east-2 --identifier "${B##*/}" --query status
    """
    assert cli.json(script) == "ACTIVE"


def test_refusals_are_told_in_the_words_of_aws(cli):
    cluster = cli.json("aws dsql create-cluster")["identifier"]
    get = 'aws dsql get-cluster --identifier "$CLUSTER"'
    start = "An error occurred (AccessDeniedException) when calling the GetCluster operation: "
    error = as_user(cli, "nobody").error(get, CLUSTER=cluster)
    question = user("nobody"), "dsql:GetCluster", cluster_arn(cluster)
    assert start + not_allowed(*question) in error
    policy = deny("dsql:GetCluster", Principal={"AWS": user("reader")})
    put = 'aws dsql put-cluster-policy --identifier "$CLUSTER" --policy "$POLICY"'
    cli.json(put, CLUSTER=cluster, POLICY=json.dumps(policy))
    error = as_user(cli, "reader").error(get, CLUSTER=cluster)
    question = user("reader"), "dsql:GetCluster", cluster_arn(cluster)
    assert start + forbidden(*question) in error


def test_who_one_is(cli):
    found = cli.json("aws sts get-caller-identity")
    assert found.keys() == {"UserId", "Account", "Arn"}
    assert (found["Account"], found["Arn"]) == (ACCOUNT, user("admin"))
    found = as_user(cli, "dev").json("aws sts get-caller-identity")
    assert found["Arn"] == user("dev")


def test_a_session_in_the_shell(cli, world):
    script = """
    SESSION=$(aws sts assume-role --role-arn "$ROLE" --role-session-name ann --output text \\
        --query "Credentials.[AccessKeyId, SecretAccessKey, SessionToken]")
    read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<< "$SESSION"
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    aws dsql list-clusters >&2
    aws sts get-caller-identity --query Arn
    """
    found = as_user(cli, "dev").json(script, ROLE=world.app)
    assert found == f"arn:aws:sts::{ACCOUNT}:assumed-role/app/ann"
    error = as_user(cli, "nobody").error(script, ROLE=world.app)
    assert "(AccessDenied) when calling the AssumeRole operation: " in error


def test_a_role_of_the_profile(cli, world, tmp_path):
    """The CLI assumes the role itself, as every SDK does."""
    config = tmp_path / "config"
    config.write_text(
        "[profile app]\nregion = us-east-1\ncredential_source = Environment\n"
        f"role_arn = {world.app}\nrole_session_name = from-profile\n"
    )
    found = as_user(cli, "dev").json(
        "aws sts get-caller-identity --profile app --query Arn", AWS_CONFIG_FILE=str(config)
    )
    assert found == f"arn:aws:sts::{ACCOUNT}:assumed-role/app/from-profile"
