"""Where sessions meet: a cluster of their own, tables, and data that each test finds afresh."""

import contextlib

import pytest
from interleaving import Party

TABLES = """
CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, u text UNIQUE);
CREATE TABLE parent (id int PRIMARY KEY, v int NOT NULL DEFAULT 0, code int UNIQUE);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
CREATE TABLE leaf (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE
  ON UPDATE CASCADE);
CREATE TABLE loose (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE SET NULL);
CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY, v int);
CREATE TABLE pair (a int, b int, v int DEFAULT 7, twice int GENERATED ALWAYS AS (v * 2) STORED,
  CHECK (v <> 13), PRIMARY KEY (a, b));
CREATE TABLE keyless (v int);
CREATE VIEW small AS SELECT id, v FROM t WHERE id < 5;
CREATE FUNCTION plus(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1';
CREATE SCHEMA other;
CREATE TABLE other.t (id int PRIMARY KEY, v int NOT NULL);
CREATE SEQUENCE counted CACHE 1
"""
DATA = """
DELETE FROM child; DELETE FROM leaf; DELETE FROM loose; DELETE FROM parent; DELETE FROM t;
DELETE FROM numbered; DELETE FROM pair; DELETE FROM keyless; DELETE FROM other.t;
INSERT INTO t SELECT g, 100, 'u' || g FROM generate_series(1, 9) g;
INSERT INTO parent SELECT g, 0, g * 10 FROM generate_series(1, 9) g;
INSERT INTO child VALUES (1, 1);
INSERT INTO leaf VALUES (1, 2), (2, 2), (3, 3);
INSERT INTO loose VALUES (1, 4);
INSERT INTO pair (a, b) VALUES (1, 1), (1, 2);
INSERT INTO keyless VALUES (1), (1), (2);
INSERT INTO other.t VALUES (1, 500), (2, 500)
"""
GROWING = {"keyless": "v", "leaf": "id", "pair": "b", "child": "id"}
MOST = 5


class Arena:
    """Sessions by number, from 1; 0 is one that looks on. They are made when they are missing."""

    def __init__(self, database, cluster):
        self.database, self.cluster = database, cluster
        self.parties = {}
        look = self.party(0)
        for sql in filter(None, (part.strip() for part in TABLES.split(";\n"))):
            (answer,) = look(sql)
            assert answer.text.startswith("CREATE"), (sql, answer)

    def connect(self, **more):
        return self.database.connect(self.cluster, **more)

    def party(self, number, way="simple"):
        found = self.parties.get(number)
        if found is None or found.connection.closed or found.state == "gone":
            found = self.parties[number] = Party(self.connect())
        found.way = way
        return found

    def fresh(self, way="simple"):
        """The sessions, idle, and the data as it is at first."""
        parties = {0: self.party(0)} | {n: self.party(n, way) for n in range(1, MOST + 1)}
        for party in parties.values():
            if party.state != "idle":
                party.way, before = "simple", party.way
                party("ROLLBACK")
                party.way = before
        answers = parties[0](DATA)
        if answers[-1].error:
            self.clear(parties[0])
            answers = parties[0](DATA)
        assert not answers[-1].error, answers[-1]
        return parties

    @staticmethod
    def clear(look):
        """More rows than a transaction may delete."""
        for table, key in GROWING.items():
            few = f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} LIMIT 1000)"
            while (answer := look(few)[0]).text != "DELETE 0":
                assert not answer.error, answer

    def close(self):
        for party in self.parties.values():
            party.connection.close()


@pytest.fixture(scope="session")
def arena(database):
    cluster = database.cluster(database.dsql(database.admin))
    with contextlib.closing(Arena(database, cluster)) as arena:
        yield arena


@pytest.fixture
def parties(arena):
    """Five sessions that use the simple protocol, and one that looks on."""
    return arena.fresh()
