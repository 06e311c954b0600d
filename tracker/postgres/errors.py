"""What the server's errors mean for us, by SQLSTATE (PostgreSQL, Appendix A)."""

from typing import NoReturn

import asyncpg

from tracker.store import StoreUnavailable

_REPEATABLE = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock not available: the same again may well succeed."""

_READ_ONLY = "25006"

# The server, not the statement: connection (08), transaction broken off for idling (25P03), log-in
# (28), no such database (3D), resources (53), operator intervention (57), system (58), data
# corrupted (XX001, XX002).
_OF_THE_SERVER = ("08", _READ_ONLY, "25P03", "28", "3D", "53", "57", "58", "XX001", "XX002")

# After these the server closes the connection.
_BREAKING = ("08", "25P03", "57P")


def is_repeatable(error: BaseException) -> bool:
    """Say whether the server broke the transaction off so that it may be tried again."""
    return _state(error) in _REPEATABLE


def lacks_partition(error: BaseException) -> bool:
    """Say whether a row was inserted whose day has no partition yet."""
    # By its words it cannot be told: they are in the server's language.
    return isinstance(error, asyncpg.CheckViolationError) and error.constraint_name is None


def is_duplicate(error: BaseException) -> bool:
    """Say whether a row with this key exists already."""
    return isinstance(error, asyncpg.UniqueViolationError)


def is_read_only(error: BaseException) -> bool:
    """Say whether the server takes no writes: after a fail-over it is another one that does."""
    return _state(error) == _READ_ONLY


def breaks_connection(error: BaseException) -> bool:
    """Say whether the connection cannot be used any more, and what it last did is unknown."""
    if isinstance(error, asyncpg.PostgresError):
        return _state(error).startswith(_BREAKING)
    return isinstance(error, OSError | EOFError | asyncpg.InternalClientError)


def raise_as_store_error(error: Exception) -> NoReturn:
    """Raise what is temporary or the server's as StoreUnavailable; bugs stay what they are."""
    if _state(error).startswith(_OF_THE_SERVER) or breaks_connection(error):
        raise unavailable(error)
    raise error


def unavailable(error: Exception) -> StoreUnavailable:
    """Return `error` as the cause of a StoreUnavailable that says what it says."""
    problem = StoreUnavailable(describe(error))
    problem.__cause__ = error
    return problem


def describe(error: BaseException) -> str:
    """Return what an error says; never nothing."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _state(error: BaseException) -> str:
    state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
    return state or ""
