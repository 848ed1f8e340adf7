"""Statements of a transaction that cannot commit, or had to make way, answer as they would have.

Every script runs by itself first; then again where another transaction writes row 1 of `t` as well.
What is answered must be the same to the letter, and so must be what is there after COMMIT."""

from dataclasses import dataclass, replace

import pytest
from interleaving import statement, steps

# The transaction's own write, over which it meets the other one.
OWN = "UPDATE t SET v = v + 1 WHERE id = 1"
FAILS = "UPDATE t SET v = CASE id WHEN 1 THEN 5 ELSE 1/(id - 2) END WHERE id IN (1, 2)"


@dataclass(frozen=True)
class Meeting:
    """What another does before and after the own write, and after the script; who wins."""

    before: str = ""
    after: str = ""
    end: str = ""
    wins: bool = True


MEETINGS = {
    "the other has committed": Meeting(before="1 all / 2 add 1", wins=False),
    "the other commits first": Meeting(before="2 begin / 2 add 1", end="2 commit", wins=False),
    "the other rolls back": Meeting(before="2 begin / 2 add 1", end="2 rollback"),
    "the other rolls back before": Meeting(before="2 begin / 2 add 1", after="2 rollback"),
    "the other displaces": Meeting(after="2 add 1", wins=False),
    "the other displaces and fails": Meeting(after=f"2 {FAILS} => 22012"),
    "the other writes later": Meeting(after="2 begin / 2 add 1", end="2 rollback"),
}

