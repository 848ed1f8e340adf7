"""What tests say about errors of a database."""

import time

import psycopg
import pytest


def refused(sqlstate, message, session, sql, parameters=None):
    """The diagnostics of a statement that fails with this SQLSTATE and a message that contains
    this text."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(sql, parameters)
    return diagnosed(caught.value, sqlstate, message)


def diagnosed(error, sqlstate, message):
    """The diagnostics of an error, after looking at it."""
    assert error.sqlstate == sqlstate, f"{error.sqlstate}: {error}"
    assert message in error.diag.message_primary, error
    return error.diag


def kept_out(message, connect, /, *arguments, **more):
    """The whole text of a connection that is refused with this message."""
    with pytest.raises(psycopg.OperationalError) as caught:
        connect(*arguments, **more)
    text = str(caught.value)
    assert message in text, text
    return text


def denied(hint, connect, /, *arguments, **more):
    """The whole text of a connection that is refused, with the reason in the hint."""
    text = kept_out(
        "FATAL:  unable to accept connection, access denied", connect, *arguments, **more
    )
    assert hint in text.partition("HINT:  ")[2], text
    return text


def until_running(observer, sql, seconds=20):
    """Waits until another session of the same role runs this statement."""
    end = time.monotonic() + seconds
    look = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s"
    while observer.execute(look, [sql]).fetchone() == (0,):
        assert time.monotonic() < end, f"nobody runs {sql}"
        time.sleep(0.05)
