"""Forgetting what is older than the retention: whole days where all is over, else row by row.

A day goes in one transaction, so that nobody ever sees half of it, and dying in the middle changes
nothing. Dropping a partition needs the table to itself for a moment, and whoever waits for that
makes all who come later wait too. So it waits for a fraction of a second, gives way, and comes
again; what it needs the table for takes milliseconds, however much the day holds.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from tracker.model import time_of
from tracker.postgres.connections import Connections, Transaction
from tracker.postgres.errors import is_repeatable
from tracker.postgres.partitions import (
    TABLES,
    bounds,
    make_partition,
    name_of,
    partitions,
    take_turn,
)
from tracker.postgres.text.forget import mark_to_forget
from tracker.sql.values import day_of, first_id, stamp
from tracker.store import StoreUnavailable

_PATIENCE = (50, 100, 200, 400)
"""Milliseconds for which mail may wait behind us, in one try after the other."""

_PAUSE = 0.5
"""Seconds between two tries."""

# Of a day that went but for a few messages those stay until their recipients go.
_STATES = """
SELECT d.day, EXISTS (SELECT 1 FROM queue WHERE id >= d.first AND id < d.behind)
FROM unnest($1::integer[], $2::text[], $3::text[], $4::boolean[]) AS d (day, first, behind, whole)
WHERE d.whole OR NOT EXISTS (SELECT 1 FROM messages WHERE id >= d.first AND id < d.behind)
ORDER BY d.day
"""

_IS_OPEN = "SELECT 1 FROM queue WHERE id >= $1 AND id < $2 LIMIT 1"

_COUNT = "SELECT count(DISTINCT message_id) FROM recipients WHERE id >= $1 AND id < $2"

# A message gets its id when it begins to come in, its recipients get theirs when it is accepted:
# around midnight they lie in different days.
_FROM_OTHER_DAYS = """
SELECT DISTINCT message_id FROM recipients
WHERE id >= $1 AND id < $2 AND (message_id < $1 OR message_id >= $2)
"""
_WITH_RECIPIENTS_LEFT = (
    "SELECT DISTINCT message_id FROM recipients WHERE message_id >= $1 AND message_id < $2"
)

_OVER = """
SELECT r.message_id FROM recipients AS r
WHERE r.id >= $1 AND r.id < $2 AND NOT EXISTS (
    SELECT 1 FROM recipients AS other JOIN queue AS q ON q.id = other.id
    WHERE other.message_id = r.message_id AND other.id >= $1 AND other.id < $2)
