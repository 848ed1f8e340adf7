"""`treeline iam simulate`: a line of JSON in, a line of answer out; for tests of policies in CI."""

import json
import subprocess

import pytest
from accounts import allow, deny, document, statement
from expect_dsql import forbidden, not_allowed
from treeline import TREELINE
from world import cluster_arn, user

GET, ARN, DEV = "dsql:GetCluster", cluster_arn("a" * 26), user("dev")


def simulate(*lines, terse=False):
    """The lines of the answer; the command itself must succeed."""
    done = subprocess.run(
        [TREELINE, "iam", "simulate", *(["--terse"] if terse else [])],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def question(**members):
    asked = {"principal": DEV, "action": GET, "resource": ARN} | members
    return json.dumps(asked)


ALLOWED = question(identityPolicies=[allow("dsql:*")])
IMPLICIT = question(identityPolicies=[allow("s3:*")])
EXPLICIT = question(
    identityPolicies=[allow("dsql:*")],
    resourcePolicy=deny("dsql:Get*", Principal="*", Sid="Closed"),
)


def test_one_word_for_each_question_in_order():
    asked = [ALLOWED, EXPLICIT, IMPLICIT] * 50
    assert simulate(*asked, terse=True) == ["Allow", "ExplicitDeny", "ImplicitDeny"] * 50


def test_the_whole_answer():
    answers = [json.loads(line) for line in simulate(ALLOWED, EXPLICIT, IMPLICIT)]
    assert [answer["decision"] for answer in answers] == ["Allow", "ExplicitDeny", "ImplicitDeny"]
    assert answers[1]["reason"] == forbidden(DEV, GET, ARN)
    assert answers[2]["reason"] == not_allowed(DEV, GET, ARN)
    assert answers[0]["statement"]["policyType"] == "identity"
    decided = answers[1]["statement"]
    found = decided["policyType"], decided["index"], decided["sid"]
    assert found == ("resource", 0, "Closed")
    assert answers[2]["statement"] is None


def test_a_bad_line_is_told_with_its_number_and_the_rest_goes_on():
    lines = [ALLOWED, "{", "", question(colour="blue"), EXPLICIT, question(resource=None)]
    terse = simulate(*lines, terse=True)
    assert [line.split(":")[0] for line in terse] == [
        "Allow",
        "Error line 2",
        "Error line 4",
        "ExplicitDeny",
        "Error line 6",
    ]
    assert "colour" in terse[2] and "resource" in terse[4]
    full = [json.loads(line) for line in simulate(*lines)]
    assert [answer.get("line") for answer in full] == [None, 2, 4, None, 6]
    assert all(answer.keys() == {"error", "line"} for answer in full if "line" in answer)
    assert simulate() == []


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"identityPolicies": [document(statement("Maybe", "*"))]}, "identityPolicies[0]"),
        ({"identityPolicies": [allow("*", Principal="*")]}, "identityPolicies[0]"),
        ({"resourcePolicy": deny("dsql:*")}, "resourcePolicy"),
        ({"principal": "dev"}, "principal"),
        ({"action": "GetCluster"}, "action"),
        ({"context": {"aws:SourceIp": {}}}, "context.aws:SourceIp"),
    ],
)
def test_the_fault_of_a_question_is_named(members, place):
    (line,) = simulate(question(**members), terse=True)
    assert line.startswith(f"Error line 1: {place}"), line


@pytest.mark.parametrize(
    ("members", "word"),
    [
        (
            {"identityPolicies": [allow("*")], "permissionBoundaries": [allow("s3:*")]},
            "ImplicitDeny",
        ),
        ({"identityPolicies": [allow("*")], "sessionPolicy": allow("dsql:*")}, "Allow"),
        ({"resourcePolicy": allow("dsql:*", Principal={"AWS": DEV})}, "Allow"),
        ({"resourcePolicy": allow("dsql:*", Principal={"AWS": user("app")})}, "ImplicitDeny"),
        (
            {
                "principal": user("eve", "444455556666"),
                "identityPolicies": [allow("*")],
                "resourcePolicy": allow("dsql:*", Principal={"AWS": user("eve", "444455556666")}),
            },
            "ImplicitDeny",
        ),
        (
            {
                "identityPolicies": [
                    allow("dsql:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
                ],
                "context": {"aws:SourceIp": "10.1.2.3"},
            },
            "Allow",
        ),
        (
            {
                "identityPolicies": [json.dumps(allow("dsql:*"))],
                "context": {"aws:TagKeys": ["a", "b"]},
            },
            "Allow",
        ),
    ],
)
def test_every_kind_of_policy_counts(members, word):
    assert simulate(question(**members), terse=True) == [word]


def test_whoever_asks_one_question_at_a_time_gets_its_answer_at_once():
    process = subprocess.Popen(
        [TREELINE, "iam", "simulate", "--terse"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        for asked, word in [(ALLOWED, "Allow"), (IMPLICIT, "ImplicitDeny")] * 3:
            process.stdin.write(asked + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{word}\n"
        process.stdin.close()
        assert process.wait(timeout=10) == 0
