"""Sends recorded statements through libpq and shows the answers in the form of the record."""

import datetime
import ipaddress
import re
import uuid

from psycopg import pq
from psycopg.adapt import Transformer

BAD = {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE}
# What is decoded before it is shown, by the names of the types; all else is shown as it came.
DECODED = "bool uuid float4 float8 inet date timestamp timestamptz record"


def oids(names):
    from psycopg.postgres import types

    known = {types[name].oid for name in names.split()}
    return known | {info.array_oid for info in types if info.array_oid}


class Shown:
    """A value in the form of the record, which is the one that Go prints."""

    def __init__(self):
        self.transformer = Transformer()
        self.decoded = oids(DECODED)

    def cell(self, value, oid):
        if value is None:
            return "NULL"
        if oid not in self.decoded:
            return value.decode()
        return self.show(self.transformer.get_loader(oid, pq.Format.TEXT).load(value))

    def show(self, value):
        match value:
            case None:
                return "<nil>"
            case bool():
                return str(value).lower()
            case list() | tuple():
                return f"[{' '.join(map(self.show, value))}]"
            case uuid.UUID():
                return self.show(list(value.bytes))
            case float():
                return number(value)
            case ipaddress.IPv4Address() | ipaddress.IPv6Address():
                return f"{value}/{value.max_prefixlen}"
            case datetime.datetime():
                text = value.replace(tzinfo=None).isoformat()
                return re.sub(r"(\.\d+?)0*$", r"\1", text) + "Z"
            case datetime.date():
                return f"{value}T00:00:00Z"
        return str(value)


def number(value):
    """The shortest form of a float, with an exponent where Go writes one."""
    text = repr(value)
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[text]
    if value and not 1e-4 <= abs(value) < 1e21:
        return text if "e" in text else f"{value:e}"
    return text.removesuffix(".0")


class Replay:
    """A session."""

    def __init__(self, conninfo):
        self.connection = pq.PGconn.connect(conninfo.encode())
        assert self.connection.status == pq.ConnStatus.OK, self.connection.get_error_message()
        self.shown = Shown()
        self.prepared = {}
        self.names = 0

    def close(self):
        self.connection.finish()

    def send(self, sql, protocol):
        """The answer to one step: an error with SQLSTATE and message, or what it gave."""
        return self.simple(sql) if protocol == "simple" else self.extended(sql)

    def extended(self, sql):
        name = self.prepared.get(sql)
        if name is None:
            self.names += 1
            name = f"s{self.names}".encode()
            result = self.connection.prepare(name, sql.encode())
            if result.status in BAD:
                return self.error(result)
            self.connection.describe_prepared(name)
            self.prepared[sql] = name
        result = self.connection.exec_prepared(name, [])
        if result.status in BAD:
            # The next time it is prepared anew, as the recording client did.
            del self.prepared[sql]
            return self.error(result)
        return self.success(result)

    def simple(self, sql):
        self.connection.send_query(sql.encode())
        results = []
        while (result := self.connection.get_result()) is not None:
            results.append(result)
        for result in results:
            if result.status in BAD:
                return self.error(result)
        return {"results": [self.success(result) for result in results]}

    @staticmethod
    def error(result):
        fields = pq.DiagnosticField
        sqlstate = result.error_field(fields.SQLSTATE) or b""
        message = result.error_field(fields.MESSAGE_PRIMARY) or result.error_message
        return {"sqlstate": sqlstate.decode(), "message": message.decode().strip()}

    def success(self, result):
        columns = range(result.nfields)
        return {
            "command_tag": (result.command_status or b"").decode(),
            "columns": [result.fname(column).decode() for column in columns],
            "rows": [
                [self.shown.cell(result.get_value(row, n), result.ftype(n)) for n in columns]
                for row in range(result.ntuples)
            ],
        }


def differences(expected, answer, ignore=()):
    """What is different between two answers, as (what, expected, found); messages are not
    compared."""
    if "sqlstate" in expected or "sqlstate" in answer:
        if expected.get("sqlstate") == answer.get("sqlstate"):
            return []
        return [("answer", expected, answer)]
    pairs = [(expected, answer)]
    if "results" in expected or "results" in answer:
        wanted = expected.get("results", [expected])
        found = answer.get("results", [answer])
        if len(wanted) != len(found):
            return [("number of results", len(wanted), len(found))]
        pairs = list(zip(wanted, found, strict=True))
    return [
        (what, wanted.get(what) or empty, found.get(what) or empty)
        for wanted, found in pairs
        for what, empty in [("command_tag", ""), ("columns", []), ("rows", [])]
        if not ignored(what, wanted, ignore)
        and (wanted.get(what) or empty) != (found.get(what) or empty)
    ]


def ignored(what, wanted, ignore):
    """How many rows a SELECT found does not count if its rows do not."""
    if what == "command_tag" and "rows" in ignore:
        return wanted.get(what, "").startswith("SELECT ")
    return what in ignore
