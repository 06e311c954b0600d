"""The verbs that move mail (see `tracker.store.Store`)."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from tracker.attendance import Attendance
from tracker.entropy import Entropy
from tracker.model import (
    Accepted,
    Census,
    Job,
    Lease,
    LeaseToken,
    Load,
    MessageId,
    Postponement,
    RecipientId,
    Settlement,
    Submission,
)
from tracker.sql.acceptance import inherits_account
from tracker.sql.values import moment
from tracker.sqlite.accept import ACCEPT, accept
from tracker.sqlite.accept import prepare as prepare_acceptance
from tracker.sqlite.claim import claim
from tracker.sqlite.content import read_contents
from tracker.sqlite.group import Kind
from tracker.sqlite.lease import LEASES, close_lease, open_lease, read_census, recover, renew
from tracker.sqlite.part import Part
from tracker.sqlite.readers import Readers
from tracker.sqlite.settle import postpone, settle, settle_all
from tracker.sqlite.settle import prepare as prepare_settling
from tracker.sqlite.writer import Writer

NEXT_DUE = "SELECT min(next_due_at) FROM destinations WHERE next_due_at IS NOT NULL"

_CONTENT = """
SELECT messages.size, content.data FROM content JOIN messages ON messages.id = content.message_id
WHERE content.message_id = ? AND content.n = ?
"""


class Moving(Part):
    """Accept, lease, settle."""

    def __init__(self, writer: Writer, readers: Readers, entropy: Entropy) -> None:
        super().__init__(writer, readers, entropy)
        self._settle = Kind(partial(settle_all, entropy=entropy), partial(settle, entropy=entropy))

    @property
    def attendance(self) -> Attendance:
        return self._writer.attendance

    async def accept(
        self, submission: Submission, now: datetime, lease: LeaseToken | None
    ) -> Accepted:
        if inherits_account(submission):
            return await self._writer.run(
                lambda connection: accept(connection, submission, now, lease, self._entropy)
            )
        acceptance = prepare_acceptance(submission, submission.account, now, lease, self._entropy)
        accepted: Accepted = await self._writer.share(
            ACCEPT, acceptance, octets=submission.content.size
        )
        return accepted

    async def open_lease(
        self, node: str, worker: int, now: datetime, lease_for: timedelta
    ) -> Lease:
        return await self._writer.run(
            lambda connection: open_lease(connection, node, worker, now, lease_for, self._entropy)
        )

    async def renew(
        self, lease: LeaseToken, now: datetime, lease_for: timedelta, load: Load
    ) -> Census:
        return await self._writer.run(
            partial(renew, lease=lease, now=now, lease_for=lease_for, load=load)
        )

    async def claim(
        self,
        lease: LeaseToken,
        now: datetime,
        limit: int,
        busy: Collection[str] = (),
        first: Mapping[str, int] | None = None,
    ) -> Sequence[Job]:
        return await self._writer.run(
            partial(claim, lease=lease, now=now, limit=limit, busy=frozenset(busy), first=first)
        )

    async def settle(self, settlement: Settlement) -> None:
        settling = prepare_settling(settlement, self._book)
        await self._writer.share(self._settle, settling, is_patient=True)

    async def postpone(
        self, lease: LeaseToken, recipients: Sequence[RecipientId], why: Postponement
    ) -> None:
        await self._writer.run(
            partial(postpone, lease=lease, recipients=tuple(recipients), why=why)
        )

    async def close_lease(self, lease: LeaseToken, now: datetime) -> None:
        await self._writer.run(partial(close_lease, lease=lease, now=now))

    async def census(self, now: datetime) -> Census:
        async with self._readers.one() as reader:
            return read_census(await reader.rows(LEASES), now)

    async def recover(
        self,
        lease: LeaseToken,
        uncertain: Collection[RecipientId] | None,
        now: datetime,
        *,
        seen_until: datetime | None = None,
        holds: bool = False,
    ) -> int:
        return await self._writer.run(
            partial(
                recover,
                lease=lease,
                uncertain=None if uncertain is None else frozenset(uncertain),
                now=now,
                seen_until=seen_until,
                holds=holds,
                entropy=self._entropy,
            )
        )

    async def next_due(self) -> datetime | None:
        async with self._readers.one() as reader:
            row = await reader.row(NEXT_DUE)
        return moment(row[0]) if row else None

    async def content(self, message_id: MessageId) -> AsyncIterator[bytes]:
        size, sent, n = 1, 0, 0
        while sent < size:
            async with self._readers.one() as reader:
                row = await reader.row(_CONTENT, (message_id, n))
            if row is None:
                # Behind the first chunk too: half a message must not pass for a whole one.
                raise KeyError(message_id)
            size, data = row
            sent, n = sent + len(data), n + 1
            if data:
                yield data

    async def contents(self, messages: Collection[MessageId]) -> Mapping[MessageId, bytes]:
        return await read_contents(self._readers, messages)
