"""What transactions that meet keep for themselves: rights, secrets, and the server's own means."""

import pytest
from expect_sql import refused
from interleaving import Party, play, statement
from world import user

FORBIDDEN = "42501"
SECRET = "INSERT INTO t VALUES (77, 1, 'a secret of one')"


@pytest.fixture(scope="module")
def app(arena):
    """A role that may read and insert into `t`, and change its column `v`; and to use `child`."""
    admin = arena.party(0)
    for sql in (
        "CREATE ROLE app LOGIN",
        f"AWS IAM GRANT app TO '{user('dev')}'",
        "GRANT SELECT, INSERT ON t TO app",
        "GRANT UPDATE (v) ON t TO app",
        "GRANT SELECT (id), INSERT ON child TO app",
        "GRANT SELECT (id), UPDATE (v) ON other.t TO app",
        "GRANT USAGE ON SCHEMA other TO app",
    ):
        (answer,) = admin(sql)
        assert not answer.error, answer
    party = Party(arena.connect(user="app", key=arena.database.dev))
    yield party
    party.connection.close()


RIGHTS = [
    "SELECT * FROM t WHERE id = 2",
    "UPDATE t SET v = v + 1 WHERE id = 2 RETURNING *",
    "INSERT INTO t VALUES (70, 1, 'new') RETURNING *",
    "INSERT INTO child VALUES (70, 1)",
    "SELECT id FROM child ORDER BY id",
    "SELECT v FROM t WHERE id = 2 FOR UPDATE",
    "INSERT INTO t VALUES (2, 1) ON CONFLICT (id) DO UPDATE SET v = 5",
    "INSERT INTO t VALUES (2, 1) ON CONFLICT (id) DO UPDATE SET u = 'x'",
    "UPDATE t SET u = 'x' WHERE id = 2",
    "UPDATE t SET id = 80 WHERE id = 2",
    "DELETE FROM t WHERE id = 2",
    "SELECT parent FROM child",
    "SELECT * FROM child",
    "SELECT * FROM parent",
    "UPDATE child SET parent = 2",
    "DELETE FROM parent WHERE id = 9",
    "SELECT * FROM other.t",
    "SELECT * FROM small",
    "COPY t FROM STDIN <<< 90\\t1\\ta\\n",
    "COPY child TO STDOUT",
]


@pytest.mark.parametrize("clause", ["UPDATE", "KEY SHARE"])
def test_who_may_not_ask_for_places_may_lock(arena, app, clause):
    parties = arena.fresh()
    app("BEGIN")
    (answer,) = app(f"SELECT id FROM other.t WHERE id = 1 FOR {clause}")
    assert answer.text == "1", answer
    (answer,) = app("COMMIT")
    assert answer.text == "COMMIT", answer
    (answer,) = parties[0]("SELECT v FROM other.t WHERE id = 1")
    assert answer.text == "500", answer


def test_a_change_that_is_refused_hinders_nobody(arena, app):
    """Between a lock and COMMIT."""
    parties = arena.fresh()
    for sql in ("BEGIN", "SELECT v FROM parent WHERE id = 7 FOR UPDATE"):
        parties[1](sql)
    (answer,) = app("DROP TABLE parent")
    assert answer.text == FORBIDDEN, answer
    (answer,) = parties[1]("COMMIT")
    assert answer.text == "COMMIT", answer


@pytest.mark.parametrize("sql", RIGHTS)
@pytest.mark.parametrize("meet", ["2 add 1 / 2 commit", "2 add 1 / 2 rollback"])
def test_rights_are_those_of_the_role(arena, app, sql, meet):
    """Also for one that has made way: what a role may not do it may not do there."""
    arena.fresh()
    app("BEGIN")
    app(statement("add 1"))
    (usual,) = app(sql)
    app("ROLLBACK")
    parties = arena.fresh() | {1: app}
    play(parties, "1 begin / 1 add 1 / 2 begin / " + meet)
    (found,) = app(sql)
    app("ROLLBACK")
    assert found.text == usual.text
    assert refusal(found) == refusal(usual)


def refusal(answer):
    """What an error says; of a view it may say that it is a table."""
    return {name: text.replace("for view ", "for table ") for name, text in answer.error}


def hidden(admin):
    """The relations that the server has made for such transactions, by name."""
    return admin.execute(
        "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class"
        " JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE starts_with(nspname, 'pg_treeline_') AND relkind IN ('r', 'v', 'S')"
    ).fetchall()


