"""The checker of histories finds what is wrong in histories made by hand, and nothing else."""

import pytest
from history import (
    COMMITTED,
    CONFLICT,
    DUPLICATE,
    FAILED,
    KEY,
    LOCK,
    ROLLED_BACK,
    SHARE,
    VIOLATION,
    Step,
    Transaction,
)
from history_check import check, smallest

INITIAL = {"t1": (1, "a"), "t2": (2, None), "p1": (3, None), "p2": (4, None), "c1": (5, "p1")}
NEW, LATER = (10, None), (11, None)


def state(**changes):
    """The initial state with changes; None is a row that is gone."""
    return {key: value for key, value in (INITIAL | changes).items() if value is not None}


class Hand:
    """Transactions whose times follow from the order of the calls."""

    def __init__(self):
        self.time, self.all = 0, {}

    def moment(self):
        self.time += 2
        return self.time - 1, self.time

    def begin(self, name, **changes):
        self.all[name] = Transaction(name, self.moment(), state(**changes))
        return self

    def do(self, name, kind, key="", value=(), answer=1):
        self.all[name].steps.append(Step(kind, key, value, answer))
        return self

    def end(self, name, outcome=COMMITTED):
        self.all[name].ended, self.all[name].outcome = self.moment(), outcome
        return self

    def commits_again(self, name):
        """A transaction whose COMMIT overlaps all that follows it."""
        first, _ = self.all[name].ended
        self.all[name].ended = (first, 1000)
        return self

    def faults(self, exact=True, **final):
        final = state(**final) if final else None
        return check(list(self.all.values()), INITIAL, final, exact)


def history(text):
    """`b A` begins, `c A` commits, `x A` fails with OC000, `r A` rolls back, and the rest is a kind
    with its key and value."""
    hand = Hand()
    for words in filter(None, (part.split() for part in text.replace("\n", " / ").split(" / "))):
        what, name, *more = words
        ends = {"c": COMMITTED, "x": CONFLICT, "r": ROLLED_BACK, "f": FAILED}
        if what == "b":
            hand.begin(name, **dict(map(changed, more)))
        elif what in ends:
            hand.end(name, ends[what])
        else:
            key, *rest = more
            values = [word for word in rest if not word.startswith("=")]
            answers = [word[1:] for word in rest if word.startswith("=")]
            value = (int(values[0]), values[1] if len(values) > 1 else None) if values else ()
            answer = answers[0] if answers else "1"
            hand.do(name, what, key, value, int(answer) if len(answer) == 1 else answer)
    return hand


def changed(word):
    key, _, value = word.partition("=")
    stamp, _, other = value.partition(",")
    return key, (int(stamp), other or None) if value else None


