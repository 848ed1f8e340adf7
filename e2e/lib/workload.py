"""Random transactions on a few rows, recorded as histories. A seed gives one plan: always the same
statements in the same turns when one thread makes them, the same statements when several do."""

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor

from history import (
    COMMITTED,
    CONFLICT,
    ERRORS,
    FAILED,
    KEY,
    LOCK,
    ROLLED_BACK,
    SHARE,
    Step,
    Transaction,
)
from history_check import check, smallest, told
from interleaving import Party

TABLES = [
    "CREATE TABLE p{n} (id int PRIMARY KEY, stamp int NOT NULL)",
    "CREATE TABLE t{n} (id int PRIMARY KEY, stamp int NOT NULL, u text UNIQUE)",
    "CREATE TABLE c{n} (id int PRIMARY KEY, stamp int NOT NULL, parent int REFERENCES p{n})",
]
READ = (
    "SELECT 't' || id, stamp, u FROM t{n} UNION ALL SELECT 'p' || id, stamp, NULL FROM p{n}"
    " UNION ALL SELECT 'c' || id, stamp, 'p' || parent FROM c{n}"
)
ROWS = 4
LETTERS = ("a", "b", "c")
# How often each kind of statement is chosen, and on which tables.
KINDS = {
    "update": (7, "tp"),
    "insert": (4, "tpc"),
    "delete": (3, "tpc"),
    "lock": (3, "tp"),
    "share": (1, "p"),
    "claim": (2, "t"),
    "upsert": (2, "tp"),
    "ensure": (1, "tp"),
    "read": (5, ("", "t", "p", "c")),
}
OUTCOMES = {"COMMIT": COMMITTED, "ROLLBACK": ROLLED_BACK, "OC000": CONFLICT}
clock = itertools.count(1).__next__


class Rows:
    """The tables of one number, as SQL."""

    def __init__(self, number):
        self.number = number

    def create(self):
        return [sql.format(n=self.number) for sql in TABLES]

    def sql(self, step, returning=False):
        table, row = step.key[:1] + str(self.number), step.key[1:]
        where = f"WHERE id = {row}"
        if step.kind == "read":
            return f"SELECT * FROM ({READ.format(n=self.number)}) r (key, stamp, more)" + (
                f" WHERE key LIKE '{step.key}%'" if step.key else ""
            )
        if step.kind == "delete":
            return f"DELETE FROM {table} {where}"
        if step.kind in ("lock", "share"):
            clause = {"lock": "UPDATE", "share": "KEY SHARE"}[step.kind]
            return f"SELECT id, stamp FROM {table} {where} FOR {clause}"
        stamp, more = step.value
        end = " RETURNING id, stamp" if returning else ""
        if step.kind == "update":
            return f"UPDATE {table} SET stamp = {stamp} {where}{end}"
        if step.kind == "claim":
            return f"UPDATE {table} SET stamp = {stamp}, u = {quoted(more)} {where}{end}"
        fields = [row, str(stamp)]
        if step.key[0] == "t":
            fields.append(quoted(more))
        elif step.key[0] == "c":
            fields.append(more[1:])
        conflict = {
            "insert": "",
            "ensure": " ON CONFLICT DO NOTHING",
            "upsert": " ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp",
        }[step.kind]
        return f"INSERT INTO {table} VALUES ({', '.join(fields)}){conflict}{end}"


def quoted(text):
    return "NULL" if text is None else f"'{text}'"


class Plan:
    """What transactions do, by a seed."""

    def __init__(self, seed, stamps, letters=LETTERS):
        self.random, self.stamps, self.letters = random.Random(seed), stamps, letters

    def step(self):
        kinds = list(KINDS)
        (kind,) = self.random.choices(kinds, [KINDS[name][0] for name in kinds])
        table = self.random.choice(KINDS[kind][1])
        if kind == "read":
            return Step(kind, table)
        return Step(kind, f"{table}{self.random.randint(1, ROWS)}", self.value(kind, table))

    def value(self, kind, table):
        if kind in ("delete", "lock", "share"):
            return ()
        more = None
        if table == "c":
            more = f"p{self.random.randint(1, ROWS)}"
        elif table == "t" and kind in ("insert", "claim") and self.random.random() < 0.6:
            more = self.random.choice(self.letters) if self.letters else None
        return (next(self.stamps), more)

    def steps(self, most=5):
        return [self.step() for _ in range(self.random.randint(1, most))]


