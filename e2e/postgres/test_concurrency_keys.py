"""Keys and references: what two transactions insert, delete and refer to at once."""

import pytest
from interleaving import WAYS, named, play

KEYS = {
    "one key, the first commits first": """
        1 begin / 2 begin / 1 put 50 => INSERT 0 1 / 2 put 50 => INSERT 0 1 / 2 read 50 => 1
        1 commit => COMMIT / 2 commit => OC000 / 0 read 50 => 1""",
    "one key, the second commits first": """
        1 begin / 2 begin / 1 put 50 / 2 put 50 / 2 commit => COMMIT / 1 commit => OC000""",
    "one key, the first rolls back": """
        1 begin / 2 begin / 1 put 50 / 2 put 50 / 1 rollback / 2 commit => COMMIT
        0 read 50 => 1""",
    "one key, the second rolls back": """
        1 begin / 2 begin / 1 put 50 / 2 put 50 / 2 rollback / 1 commit => COMMIT
        0 read 50 => 1""",
    "one key of three": """
        1 begin / 2 begin / 3 begin / 1 put 50 / 2 put 50 / 3 put 50 / 2 commit => COMMIT
        1 commit => OC000 / 3 commit => OC000""",
    "a key that was committed since the snapshot": """
        1 begin / 1 read 50 => nothing / 2 put 50 / 1 read 50 => nothing / 1 put 50 => INSERT 0 1
        1 read 50 => 1 / 1 commit => OC000""",
    "a key that was there before": """
        1 begin / 2 put 50 / 1 put 50 => 23505 / 1 ? => aborted / 1 commit => ROLLBACK""",
    "a key that is there, beside one who deletes it": """
        1 begin / 2 begin / 2 drop 1 => DELETE 1 / 1 put 1 => 23505 / 1 rollback
        2 commit => COMMIT / 0 read 1 => nothing""",
    "a key that was deleted since the snapshot is still there": """
        1 begin / 1 read 1 => 100 / 2 drop 1 => DELETE 1 / 1 read 1 => 100 / 1 put 1 => 23505
        1 rollback""",
    "a value that was deleted since the snapshot is still there": """
        1 begin / 1 read 1 / 2 drop 2 / 1 UPDATE t SET u = 'u2' WHERE id = 1 => 23505 / 1 rollback""",
    "a key that was changed since the snapshot is still there": """
        1 begin / 1 read 1 / 2 UPDATE t SET id = 50 WHERE id = 2 => UPDATE 1 / 1 put 2 => 23505
        1 rollback""",
    "a statement by itself beside an open insert": """
        1 begin / 1 put 50 / 2 put 50 => INSERT 0 1 / 1 read 50 => 1 / 1 commit => OC000""",
    "a statement by itself of a key that is there": """
        1 begin / 1 add 1 / 2 put 1 => 23505 / 1 commit => COMMIT""",
    "a unique column, the second commits first": """
        1 begin / 2 begin / 1 INSERT INTO t VALUES (50, 1, 'x') => INSERT 0 1
        2 INSERT INTO t VALUES (51, 1, 'x') => INSERT 0 1 / 2 commit => COMMIT
        1 SELECT id FROM t WHERE u = 'x' => 50 / 1 commit => OC000 / 0 read 50 => nothing""",
    "a unique column, the first rolls back": """
        1 begin / 2 begin / 1 INSERT INTO t VALUES (50, 1, 'x')
        2 INSERT INTO t VALUES (51, 1, 'x') => INSERT 0 1 / 1 rollback / 2 commit => COMMIT""",
    "a unique column that two updates give": """
        1 begin / 2 begin / 1 UPDATE t SET u = 'x' WHERE id = 1 => UPDATE 1
        2 UPDATE t SET u = 'x' WHERE id = 2 => UPDATE 1 / 1 commit => COMMIT / 2 commit => OC000""",
    "NULL is no key": """
        1 begin / 2 begin / 1 INSERT INTO t VALUES (50, 1, NULL)
        2 INSERT INTO t VALUES (51, 1, NULL)
        1 commit => COMMIT / 2 commit => COMMIT""",
    "a key is given up by one and taken by the other": """
        1 begin / 2 begin / 1 UPDATE t SET u = 'x' WHERE id = 1 => UPDATE 1
        2 INSERT INTO t VALUES (50, 1, 'u1') => 23505 / 2 rollback / 1 commit => COMMIT
        2 INSERT INTO t VALUES (50, 1, 'u1') => INSERT 0 1""",
    "a primary key that two updates give": """
        1 begin / 2 begin / 1 UPDATE t SET id = 50 WHERE id = 1 => UPDATE 1
        2 UPDATE t SET id = 50 WHERE id = 2 => UPDATE 1 / 2 commit => COMMIT / 1 commit => OC000""",
    "delete and update": """
        1 begin / 2 begin / 1 drop 1 => DELETE 1 / 2 add 1 => UPDATE 1 / 2 commit => COMMIT
        1 read 1 => nothing / 1 commit => OC000 / 0 read 1 => 101""",
    "delete and delete": """
        1 begin / 2 begin / 1 drop 1 => DELETE 1 / 2 drop 1 => DELETE 1 / 2 commit => COMMIT
        1 commit => OC000 / 0 read 1 => nothing""",
    "a deleted row that is inserted again": """
        1 begin / 2 begin / 1 drop 1 / 1 put 1 => INSERT 0 1 / 2 add 1 => UPDATE 1
        2 commit => COMMIT
        1 read 1 => 1 / 1 commit => OC000 / 0 read 1 => 101""",
    "what comes and goes conflicts with nobody who is done": """
        1 begin / 1 put 50 / 1 drop 50 => DELETE 1 / 1 commit => COMMIT / 2 put 50 => INSERT 0 1""",
    "ON CONFLICT DO NOTHING of one key": """
        1 begin / 2 begin / 1 INSERT INTO t VALUES (50, 1) ON CONFLICT DO NOTHING => INSERT 0 1
        2 INSERT INTO t VALUES (50, 2) ON CONFLICT DO NOTHING => INSERT 0 1 / 2 commit => COMMIT
        1 commit => OC000 / 0 read 50 => 2""",
    "ON CONFLICT DO UPDATE of one key": """
        1 begin / 2 begin
        1 INSERT INTO t VALUES (50, 1) ON CONFLICT (id) DO UPDATE SET v = 5 => INSERT 0 1
        2 INSERT INTO t VALUES (50, 2) ON CONFLICT (id) DO UPDATE SET v = 6 => INSERT 0 1
        1 read 50 => 1 / 2 read 50 => 2 / 1 commit => COMMIT / 2 commit => OC000
        0 read 50 => 1""",
    "ON CONFLICT of a row that was committed since the snapshot": """
        1 begin / 1 read 50 => nothing / 2 put 50
        1 INSERT INTO t VALUES (50, 7) ON CONFLICT (id) DO UPDATE SET v = 6 => INSERT 0 1
        1 read 50 => 7 / 1 commit => OC000""",
    "ON CONFLICT of a row that another changes": """
        1 begin / 2 begin / 2 add 1
        1 INSERT INTO t VALUES (1, 7) ON CONFLICT (id) DO UPDATE SET v = t.v + 5 => INSERT 0 1
        1 read 1 => 105 / 1 commit => COMMIT / 2 commit => OC000""",
    "ON CONFLICT DO NOTHING of a row that is there writes nothing": """
        1 begin / 2 begin / 2 add 1
        1 INSERT INTO t VALUES (1, 7) ON CONFLICT DO NOTHING => INSERT 0 0
        2 commit => COMMIT / 1 commit => COMMIT""",
    "numbers that nobody has": """
        1 begin / 2 begin / 1 INSERT INTO numbered (v) VALUES (1)
        2 INSERT INTO numbered (v) VALUES (2)
        2 commit => COMMIT / 1 commit => COMMIT
        0 SELECT count(DISTINCT id), count(*) FROM numbered => 2|2""",
}

