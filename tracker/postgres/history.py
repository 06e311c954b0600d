"""Entries of the history: attempts and events, however many, with one statement each."""

from collections.abc import Iterable

from tracker.model import Attempt, Event
from tracker.postgres.arrays import Columnar
from tracker.postgres.connections import Transaction
from tracker.sql.rows import ATTEMPT_COLUMNS, EVENT_COLUMNS, attempt_columns, event_columns
from tracker.sql.setbacks import SETBACK_COLUMNS

_NUMBERS = {
    "number": "integer",
    "started_at": "bigint",
    "ended_at": "bigint",
    "target_port": "integer",
    "target_preference": "integer",
    "dsn_handed_on": "boolean",
    "reply_code": "integer",
    "at": "bigint",
}


def _columnar(columns: str) -> Columnar:
    return Columnar({name: _NUMBERS.get(name, "text") for name in columns.split(", ")})


ATTEMPTS = _columnar(ATTEMPT_COLUMNS)
EVENTS = _columnar(EVENT_COLUMNS)
SETBACKS = _columnar(SETBACK_COLUMNS)

_INSERT_ATTEMPTS = f"""
INSERT INTO attempts ({ATTEMPTS.names}) SELECT * FROM {ATTEMPTS.unnest("a", first=1)}
"""

_INSERT_EVENTS = f"INSERT INTO events ({EVENTS.names}) SELECT * FROM {EVENTS.unnest('e', first=1)}"


async def insert_attempts(transaction: Transaction, attempts: Iterable[Attempt]) -> None:
    """Put attempts on record."""
    if rows := [attempt_columns(each) for each in attempts]:
        await transaction.execute(_INSERT_ATTEMPTS, *ATTEMPTS.arrays(rows))


async def insert_events(transaction: Transaction, events: Iterable[Event]) -> None:
    """Put events on record."""
    if rows := [event_columns(each) for each in events]:
        await transaction.execute(_INSERT_EVENTS, *EVENTS.arrays(rows))
