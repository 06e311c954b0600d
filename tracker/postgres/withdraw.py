"""Messages whose clients were told no, while nobody knew whether they had been accepted.

As soon as the ledger is back they are taken out again, so that what was refused is nowhere; unless
somebody has carried on with them in the meantime.
"""

import asyncio
import random
from collections import deque

import structlog

from tracker.postgres.accept import Acceptance, accept_without_content
from tracker.postgres.connections import Lane, Transaction
from tracker.postgres.dialling import back_off
from tracker.postgres.errors import is_duplicate
from tracker.sql.values import day_of, stamp
from tracker.store import LeaseLost, StoreUnavailable

_CLOSE_WITHIN = 5.0
"""Seconds that are left for it when the ledger is closed. After that the lease runs out and
somebody else delivers the message: better twice than not at all."""

_EXISTS = "SELECT 1 FROM messages WHERE id = $1"

_WITHDRAW = """
WITH mine AS (
    SELECT id FROM queue
    WHERE id = ANY($2::text[]) AND lease IS NOT DISTINCT FROM $3
        AND attempts = 0 AND status = 'queued' AND claim IS NULL
    ORDER BY id FOR UPDATE
),
gate AS MATERIALIZED (SELECT count(*) = cardinality($2::text[]) AS is_open FROM mine),
no_queue AS (
    DELETE FROM queue USING mine WHERE queue.id = mine.id AND (SELECT is_open FROM gate)
),
no_recipients AS (
    DELETE FROM recipients
    WHERE id = ANY($2) AND id BETWEEN $4 AND $5 AND (SELECT is_open FROM gate)
    RETURNING id
),
no_message AS (DELETE FROM messages WHERE id = $1::text AND (SELECT is_open FROM gate))
INSERT INTO tallies AS t (day, backend, accepted)
SELECT $6::integer, pg_backend_pid(), -count(*) FROM no_recipients
ON CONFLICT (day, backend) DO UPDATE SET accepted = t.accepted + excluded.accepted
"""


class _Absent(Exception):
    """A message was not on record."""


async def is_accepted(lane: Lane, item: Acceptance) -> bool:
    """Say whether a message is on record; wait for a transaction that is just inserting it."""

    async def insert_and_undo(transaction: Transaction) -> None:
        await accept_without_content(transaction, item)
        raise _Absent

    try:
        await lane.run(insert_and_undo)
    except _Absent:
        return False
    except LeaseLost:
        # Whoever took the lease over waited for every transaction that held it.
        return bool(await lane.rows(_EXISTS, item.message.id))
    except Exception as error:
        if not is_duplicate(error):
            raise
    return True


class Withdrawals:
    """Takes messages out again; goes on until it has been done."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._items: deque[Acceptance] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    def add(self, item: Acceptance) -> None:
        """Have a message withdrawn."""
        self._items.append(item)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Finish what can be done within a few seconds."""
        if self._worker is None:
            return
        _, late = await asyncio.wait([self._worker], timeout=_CLOSE_WITHIN)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _work(self) -> None:
        failures = 0
        try:
            while self._items:
                try:
                    await self._withdraw(self._items[0])
                except StoreUnavailable:
                    failures += 1
                    await asyncio.sleep(back_off(failures, random.random()))  # noqa: S311
                    continue
                except Exception:
                    # A fault of ours in one must not keep the others in.
                    self._log.exception("message not withdrawn", message=self._items[0].message.id)
                failures = 0
                self._items.popleft()
        finally:
            self._worker = None

    async def _withdraw(self, item: Acceptance) -> None:
        if not await is_accepted(self._lane, item):
            return
        ids = [recipient.id for recipient in item.recipients]
        day = day_of(stamp(item.message.accepted_at))

        async def step(transaction: Transaction) -> None:
            await transaction.execute(
                _WITHDRAW, item.message.id, ids, item.lease, ids[0], ids[-1], day
            )

        await self._lane.run(step)
