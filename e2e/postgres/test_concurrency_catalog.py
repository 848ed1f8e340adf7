"""The catalog changes beside open transactions: nobody waits, and who was there before fails."""

import pytest
from interleaving import play

# What is changed, and what undoes it.
CHANGES = {
    "CREATE TABLE": ("CREATE TABLE made (id int PRIMARY KEY)", "DROP TABLE made"),
    "ALTER TABLE": ("ALTER TABLE t ADD COLUMN w int", "ALTER TABLE t DROP COLUMN w"),
    "RENAME": ("ALTER TABLE t RENAME COLUMN v TO x", "ALTER TABLE t RENAME COLUMN x TO v"),
    "CREATE VIEW": ("CREATE VIEW made AS SELECT id FROM t", "DROP VIEW made"),
    "CREATE INDEX ASYNC": ("CREATE INDEX ASYNC made ON t (v)", "DROP INDEX made"),
    "CREATE SCHEMA": ("CREATE SCHEMA made", "DROP SCHEMA made"),
    "CREATE SEQUENCE": ("CREATE SEQUENCE made CACHE 1", "DROP SEQUENCE made"),
    "CREATE FUNCTION": (
        "CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION made()",
    ),
    "GRANT": ("GRANT SELECT ON t TO PUBLIC", "REVOKE SELECT ON t FROM PUBLIC"),
    "COMMENT": ("COMMENT ON TABLE t IS 'made'", "COMMENT ON TABLE t IS NULL"),
    "CREATE ROLE": ("CREATE ROLE maderole WITH LOGIN", "DROP ROLE maderole"),
}