def meet(arena):
    """A transaction that has made way with a secret, and one that is there as well."""
    parties = arena.fresh()
    play(
        parties,
        f"""1 begin / 1 add 1 / 1 {SECRET} / 2 add 1 / 1 read 77 => 1
        3 begin / 3 read 1 => 101 / 2 add 1 / 3 add 1 / 3 read 77 => nothing""",
    )
    return parties


@pytest.mark.parametrize("inside", [False, True])
def test_what_is_kept_beside_is_for_nobody_else(arena, inside):
    """Neither by its name, nor by a path to it, from outside or from such a transaction."""
    parties = meet(arena)
    names = [name for (name,) in hidden(arena.party(0).connection)]
    assert names
    with arena.connect() as stranger:
        for name in names:
            schema = name.partition(".")[0]
            for sql in (
                f"SELECT * FROM {name}",
                f"DELETE FROM {name}",
                f"SET search_path = {schema}",
                f"SELECT set_config('search_path', '{schema}', false)",
                f"SELECT count(*) FROM t, (SELECT * FROM {name}) s",
                f"CREATE VIEW leak AS SELECT * FROM {name}",
            ):
                if inside:
                    (answer,) = parties[3](sql)
                    assert dict(answer.error).get("sqlstate") in (FORBIDDEN, "40001"), sql
                    play(parties, "3 rollback / 3 begin / 3 read 1 / 2 add 1 / 3 add 1")
                else:
                    refused(FORBIDDEN, "", stranger, sql)


def test_the_means_are_not_for_clients(arena):
    parties = meet(arena)
    with arena.connect() as session:
        functions = session.execute(
            "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n"
            " ON n.oid = pronamespace WHERE starts_with(nspname, 'pg_treeline')"
            " AND NOT prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)"
        ).fetchall()
        assert any("shadow" in name for (name,) in functions)
        for (name,) in functions:
            call, _, types = name.partition("(")
            given = ", ".join(f"NULL::{each}" for each in types[:-1].split(",") if each)
            refused(FORBIDDEN, "", session, f"SELECT {call}({given})")
        for sql in (
            "SET pg_treeline.slot = 1",
            "SELECT set_config('pg_treeline.slot', '1', true)",
            "SET client_min_messages = debug",
            "SAVEPOINT treeline",
            "ROLLBACK TO treeline",
            "SELECT pg_notify('a', 'b')",
        ):
            (answer,) = parties[3](sql)
            assert answer.text in ("0A000", FORBIDDEN), (sql, answer)
            play(parties, "3 rollback / 3 begin / 3 read 1 / 2 add 1 / 3 add 1")


def test_nothing_is_left_for_who_comes_next(arena, app):
    """Whoever goes on where another one has been finds nothing of it."""
    for _ in range(3):
        parties = meet(arena)
        play(parties, "1 rollback / 3 rollback")
        parties = arena.fresh() | {1: app}
        play(
            parties,
            """1 begin / 1 add 1 / 2 add 1 / 1 read 77 => nothing
            1 SELECT count(*) FROM t => 9 / 1 rollback""",
        )


def test_no_client_is_told_how_it_is_done(arena):
    """The notes of the triggers are for the server alone."""
    heard = []
    arena.fresh()
    with arena.connect() as one, arena.connect() as two:
        for session in (one, two):
            session.add_notice_handler(lambda notice: heard.append(notice.message_primary))
        for end in ("COMMIT", "ROLLBACK"):
            one.execute("BEGIN")
            one.execute(statement("add 1"))
            one.execute("DELETE FROM parent WHERE id IN (2, 3)")
            two.execute("UPDATE other.t SET v = v + 1")
            two.execute("BEGIN")
            two.execute(statement("add 1"))
            two.execute("INSERT INTO t SELECT g, 0 FROM generate_series(200, 210) g")
            two.execute("ROLLBACK")
            one.execute("SELECT * FROM t FOR UPDATE")
            one.execute(end)
            one.execute("INSERT INTO keyless VALUES (1)")
        settings = one.execute("SHOW ALL").fetchall()
        path = one.execute("SHOW search_path").fetchone()
    assert heard == []
    assert path == ('"$user", public',)
    assert not [name for name, *_ in settings if name.startswith("pg_treeline")]


def test_texts_of_other_sessions_stay_theirs(arena):
    """What the server does for one session is not seen by another one of the same role either."""
    meet(arena)
    with arena.connect() as session:
        seen = session.execute("SELECT query FROM pg_stat_activity").fetchall()
    assert not [query for (query,) in seen if query and "pg_treeline" in query]
