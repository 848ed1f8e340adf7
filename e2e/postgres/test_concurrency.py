"""Nobody waits, conflicts show at COMMIT, the first to commit wins: by hand, from one thread."""

import itertools

import pytest
from interleaving import WAYS, named, play

WHO_WINS = {
    "the first to write commits first": """
        1 begin / 2 begin / 1 add 1 => UPDATE 1 / 2 add 1 => UPDATE 1
        1 commit => COMMIT / 2 commit => OC000 / 0 read 1 => 101""",
    "the second to write commits first": """
        1 begin / 2 begin / 1 add 1 => UPDATE 1 / 2 add 1 => UPDATE 1
        2 commit => COMMIT / 1 commit => OC000 / 0 read 1 => 101""",
    "the first to write rolls back": """
        1 begin / 2 begin / 1 add 1 / 2 add 1 / 1 rollback => ROLLBACK / 2 commit => COMMIT
        0 read 1 => 101""",
    "the second to write rolls back": """
        1 begin / 2 begin / 1 add 1 / 2 add 1 / 2 rollback / 1 add 1 / 1 read 1 => 102
        1 commit => COMMIT / 0 read 1 => 102""",
    "the first to write rolls back after the second has read": """
        1 begin / 2 begin / 2 read 1 => 100 / 1 add 1 / 2 add 1 / 2 read 1 => 101
        1 rollback / 2 add 1 / 2 commit => COMMIT / 0 read 1 => 102""",
    "the other has committed since the snapshot": """
        1 begin / 1 read 1 => 100 / 2 add 1 => UPDATE 1 / 1 add 1 => UPDATE 1 / 1 read 1 => 101
        1 commit => OC000 / 0 read 1 => 101""",
    "the other has committed before the snapshot": """
        1 begin / 2 add 1 / 1 read 1 => 101 / 1 add 1 / 1 commit => COMMIT / 0 read 1 => 102""",
    "a statement by itself beside an open writer": """
        1 begin / 1 add 1 / 2 add 1 => UPDATE 1 / 1 read 1 => 101 / 1 ? => open
        1 commit => OC000 / 0 read 1 => 101""",
    "a statement by itself beside an open writer that rolls back": """
        1 begin / 1 add 1 / 2 add 1 => UPDATE 1 / 1 rollback => ROLLBACK / 0 read 1 => 101""",
    "who is displaced goes on with own writes": """
        1 begin / 2 begin / 1 add 1 / 1 add 2 / 2 add 1 / 1 all => {own} / 1 add 3 / 2 commit
        1 read 1 => 101 / 1 read 3 => 101 / 1 commit => OC000 / 0 read 2 => 100 / 0 read 3 => 100
        """.replace("{own}", "1|101 2|101 " + " ".join(f"{n}|100" for n in range(3, 10))),
    "what was written before a conflict is kept until COMMIT": """
        1 begin / 1 add 2 / 2 add 1 / 1 add 1 => UPDATE 1 / 1 read 2 => 101 / 1 read 1 => 101
        1 commit => OC000 / 0 read 2 => 100""",
    "who fails is idle and may go on": """
        1 begin / 1 add 1 / 2 add 1 / 1 commit => OC000 / 1 ? => idle / 1 read 1 => 101
        1 begin / 1 add 1 / 1 commit => COMMIT / 0 read 1 => 102""",
    "END is COMMIT": """
        1 START TRANSACTION / 1 add 1 / 2 add 1 / 1 END WORK => OC000 / 1 ? => idle""",
    "ABORT is ROLLBACK": """
        1 begin / 1 add 1 / 2 add 1 / 1 ABORT => ROLLBACK / 1 ? => idle / 0 read 1 => 101""",
    "the same row again and again": """
        1 begin / 1 add 1 / 1 add 1 / 2 add 1 / 1 add 1 / 1 add 1 / 1 read 1 => 104
        1 commit => OC000 / 0 read 1 => 101""",
    "many winners beside one who waits to commit": """
        1 begin / 1 add 1 / 2 add 1 / 2 add 1 / 3 add 1 / 1 read 1 => 101 / 1 commit => OC000
        0 read 1 => 103""",
    "a whole table": """
        1 begin / 2 begin / 1 UPDATE t SET v = 0 => UPDATE 9 / 2 UPDATE t SET v = 1 => UPDATE 9
        1 commit => COMMIT / 2 commit => OC000 / 0 SELECT sum(v) FROM t => 0""",
    "a table without a key": """
        1 begin / 2 begin / 1 UPDATE keyless SET v = 5 WHERE v = 2 => UPDATE 1
        2 UPDATE keyless SET v = 6 WHERE v = 2 => UPDATE 1 / 2 commit => COMMIT
        1 SELECT v FROM keyless ORDER BY v => 1 1 5 / 1 commit => OC000""",
    "twins in a table without a key": """
        1 begin / 2 begin / 1 DELETE FROM keyless WHERE v = 1 => DELETE 2
        2 UPDATE keyless SET v = 3 WHERE v = 1 => UPDATE 2 / 1 rollback / 2 commit => COMMIT
        0 SELECT v FROM keyless ORDER BY v => 2 3 3""",
}

