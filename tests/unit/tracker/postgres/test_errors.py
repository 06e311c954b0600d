"""What the server's errors mean."""

import asyncpg
import pytest

from tracker.postgres.errors import (
    breaks_connection,
    describe,
    is_repeatable,
    lacks_partition,
    raise_as_store_error,
)
from tracker.store import StoreUnavailable

_AWAY = [
    asyncpg.DiskFullError("could not extend file"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.CrashShutdownError("terminating connection because of crash"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.ConnectionDoesNotExistError("connection was closed"),
    asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.InvalidPasswordError("password authentication failed"),
    asyncpg.PostgresIOError("could not fsync file"),
    TimeoutError(),
    ConnectionResetError("reset by peer"),
]

_BUGS = [
    asyncpg.UniqueViolationError("duplicate key"),
    asyncpg.UndefinedTableError("relation does not exist"),
    asyncpg.PostgresSyntaxError("syntax error"),
    asyncpg.CharacterNotInRepertoireError("invalid byte sequence"),
    ValueError("incoherent"),
]


@pytest.mark.parametrize("error", _AWAY, ids=lambda error: type(error).__name__)
def test_what_is_the_servers_fault_may_be_tried_again_later(error: Exception) -> None:
    with pytest.raises(StoreUnavailable, match=r".") as raised:
        raise_as_store_error(error)
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", _BUGS, ids=lambda error: type(error).__name__)
def test_bugs_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        raise_as_store_error(error)
    assert raised.value is error


@pytest.mark.parametrize(
    ("error", "breaks"),
    [
        (asyncpg.AdminShutdownError("…"), True),
        (asyncpg.ConnectionDoesNotExistError("…"), True),
        (TimeoutError(), True),
        (EOFError(), True),
        (asyncpg.DiskFullError("…"), False),
        (asyncpg.QueryCanceledError("…"), False),
        (asyncpg.UniqueViolationError("…"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_some_errors_end_the_connection(error: Exception, breaks: bool) -> None:
    assert breaks_connection(error) is breaks


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DeadlockDetectedError("…"),
        asyncpg.SerializationError("…"),
        asyncpg.LockNotAvailableError("…"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_server_broke_off_is_repeated(error: Exception) -> None:
    assert is_repeatable(error)
    assert not breaks_connection(error)


def test_a_missing_partition_is_told_from_a_row_that_is_wrong() -> None:
    missing = asyncpg.CheckViolationError("für die Zeile wurde keine Partition gefunden")
    wrong = asyncpg.CheckViolationError("new row violates a check")
    wrong.constraint_name = "queue_check"
    missing.constraint_name = None
    assert lacks_partition(missing)
    assert not lacks_partition(wrong)


def test_an_error_always_says_something() -> None:
    assert describe(TimeoutError()) == "no answer in time"
    assert describe(OSError()) == "OSError"
    assert describe(OSError("gone")) == "gone"
