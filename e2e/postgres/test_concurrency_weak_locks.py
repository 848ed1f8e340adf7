"""References and FOR KEY SHARE that others have committed, and what is none: the commit that they
stand against is the second session's, whose snapshot is older."""

import threading
import time

import psycopg
import pytest
from interleaving import WAYS, named, play

BEGIN = "2 begin / 2 read 1 => 100 / "
SHARE = "SELECT id FROM parent WHERE id = 7 FOR KEY SHARE"
LOCK = "SELECT v FROM parent WHERE id = 7 FOR UPDATE"
REFER = "INSERT INTO child VALUES (70, 7)"

REFERENCES = {
    "to another row": f"1 INSERT INTO child VALUES (70, 6) / 2 {LOCK} / 2 commit => COMMIT",
    "of rows of which something else is changed": f"""
        1 INSERT INTO leaf VALUES (70, 7) / 1 UPDATE leaf SET parent = 7 WHERE id = 70
        3 begin / 3 read 2 / 1 UPDATE leaf SET parent = 7 WHERE id = 70
        3 {LOCK} / 3 commit => COMMIT / 2 {LOCK} / 2 commit => OC000""",
    "in a transaction": f"1 begin / 1 {REFER} / 1 commit => COMMIT / 2 {LOCK} / 2 commit => OC000",
    "that were rolled back": f"1 begin / 1 {REFER} / 1 rollback / 2 {LOCK} / 2 commit => COMMIT",
    "by a cascade": f"""
        1 UPDATE parent SET id = 70 WHERE id = 2 / 2 SELECT v FROM parent WHERE id = 7 FOR UPDATE
        2 commit => COMMIT""",
    "to a row that is locked and changed": f"""
        1 {REFER} / 2 {LOCK} / 2 UPDATE parent SET v = 1 WHERE id = 7 => UPDATE 1
        2 commit => OC000""",
    "to a row that is changed and locked": f"""
        1 {REFER} / 2 UPDATE parent SET v = 1 WHERE id = 7 => UPDATE 1 / 2 {LOCK} => 1
        2 commit => OC000""",
    "while the row is locked": f"""
        2 {LOCK} / 1 {REFER} => INSERT 0 1 / 2 commit => OC000""",
    "to a row that is changed": f"""
        1 {REFER} / 2 UPDATE parent SET v = 1 WHERE id = 7 => UPDATE 1 / 2 commit => COMMIT""",
    "to a row that is given the key that it has": f"""
        1 {REFER} / 2 UPDATE parent SET id = 7, code = 70 WHERE id = 7 / 2 commit => COMMIT""",
    "to a row that is deleted and inserted again": f"""
        3 begin / 3 add 2 / 2 add 2 / 2 DELETE FROM parent WHERE id = 7 => DELETE 1
        2 INSERT INTO parent VALUES (7, 1, 70) => INSERT 0 1 / 3 rollback / 1 {REFER}
        2 commit => OC000""",
    "to a row of one who has lost its rows": f"""
        3 begin / 3 add 2 / 2 add 2 / 2 UPDATE parent SET code = 1 WHERE id = 7 => UPDATE 1
        3 rollback / 1 {REFER} / 2 commit => OC000""",
    "to a row that is locked by one who has lost its rows": f"""
        3 begin / 3 add 2 / 2 add 2 / 2 {LOCK} / 3 rollback / 1 {REFER} / 2 commit => OC000""",
    "of its own": f"2 {LOCK} / 2 {REFER} / 2 DELETE FROM child WHERE id = 70 / 2 commit => COMMIT",
    "of a row that it deletes itself": f"""
        2 rollback / 3 begin / 3 add 5 / 1 {REFER} / 2 begin / 2 {LOCK}
        2 DELETE FROM child WHERE parent = 7 => DELETE 1 / 2 commit => COMMIT / 3 rollback""",
}
SHARES = {
    "of another row": f"""
        1 begin / 1 SELECT id FROM parent WHERE id = 6 FOR KEY SHARE => 6 / 1 commit => COMMIT
        2 {LOCK} / 2 commit => COMMIT""",
    "that were rolled back": f"1 begin / 1 {SHARE} / 1 rollback / 2 {LOCK} / 2 commit => COMMIT",
    "that failed": f"""
        3 begin / 3 add 2 / 1 begin / 1 add 2 / 1 {SHARE} => 7 / 3 commit => COMMIT
        1 commit => OC000 / 2 {LOCK} / 2 commit => COMMIT""",
    "of a row that another has updated": f"""
        1 begin / 1 {SHARE} => 7 / 3 UPDATE parent SET v = 1 WHERE id = 7 / 2 rollback / 2 begin
        2 {LOCK} => 1 / 1 commit => COMMIT / 2 commit => OC000""",
    "of a row that is deleted": f"""
        1 begin / 1 {SHARE} / 1 commit => COMMIT / 2 DELETE FROM parent WHERE id = 7 => DELETE 1
        2 commit => OC000 / 0 SELECT v FROM parent WHERE id = 7 => 0""",
    "of a row that is changed": f"""
        1 begin / 1 {SHARE} / 1 commit => COMMIT / 2 UPDATE parent SET v = 5 WHERE id = 7
        2 commit => COMMIT / 0 SELECT v FROM parent WHERE id = 7 => 5""",
    "of a row that is changed by one who has lost its rows": f"""
        3 begin / 3 add 2 / 2 add 2 / 2 UPDATE parent SET code = 1 WHERE id = 7 => UPDATE 1
        3 rollback / 1 begin / 1 {SHARE} / 1 commit => COMMIT / 2 commit => OC000""",
    "that are older than the snapshot": f"""
        2 rollback / 1 begin / 1 {SHARE} / 1 commit => COMMIT / 2 begin / 2 {LOCK}
        2 commit => COMMIT""",
    "of rows without a key": """
        1 begin / 1 SELECT v FROM keyless WHERE v = 2 FOR KEY SHARE => 2 / 1 commit => COMMIT
        2 DELETE FROM keyless WHERE v = 2 => DELETE 1 / 2 commit => OC000""",
    "of one who has lost its rows": f"""
        3 begin / 3 add 2 / 1 begin / 1 add 2 / 1 {SHARE} => 7 / 3 rollback / 1 commit => COMMIT
        2 {LOCK} / 2 commit => OC000""",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("script", named(references=REFERENCES, shares=SHARES))
def test_weak_locks(arena, way, script):
    play(arena.fresh(way), BEGIN + script)


NOBODY = {
    "values change places in a table that others refer to": """
        1 UPDATE parent SET code = 0 WHERE id = 1 / 1 UPDATE parent SET code = 10 WHERE id = 2
        1 UPDATE parent SET code = 20 WHERE id = 1 / 1 commit => COMMIT""",
    "a row is deleted and inserted again": """
        1 UPDATE parent SET v = 1 WHERE id = 7 / 1 DELETE FROM parent WHERE id = 7 => DELETE 1
        1 INSERT INTO parent VALUES (7, 1, 70) / 1 commit => COMMIT""",
    "a row is locked, and its children go": """
        1 SELECT v FROM parent WHERE id = 1 FOR UPDATE => 0 / 1 DELETE FROM child WHERE parent = 1
        1 UPDATE parent SET code = 11 WHERE id = 1 / 1 commit => COMMIT""",
}


@pytest.mark.parametrize("script", named(nobody=NOBODY))
def test_nobody_is_in_the_way(parties, script):
    play(parties, "1 begin / 1 read 1 => 100 / " + script)


STRONG = {
    "delete": "DELETE FROM parent WHERE id = 7",
    "key": "UPDATE parent SET code = 71 WHERE id = 7",
    "lock": LOCK,
}


@pytest.mark.parametrize("weak", [SHARE, REFER])
@pytest.mark.parametrize("strong", STRONG.values(), ids=STRONG)
def test_commits_at_once(arena, strong, weak):
    """One of two wins, in whichever order they come."""
    with arena.connect() as one, arena.connect() as two:
        for attempt in range(24):
            arena.fresh()
            statements = {one: strong, two: weak}
            for session in (one, two):
                session.execute("BEGIN")
                session.execute("SELECT 1 FROM parent")
            for session in (two, one):
                session.execute(statements[session])
            ends, start = [], threading.Barrier(2)

            def commit(session, rest, ends=ends, start=start):
                start.wait()
                time.sleep(rest)
                try:
                    session.execute("COMMIT")
                    ends.append("COMMIT")
                except psycopg.errors.SerializationFailure:
                    ends.append("OC000")

            rests = (0, attempt % 8 / 1000)
            if attempt % 2:
                rests = rests[::-1]
            threads = [
                threading.Thread(target=commit, args=each)
                for each in zip((one, two), rests, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(ends) == ["COMMIT", "OC000"]