GOOD = {
    "one after the other": "b A / update A t2 10 / c A / b B t2=10 / update B t2 11 / c B",
    "the first committer wins": "b A / b B / update A t2 10 / update B t2 11 / c B / x A",
    "a rollback": "b A / b B / update A t2 10 / update B t2 11 / r B / c A",
    "write skew": "b A / b B / update A t2 10 / update B p1 11 / c A / c B",
    "FOR UPDATE against it": "b A / b B / lock A p1 / update A t2 10 / update B p1 11 / c A / x B",
    "two FOR UPDATE": "b A / b B / lock A t1 / lock B t1 / c A / x B",
    "two KEY SHARE": "b A / b B / share A p1 / share B p1 / c A / c B",
    "KEY SHARE and UPDATE": "b A / b B / share A p1 / update B p1 10 / c B / c A",
    "a reference and an UPDATE": "b A / b B / insert A c2 10 p2 / update B p2 11 / c A / c B",
    "a reference and a DELETE": "b A / b B / insert A c2 10 p2 / delete B p2 / c B / x A",
    "the same key": "b A / b B / insert A t3 10 / insert B t3 11 / c A / x B",
    "the same unique value": "b A / b B / insert A t3 10 z / claim B t2 11 z / c A / x B",
    "a duplicate": f"b A / insert A t1 10 ={DUPLICATE} / f A",
    "a duplicate of another column": f"b A / claim A t2 10 a ={DUPLICATE} / f A",
    "a missing parent": f"b A / insert A c2 10 p9 ={VIOLATION} / f A",
    "a parent with a child": f"b A / delete A p1 ={VIOLATION} / f A",
    "what came and went": "b A / b B / insert A t3 10 / delete A t3 / insert B t3 11 / c B / c A",
    "what came and went may fail": "b A / b B / insert A t3 10 / delete A t3 / insert B t3 11"
    " / c B / x A",
    "DO NOTHING may fail": "b A / b B / update B t2 10 / c B / ensure A t2 11 =0 / x A",
    "DO NOTHING need not fail": "b A / b B / update B t2 10 / c B / ensure A t2 11 =0 / c A",
    "a value that came and went": "b A / b B / insert A t3 10 z / claim B t2 11 z / claim B t2 12"
    " / c A / c B",
    "a parent whose child has gone since": "b A / b B / delete B c1 / c B / delete A p1 / c A",
    "a value that was given up since": "b A / b B / claim B t1 10 z / c B / claim A t2 11 a / c A",
    "nothing done": "b A / update A t9 10 =0 / delete A t9 =0 / lock A t9 =0 / c A",
    "upsert": "b A / upsert A t9 10 / upsert A t2 11 / ensure A t2 12 =0 / ensure A t8 13 / c A",
    "a delete and an insert": "b A / delete A t1 / insert A t1 10 a / c A / b B t1=10,a / c B",
    "a reader": "b A / b B / update B t2 10 / c B / c A",
}
BAD = {
    "lost update": ("b A / b B / update A t2 10 / update B t2 11 / c A / c B", "a conflict have"),
    "lost delete": ("b A / b B / update A t2 10 / delete B t2 / c A / c B", "a conflict have"),
    "both insert": ("b A / b B / insert A t3 10 / insert B t3 11 / c A / c B", "a conflict have"),
    "both take a value": (
        "b A / b B / insert A t3 10 z / claim B t2 11 z / c A / c B",
        "a conflict have",
    ),
    "FOR UPDATE forgotten": (
        "b A / b B / lock A p1 / update A t2 10 / update B p1 11 / c A / c B",
        "a conflict have",
    ),
    "two FOR UPDATE forgotten": (
        "b A / b B / lock A t1 / lock B t1 / c A / c B",
        "a conflict have",
    ),
    "KEY SHARE forgotten": ("b A / b B / share A p2 / delete B p2 / c B / c A", "a conflict have"),
    "an orphan": ("b A / b B / insert A c2 10 p2 / delete B p2 / c B / c A", "a conflict have"),
    "needless": ("b A / b B / update A t2 10 / update B p1 11 / c A / x B", "with nobody"),
    "needless, alone": ("b A / update A t2 10 / x A", "with nobody"),
    "needless: the other rolled back": (
        "b A / b B / update A t2 10 / update B t2 11 / r A / x B",
        "with nobody",
    ),
    "needless: the other was done before": (
        "b A / update A t2 10 / c A / b B t2=10 / update B t2 11 / x B",
        "with nobody",
    ),
    "needless: compatible classes": (
        "b A / b B / insert A c2 10 p2 / update B p2 11 / c A / x B",
        "with nobody",
    ),
    "a reader that fails": ("b A / b B / update B t2 10 / c B / x A", "with nobody"),
    "a dirty read": ("b A / update A t2 10 / b B t2=10 / r A / c B", "a dirty read"),
    "an intermediate read": (
        "b A / update A t2 10 / update A t2 11 / c A / b B t2=10 / c B",
        "a dirty read",
    ),
    "a stale snapshot": ("b A / update A t2 10 / c A / b B / c B", "not seen after"),
    "seen too early": ("b A / update A t2 10 / b B t2=10 / c B / c A", "before its COMMIT"),
    "half seen": (
        "b A / update A t2 10 / update A p2 11 / c A / b B t2=10 / c B",
        "half of a transaction",
    ),
    "a wrong tag": ("b A / update A t9 10 =1 / c A", "an answer"),
    "an own write that is not seen": ("b A / delete A t2 / update A t2 10 =1 / c A", "an answer"),
    "a duplicate that is allowed": ("b A / insert A t1 10 / c A", "an answer"),
    "a duplicate that is none": (f"b A / insert A t3 10 ={DUPLICATE} / f A", "an answer"),
    "an orphan by itself": ("b A / delete A p1 / c A", "an answer"),
    "a value that was not given up": (
        "b A / b B / update B t1 10 / c B / claim A t2 11 a / c A",
        "an answer",
    ),
    "an orphan beside others": (
        "b A / b B / update B c1 10 p1 / c B / delete A p1 / c A",
        "an answer",
    ),
    "a COMMIT after an error": (f"b A / insert A t1 10 ={DUPLICATE} / c A", "an end"),
    "a conflict at a statement": ("b A / update A t2 10 =OC000 / x A", "an answer"),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_good_history(text):
    for exact in (True, False):
        assert history(text).faults(exact=exact) == []


@pytest.mark.parametrize(("text", "fault"), BAD.values(), ids=BAD)
def test_a_bad_history(text, fault):
    for exact in (True, False):
        found = history(text).faults(exact=exact)
        assert any(fault in each for each in found), found


def test_what_a_read_shows():
    good = history("b A / update A t2 10").do("A", "read", "t", (), {"t1": (1, "a"), "t2": NEW})
    assert good.end("A").faults() == []
    old = {"t1": (1, "a"), "t2": (2, None)}
    bad = history("b A / update A t2 10").do("A", "read", "t", (), old)
    (fault,) = bad.end("A").faults()
    assert "an answer" in fault


def test_a_read_that_moves():
    hand = history("b A / b B / update B t2 10 / c B")
    hand.do("A", "read", "t2", (), {"t2": NEW}).end("A")
    assert any("an answer" in fault for fault in hand.faults())


def test_what_is_there_in_the_end():
    text = "b A / b B / update A t2 10 / update B t2 11 / c B / x A"
    assert history(text).faults(t2=LATER) == []
    (fault,) = history(text).faults(t2=NEW)
    assert "a lost update of t2" in fault
    # An acknowledged one that is gone, and one that nobody wrote.
    assert "a lost update of t2" in history(text).faults(t1=(1, "a"))[0]
    assert "a lost update of p2" in history(text).faults(t2=LATER, p2=None)[0]


def test_two_histories_of_one_past():
    """One reader sees the first of two writers only, another the second only."""
    hand = history("b A / b B / update A t2 10 / update B p2 11")
    hand.end("A").end("B")
    hand.all["A"].ended = hand.all["B"].ended = (5, 1000)
    hand.begin("C", t2=NEW).end("C").begin("D", p2=LATER).end("D")
    found = hand.faults(exact=False)
    assert len(found) == 1 and "none is the older one" in found[0], found


def test_overlapping_statements_are_given_the_benefit_of_the_doubt():
    hand = history("b A / update A t2 10 / c A / b B / c B").commits_again("A")
    assert hand.faults(exact=False) == []


def test_a_first_statement_that_is_no_read():
    hand = history("b A / update A t2 10 / c A / b B / update B t2 11 / c B")
    hand.all["B"].snapshot = None
    assert hand.faults(t2=LATER) == []


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("b A / b B / insert A c2 10 p2 / delete A c2 / lock B p2 / c B / c A", True),
        ("b A / b B / insert A c2 10 p2 / delete A c2 / share A p2 / lock B p2 / c B / c A", False),
        ("b A / b B / insert A c2 10 p2 / lock B p2 / c B / c A", False),
        ("b A / b B / share A p2 / lock B p2 / c A / c B", False),
        ("b A / b B / share A p2 / update B p2 10 / lock B p2 / c B / c A", False),
        ("b A / b B / share A p2 / update B p2 10 / c B / c A", True),
    ],
)
def test_weak_locks(text, fine):
    transactions = list(history(text).all.values())
    assert (check(transactions, INITIAL, None, True) == []) == fine


