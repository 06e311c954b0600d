"""Claimed recipients are read, and become jobs."""

from collections.abc import Sequence
from typing import NamedTuple

from tracker.model import Job, LeaseToken, Message
from tracker.postgres.connections import Transaction
from tracker.sql.jobs import jobs_of
from tracker.sql.rows import MESSAGE_COLUMNS, RECIPIENT_COLUMNS, read_message, read_recipient


class Claimed(NamedTuple):
    """A recipient that is leased now."""

    id: str
    message_id: str
    destination: str


_OF_HISTORY = frozenset({"forward_path", "domain", "notify", "orcpt", "next_hop"})

_COLUMNS = ", ".join(
    f"{'r' if name in _OF_HISTORY else 'q'}.{name}" for name in RECIPIENT_COLUMNS.split(", ")
)

# One look by the key for each, and the range of the ids, which leaves out the other days.
_RECIPIENTS = f"""
SELECT {_COLUMNS} FROM unnest($1::text[]) AS t (id)
CROSS JOIN LATERAL (SELECT * FROM queue WHERE id = t.id LIMIT 1) AS q
CROSS JOIN LATERAL (SELECT * FROM recipients WHERE id = t.id AND id BETWEEN $2 AND $3 LIMIT 1) AS r
"""

_MESSAGES = f"""
SELECT m.* FROM unnest($1::text[]) AS t (id)
CROSS JOIN LATERAL (
    SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = t.id AND id BETWEEN $2 AND $3 LIMIT 1
) AS m
"""


async def read_jobs(
    transaction: Transaction, lease: LeaseToken, claimed: Sequence[Claimed]
) -> list[Job]:
    """Return what was claimed as jobs: of one message, for one destination, for one reason.

    Destinations come in the order in which they were visited, and the oldest mail of each first.
    """
    if not claimed:
        return []
    ids = sorted(each.id for each in claimed)
    rows = await transaction.rows(_RECIPIENTS, ids, ids[0], ids[-1])
    messages = await _read_messages(transaction, sorted({each.message_id for each in claimed}))
    turns = {each: turn for turn, each in enumerate(dict.fromkeys(c.destination for c in claimed))}
    recipients = sorted(
        map(read_recipient, rows),
        key=lambda each: (turns[each.destination], each.next_attempt_at, each.id),
    )
    return jobs_of(lease, messages, recipients)


async def _read_messages(transaction: Transaction, ids: Sequence[str]) -> dict[str, Message]:
    rows = await transaction.rows(_MESSAGES, ids, ids[0], ids[-1])
    return {row[0]: read_message(row) for row in rows}
