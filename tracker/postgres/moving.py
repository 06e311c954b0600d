"""The verbs that move mail (see `tracker.store.Store`)."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime

from tracker.attendance import Attendance
from tracker.model import (
    Accepted,
    LeaseToken,
    MessageId,
    Postponement,
    RecipientId,
    Settlement,
    Submission,
)
from tracker.postgres.accept import LARGE, Acceptance
from tracker.postgres.batch import Batcher
from tracker.postgres.doubt import PATIENCE, Acceptances, LargeAcceptances, Settlements, postpone
from tracker.postgres.part import Part, Shared
from tracker.postgres.settle import Settling
from tracker.postgres.withdraw import Withdrawals
from tracker.sql.acceptance import inherits_account
from tracker.sql.values import moment
from tracker.sql.whole import whole_only

_ACCOUNTS = """
SELECT id, account FROM messages WHERE id = ANY($1::text[]) AND id BETWEEN $2 AND $3
"""

_NEXT_DUE = "SELECT min(next_due_at) FROM destinations WHERE next_due_at IS NOT NULL"

_SIZE = "SELECT size FROM messages WHERE id = $1"

_PIECES = "SELECT n, data FROM content WHERE message_id = $1 AND n >= $2 AND n < $3 ORDER BY n"

# One look by the key for each, and the range of the ids, which leaves out the other days.
_WANTED = """
SELECT m.id, m.size, c.n, c.data FROM unnest($1::text[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT id, size FROM messages WHERE id = wanted.id AND id BETWEEN $2 AND $3 LIMIT 1
) AS m
JOIN content AS c ON c.message_id = wanted.id
"""

_AT_ONCE = 32
"""Pieces of content that are fetched together: somewhat less than 256 KiB."""


class Moving(Part):
    """Accept, settle."""

    patience = PATIENCE
    """Seconds in which it must be found out what became of a step whose answer got lost."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.attendance = Attendance()
        """Nobody asks it: groups are what has come while the one before was written."""
        connections = shared.connections
        accepting, loading = connections.lane(1), connections.lane(1)
        self._withdrawals = Withdrawals(accepting)
        self._accepting: Batcher[Acceptance, Accepted] = Batcher(
            Acceptances(accepting, self._withdrawals, self.patience)
        )
        self._loading: Batcher[Acceptance, Accepted] = Batcher(
            LargeAcceptances(loading, self._withdrawals, self.patience), group=1
        )
        self._settling: Batcher[Settling, None] = Batcher(
            Settlements(connections.lane(1), self.patience)
        )

    async def accept(
        self, submission: Submission, now: datetime, lease: LeaseToken | None
    ) -> Accepted:
        (item,) = await self._built([submission], now, lease)
        batcher = self._loading if item.octets > LARGE else self._accepting
        accepted = await batcher.put(item, item.octets)
        if lease is None:
            self._bell.ring()
        return accepted

    async def settle(self, settlement: Settlement) -> None:
        reports: Sequence[Acceptance] = ()
        if settlement.reports and settlement.changes:
            reports = await self._built(settlement.reports, settlement.changes[-1].at, None)
        item = Settling(settlement, reports, self._book)
        await self._settling.put(item, item.octets)

    async def postpone(
        self, lease: LeaseToken, recipients: Sequence[RecipientId], why: Postponement
    ) -> None:
        await postpone(self._connections, lease, recipients, why)
        self._bell.ring()

    async def next_due(self) -> datetime | None:
        ((at,),) = await self._connections.rows(_NEXT_DUE)
        return moment(at)

    async def content(self, message_id: MessageId) -> AsyncIterator[bytes]:
        sizes = await self._connections.rows(_SIZE, message_id)
        if not sizes:
            raise KeyError(message_id)
        size, sent, n = sizes[0][0], 0, 0
        while sent < size:
            pieces = await self._connections.rows(_PIECES, message_id, n, n + _AT_ONCE)
            following = range(n, n + len(pieces))
            if not pieces or any(row[0] != n for row, n in zip(pieces, following, strict=True)):
                # Behind the first piece too: half a message must not pass for a whole one.
                raise KeyError(message_id)
            chunk = b"".join(row[1] for row in pieces)
            sent, n = sent + len(chunk), following.stop
            yield chunk

    async def contents(self, messages: Collection[MessageId]) -> Mapping[MessageId, bytes]:
        ids = sorted(messages)
        if not ids:
            return {}
        return whole_only(await self._connections.rows(_WANTED, ids, ids[0], ids[-1]))

    async def _built(
        self, submissions: Sequence[Submission], now: datetime, lease: LeaseToken | None
    ) -> list[Acceptance]:
        """Build messages. A DSN belongs to whoever sent what it reports on."""
        accounts = await self._accounts(
            {each.reports_on for each in submissions if each.reports_on and inherits_account(each)}
        )
        return [
            Acceptance(
                each,
                now,
                accounts.get(each.reports_on, each.account)
                if each.reports_on and inherits_account(each)
                else each.account,
                lease,
                self._entropy,
            )
            for each in submissions
        ]

    async def _accounts(self, messages: Collection[MessageId]) -> dict[MessageId, str | None]:
        if not messages:
            return {}
        ids = sorted(messages)
        rows = await self._connections.rows(_ACCOUNTS, ids, ids[0], ids[-1])
        return {row[0]: row[1] for row in rows}

    async def _stop_moving(self) -> None:
        """Finish what is under way, within a bounded time."""
        await asyncio.gather(self._accepting.close(), self._loading.close(), self._settling.close())
        await self._withdrawals.close()
