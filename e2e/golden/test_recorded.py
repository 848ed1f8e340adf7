"""The statements that were sent to a real cluster, and its answers: see the README beside it."""

import json
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo
from replay import Replay, differences

RECORD = json.loads((Path(__file__).parent / "recorded.json").read_text())
CASES = RECORD["cases"]


class Run:
    """All cases so far, in their order."""

    def __init__(self, conninfo):
        self.session = Replay(conninfo)
        self.done = 0
        self.errors = self.same = 0
        for sql in RECORD["setup"]:
            self.send(sql)
        for sql in RECORD["verify"]:
            answer = self.send(sql)
            assert "sqlstate" not in answer, (sql, answer)

    def send(self, sql):
        return self.session.send(sql, "simple")

    def case(self, number):
        """What is different in a case, after those before it."""
        while self.done < number:
            self.one(CASES[self.done])
        return self.one(CASES[number])

    def one(self, case):
        self.done += 1
        found = []
        for step in case["steps"]:
            answer = self.session.send(step["sql"], case["protocol"])
            found += differences(step["expect"], answer, step.get("ignore", ()))
            self.count(step["expect"], answer)
        self.send("ROLLBACK")
        return found

    def count(self, expected, answer):
        if "sqlstate" in expected and expected["sqlstate"] == answer.get("sqlstate"):
            self.errors += 1
            self.same += expected["message"] == answer["message"]


@pytest.fixture(scope="module")
def run(database):
    cluster = database.cluster(database.dsql(database.admin))
    run = Run(make_conninfo(**database.parameters(cluster)))
    yield run
    run.session.close()


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_recorded(run, number):
    assert run.case(number) == []


def test_nothing_is_left(run, record_property):
    """Once all is dropped; a table that another one references goes in the second round."""
    for sql in RECORD["cleanup"] * 2:
        run.send(sql)
    answer = run.send("SELECT relname FROM pg_class WHERE relname LIKE 'baseline%'")
    assert answer["results"][0]["rows"] == []
    figures = f"golden: the message is the same in {run.same} of {run.errors} errors"
    record_property("figures", figures)