class Running:
    """A session with the transaction that it is in."""

    def __init__(self, party, rows):
        self.party, self.rows = party, rows
        self.transaction = None

    def ask(self, sql):
        sent = clock()
        (answer,) = self.party(sql)
        return answer, (sent, clock())

    def begin(self, name, reads_first=True):
        self.transaction = Transaction(name)
        self.ask("BEGIN")
        if reads_first:
            step = Step("read")
            answer, self.transaction.begun = self.ask(self.rows.sql(step))
            self.transaction.snapshot = values(answer)

    def step(self, step, returning=False):
        """Whether the transaction can go on."""
        answer, times = self.ask(self.rows.sql(step, returning))
        self.transaction.begun = self.transaction.begun or times
        step.answer = outcome(step, answer)
        self.transaction.steps.append(step)
        return not answer.error

    def end(self, commit):
        """The transaction, which is over."""
        done = self.transaction
        answer, done.ended = self.ask("COMMIT" if commit else "ROLLBACK")
        done.begun = done.begun or done.ended
        failed = bool(done.steps) and done.steps[-1].answer in ERRORS
        done.outcome = OUTCOMES.get(answer.text, answer.text)
        if failed and answer.text == "ROLLBACK":
            done.outcome = FAILED
        self.transaction = None
        return done

    def alone(self, name, step):
        """A statement that is a transaction by itself."""
        answer, times = self.ask(self.rows.sql(step))
        step.answer = outcome(step, answer)
        done = Transaction(name, times, None, [step], times)
        if step.answer == CONFLICT:
            done.steps, done.outcome = [], CONFLICT
        elif answer.error:
            done.outcome = FAILED
        return done


def values(answer):
    """The rows of a read."""
    if answer.error:
        return answer.text
    rows = [] if answer.text == "nothing" else [row.split("|") for row in answer.text.split(" ")]
    return {key: (int(stamp), None if more == "NULL" else more) for key, stamp, more in rows}


def outcome(step, answer):
    """What the checker is told of an answer: the rows of a read, or how many, or an error."""
    if answer.error:
        return answer.text
    if step.kind == "read":
        return values(answer)
    if step.kind in ("lock", "share"):
        return 0 if answer.text == "nothing" else answer.text.count("|")
    tag, _, rows = answer.text.partition(": ")
    count = int(tag.split(" ")[-1])
    if rows and rows != "nothing":
        wanted = f"{step.key[1:]}|{step.value[0]}"
        return count if rows == wanted else f"{count} with {rows} for {wanted}"
    return count