ORDER BY r.id LIMIT $3
"""
# A recipient gets its id after its message, though maybe by another clock.
_SKEW = timedelta(days=1)
_ALL_RECIPIENTS = "SELECT id FROM recipients WHERE message_id = ANY ($1) AND id >= $2"
_RECIPIENTS = "SELECT id FROM recipients WHERE message_id = ANY ($1) AND id >= $2 AND id < $3"

_DROP_DESTINATIONS = """
DELETE FROM destinations WHERE destination IN (
    SELECT destination FROM destinations
    WHERE next_due_at IS NULL AND coalesce(greatest(last_success_at, last_failure_at), 0) < $1
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class _InTheWay(StoreUnavailable):
    """Somebody uses the tables for longer than mail may wait."""


async def prune(connections: Connections, before: date, limit: int) -> int:
    """Drop the first day that may go, or at most `limit` messages of days that have open mail.

    Behind the last one, destinations not heard of since. Returns how many messages. Raises
    StoreUnavailable.
    """
    at = stamp(datetime.combine(before, time(), UTC))
    over, still_open = await connections.run(partial(_days_before, end=day_of(at)))
    try:
        for day in over:
            if dropped := await _drop_day_patiently(connections, day):
                return dropped
    except _InTheWay:
        pass  # those days are still there next time
    for day in still_open:
        if dropped := await connections.run(partial(_drop_messages, day=day, limit=limit)):
            return dropped
    await connections.run(lambda each: each.execute(_DROP_DESTINATIONS, at, limit))
    return 0


async def _days_before(transaction: Transaction, end: int) -> tuple[list[int], list[int]]:
    """Return the days on record before `end`, oldest first: those that are over, and the others."""
    there = {day: names for day, names in (await partitions(transaction)).items() if day < end}
    rows = await transaction.rows(
        _STATES,
        list(there),
        [bounds(day)[0] for day in there],
        [bounds(day)[1] for day in there],
        [name_of("recipients", day) in names for day, names in there.items()],
    )
    return [day for day, is_open in rows if not is_open], [day for day, is_open in rows if is_open]


# --- whole days -----------------------------------------------------------------------------------


async def _drop_day_patiently(connections: Connections, day: int) -> int:
    for patience in _PATIENCE:
        try:
            return await connections.run(partial(_drop_day, day=day, patience=patience))
        except _InTheWay:
            await asyncio.sleep(_PAUSE)
    raise _InTheWay


async def _drop_day(transaction: Transaction, day: int, patience: int) -> int:
    """Drop a day in which all is over; return how many messages were accepted on it.

    Raises _InTheWay when it has to wait for more than `patience` milliseconds for one table.
    """
    ((count,),) = await transaction.rows(_COUNT, *bounds(day))
    await take_turn(transaction)
    await transaction.execute(f"SET LOCAL lock_timeout = {patience}")
    try:
        tables = ", ".join(f"ONLY {table}" for table in TABLES)
        await transaction.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        return count if await _drop_locked_day(transaction, day) else 0
    except Exception as error:
        if is_repeatable(error):
            raise _InTheWay(str(error)) from error
        raise


async def _drop_locked_day(transaction: Transaction, day: int) -> bool:
    """Drop a day while nobody else uses the tables; False when there is open mail in it."""
    if await transaction.rows(_IS_OPEN, *bounds(day)):
        return False  # a node whose clock is far behind has just accepted something
    elsewhere = [row[0] for row in await transaction.rows(_FROM_OTHER_DAYS, *bounds(day))]
    await _drop_rows(transaction, "events", "message_id", elsewhere)
    await _drop_rows(transaction, "messages", "id", elsewhere)
    for table in ("attempts", "results", "recipients"):
        await transaction.execute(f"DROP TABLE IF EXISTS {name_of(table, day)}")
    await _drop_day_of_messages(transaction, day)
    return True


async def _drop_day_of_messages(transaction: Transaction, day: int) -> None:
    """Drop the messages of a day, and their events, but for those that have recipients left."""
    rows = await transaction.rows(_WITH_RECIPIENTS_LEFT, *bounds(day))
    left = [row[0] for row in rows]
    for table, key in (("events", "message_id"), ("messages", "id")):
        name = name_of(table, day)
        if not left:
            await transaction.execute(f"DROP TABLE IF EXISTS {name}")
            continue
        await transaction.execute(f"ALTER TABLE {table} DETACH PARTITION {name}")
        await transaction.execute(f"ALTER TABLE {name} RENAME TO {name}_old")
        await make_partition(transaction, table, day, name)
        await transaction.execute(
            f"INSERT INTO {name} SELECT * FROM {name}_old WHERE {key} = ANY ($1)", left
        )
        await transaction.execute(f"DROP TABLE {name}_old")


# --- row by row -----------------------------------------------------------------------------------


async def _drop_messages(transaction: Transaction, day: int, limit: int) -> int:
    """Drop at most `limit` messages of a day that are over, though others of it are open."""
    rows = await transaction.rows(_OVER, *bounds(day), limit)
    ids = list({row[0] for row in rows})
    if not ids:
        return 0
    rows = await transaction.rows(_RECIPIENTS, ids, *bounds(day))
    return await _drop_with(transaction, ids, [row[0] for row in rows])


async def drop_messages(transaction: Transaction, ids: Sequence[str]) -> int:
    """Drop messages that are over, of whatever days, with all that belongs to them."""
    if not ids:
        return 0
    rows = await transaction.rows(_ALL_RECIPIENTS, ids, first_id(time_of(min(ids)) - _SKEW))
    recipients = [row[0] for row in rows]
    await mark_to_forget(transaction, recipients)
    return await _drop_with(transaction, ids, recipients)


async def _drop_with(
    transaction: Transaction, ids: Sequence[str], recipients: Sequence[str]
) -> int:
    await _drop_rows(transaction, "attempts", "recipient_id", recipients)
    await _drop_rows(transaction, "results", "recipient_id", recipients)
    await _drop_rows(transaction, "recipients", "id", recipients)
    await _drop_rows(transaction, "events", "message_id", ids)
    await _drop_rows(transaction, "messages", "id", ids)
    return len(ids)


async def _drop_rows(transaction: Transaction, table: str, key: str, ids: Sequence[str]) -> None:
    if ids:  # their range says which partitions it is about
        await transaction.execute(
            f"DELETE FROM {table} WHERE {key} = ANY ($1) AND {key} BETWEEN $2 AND $3",
            ids, min(ids), max(ids),
        )  # fmt: skip
