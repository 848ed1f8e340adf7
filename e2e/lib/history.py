"""Histories of transactions, and what a transaction by itself answers on its snapshot.

Keys are texts such as `t1`: a table and a row. A value is a stamp, which no other write has, and
one more column: the unique `u` of `t`, the parent of `c`, nothing of `p`. Times are numbers that
grow.
"""

from dataclasses import dataclass, field

# What a transaction does with a row, the strongest first. AWS has three classes: what changes a key
# and FOR UPDATE are one.
KEY, LOCK, ROW, SHARE = 1, 2, 3, 4
COMPATIBLE = {(ROW, SHARE), (SHARE, ROW), (SHARE, SHARE)}
DUPLICATE, VIOLATION = "23505", "23503"
ERRORS = (DUPLICATE, VIOLATION)
COMMITTED, CONFLICT, ROLLED_BACK, FAILED = "committed", "OC000", "rolled back", "failed"


@dataclass
class Step:
    """A statement: what, to which key (a read: to all that begin with it), and the answer."""

    kind: str
    key: str = ""
    value: tuple = ()
    answer: object = None

    def __str__(self):
        value = f" {self.value}" if self.value else ""
        return f"{self.kind} {self.key}{value} => {self.answer}"


@dataclass
class Transaction:
    """`begun` and `ended` are when the first and the last statement were sent and answered. The
    snapshot is what the first one read, or None where it read nothing."""

    name: str
    begun: tuple = ()
    snapshot: dict | None = None
    steps: list = field(default_factory=list)
    ended: tuple = ()
    outcome: str = COMMITTED

    # What the checker finds out: what it wrote, and in which classes it stands on what. The rows
    # of `net` are as COMMIT leaves them; what came and went is in `touched` alone.
    net: dict = field(default_factory=dict, repr=False)
    touched: dict = field(default_factory=dict, repr=False)
    stands: dict = field(default_factory=dict, repr=False)

    def __str__(self):
        steps = " / ".join(map(str, self.steps))
        return f"{self.name} {self.begun}..{self.ended} {self.outcome}: {steps}"


class Replay:
    """A transaction by itself, on its snapshot."""

    def __init__(self, snapshot):
        self.snapshot, self.now = snapshot, dict(snapshot)
        # Where it stands, and where it has only looked, so that it may fail but need not.
        self.touched, self.looked = {}, {}
        # What it has read FOR KEY SHARE.
        self.shared = set()

    def stand(self, token, kind):
        self.touched[token] = min(kind, self.touched.get(token, kind))

    def answer(self, step):
        """What a statement has to answer. It has its effect unless that is an error."""
        return getattr(self, f"_{step.kind}")(step.key, step.value)

    def _read(self, key, _):
        return {name: value for name, value in self.now.items() if name.startswith(key)}

    def holders(self, key, value):
        """Other rows that have the value of `u` already."""
        return [
            name
            for name, other in self.now.items()
            if key[0] == name[0] == "t" and name != key and value[1] is not None
            if other[1] == value[1]
        ]

    def taken(self, key, value):
        return bool(self.holders(key, value))

    def force(self, step):
        """What a statement does that had an effect against expectation."""
        if step.kind == "delete":
            self.remove(step.key)
        else:
            self.write(step.key, step.value, KEY)

    def write(self, key, value, kind):
        self.stand(key, kind)
        if key[0] == "t" and kind == KEY and value[1] is not None:
            self.stand(f"u:{value[1]}", KEY)
        if key[0] == "c" and self.now.get(key, (0, 0))[1] != value[1]:
            self.stand(value[1], SHARE)
        self.now[key] = value
        return 1

    def _insert(self, key, value):
        if key in self.now or self.taken(key, value):
            return DUPLICATE
        if key[0] == "c" and value[1] not in self.now:
            return VIOLATION
        return self.write(key, value, KEY)

    def _ensure(self, key, value):
        """ON CONFLICT DO NOTHING. PostgreSQL does not let a row pass that has changed since."""
        if key in self.now or self.taken(key, value):
            self.looked |= {key: LOCK, f"u:{value[1]}": LOCK}
            return 0
        return self._insert(key, value)

    def _upsert(self, key, value):
        """ON CONFLICT DO UPDATE of the stamp."""
        return self._update(key, value) if key in self.now else self._insert(key, value)

    def _update(self, key, value):
        if key not in self.now:
            return 0
        return self.write(key, (value[0], self.now[key][1]), ROW)

    def _claim(self, key, value):
        """A new value of the unique column."""
        if key not in self.now:
            return 0
        return DUPLICATE if self.taken(key, value) else self.write(key, value, KEY)

    def _delete(self, key, _):
        if key not in self.now:
            return 0
        return VIOLATION if self.children(key) else self.remove(key)

    def children(self, key):
        return [name for name, value in self.now.items() if name[0] == "c" and value[1] == key]

    def remove(self, key):
        self.stand(key, KEY)
        del self.now[key]
        return 1

    def _lock(self, key, _):
        return self.only_read(key, LOCK)

    def forgets(self, token):
        """COMPAT.md: a reference that is gone before COMMIT does not count."""
        referred = self.touched[token] == SHARE and token not in self.shared
        return referred and not any(
            name[0] == "c" and value[1] == token and self.snapshot.get(name) != value
            for name, value in self.now.items()
        )

    def _share(self, key, _):
        self.shared.add(key)
        return self.only_read(key, SHARE)

    def only_read(self, key, kind):
        if key not in self.now:
            return 0
        self.stand(key, kind)
        return 1