CROSSWISE = {
    "the first commits": """
        1 begin / 2 begin / 1 add 1 / 2 add 2 / 1 add 2 => UPDATE 1 / 2 add 1 => UPDATE 1
        1 commit => COMMIT / 2 commit => OC000 / 0 read 1 => 101 / 0 read 2 => 101""",
    "the second commits": """
        1 begin / 2 begin / 1 add 1 / 2 add 2 / 1 add 2 => UPDATE 1 / 2 add 1 => UPDATE 1
        2 commit => COMMIT / 1 commit => OC000 / 0 read 1 => 101 / 0 read 2 => 101""",
    "the first gives up": """
        1 begin / 2 begin / 1 add 1 / 2 add 2 / 1 add 2 / 2 add 1 / 1 rollback / 2 commit => COMMIT
        0 read 1 => 101 / 0 read 2 => 101""",
    "FOR UPDATE, the second commits": """
        1 begin / 2 begin / 1 lock 1 / 2 lock 2 / 1 lock 2 => 100 / 2 lock 1 => 100
        2 commit => COMMIT / 1 commit => OC000""",
    "three in a circle": """
        1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 2 / 3 add 3 / 1 add 2 / 2 add 3 / 3 add 1
        2 commit => COMMIT / 1 commit => OC000 / 3 commit => OC000
        0 SELECT sum(v) FROM t => 902""",
    "five in a circle, every other one commits": """
        1 begin / 2 begin / 3 begin / 4 begin / 5 begin
        1 add 1 / 2 add 2 / 3 add 3 / 4 add 4 / 5 add 5
        1 add 2 / 2 add 3 / 3 add 4 / 4 add 5 / 5 add 1
        2 commit => COMMIT / 4 commit => COMMIT / 1 commit => OC000 / 3 commit => OC000
        5 commit => OC000 / 0 SELECT sum(v) FROM t => 904""",
}

MANY = {
    "the last to write commits first": """
        1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 3 add 1
        3 commit => COMMIT / 2 commit => OC000 / 1 commit => OC000 / 0 read 1 => 101""",
    "all but one roll back": """
        1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 3 add 1
        3 rollback / 1 rollback / 2 commit => COMMIT / 0 read 1 => 101""",
    "the middle one commits": """
        1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 3 add 1
        2 commit => COMMIT / 1 rollback / 3 commit => OC000 / 0 read 1 => 101""",
    "a chain: who is in the middle loses to one and not to the other": """
        1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 2 add 2 / 3 add 2
        1 commit => COMMIT / 2 commit => OC000 / 3 commit => COMMIT
        0 read 1 => 101 / 0 read 2 => 101""",
    "a chain: who is in the middle wins": """
        1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 2 add 2 / 3 add 2
        2 commit => COMMIT / 3 commit => OC000 / 1 commit => OC000""",
    "five on one row": """
        1 begin / 2 begin / 3 begin / 4 begin / 5 begin
        1 add 1 / 2 add 1 / 3 add 1 / 4 add 1 / 5 add 1
        4 commit => COMMIT / 1 commit => OC000 / 2 commit => OC000 / 3 commit => OC000
        5 commit => OC000 / 0 read 1 => 101""",
    "a loser's other rows are free at once": """
        1 begin / 2 begin / 1 add 1 / 1 add 2 / 2 add 1 / 2 commit => COMMIT
        3 begin / 3 add 2 / 3 commit => COMMIT / 1 commit => OC000 / 0 read 2 => 101""",
}

