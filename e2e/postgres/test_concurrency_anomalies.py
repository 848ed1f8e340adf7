"""The anomalies of docs/concurrency.md: each row of its table names a case here.

The cases are those of Hermitage, on rows 1 and 2 with the values 10 and 20."""

import re

import pytest
from interleaving import play
from page import DOCS

SET_UP = """
0 DELETE FROM test
0 INSERT INTO test VALUES (1, 10), (2, 20)
1 begin / 2 begin / 3 begin
"""
WORDS = {
    r"set (\d+) = (\d+)": r"UPDATE test SET value = \2 WHERE id = \1",
    r"get (\d+)": r"SELECT value FROM test WHERE id = \1",
    r"get all": "SELECT id, value FROM test ORDER BY id",
    r"find (.+?)(?= =>|$)": r"SELECT id, value FROM test WHERE \1 ORDER BY id",
}
ANOMALIES = {
    "dirty write": """
        1 set 1 = 11 => UPDATE 1 / 2 set 1 = 12 => UPDATE 1 / 1 set 2 = 21 => UPDATE 1
        1 commit => COMMIT / 0 get all => 1|11 2|21 / 2 set 2 = 22 => UPDATE 1
        2 commit => OC000 / 0 get all => 1|11 2|21""",
    "aborted read": """
        1 set 1 = 101 / 2 get 1 => 10 / 1 rollback / 2 get 1 => 10 / 2 commit => COMMIT""",
    "intermediate read": """
        1 set 1 = 101 / 2 get 1 => 10 / 1 set 1 = 11 / 1 commit => COMMIT / 2 get 1 => 10
        2 commit => COMMIT""",
    "circular information flow": """
        1 set 1 = 11 / 2 set 2 = 22 / 1 get 2 => 20 / 2 get 1 => 10 / 1 commit => COMMIT
        2 commit => COMMIT""",
    "observed transaction vanishes": """
        1 set 1 = 11 / 1 set 2 = 19 / 2 set 1 = 12 => UPDATE 1 / 1 commit => COMMIT
        3 get 1 => 11 / 2 set 2 = 18 => UPDATE 1 / 3 get 2 => 19 / 2 commit => OC000
        3 get 2 => 19 / 3 get 1 => 11 / 3 commit => COMMIT""",
    "phantom": """
        1 find value = 30 => nothing / 2 INSERT INTO test VALUES (3, 30) / 2 commit => COMMIT
        1 find value % 3 = 0 => nothing / 1 commit => COMMIT""",
    "phantom in a write": """
        1 UPDATE test SET value = value + 10 => UPDATE 2 / 2 get all => 1|10 2|20
        2 DELETE FROM test WHERE value = 20 => DELETE 1 / 1 commit => COMMIT
        2 get all => 1|10 / 2 commit => OC000 / 0 get all => 1|20 2|30""",
    "lost update": """
        1 get 1 => 10 / 2 get 1 => 10 / 1 set 1 = 11 => UPDATE 1 / 2 set 1 = 11 => UPDATE 1
        1 commit => COMMIT / 2 commit => OC000""",
    "lost update, second writer commits first": """
        1 get 1 => 10 / 2 get 1 => 10 / 1 set 1 = 11 => UPDATE 1 / 2 set 1 = 12 => UPDATE 1
        2 commit => COMMIT / 1 commit => OC000 / 0 get 1 => 12""",
    "read skew": """
        1 get 1 => 10 / 2 set 1 = 12 / 2 set 2 = 18 / 2 commit => COMMIT / 1 get 2 => 20
        1 commit => COMMIT""",
    "read skew of a condition": """
        1 find value % 5 = 0 => 1|10 2|20 / 2 UPDATE test SET value = 12 WHERE value = 10
        2 commit => COMMIT / 1 find value % 3 = 0 => nothing / 1 commit => COMMIT""",
    "read skew before a write": """
        1 get 1 => 10 / 2 set 1 = 12 / 2 set 2 = 18 / 2 commit => COMMIT
        1 DELETE FROM test WHERE value = 20 => DELETE 1 / 1 commit => OC000
        0 get all => 1|12 2|18""",
    "write skew": """
        1 get all => 1|10 2|20 / 2 get all => 1|10 2|20 / 1 set 1 = 11 / 2 set 2 = 21
        1 commit => COMMIT / 2 commit => COMMIT / 0 get all => 1|11 2|21""",
    "write skew with FOR UPDATE": """
        1 SELECT id, value FROM test ORDER BY id FOR UPDATE => 1|10 2|20
        2 SELECT id, value FROM test ORDER BY id FOR UPDATE => 1|10 2|20
        1 set 1 = 11 / 2 set 2 = 21 / 1 commit => COMMIT / 2 commit => OC000
        0 get all => 1|11 2|20""",
    "write skew of a condition": """
        1 find value % 3 = 0 => nothing / 2 find value % 3 = 0 => nothing
        1 INSERT INTO test VALUES (3, 30) / 2 INSERT INTO test VALUES (4, 42)
        1 commit => COMMIT / 2 commit => COMMIT""",
    "read-only anomaly": """
        1 get all => 1|10 2|20 / 2 set 2 = 25 / 2 commit => COMMIT / 3 get all => 1|10 2|25
        3 commit => COMMIT / 1 set 1 = 0 / 1 commit => COMMIT / 0 get all => 1|0 2|25""",
    "deadlock": """
        1 set 1 = 11 / 2 set 2 = 22 / 1 set 2 = 21 => UPDATE 1 / 2 set 1 = 12 => UPDATE 1
        2 commit => COMMIT / 1 commit => OC000 / 0 get all => 1|12 2|22""",
    "equal keys": """
        1 INSERT INTO test VALUES (3, 1) => INSERT 0 1 / 2 INSERT INTO test VALUES (3, 2)
        2 get 3 => 2 / 2 commit => COMMIT / 1 get 3 => 1 / 1 commit => OC000 / 0 get 3 => 2""",
}
ROW = re.compile(r"^\|(.+)\| `test_anomaly\[(.+?)\]` \|$", re.M)


@pytest.fixture(scope="module")
def hermitage(arena):
    (answer,) = arena.party(0)("CREATE TABLE test (id int PRIMARY KEY, value int)")
    assert not answer.error, answer


@pytest.mark.parametrize("name", ANOMALIES)
def test_anomaly(hermitage, parties, name):
    script = ANOMALIES[name]
    for word, sql in WORDS.items():
        script = re.sub(rf"(?<=\d ){word}(?= /| =>|$)", sql, script, flags=re.M)
    play(parties, SET_UP + script)


def test_every_row_of_the_page_has_a_test():
    rows = ROW.findall((DOCS / "concurrency.md").read_text())
    assert [name for _, name in rows] == list(ANOMALIES)