REFERENCES = {
    "a child, and its parent is deleted first": """
        1 begin / 2 begin / 1 child 50 9 => INSERT 0 1 / 2 orphan 9 => DELETE 1 / 2 commit => COMMIT
        1 commit => OC000 / 0 SELECT count(*) FROM child WHERE parent = 9 => 0""",
    "a child first, and its parent is deleted": """
        1 begin / 2 begin / 1 child 50 9 / 2 orphan 9 => DELETE 1 / 1 commit => COMMIT
        2 commit => OC000 / 0 SELECT count(*) FROM parent WHERE id = 9 => 1""",
    "a parent is deleted, and gets a child": """
        1 begin / 2 begin / 1 orphan 9 / 2 child 50 9 => INSERT 0 1 / 2 commit => COMMIT
        1 commit => OC000 / 0 SELECT count(*) FROM parent WHERE id = 9 => 1""",
    "a parent is deleted first, and gets a child": """
        1 begin / 2 begin / 1 orphan 9 / 2 child 50 9 => INSERT 0 1 / 1 commit => COMMIT
        2 commit => OC000 / 0 SELECT count(*) FROM child WHERE parent = 9 => 0""",
    "the deletion is rolled back": """
        1 begin / 2 begin / 1 orphan 9 / 2 child 50 9 => INSERT 0 1 / 1 rollback
        2 commit => COMMIT""",
    "the child is rolled back": """
        1 begin / 2 begin / 1 child 50 9 / 2 orphan 9 => DELETE 1 / 1 rollback
        2 commit => COMMIT""",
    "a parent that was deleted since the snapshot": """
        1 begin / 1 read 1 => 100 / 2 orphan 9 => DELETE 1 / 1 child 50 9 => INSERT 0 1
        1 commit => OC000""",
    "a parent that came since the snapshot": """
        1 begin / 1 read 1 => 100 / 2 INSERT INTO parent VALUES (50) => INSERT 0 1
        1 child 50 50 => 23503 / 1 rollback""",
    "a parent that another inserts": """
        1 begin / 2 begin / 1 INSERT INTO parent VALUES (50) / 2 child 50 50 => 23503 / 2 rollback
        1 commit => COMMIT""",
    "a parent with a child that came since the snapshot": """
        1 begin / 1 read 1 => 100 / 2 child 50 9 => INSERT 0 1 / 1 orphan 9 => DELETE 1
        1 commit => OC000 / 0 SELECT count(*) FROM parent WHERE id = 9 => 1""",
    "a parent with a child that another deletes": """
        1 begin / 2 begin / 1 DELETE FROM child WHERE id = 1 => DELETE 1 / 2 orphan 1 => 23503
        2 rollback / 1 commit => COMMIT""",
    "two children of one parent": """
        1 begin / 2 begin / 1 child 50 9 / 2 child 51 9 / 2 commit => COMMIT
        1 commit => COMMIT""",
    "a child, and its parent is updated": """
        1 begin / 2 begin / 1 child 50 9 / 2 parent 9 => UPDATE 1 / 1 commit => COMMIT
        2 commit => COMMIT""",
    "a parent is updated, and gets a child": """
        1 begin / 2 begin / 1 parent 9 / 2 child 50 9 => INSERT 0 1 / 1 commit => COMMIT
        2 commit => COMMIT / 0 SELECT v FROM parent WHERE id = 9 => 1""",
    "a child that changes its parent": """
        1 begin / 2 begin / 1 UPDATE child SET parent = 9 WHERE id = 1 => UPDATE 1 / 2 orphan 9
        2 commit => COMMIT / 1 commit => OC000""",
    "a child that leaves its parent": """
        1 begin / 2 begin / 1 UPDATE child SET parent = NULL WHERE id = 1 => UPDATE 1
        2 parent 1 => UPDATE 1 / 2 commit => COMMIT / 1 commit => COMMIT""",
    "a cascade, and a child is written": """
        1 begin / 2 begin / 1 orphan 2 => DELETE 1
        2 UPDATE leaf SET id = 10 WHERE id = 1 => UPDATE 1
        1 SELECT count(*) FROM leaf => 1 / 2 commit => COMMIT / 1 commit => OC000""",
    "a cascade, and a child comes": """
        1 begin / 2 begin / 1 orphan 2 => DELETE 1 / 2 INSERT INTO leaf VALUES (9, 2) => INSERT 0 1
        1 commit => COMMIT / 2 commit => OC000
        0 SELECT count(*) FROM leaf WHERE parent = 2 => 0""",
    "a cascade, and a child has come": """
        1 begin / 2 begin / 1 orphan 2 => DELETE 1 / 2 INSERT INTO leaf VALUES (9, 2) => INSERT 0 1
        2 commit => COMMIT / 1 commit => OC000
        0 SELECT count(*) FROM leaf WHERE parent = 2 => 3""",
    "a cascade that sets NULL": """
        1 begin / 2 begin / 1 orphan 4 => DELETE 1 / 2 DELETE FROM loose WHERE id = 1 => DELETE 1
        2 commit => COMMIT / 1 commit => OC000""",
    "a cascade of a changed key": """
        1 begin / 2 begin / 1 UPDATE parent SET id = 30 WHERE id = 3 => UPDATE 1
        2 UPDATE leaf SET parent = 5 WHERE id = 3 => UPDATE 1
        1 SELECT parent FROM leaf WHERE id = 3 => 30
        1 commit => COMMIT / 2 commit => OC000""",
    "two cascades": """
        1 begin / 2 begin / 1 orphan 2 => DELETE 1 / 2 orphan 2 => DELETE 1 / 2 commit => COMMIT
        1 commit => OC000 / 0 SELECT count(*) FROM leaf => 1""",
    "parent and child of one transaction": """
        1 begin / 2 begin / 1 add 1 / 2 add 1 / 2 INSERT INTO parent VALUES (50) / 2 child 50 50
        2 orphan 50 => 23503 / 2 rollback / 1 INSERT INTO parent VALUES (50) / 1 child 50 50
        1 commit => COMMIT / 0 SELECT count(*) FROM child => 2""",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("script", named(keys=KEYS, references=REFERENCES))
def test_turns(arena, way, script):
    play(arena.fresh(way), script)
