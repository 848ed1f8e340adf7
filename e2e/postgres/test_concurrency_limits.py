"""The limits of a transaction hold for one that has met another as well."""

import time

import pytest
from database import Database
from interleaving import Party, play

ROWS = "54000"
# 600 KB that do not compress, by row.
BIG = "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 18750))"
CTE = (
    "WITH a AS (INSERT INTO keyless SELECT g FROM generate_series(1, 2000) g RETURNING v)"
    " INSERT INTO pair (a, b) SELECT v, 9 FROM a"
)

MEET = {
    "has made way": "1 begin / 2 begin / 1 add 1 / 2 add 1 / 2 rollback",
    "came second": "1 begin / 2 begin / 2 add 1 / 1 add 1 / 2 rollback",
    "has not met anybody": "1 begin / 1 add 1",
}
LIMITS = {
    "3,000 rows": """
        1 INSERT INTO keyless SELECT g FROM generate_series(1, 2998) g => INSERT 0 2998
        1 add 2 => UPDATE 1 / 1 commit => COMMIT""",
    "a row too many": f"""
        1 INSERT INTO keyless SELECT g FROM generate_series(1, 2999) g => INSERT 0 2999
        1 add 2 => {ROWS} / 1 add 3 => 25P02 / 1 commit => ROLLBACK / 0 read 1 => 100""",
    "rows that came and went count": f"""
        1 INSERT INTO keyless SELECT g + 10 FROM generate_series(1, 1500) g => INSERT 0 1500
        1 DELETE FROM keyless WHERE v > 10 => {ROWS} / 1 rollback""",
    "rows of cascades count": f"""
        0 INSERT INTO leaf SELECT g + 100, 9 FROM generate_series(1, 2999) g => INSERT 0 2999
        1 orphan 9 => {ROWS} / 1 rollback""",
    "rows of CTEs count": f"""
        1 {CTE} => {ROWS} / 1 rollback""",
    "rows that are locked do not count": """
        0 INSERT INTO pair (a, b) SELECT 5, g FROM generate_series(1, 2900) g
        0 INSERT INTO pair (a, b) SELECT 6, g FROM generate_series(1, 900) g
        1 SELECT count(*) FROM (SELECT a FROM pair FOR UPDATE) s => 3802
        1 INSERT INTO keyless SELECT g FROM generate_series(1, 2999) g => INSERT 0 2999
        1 commit => COMMIT""",
    "10 MiB": f"""
        1 INSERT INTO long SELECT g, {BIG} FROM generate_series(1, 15) g => INSERT 0 15
        1 INSERT INTO long SELECT g, {BIG} FROM generate_series(16, 20) g => INSERT 0 5
        1 SELECT count(*) FROM long => 20
        1 commit => 54000 / 1 ? => idle / 0 SELECT count(*) FROM long => 0""",
    "less than 10 MiB": f"""
        1 INSERT INTO long SELECT g, {BIG} FROM generate_series(1, 15) g => INSERT 0 15
        1 commit => COMMIT / 0 SELECT count(*) FROM long => 15 / 0 DELETE FROM long => DELETE 15""",
}


@pytest.fixture(scope="module", autouse=True)
def long(arena):
    (answer,) = arena.party(0)("CREATE TABLE long (id int PRIMARY KEY, v text)")
    assert not answer.error, answer


# What has to be there before the transactions begin stands first.
@pytest.mark.parametrize("meet", MEET.values(), ids=MEET)
@pytest.mark.parametrize("script", LIMITS.values(), ids=LIMITS)
def test_limits(parties, meet, script):
    lines = [line.strip() for line in script.strip().splitlines()]
    first = []
    while lines[0].startswith("0 INSERT"):
        first.append(lines.pop(0))
    play(parties, "\n".join([*first, meet, *lines]))


def test_the_age():
    """It is looked at when something is asked, also of a transaction that has met another."""
    with Database(["--dsql-transaction-seconds=1"]) as place:
        cluster = place.cluster(place.dsql(place.admin))
        parties = {number: Party(place.connect(cluster)) for number in range(4)}
        play(
            parties,
            """0 CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)
            0 INSERT INTO t VALUES (1, 100), (2, 100)
            1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 3 lock 1""",
        )
        time.sleep(1.2)
        play(
            parties,
            """1 read 1 => 54000 / 1 read 1 => 25P02 / 1 commit => ROLLBACK
            2 commit => 54000 / 2 ? => idle / 3 commit => 54000
            1 begin / 1 add 1 => UPDATE 1 / 1 commit => COMMIT / 0 read 1 => 101""",
        )
