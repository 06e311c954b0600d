"""What the ledger has of recipients that is indexed, and what of it changes later."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import NamedTuple

from tracker.model import time_of
from tracker.postgres.connections import Transaction
from tracker.sql.needles import MARK
from tracker.sql.rows import Columns
from tracker.sql.trigrams import joined
from tracker.sql.values import first_id

_NEAR = timedelta(days=1)
"""Only the days of so much time are looked at first: most often there is enough in them."""

_RECIPIENTS = """
SELECT id, forward_path, domain, account, message_id FROM recipients
WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3
"""

_MESSAGES = """
SELECT id, id, reverse_path, header_from, subject, header_message_id, envid, client_address
FROM messages WHERE id = ANY ($1) AND id BETWEEN $2 AND $3
"""

# Codes are marked, so that they are told from any other text; those of delivered mail are in every
# block and of no use.
_OF_ATTEMPT = f"""
recipient_id, target_host, target_address, remote_queue_id, reply_text,
CASE WHEN reply_code >= 400 THEN '{MARK}' || reply_code END,
CASE WHEN left(enhanced_status_code, 1) IN ('4', '5') THEN '{MARK}' || enhanced_status_code END
"""

_ATTEMPTS = f"SELECT {_OF_ATTEMPT} FROM attempts WHERE recipient_id BETWEEN $1 AND $2"

_ATTEMPTS_AT = f"""
SELECT {_OF_ATTEMPT} FROM attempts
WHERE recipient_id = ANY ($1) AND recipient_id BETWEEN $2 AND $3
"""

_OPEN = "SELECT id, last_attempt_id FROM queue WHERE id BETWEEN $1 AND $2"

_WALKED = "SELECT name, last_id FROM walks"

_OLDEST = "SELECT id FROM recipients ORDER BY id LIMIT 1"


class Reading(NamedTuple):
    """Recipients in the order of their ids."""

    ids: Sequence[str]
    texts: Mapping[str, Sequence[Columns]]
    """Rows of their text, the first column of which is none of it."""
    open: Mapping[str, str | None]
    """Those that are open, with their last attempt."""

    def text_of(self, ids: Sequence[str]) -> str:
        """Return the text of some of them."""
        return joined(chain.from_iterable(self.texts[each] for each in ids))


async def read_recipients(transaction: Transaction, after: str, before: str, limit: int) -> Reading:
    """Read the first recipients between two ids, which are left out, and all of their text."""
    rows = await _first(transaction, after, before, limit)
    if not rows:
        return Reading((), {}, {})
    ids = [row[0] for row in rows]
    messages = sorted({row[4] for row in rows})
    found = await transaction.rows(_MESSAGES, messages, messages[0], messages[-1])
    of_message = {row[0]: row for row in found}
    texts = {row[0]: [row[:4]] for row in rows}
    for row in rows:
        if message := of_message.get(row[4]):
            texts[row[0]].append(message)
    for attempt in await transaction.rows(_ATTEMPTS, ids[0], ids[-1]):
        if attempt[0] in texts:
            texts[attempt[0]].append(attempt)
    still_open = await transaction.rows(_OPEN, ids[0], ids[-1])
    return Reading(ids, texts, {row[0]: row[1] for row in still_open})


async def _first(
    transaction: Transaction, after: str, before: str, limit: int
) -> Sequence[Columns]:
    if after:
        near = min(before, first_id(time_of(after) + _NEAR))
        rows = await transaction.rows(_RECIPIENTS, after, near, limit)
        if len(rows) == limit or near == before:
            return rows
    return await transaction.rows(_RECIPIENTS, after, before, limit)


async def read_attempts(
    transaction: Transaction, recipients: Sequence[str]
) -> Mapping[str, Sequence[Columns]]:
    """Return the text of all attempts at recipients, whose ids are in order."""
    texts = dict[str, list[Columns]]()
    for row in await transaction.rows(_ATTEMPTS_AT, recipients, recipients[0], recipients[-1]):
        texts.setdefault(row[0], []).append(row)
    return texts


async def walked(transaction: Transaction) -> dict[str, str]:
    """Return how far each walk along the record has got, by name."""
    return {row[0]: row[1] for row in await transaction.rows(_WALKED)}


async def oldest(transaction: Transaction) -> str:
    """Return the id of the oldest recipient; empty where there is none."""
    row = await transaction.row(_OLDEST)
    return row[0] if row else ""
