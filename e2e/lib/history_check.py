"""What snapshot isolation and the first committer demand of histories."""

from history import COMMITTED, COMPATIBLE, CONFLICT, ERRORS, FAILED, SHARE, Replay

# How many neighbours in time are looked at: more than there are sessions.
NEAR = 60


def check(transactions, initial, final=None, exact=False):
    """The faults of a history. `exact`: one thread made it, so no two statements overlap."""
    checker = Checker(transactions, initial, exact)
    checker.replay()
    if final is not None:
        checker.chains(final)
        checker.references(final)
    checker.snapshots()
    checker.forks()
    checker.first_committers()
    checker.needless()
    return checker.faults


class Checker:
    def __init__(self, transactions, initial, exact):
        self.all = sorted(transactions, key=lambda each: each.begun)
        self.initial, self.exact = initial, exact
        self.committed = [each for each in self.all if each.outcome == COMMITTED]
        self.faults = []

    def fault(self, what, *transactions):
        self.faults.append("\n".join([what, *(f"  {each}" for each in transactions)]))

    def replay(self):
        """Every answer follows from the snapshot and the own writes."""
        for each in self.all:
            if each.snapshot is None:
                each.snapshot = self.state_at(each.begun[0])
            own = Replay(each.snapshot)
            wrong = None
            for step in each.steps:
                expected = own.answer(step)
                if step.answer != expected and self.excused(each, own, step):
                    own.force(step)
                elif step.answer != expected:
                    wrong = f"{step} where {expected} is expected"
                    break
            if wrong:
                self.fault(f"an answer: {wrong}", each)
            failed = bool(each.steps) and each.steps[-1].answer in ERRORS
            if not wrong and failed != (each.outcome == FAILED):
                self.fault("an end that does not follow from the answers", each)
            each.touched = own.touched | own.looked
            each.net = {
                key: own.now.get(key)
                for key in own.touched
                if own.now.get(key) != each.snapshot.get(key)
            }
            each.stands = {
                token: kind
                for token, kind in own.touched.items()
                if token in each.snapshot or token in own.now or token in held(each.net)
                if not own.forgets(token)
            }

    def excused(self, each, own, step):
        """Two differences of COMPAT.md, where PostgreSQL looks at the latest state: a row that is
        deleted has lost its last children since the snapshot, and a value of the unique column was
        given up by an UPDATE since."""
        if step.answer != 1:
            return False
        others = {
            (change.kind, change.key)
            for other in self.committed
            if other is not each and other.ended[1] > each.begun[0]
            for change in other.steps
            if change.answer == 1
        }
        if step.kind == "delete":
            needed = {("delete", child) for child in own.children(step.key)}
        elif step.kind == "claim" or step.key not in own.now:
            needed = {("claim", name) for name in own.holders(step.key, step.value)}
        else:
            needed = set()
        return bool(needed) and needed <= others

    def state_at(self, time):
        """What had been committed; statements do not overlap, so that is known."""
        assert self.exact
        state = dict(self.initial)
        for each in sorted(self.committed, key=lambda each: each.ended):
            if each.ended[1] < time:
                apply(state, each.net)
        return state

    def chains(self, final):
        """The committed writes of a row are one chain: nobody overwrites what he has not seen."""
        keys = set(self.initial) | set(final)
        keys.update(*(each.net for each in self.committed))
        for key in sorted(keys):
            balance = {self.initial.get(key): 1}
            end = final.get(key)
            balance[end] = balance.get(end, 0) - 1
            writers = [each for each in self.committed if key in each.net]
            for each in writers:
                before, after = each.snapshot.get(key), each.net[key]
                balance[before] = balance.get(before, 0) - 1
                balance[after] = balance.get(after, 0) + 1
            lost = [value for value, count in balance.items() if count]
            if lost:
                involved = [
                    each
                    for each in writers
                    if each.snapshot.get(key) in lost or each.net[key] in lost
                ]
                self.fault(f"a lost update of {key}: {lost}", *involved[:8])

    def references(self, final):
        for key, (_, parent) in final.items():
            if key[0] == "c" and parent not in final:
                self.fault(f"{key} refers to {parent}, which is not there")

    def snapshots(self):
        """Whole committed transactions are seen, none is half seen, and none too early or late."""
        writers = {
            (key, value): each
            for each in self.committed
            for key, value in each.net.items()
            if value is not None
        }
        for each in self.all:
            for key, value in each.snapshot.items():
                if self.initial.get(key) != value and (key, value) not in writers:
                    self.fault(f"a dirty read of {key}: {value}", each)
            if self.exact:
                self.exactly(each)
        for each, other in self.pairs():
            seen = sees(each, other)
            if seen == {True, False}:
                self.fault("half of a transaction is seen", each, other)
            if True in seen and other.ended[0] > each.begun[1]:
                self.fault("a transaction is seen before its COMMIT", each, other)
            if False in seen and other.ended[1] < each.begun[0]:
                self.fault("a transaction is not seen after its COMMIT", each, other)

    def exactly(self, each):
        expected = self.state_at(each.begun[0])
        if each.snapshot != expected:
            self.fault(f"a snapshot where {expected} is expected: {each.snapshot}", each)

    def pairs(self):
        """Every transaction with those committed ones that are near it in time."""
        for place, each in enumerate(self.all):
            for other in self.all[max(0, place - NEAR) : place + NEAR]:
                if other is not each and other.outcome == COMMITTED:
                    yield each, other

    def forks(self):
        """Two snapshots: one is the older one, and the other has all that it has."""
        seen = {id(each): (set(), set()) for each in self.all}
        for each, other in self.pairs():
            for there in sees(each, other):
                seen[id(each)][0 if there else 1].add(id(other))
        for place, each in enumerate(self.all):
            for other in self.all[place + 1 : place + NEAR]:
                (ours, not_ours), (theirs, not_theirs) = seen[id(each)], seen[id(other)]
                if ours & not_theirs and theirs & not_ours:
                    self.fault("two snapshots of which none is the older one", each, other)

    def first_committers(self):
        """Of two that conflict one has seen the other's COMMIT before it began."""
        for each, other in self.pairs():
            if each.outcome != COMMITTED or not before(each, other):
                continue
            overlap = each.begun[1] < other.ended[0] and other.begun[1] < each.ended[0]
            clash = [
                key
                for key in clashes(each.stands, other.stands)
                if not self.may_both(key, each, other)
            ]
            if overlap and clash:
                self.fault(f"both of a conflict have committed: {clash}", each, other)

    def may_both(self, key, each, other):
        if self.is_excused(key, each, other) or self.is_excused(key, other, each):
            return True
        if each.ended[0] > other.ended[0]:
            each, other = other, each
        if self.exact:
            return False
        sure = each.ended[1] < other.ended[0]
        return any(self.came_and_went(key, it) for it in ((other,) if sure else (other, each)))

    def is_excused(self, token, sharer, other):
        """COMPAT.md: a reference that was deleted and made again is none that is new, and one that
        is gone again is none."""
        shared = any((step.kind, step.key) == ("share", token) for step in sharer.steps)
        children = [name for name, value in sharer.net.items() if name[0] == "c" and value]
        referring = [name for name in children if sharer.net[name][1] == token]
        return (
            sharer.stands[token] == SHARE
            and not shared
            and bool(referring)
            and all(
                self.may_have_seen(other, name, token) or self.is_gone(sharer, other, name, token)
                for name in referring
            )
        )

    def is_gone(self, sharer, other, child, token):
        """Whether somebody has deleted or moved a reference before the other's COMMIT."""
        return any(
            child in each.net and (each.net[child] or (0, 0))[1] != token
            for each in self.committed
            if each is not sharer
            and each.ended[1] > sharer.ended[0]
            and each.ended[0] < other.ended[1]
        )

    def may_have_seen(self, each, child, token):
        """Whether the snapshot may show a reference: it is known to be taken while the first
        statement runs."""
        made = [
            other
            for other in self.committed
            if not self.exact and other.net.get(child) and other.net[child][1] == token
            if other.ended[1] > each.begun[0] and other.ended[0] < each.begun[1]
        ]
        return each.snapshot.get(child, (0, 0))[1] == token or bool(made)

    def came_and_went(self, key, each):
        """COMPAT.md has it: a key that the snapshot does not show, and that somebody has deleted
        since, can be inserted, whoever inserted it before."""
        return key not in each.snapshot and any(
            other.net.get(key, each) is None
            and other.ended[0] < each.ended[1]
            and other.ended[1] > each.begun[0]
            for other in self.committed
        )

    def needless(self):
        """Who fails conflicts with somebody who has committed in its time."""
        failed = [each for each in self.all if each.outcome == CONFLICT]
        rivals = {id(each): [] for each in failed}
        for each, other in self.pairs():
            if id(each) in rivals:
                rivals[id(each)].append(other)
        for each in failed:
            if not any(
                clashes(each.touched, other.touched)
                for other in rivals[id(each)]
                if other.ended[1] > each.begun[0] and other.ended[0] < each.ended[1]
            ):
                self.fault("a conflict with nobody", each)