@pytest.mark.parametrize(("parent", "fine"), [("p1", True), ("p2", False)])
def test_a_reference_that_comes_again(parent, fine):
    text = "b A / b B / delete B c1 / c B / b C / insert C c1 10 {p} / c C / lock A {p} / c A"
    hand = history(text.format(p=parent))
    hand.all["C"].snapshot = None
    assert (hand.faults() == []) == fine


@pytest.mark.parametrize(
    ("more", "fine"), [("delete C c2", True), ("update C c2 12", False), ("share C p2", False)]
)
def test_a_reference_that_is_gone_again(more, fine):
    text = "b A / b B / insert B c2 10 p2 / c B / b C / {} / c C / lock A p2 / c A"
    hand = history(text.format(more))
    hand.all["C"].snapshot = None
    assert (hand.faults() == []) == fine


def test_a_reference_to_nothing():
    hand = history("b A / b B / insert A c2 10 p2 / delete B p2 / c A / c B")
    final = state(c2=(10, "p2"), p2=None)
    found = check(list(hand.all.values()), INITIAL, final, True)
    assert found[0] == "c2 refers to p2, which is not there"


def test_a_history_becomes_small():
    hand = history(
        "b N / update N p1 20 / r N / b A / b B / update A t2 10 / update B t2 11 / c A / c B"
    )
    kept = smallest(list(hand.all.values()), INITIAL, None, True)
    assert [each.name for each in kept] == ["A", "B"]