READS = {
    "a reader never fails": """
        1 BEGIN READ ONLY / 1 read 1 => 100 / 2 add 1 / 2 drop 2 / 1 read 1 => 100 / 1 read 2 => 100
        1 commit => COMMIT""",
    "a reader never fails, although nobody says that it only reads": """
        1 begin / 1 all / 2 add 1 / 2 drop 2 / 2 put 10 / 1 read 2 => 100 / 1 read 10 => nothing
        1 commit => COMMIT""",
    "a writer is not hindered by what it has only read": """
        1 begin / 1 all / 2 add 1 / 1 add 2 / 1 commit => COMMIT / 0 read 2 => 101""",
    "an UPDATE of no row changes nothing": """
        1 begin / 1 add 50 => UPDATE 0 / 1 drop 50 => DELETE 0 / 2 add 1 / 1 read 1 => 100
        1 commit => COMMIT""",
    "other rows of a table": """
        1 begin / 2 begin / 1 add 1 / 2 add 2 / 1 put 11 / 2 put 12 / 1 drop 3 / 2 drop 4
        2 commit => COMMIT / 1 commit => COMMIT / 0 SELECT count(*) FROM t => 9""",
    "rows of other tables": """
        1 begin / 2 begin / 1 add 1 / 2 UPDATE other.t SET v = 1 WHERE id = 1 => UPDATE 1
        2 commit => COMMIT / 1 commit => COMMIT""",
    "other rows beside a conflict": """
        1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 3 add 2 / 3 commit => COMMIT
        1 commit => COMMIT / 2 commit => OC000 / 0 read 2 => 101""",
    "a condition is not locked": """
        1 begin / 2 begin / 1 UPDATE t SET v = 0 WHERE v = 100 AND id < 3 => UPDATE 2
        2 put 60 => INSERT 0 1 / 2 UPDATE t SET v = 100 WHERE id = 60 / 2 commit => COMMIT
        1 commit => COMMIT""",
}

SKEW = {
    "without FOR UPDATE both commit": """
        1 begin / 2 begin / 1 read 1 / 1 read 2 / 2 read 1 / 2 read 2 / 1 add 1 / 2 add 2
        1 commit => COMMIT / 2 commit => COMMIT""",
    "with FOR UPDATE of the other's row one fails": """
        1 begin / 2 begin / 1 lock 2 => 100 / 2 lock 1 => 100 / 1 add 1 / 2 add 2
        1 commit => COMMIT / 2 commit => OC000 / 0 read 1 => 101 / 0 read 2 => 100""",
    "with FOR UPDATE of both rows one fails": """
        1 begin / 2 begin / 1 SELECT v FROM t WHERE id IN (1, 2) FOR UPDATE => 100 100
        2 SELECT v FROM t WHERE id IN (1, 2) FOR UPDATE => 100 100 / 1 add 1 / 2 add 2
        2 commit => COMMIT / 1 commit => OC000 / 0 read 1 => 100 / 0 read 2 => 101""",
    "one FOR UPDATE is enough": """
        1 begin / 2 begin / 1 lock 2 / 2 read 1 => 100 / 1 add 1 / 2 add 2
        1 commit => COMMIT / 2 commit => OC000""",
    "one FOR UPDATE is enough, in the other order": """
        1 begin / 2 begin / 1 lock 2 / 2 read 1 => 100 / 1 add 1 / 2 add 2
        2 commit => COMMIT / 1 commit => OC000""",
}