SCRIPTS = {
    "tags": "add 2 / drop 3 / put 10 / add 50 / drop 50",
    "own writes": "add 2 / read 2 / all / drop 2 / read 2 / put 2 / read 2 / all",
    "returning": """
        UPDATE t SET v = v * 2 WHERE id < 4 RETURNING id, v, u
        INSERT INTO t VALUES (20, 1, 'x'), (21, 2, NULL) RETURNING *, v + 1 AS next
        DELETE FROM t WHERE id IN (1, 20) RETURNING t.*
        UPDATE t AS a SET v = 0 WHERE a.id = 4 RETURNING a.id""",
    "on conflict do nothing": """
        INSERT INTO t VALUES (1, 5, 'a'), (2, 5, 'b'), (30, 5, 'c') ON CONFLICT DO NOTHING
        INSERT INTO t VALUES (1, 5, 'a') ON CONFLICT (id) DO NOTHING RETURNING id
        INSERT INTO t VALUES (31, 5, 'u1') ON CONFLICT (u) DO NOTHING
        INSERT INTO t VALUES (32, 5, 'u32'), (32, 6, 'u33') ON CONFLICT DO NOTHING
        all""",
    "on conflict do update": """
        INSERT INTO t AS o VALUES (1, 5, 'a'), (40, 6, 'b') ON CONFLICT (id)
        -> DO UPDATE SET v = o.v + excluded.v RETURNING *
        INSERT INTO t VALUES (41, 7, 'u2') ON CONFLICT (u) DO UPDATE SET v = excluded.v
        INSERT INTO t VALUES (2, 8, 'z') ON CONFLICT (id) DO UPDATE SET v = 9 WHERE t.v > 1000
        INSERT INTO t VALUES (40, 1, 'c') ON CONFLICT (id) DO UPDATE SET u = excluded.u
        SELECT * FROM t ORDER BY id""",
    "on conflict of a row that was deleted before": """
        drop 1
        INSERT INTO t VALUES (1, 5, 'a') ON CONFLICT (id) DO UPDATE SET v = 0 RETURNING v
        INSERT INTO t VALUES (1, 6, 'b') ON CONFLICT (id) DO UPDATE SET v = 0 RETURNING v""",
    "insert select": """
        INSERT INTO t SELECT id + 100, v, NULL FROM t WHERE id < 4 RETURNING id, v
        INSERT INTO other.t SELECT id, v FROM t WHERE id > 100
        SELECT id, v FROM other.t ORDER BY id
        INSERT INTO t TABLE other.t ON CONFLICT DO NOTHING""",
    "update from and delete using": """
        UPDATE t SET v = o.v FROM other.t o WHERE o.id = t.id RETURNING t.id, t.v
        DELETE FROM t USING parent p WHERE p.id = t.id AND p.code > 70 RETURNING t.id, p.code
        UPDATE t SET v = (SELECT max(v) FROM t) WHERE id = 3 RETURNING v""",
    "data-modifying CTEs": """
        WITH gone AS (DELETE FROM t WHERE id IN (1, 2) RETURNING *)
        -> INSERT INTO t SELECT id + 50, v, u || 'x' FROM gone RETURNING id, v
        WITH a AS (UPDATE t SET v = 1 WHERE id = 3 RETURNING v), b AS (INSERT INTO keyless
        -> VALUES (9) RETURNING v) SELECT a.v, b.v, (SELECT v FROM t WHERE id = 3) FROM a, b
        WITH x AS (SELECT * FROM t WHERE id = 4 FOR UPDATE) UPDATE t SET v = 7 FROM x
        -> WHERE t.id = x.id RETURNING t.v
        all""",
    "queries": """
        SELECT count(*), sum(v), min(u) FROM t
        SELECT a.id, b.v FROM t a JOIN t b ON b.id = a.id + 1 WHERE a.id < 3 ORDER BY 1
        SELECT id, rank() OVER (ORDER BY v DESC, id) FROM t ORDER BY 1 LIMIT 3
        WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3)
        -> SELECT n, v FROM r JOIN t ON id = n ORDER BY n
        SELECT v FROM t WHERE id = 1 UNION ALL SELECT v FROM other.t WHERE id = 1 ORDER BY 1
        SELECT EXISTS (SELECT FROM t WHERE v = 101), (SELECT t.v FROM t WHERE t.id = 1)
        SELECT t.* FROM t WHERE t.id = 1
        TABLE other.t ORDER BY id
        VALUES (1, 'a')
        SELECT plus(v) FROM t WHERE id = 1""",
    "names with a schema": """
        UPDATE public.t SET v = 3 WHERE public.t.id = 1 RETURNING v
        SELECT public.t.v FROM public.t WHERE id = 1
        UPDATE other.t SET v = 4 WHERE id = 1
        SELECT t.v, o.v FROM public.t JOIN other.t o USING (id) ORDER BY 1, 2
        DELETE FROM public.t WHERE id = 2
        INSERT INTO public.t VALUES (2, 8, 'again')
        SELECT * FROM public.t ORDER BY id
        SELECT public.plus(1)""",
    "quoted names and remarks": """
        UPDATE "public"."t" SET "v" = 3 /* public.t */ WHERE "id" = 1 RETURNING "v"
        SELECT 'public.t' AS "t.v", v FROM public.t WHERE id = 1 -- t""",
    "views": """
        SELECT * FROM small ORDER BY id
        UPDATE small SET v = 55 WHERE id = 1 RETURNING *
        INSERT INTO small VALUES (99, 1)
        DELETE FROM small WHERE id = 3
        SELECT * FROM small ORDER BY id
        SELECT count(*) FROM public.small""",
    "identity and defaults": """
        INSERT INTO numbered (v) VALUES (1), (2) RETURNING v
        SELECT max(id) - min(id) FROM numbered
        INSERT INTO numbered VALUES (5, 5)
        """,
    "generated columns": """
        INSERT INTO pair (a, b) VALUES (2, 1) RETURNING *
        UPDATE pair SET v = 21 WHERE a = 1 RETURNING *
        INSERT INTO pair (a, b, v) VALUES (2, 2, DEFAULT) RETURNING v, twice
        UPDATE pair SET v = DEFAULT RETURNING a, b, twice
        SELECT * FROM pair ORDER BY a, b""",
    "a sequence": """
        SELECT nextval('counted') > 0
        SELECT currval('counted') > 0
        INSERT INTO keyless SELECT 5 WHERE nextval('counted') > 0""",
    "keys that change": """
        UPDATE t SET id = 70 WHERE id = 1 RETURNING id
        read 1
        INSERT INTO t VALUES (1, 1, 'fresh')
        UPDATE t SET id = id + 100 WHERE id IN (2, 3)
        UPDATE t SET u = 'swap' WHERE u = 'u4'
        UPDATE t SET u = 'u4' WHERE u = 'u5'
        SELECT * FROM t ORDER BY id""",
    "tables without a key": """
        UPDATE keyless SET v = v + 1
        INSERT INTO keyless VALUES (2)
        DELETE FROM keyless WHERE v = 3 RETURNING v
        SELECT v FROM keyless ORDER BY v""",
    "references": """
        INSERT INTO child VALUES (10, 1), (11, NULL) RETURNING id
        INSERT INTO parent VALUES (60) RETURNING *
        INSERT INTO child VALUES (12, 60)
        UPDATE child SET parent = 5 WHERE id = 10 RETURNING parent
        DELETE FROM parent WHERE id = 9
        DELETE FROM child WHERE id = 12
        DELETE FROM parent WHERE id = 60
        SELECT * FROM child ORDER BY id""",
    "cascades": """
        DELETE FROM parent WHERE id IN (2, 4)
        SELECT * FROM leaf
        SELECT * FROM loose
        UPDATE parent SET id = 33 WHERE id = 3
        SELECT * FROM leaf""",
    "locks": """
        lock 1
        SELECT id FROM t WHERE id IN (2, 3) ORDER BY id FOR UPDATE
        share 4
        SELECT id, v FROM small WHERE id = 1
        SELECT c.id FROM child c JOIN parent p ON p.id = c.parent FOR UPDATE OF p
        add 2
        lock 2
        lock 50""",
    "a key that is there": "put 2",
    "a key that is there, of another column": "INSERT INTO t VALUES (80, 1, 'u3')",
    "a key that was written before": "put 80 / put 80",
    "a key that an UPDATE makes": "UPDATE t SET u = 'u2' WHERE id = 3",
    "a missing parent": "INSERT INTO child VALUES (20, 99)",
    "a parent that was deleted before": "orphan 9 / INSERT INTO child VALUES (20, 9)",
    "a parent with children": "orphan 1",
    "a missing value": "UPDATE t SET v = NULL WHERE id = 2",
    "a check that fails": "UPDATE pair SET v = 13 WHERE a = 1 AND b = 1",
    "a generated value": "UPDATE pair SET twice = 1",
    "a division by zero": "UPDATE t SET v = 1/(v - v)",
    "a wrong name": "UPDATE t SET nonsense = 1",
    "a wrong table": "UPDATE nonsense SET v = 1",
    "a wrong text": "UPDATE t SET v = 'x' WHERE id = 1",
    "a syntax error": "UPDATE t SET",
    "what the dialect refuses": "TRUNCATE t",
    "DDL after DML": "CREATE TABLE late (id int)",
    "after an error": "put 2 / read 1 / add 1 / SELECT 1",
    "settings": """
        SET LOCAL timezone = 'Europe/Berlin'
        SHOW timezone
        SET application_name = 'mine'
        add 2
        SHOW application_name
        RESET timezone
        SHOW timezone""",
    "the catalog": """
        SELECT 't'::regclass, to_regclass('t'), to_regclass('nonsense')
        SELECT table_schema, table_type FROM information_schema.tables WHERE table_name = 'parent'
        SELECT column_name FROM information_schema.columns WHERE table_name = 'pair'
        -> ORDER BY ordinal_position
        SELECT pg_typeof(v) FROM t WHERE id = 1""",
    "times and transactions": """
        SELECT now() = transaction_timestamp(), now() <= clock_timestamp()""",
    "3,000 rows": """
        INSERT INTO keyless SELECT g FROM generate_series(1, 2999) g
        SELECT count(*) FROM keyless
        add 1""",
    "3,000 rows and one, at once": "INSERT INTO keyless SELECT g FROM generate_series(1, 3000) g",
    "3,000 rows that are exactly allowed": """
        INSERT INTO keyless SELECT g FROM generate_series(1, 1500) g
        UPDATE keyless SET v = 0 WHERE v > 1501 - 1500 + 0 AND false
        DELETE FROM keyless WHERE v > 2
        add 1
        SELECT count(*) FROM keyless""",
    "copy in": """
        COPY t FROM STDIN <<< 90\\t1\\ta\\n91\\t2\\t\\\\N\\n
        SELECT * FROM t WHERE id >= 90 ORDER BY id
        COPY public.keyless (v) FROM STDIN WITH (FORMAT csv) <<< 5\\n6\\n
        SELECT sum(v) FROM keyless""",
    "copy in of a key that is there": "COPY t FROM STDIN <<< 90\\t1\\ta\\n2\\t2\\tb\\n",
    "copy out": "COPY (SELECT id, v FROM t ORDER BY id) TO STDOUT",
    "explain": """
        EXPLAIN (COSTS OFF) SELECT 1
        EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT 1""",
    "NULL and long values": """
        INSERT INTO t VALUES (95, 1, NULL), (96, 1, NULL)
        INSERT INTO t VALUES (97, 1, repeat('ä🐘', 200)) RETURNING length(u)
        UPDATE t SET u = repeat('x', 300) || E'\\\\' || chr(10) || '"''' WHERE id = 95
        SELECT id, md5(u) FROM t WHERE id >= 95 ORDER BY id""",
    "a long chain": "add 1 / drop 1 / put 1 / add 1 / drop 1 / put 1 / add 1 / read 1",
}
# What cannot be answered truthfully there is a conflict at once, as COMPAT.md says.
UNTRUTHFUL = {
    "system columns": "UPDATE t SET v = 0 WHERE id = 2 RETURNING tableoid::regclass, id",
    "another path": "SET LOCAL search_path = other, public",
    "identity that is overridden": "INSERT INTO numbered OVERRIDING SYSTEM VALUE VALUES (-5, 5)",
    "the path": "SHOW search_path",
    "the path as a value": "SELECT current_setting('search_path')",
    "the schemas of the path": "SELECT current_schemas(false)",
    "the first schema of the path": "SELECT current_schema()",
    "a table as a whole": "COPY t TO STDOUT",
    "a constraint by its name": "INSERT INTO t VALUES (2, 8, 'z') ON CONFLICT ON CONSTRAINT t_pkey"
    " DO UPDATE SET v = 11",
    "columns that follow from the key": "SELECT id, v, count(*) FROM t GROUP BY id ORDER BY id",
}
CONTENTS = [
    "SELECT * FROM t ORDER BY id",
    "SELECT * FROM parent ORDER BY id",
    "SELECT * FROM child ORDER BY id",
    "SELECT * FROM leaf ORDER BY id",
    "SELECT * FROM loose ORDER BY id",
    "SELECT v FROM numbered ORDER BY v",
    "SELECT * FROM pair ORDER BY a, b",
    "SELECT v FROM keyless ORDER BY v",
    "SELECT * FROM other.t ORDER BY id",
]


