"""Sessions that take turns in one thread: what each statement answers, and that none waits.

A script is a text of steps, one on a line or with ` / ` between: who, what, and after `=>` what is
answered. Who is the number of a session; what is SQL, or one of the `WORDS` with its arguments.
"""

import re
import select
import time
from dataclasses import dataclass

import pytest
from psycopg import pq

# No figure: it keeps a statement that waits from stopping the tests.
HANG_SECONDS = 5.0
# The protocol: a query, a statement without a name, one that is prepared.
WAYS = ("simple", "extended", "prepared")
CONFLICT = "change conflicts with another transaction (OC000)"
SCHEMA_CHANGED = "schema has been updated by another transaction (OC001)"
CODES = {CONFLICT: "OC000", SCHEMA_CHANGED: "OC001"}
DIAGNOSED = {
    "sqlstate": pq.DiagnosticField.SQLSTATE,
    "message": pq.DiagnosticField.MESSAGE_PRIMARY,
    "detail": pq.DiagnosticField.MESSAGE_DETAIL,
    "schema": pq.DiagnosticField.SCHEMA_NAME,
    "table": pq.DiagnosticField.TABLE_NAME,
    "constraint": pq.DiagnosticField.CONSTRAINT_NAME,
}
COPY_DATA = " <<< "
ROLES = {
    pq.TransactionStatus.IDLE: "idle",
    pq.TransactionStatus.INTRANS: "open",
    pq.TransactionStatus.INERROR: "aborted",
    pq.TransactionStatus.UNKNOWN: "gone",
}
WORDS = {
    "begin": "BEGIN",
    "commit": "COMMIT",
    "rollback": "ROLLBACK",
    "read": "SELECT v FROM t WHERE id = {}",
    "all": "SELECT id, v FROM t ORDER BY id",
    "add": "UPDATE t SET v = v + 1 WHERE id = {}",
    "put": "INSERT INTO t VALUES ({0}, 1, 'u{0}')",
    "drop": "DELETE FROM t WHERE id = {}",
    "lock": "SELECT v FROM t WHERE id = {} FOR UPDATE",
    "share": "SELECT v FROM t WHERE id = {} FOR KEY SHARE",
    "key": "UPDATE t SET u = 'new' WHERE id = {}",
    "child": "INSERT INTO child VALUES ({}, {})",
    "parent": "UPDATE parent SET v = v + 1 WHERE id = {}",
    "orphan": "DELETE FROM parent WHERE id = {}",
}


class Hung(AssertionError):
    """A statement waits for another session."""


@dataclass(frozen=True)
class Answer:
    """One result: its text as scripts have it, and all that it says."""

    text: str
    shape: tuple = ()
    error: tuple = ()

    @classmethod
    def of(cls, result):
        if result.status == pq.ExecStatus.FATAL_ERROR:
            return cls.of_error(result)
        tag = (result.command_status or b"").decode()
        if result.status != pq.ExecStatus.TUPLES_OK:
            return cls(tag)
        rows = [
            "|".join(field(result, row, column) for column in range(result.nfields))
            for row in range(result.ntuples)
        ]
        columns = tuple(
            (result.fname(column), result.ftype(column)) for column in range(result.nfields)
        )
        shown = " ".join(rows) or "nothing"
        text = shown if tag.startswith(("SELECT", "SHOW", "FETCH")) else f"{tag}: {shown}"
        return cls(text, (tag, columns))

    @classmethod
    def of_error(cls, result):
        found = {name: result.error_field(kind) for name, kind in DIAGNOSED.items()}
        said = {name: value.decode() for name, value in found.items() if value}
        state = said.get("sqlstate", "gone")
        text = CODES.get(said.get("message"), state) if state == "40001" else state
        return cls(text, error=tuple(said.items()) or (("message", result.get_error_message()),))


def field(result, row, column):
    value = result.get_value(row, column)
    return "NULL" if value is None else value.decode()


class Party:
    """A connection of psycopg, used as libpq does it; `way` is the protocol's."""

    def __init__(self, connection, way="simple"):
        self.connection, self.way = connection, way
        self.pg = connection.pgconn
        self.statements = 0

    def __call__(self, sql):
        """The answers to a text of statements: several only in the simple protocol."""
        sql, _, data = sql.partition(COPY_DATA)
        deadline = time.monotonic() + HANG_SECONDS
        failed = getattr(self, f"_{self.way}")(sql.encode(), deadline)
        return [Answer.of(result) for result in failed or self.results(deadline, data)]

    def _simple(self, sql, _):
        self.pg.send_query(sql)

    def _extended(self, sql, _):
        self.pg.send_query_params(sql, None)

    def _prepared(self, sql, deadline):
        """A named statement; what is answered if it cannot be prepared."""
        self.statements += 1
        name = f"s{self.statements}".encode()
        self.pg.send_prepare(name, sql)
        prepared = self.results(deadline)
        if prepared[0].status == pq.ExecStatus.FATAL_ERROR:
            return prepared
        self.pg.send_query_prepared(name, None)
        return None

    def results(self, deadline, data=""):
        found = []
        while (result := self.next_result(deadline)) is not None:
            if result.status == pq.ExecStatus.COPY_IN:
                # libpq keeps saying COPY IN until the data has ended.
                self.pg.put_copy_data(data.encode().decode("unicode_escape").encode())
                self.pg.put_copy_end()
            elif result.status == pq.ExecStatus.COPY_OUT:
                while self.pg.get_copy_data(0)[0] > 0:
                    pass
            else:
                found.append(result)
        return found

    def next_result(self, deadline):
        while self.pg.flush():
            self.ready(deadline, write=True)
        while self.pg.is_busy():
            self.ready(deadline)
            self.pg.consume_input()
        return self.pg.get_result()

    def ready(self, deadline, write=False):
        wire = [self.pg.socket]
        left = max(0, deadline - time.monotonic())
        if not any(select.select(wire, wire if write else [], [], left)):
            self.connection.close()
            raise Hung(f"no answer after {HANG_SECONDS} s")

    @property
    def state(self):
        return ROLES[pq.TransactionStatus(self.pg.transaction_status)]


def steps(script):
    """Who, what and the expected answer, or None, for each step."""
    found = []
    for line in re.split(r"\n| / ", script):
        line = line.strip()
        if line and not line.startswith("--"):
            step, arrow, expected = line.partition("=>")
            who, _, what = step.strip().partition(" ")
            found.append((int(who), what.strip(), expected.strip() if arrow else None))
    return found


def statement(what):
    """The SQL of a step."""
    word, *arguments = what.split(" ")
    return WORDS[word].format(*arguments) if word in WORDS else what


def play(parties, script):
    """Runs a script: a step without an expected answer must not fail. `?` asks for the state of a
    session: idle, open or aborted."""
    told = []
    for who, what, expected in steps(script):
        if what == "?":
            found, answers = parties[who].state, []
        else:
            try:
                answers = parties[who](statement(what))
            except Hung as hung:
                raise AssertionError("\n".join([*told, f"{who} {what}: {hung}"])) from hung
            found = "; ".join(answer.text for answer in answers)
        told.append(f"{who} {what} => {found}")
        errors = [answer.error for answer in answers if answer.error]
        if bool(errors) if expected is None else found != expected:
            said = [str(dict(error)) for error in errors]
            raise AssertionError("\n".join([*told, f"expected: {expected or 'no error'}", *said]))
    return told


def named(**groups):
    """The cases of these tables, with names that say of which."""
    return [
        pytest.param(script, id=f"{group}: {name}")
        for group, cases in groups.items()
        for name, script in cases.items()
    ]