# Steps of session 1 before the change, and after it.
BESIDE = {
    "a reader fails at its next statement": (
        "1 begin / 1 read 1 => 100",
        "1 read 1 => OC001 / 1 ? => aborted / 1 read 1 => 25P02 / 1 commit => ROLLBACK",
    ),
    "a reader fails at COMMIT": (
        "1 begin / 1 read 1 => 100",
        "1 commit => OC001 / 1 ? => idle",
    ),
    "a writer fails at its next statement": (
        "1 begin / 1 add 1 => UPDATE 1",
        "1 add 2 => OC001 / 1 ? => aborted / 1 rollback => ROLLBACK",
    ),
    "a writer fails at COMMIT": (
        "1 begin / 1 add 1 => UPDATE 1",
        "1 commit => OC001 / 1 ? => idle",
    ),
    "a writer rolls back": (
        "1 begin / 1 add 1 => UPDATE 1",
        "1 rollback => ROLLBACK / 1 ? => idle",
    ),
    "who has locked fails": (
        "1 begin / 1 lock 1 => 100 / 1 share 2 => 100 / 1 child 70 1",
        "1 commit => OC001",
    ),
    "who has made way fails": (
        "1 begin / 2 begin / 1 add 1 / 2 add 1 / 2 rollback",
        "1 commit => OC001 / 1 ? => idle",
    ),
    "all of several fail": (
        "1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 3 read 1 => 100",
        "3 read 1 => OC001 / 2 commit => OC001 / 1 commit => OC001 / 3 rollback",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("beside", BESIDE)
def test_the_catalog_changes(parties, beside, change):
    before, after = BESIDE[beside]
    do, undo = CHANGES[change]
    play(parties, before)
    play(parties, f"4 {do}")
    try:
        play(parties, after)
    finally:
        play(parties, f"4 {undo}")
    # Nothing of it was kept, and the next transaction is as good as any.
    play(
        parties,
        """0 read 1 => 100 / 1 begin / 1 add 1 => UPDATE 1 / 1 commit => COMMIT
        2 add 1 => UPDATE 1 / 3 read 1 => 102 / 0 SELECT count(*) FROM child => 1""",
    )


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_a_transaction(parties, change):
    """It counts when it is committed."""
    do, undo = CHANGES[change]
    play(parties, f"2 begin / 2 {do}")
    play(parties, "1 begin / 1 SELECT 1 => 1 / 2 commit => COMMIT")
    try:
        play(parties, "1 SELECT 1 => OC001 / 1 rollback")
    finally:
        play(parties, f"2 {undo}")


ORDER = {
    "later transactions": """
        1 begin / 1 add 1 / 2 CREATE TABLE made (id int) => CREATE TABLE
        2 begin / 2 add 1 => UPDATE 1 / 2 commit => COMMIT / 1 commit => OC001
        2 DROP TABLE made => DROP TABLE""",
    "a statement by itself after a change": """
        1 read 1 => 100 / 2 CREATE TABLE made (id int) => CREATE TABLE / 1 read 1 => 100
        1 INSERT INTO made VALUES (1) => INSERT 0 1 / 2 DROP TABLE made => DROP TABLE
        1 SELECT * FROM made => 42P01""",
    "a change beside readers of the same table": """
        2 CREATE TABLE made (id int) / 1 begin / 1 SELECT * FROM made => nothing
        2 DROP TABLE made => DROP TABLE / 1 SELECT * FROM made => OC001 / 1 rollback""",
    "a change beside writers of the same table": """
        2 CREATE TABLE made (id int) / 1 begin / 1 INSERT INTO made VALUES (1) => INSERT 0 1
        2 DROP TABLE made => DROP TABLE / 1 commit => OC001""",
    "who changes the catalog is not hit by it": """
        1 begin / 1 CREATE TABLE made (id int) => CREATE TABLE / 1 SELECT 1 => 1
        1 commit => COMMIT / 1 DROP TABLE made => DROP TABLE""",
    "a change that fails": """
        1 CREATE TABLE t (id int) => 42P07 / 1 ? => idle / 1 add 1 => UPDATE 1""",
    "two changes at once": """
        1 begin / 1 CREATE TABLE made (id int) => CREATE TABLE
        2 CREATE TABLE madetoo (id int) => CREATE TABLE / 1 rollback => ROLLBACK
        2 DROP TABLE madetoo => DROP TABLE""",
    "a change beside who meets others": """
        1 begin / 2 begin / 3 begin / 1 add 1 / 2 add 1 / 3 lock 1 => 100
        4 CREATE TABLE made (id int) => CREATE TABLE / 1 read 1 => OC001 / 2 read 1 => OC001
        3 commit => OC001 / 1 rollback / 2 rollback / 1 add 1 / 0 read 1 => 101
        4 DROP TABLE made => DROP TABLE""",
    "a slot made anew: new columns are seen": """
        4 ALTER TABLE t ADD COLUMN w int => ALTER TABLE
        1 begin / 2 begin / 1 add 1
        2 UPDATE t SET w = 5, v = 0 WHERE id = 1 RETURNING w => UPDATE 1: 5
        1 rollback / 2 commit => COMMIT / 0 SELECT w, v FROM t WHERE id = 1 => 5|0
        4 ALTER TABLE t DROP COLUMN w => ALTER TABLE
        1 begin / 2 begin / 1 add 1 / 2 add 1 / 2 SELECT * FROM t WHERE id = 1 => 1|1|u1
        2 commit => COMMIT / 1 commit => OC000""",
}


@pytest.mark.parametrize("script", ORDER.values(), ids=ORDER)
def test_order(parties, script):
    play(parties, script)


def test_changes_to_a_table_that_has_been_written_in_conflicts(parties):
    """Whatever conflicts have made inside is no hindrance to changing or dropping the table."""
    play(parties, "0 DROP TABLE IF EXISTS made / 0 DROP TABLE IF EXISTS other.again")
    made = "CREATE TABLE made (id int PRIMARY KEY, v int, u text UNIQUE, p int REFERENCES parent)"
    play(
        parties,
        f"""
        0 {made} => CREATE TABLE
        0 INSERT INTO made VALUES (1, 1, 'a', 1)
        1 begin / 2 begin / 1 UPDATE made SET v = 2 WHERE id = 1
        2 UPDATE made SET v = 3 WHERE id = 1 RETURNING v => UPDATE 1: 3
        1 rollback / 2 commit => COMMIT
        0 ALTER TABLE made RENAME COLUMN v TO w => ALTER TABLE
        1 begin / 2 begin / 1 UPDATE made SET w = 2 WHERE id = 1
        2 UPDATE made SET w = 4 WHERE id = 1 RETURNING w => UPDATE 1: 4
        2 commit => COMMIT / 1 commit => OC000
        0 ALTER TABLE made DROP CONSTRAINT made_u_key => ALTER TABLE
        1 begin / 2 begin / 1 UPDATE made SET u = 'b' WHERE id = 1
        2 INSERT INTO made VALUES (2, 2, 'a', 2) => INSERT 0 1
        2 UPDATE made SET w = 5 WHERE id = 1 => UPDATE 1 / 1 rollback / 2 commit => COMMIT
        0 ALTER TABLE made RENAME TO again => ALTER TABLE
        1 begin / 2 begin / 1 UPDATE again SET w = 6 WHERE id = 1
        2 UPDATE again SET w = 7 WHERE id = 1
        2 commit => COMMIT / 1 SELECT * FROM made => 42P01 / 1 rollback
        0 ALTER TABLE again SET SCHEMA other => ALTER TABLE
        1 begin / 2 begin / 1 UPDATE other.again SET w = 8 / 2 UPDATE other.again SET w = 9
        2 commit => COMMIT / 1 commit => OC000
        0 SELECT * FROM other.again ORDER BY id => 1|9|a|1 2|9|a|2
        0 DROP TABLE other.again => DROP TABLE""",
    )