def lines(script):
    """The statements of a script; a line that begins with an arrow goes on."""
    joined = script.replace("\n        -> ", " ").replace(" / ", "\n")
    return [statement(line.strip()) for line in joined.splitlines() if line.strip()]


def others(parties, text):
    for who, what, expected in steps(text):
        answers = parties[who](statement(what))
        errors = [answer for answer in answers if answer.error]
        assert [answer.text for answer in errors] == ([expected] if expected else []), what


def run(arena, way, script, meeting):
    """What the script's statements answer, and what is there afterwards."""
    parties = arena.fresh(way)
    one = parties[1]
    one("BEGIN")
    others(parties, meeting.before)
    # Its snapshot is as old as it is when nobody is there.
    (own,) = one(OWN)
    assert own.text == "UPDATE 1"
    others(parties, meeting.after)
    told = [(sql, *one(sql)) for sql in lines(script)]
    others(parties, meeting.end)
    failed = one.state == "aborted"
    (end,) = one("COMMIT")
    assert one.state == "idle"
    wanted = "ROLLBACK" if failed else "COMMIT" if meeting.wins else "OC000"
    assert end.text == wanted, "\n".join(str(line) for line in told)
    return told, [(sql, *parties[0](sql)) for sql in CONTENTS]


def unordered(answers):
    """Rows that are returned by what changes them have no order."""
    return [
        replace(answer, text=" ".join(sorted(answer.text.split(" ")))) if ": " in answer.text
        else answer
        for answer in answers
    ]