LOCKS = {
    "two FOR UPDATE of a row that nobody changes": """
        1 begin / 2 begin / 1 lock 1 => 100 / 2 lock 1 => 100 / 1 commit => COMMIT
        2 commit => OC000 / 0 read 1 => 100""",
    "two FOR UPDATE, the second commits first": """
        1 begin / 2 begin / 1 lock 1 / 2 lock 1 / 2 commit => COMMIT / 1 commit => OC000""",
    "FOR UPDATE is remembered after COMMIT": """
        1 begin / 2 begin / 2 read 1 => 100 / 1 lock 1 / 1 commit => COMMIT
        2 add 1 => UPDATE 1 / 2 commit => OC000 / 0 read 1 => 100""",
    "FOR UPDATE of what an older one has committed": """
        1 begin / 1 read 1 / 2 add 1 / 1 lock 1 => 100 / 1 read 1 => 100 / 1 commit => OC000""",
    "FOR UPDATE beside a writer who rolls back": """
        1 begin / 2 begin / 1 add 1 / 2 lock 1 => 100 / 1 rollback / 2 commit => COMMIT""",
    "FOR UPDATE, then the own UPDATE": """
        1 begin / 1 lock 1 => 100 / 1 add 1 / 1 lock 1 => 101 / 1 commit => COMMIT
        0 read 1 => 101""",
    "FOR UPDATE by itself beside a writer": """
        1 begin / 1 add 1 / 2 lock 1 => 100 / 1 read 1 => 101""",
    "FOR UPDATE of no row": """
        1 begin / 2 begin / 1 lock 50 => nothing / 2 lock 50 => nothing / 2 put 50
        2 commit => COMMIT / 1 commit => COMMIT""",
    "FOR UPDATE of one table of a join": """
        1 begin / 2 begin
        1 SELECT c.id, p.v FROM child c JOIN parent p ON p.id = c.parent FOR UPDATE OF c => 1|0
        2 parent 1 => UPDATE 1 / 2 commit => COMMIT / 1 commit => COMMIT""",
    "FOR UPDATE of both tables of a join": """
        1 begin / 2 begin
        1 SELECT c.id, p.v FROM child c JOIN parent p ON p.id = c.parent FOR UPDATE => 1|0
        2 parent 1 => UPDATE 1 / 2 commit => COMMIT / 1 commit => OC000""",
    "FOR UPDATE in a subquery": """
        1 begin / 2 begin
        1 SELECT s.v FROM (SELECT v FROM t WHERE id = 1 FOR UPDATE) s => 100
        2 add 1 / 2 commit => COMMIT / 1 commit => OC000""",
    "FOR UPDATE with LIMIT takes only the rows it gives": """
        1 begin / 2 begin / 1 SELECT id FROM t ORDER BY id LIMIT 1 FOR UPDATE => 1 / 2 add 2
        2 commit => COMMIT / 1 commit => COMMIT""",
    "NOWAIT does not fail: there is nothing to wait for": """
        1 begin / 2 begin / 1 add 1 / 2 SELECT v FROM t WHERE id = 1 FOR UPDATE NOWAIT => 100
        1 commit => COMMIT / 2 commit => OC000""",
    "SKIP LOCKED skips nothing": """
        1 begin / 2 begin / 1 add 1
        2 SELECT id FROM t WHERE id < 3 ORDER BY id FOR UPDATE SKIP LOCKED => 1 2
        1 commit => COMMIT / 2 commit => OC000""",
    "two FOR KEY SHARE": """
        1 begin / 2 begin / 1 share 1 => 100 / 2 share 1 => 100 / 2 commit => COMMIT
        1 commit => COMMIT""",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "script",
    named(wins=WHO_WINS, crosswise=CROSSWISE, many=MANY, reads=READS, skew=SKEW, locks=LOCKS),
)
def test_turns(arena, way, script):
    play(arena.fresh(way), script)


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_whoever_commits_first_wins(parties, order):
    first, *others = order
    ends = [f"{first} commit => COMMIT", *(f"{n} commit => OC000" for n in others)]
    play(parties, "1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 3 add 1")
    play(parties, "\n".join([*ends, "0 read 1 => 101"]))