def held(net):
    """The values of the unique column that COMMIT leaves in what was written."""
    return {f"u:{value[1]}" for value in net.values() if value is not None}


def apply(state, net):
    for key, value in net.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def before(each, other):
    return (each.begun, each.name) < (other.begun, other.name)


def sees(each, other):
    """Whether a snapshot shows what another wrote: both, if it shows a half. A row that is missing
    says nothing: it may have been missing before and after."""
    found = set()
    for key, value in other.net.items():
        shown = each.snapshot.get(key)
        if shown is not None and shown == value:
            found.add(True)
        elif shown is not None and shown == other.snapshot.get(key):
            found.add(False)
    return found


def clashes(ours, theirs):
    """What two stand on in classes that conflict."""
    return [key for key in ours if key in theirs and (ours[key], theirs[key]) not in COMPATIBLE]


def told(transactions, initial):
    """A history as text."""
    return "\n".join([f"initially {initial}", *map(str, transactions)])


def smallest(transactions, initial, final, exact):
    """A history without the transactions that its faults do not need. The final state is that of
    the whole history, so without it a lost update shows as a snapshot only."""
    kept = list(transactions)
    for each in list(kept):
        fewer = [other for other in kept if other is not each]
        if each.outcome != COMMITTED and check(fewer, initial, final, exact):
            kept = fewer
    return kept