@pytest.fixture(scope="module")
def alone():
    """What scripts answer by themselves: each is asked for often."""
    return {}


# Named statements are another way for the gateway, but not for who meets whom.
CHOICES = [(meeting, "simple") for meeting in MEETINGS]
CHOICES += [("the other has committed", "prepared"), ("the other displaces and fails", "prepared")]


@pytest.mark.parametrize(("meeting", "way"), CHOICES)
@pytest.mark.parametrize("name", SCRIPTS)
def test_answers(arena, alone, name, meeting, way):
    script, meeting = SCRIPTS[name], MEETINGS[meeting]
    if name not in alone:
        alone[name] = run(arena, "simple", script, Meeting())
    expected, kept = alone[name]
    answers, found = run(arena, way, script, meeting)
    for (sql, *usual), (_, *seen) in zip(expected, answers, strict=True):
        assert unordered(seen) == unordered(usual), sql
    if meeting.wins:
        assert found == kept


WAYS_OUT = ["the other rolls back before", "the other displaces and fails"]


@pytest.mark.parametrize("meeting", WAYS_OUT)
@pytest.mark.parametrize("sql", UNTRUTHFUL.values(), ids=UNTRUTHFUL)
def test_what_cannot_be_told(arena, sql, meeting):
    """The answer is the usual one, or the transaction has failed."""
    parties = arena.fresh()
    one = parties[1]
    one("BEGIN")
    one(OWN)
    (usual,) = one(sql)
    assert not usual.error, usual
    parties = arena.fresh()
    others(parties, MEETINGS[meeting].before)
    one("BEGIN")
    one(OWN)
    others(parties, MEETINGS[meeting].after)
    (found,) = one(sql)
    assert found == usual or found.text == "OC000"
    assert one.state == ("aborted" if found.error else "open")
    (end,) = one("COMMIT")
    assert end.text == ("ROLLBACK" if found.error else "COMMIT")


def test_nothing_is_left_of_who_lost(arena):
    untouched = arena.fresh()[0]
    before = [untouched(sql) for sql in CONTENTS]
    script = "put 10 / drop 2 / child 10 1 / orphan 2 / UPDATE other.t SET v = 1 / add 3"
    parties = arena.fresh()
    parties[1]("BEGIN")
    parties[1](OWN)
    others(parties, "2 add 1")
    for sql in lines(script):
        assert not parties[1](sql)[0].error, sql
    (end,) = parties[1]("COMMIT")
    assert end.text == "OC000"
    assert parties[2]("UPDATE t SET v = v - 1 WHERE id = 1")[0].text == "UPDATE 1"
    assert [untouched(sql) for sql in CONTENTS] == before
