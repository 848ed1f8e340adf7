"""The README's first success, copied from the README."""

import json
import re
import shutil
from pathlib import Path

import pytest
from shell import Shell

README = Path(__file__).parents[2] / "README.md"


def block(language, containing):
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.S | re.M)
    (found,) = [block for block in blocks if containing in block]
    return found


def test_the_steps_for_the_aws_cli_answer_as_the_readme_says(shell):
    steps = block("sh", "create-policy-store")
    for principal, decision in [("ann", "ALLOW"), ("bob", "DENY")]:
        asked = steps.replace(
            "--principal entityType=Notes::User,entityId=ann",
            f"--principal entityType=Notes::User,entityId={principal}",
        )
        code, out, err = shell(asked)
        assert code == 0, err
        answer = json.loads(out[out.rindex("\n{") :])
        assert answer["decision"] == decision
        assert len(answer["determiningPolicies"]) == (decision == "ALLOW")


def test_the_steps_for_boto3_answer_as_the_readme_says(shell, tmp_path):
    script = tmp_path / "first.py"
    script.write_text(block("python", "import boto3"))
    assert shell(f"python3 {script}") == (0, "ALLOW\n", "")


def test_the_steps_for_a_cluster_answer_as_the_readme_says(database, tmp_path):
    if not shutil.which("psql"):
        pytest.skip("there is no psql")
    code, out, err = Shell(database, tmp_path)(block("sh", "create-cluster"))
    assert (code, err) == (1, "ERROR:  unsupported statement: Truncate\n")
    found = [line.strip() for line in out.splitlines()]
    assert found == ["CREATE TABLE", "body", "-----------", "groceries", "(1 row)", "", "INSERT 0 1"]
