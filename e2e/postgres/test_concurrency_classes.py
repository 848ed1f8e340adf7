"""Table E.2: which operations on a row conflict, in every order."""

import itertools

import pytest
from interleaving import play

# A first transaction and a second one on the row 1 of `parent`: the class, and the statement.
OPERATIONS = {
    "delete": (1, "DELETE FROM parent WHERE id = 7"),
    "primary key": (1, "UPDATE parent SET id = {n}0 WHERE id = 7"),
    "unique key": (1, "UPDATE parent SET code = {n} WHERE id = 7"),
    "for update": (1, "SELECT v FROM parent WHERE id = 7 FOR UPDATE"),
    "update": (2, "UPDATE parent SET v = {n} WHERE id = 7"),
    "for key share": (3, "SELECT v FROM parent WHERE id = 7 FOR KEY SHARE"),
    "reference": (3, "INSERT INTO child VALUES ({n}0, 7)"),
    "changed reference": (3, "UPDATE child SET parent = 7 WHERE id = {n}"),
    "read": (4, "SELECT v FROM parent WHERE id = 7"),
}
CONFLICTS = {(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)}
SECOND_CHILD = "0 INSERT INTO child VALUES (2, 1)"
ROUNDS = {
    "the first to begin commits first": "1 {first} / 2 {second} / 1 {end} / 2 {last}",
    "the second to begin commits first": "2 {second} / 1 {first} / 1 {end} / 2 {last}",
    "committed before the other's statement": "1 {first} / 1 {end} / 2 {second} / 2 {last}",
}


def sql(name, number):
    return OPERATIONS[name][1].format(n=number)


def end(first, second):
    """How the COMMIT of the second ends after that of the first."""
    clash = (OPERATIONS[first][0], OPERATIONS[second][0]) in CONFLICTS
    return "OC000" if clash else "COMMIT"


@pytest.mark.parametrize("turns", ROUNDS.values(), ids=ROUNDS)
@pytest.mark.parametrize(("first", "second"), list(itertools.product(OPERATIONS, repeat=2)))
def test_classes(parties, first, second, turns):
    last = f"commit => {end(first, second)}"
    # Both have their snapshots.
    script = f"{SECOND_CHILD} / 1 begin / 2 begin / 1 read 1 => 100 / 2 read 1 => 100 / {turns}"
    play(
        parties,
        script.format(
            first=sql(first, 1), second=sql(second, 2), end="commit => COMMIT", last=last
        ),
    )


@pytest.mark.parametrize(("first", "second"), list(itertools.product(OPERATIONS, repeat=2)))
def test_who_rolls_back_hinders_nobody(parties, first, second):
    play(
        parties,
        f"{SECOND_CHILD} / 1 begin / 2 begin / 1 {sql(first, 1)} / 2 {sql(second, 2)}"
        " / 1 rollback / 2 commit => COMMIT",
    )


# A row that is only locked for the time of a statement is another matter: nothing is said of it.
ALONE = [name for name in OPERATIONS if name not in ("for update", "for key share")]


@pytest.mark.parametrize(("first", "second"), list(itertools.product(OPERATIONS, ALONE)))
def test_by_itself_beside_an_open_transaction(parties, first, second):
    """A statement without a transaction has committed when it answers."""
    play(
        parties,
        f"{SECOND_CHILD} / 1 begin / 1 {sql(first, 1)} / 2 {sql(second, 2)}"
        f" / 1 commit => {end(second, first)}",
    )