class Interleaver:
    """One thread that lets sessions take turns: history after history, on the same tables. Each
    begins with rows that its seed gives, so that the seed is all that is needed to repeat it."""

    def __init__(self, connect, number, sessions=4):
        self.rows = Rows(number)
        self.parties = [Party(connect()) for _ in range(sessions)]
        for sql in self.rows.create():
            (answer,) = self.parties[0](sql)
            assert not answer.error, answer

    def initially(self, plan):
        """Puts rows there, and gives them."""
        party = self.parties[0]
        party.way = "simple"
        steps = [
            Step("ensure", f"{table}{row}", plan.value("insert", table))
            for table in "tpc"
            for row in range(1, ROWS + 1)
            if plan.random.random() < 0.5
        ]
        # Whatever a random row may refer to is there first, and goes last.
        steps.sort(key=lambda step: "ptc".index(step.key[0]))
        parents = {step.key for step in steps}
        steps = [step for step in steps if step.key[0] != "c" or step.value[1] in parents]
        texts = [f"DELETE FROM {table}{self.rows.number}" for table in "ctp"]
        answers = party("; ".join([*texts, *map(self.rows.sql, steps)]))
        assert not answers[-1].error, answers[-1]
        return self.read()

    def read(self):
        answer, _ = Running(self.parties[0], self.rows).ask(self.rows.sql(Step("read")))
        return values(answer)

    def history(self, seed):
        """The state before, the transactions of one history, and the state after it."""
        plan = Plan(seed, itertools.count(1))
        dice, initial = plan.random, self.initially(plan)
        waiting, done = [], []
        for number, party in enumerate(dice.sample(self.parties, dice.randint(2, 4))):
            party.way = dice.choice(("simple", "extended"))
            waiting.append(self.turns(plan, Running(party, self.rows), f"T{number}", done))
        while waiting:
            turn = dice.choice(waiting)
            if next(turn, "over") == "over":
                waiting.remove(turn)
        return initial, done, self.read()

    def turns(self, plan, running, name, done):
        """The statements of one session, one at a time."""
        dice = plan.random
        if dice.random() < 0.15:
            step = plan.step()
            if step.kind not in ("read", "lock", "share"):
                done.append(running.alone(name, step))
            return
        steps = plan.steps()
        running.begin(name, dice.random() < 0.5)
        yield
        for step in steps:
            if not running.step(step, dice.random() < 0.3):
                break
            yield
        done.append(running.end(dice.random() < 0.9))

    def run(self, seed):
        """The faults of one history, as text with its seed, and how it ended."""
        initial, done, final = self.history(seed)
        faults = check(done, initial, final, True)
        if not faults:
            return "", done
        few = smallest(done, initial, final, True)
        return f"seed {seed}\n" + "\n".join([*faults, "history:", told(few, initial)]), done

    def close(self):
        for party in self.parties:
            party.connection.close()


def interleave(connect, seeds, threads=6, seconds=None):
    """Histories of these seeds on several sets of rows at once, which have nothing to do with each
    other: most of the time is spent in waiting. Gives the faults, and all transactions."""
    with ThreadPoolExecutor(threads) as pool:
        # One after the other: making tables is a change of the catalog.
        interleavers = [Interleaver(connect, number) for number in range(threads)]
        shared, deadline = iter(seeds), time.monotonic() + (seconds or 1e9)

        def work(interleaver):
            faults, done = [], []
            while time.monotonic() < deadline and (seed := next(shared, None)) is not None:
                fault, transactions = interleaver.run(seed)
                done.append(transactions)
                if fault:
                    faults.append(fault)
                    return faults, done
            return faults, done

        results = list(pool.map(work, interleavers))
        for interleaver in interleavers:
            interleaver.close()
    return [f for faults, _ in results for f in faults], [h for _, done in results for h in done]


def at_once(connect, seed, threads, seconds):
    """One history that threads make. Gives its faults, and its transactions."""
    rows, stamps = Rows(f"x{seed}"), itertools.count(1)
    parties = [Party(connect()) for _ in range(threads)]
    for sql in rows.create():
        (answer,) = parties[0](sql)
        assert not answer.error, answer
    deadline = time.monotonic() + seconds

    def work(number):
        # A unique value that was given up meanwhile can be taken, which COMPAT.md has.
        plan, done = Plan(f"{seed}/{number}", stamps, letters=""), []
        running = Running(parties[number], rows)
        while time.monotonic() < deadline:
            running.begin(f"T{number}.{len(done)}")
            for step in plan.steps(4):
                if not running.step(step, plan.random.random() < 0.3):
                    break
                if plan.random.random() < 0.2:
                    time.sleep(plan.random.random() * 0.004)
            done.append(running.end(plan.random.random() < 0.9))
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = [each for found in pool.map(work, range(threads)) for each in found]
    answer, _ = Running(parties[0], rows).ask(rows.sql(Step("read")))
    for party in parties:
        party.connection.close()
    faults = check(done, {}, values(answer), False)
    return [f"seed {seed}\n{fault}" for fault in faults], done


def tally(histories):
    """How many transactions ended in which way, and with which class of statements."""
    found = {}
    for transactions in histories:
        for each in transactions:
            found[each.outcome] = found.get(each.outcome, 0) + 1
    return dict(sorted(found.items()))
