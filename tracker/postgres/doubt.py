"""What became of a step whose answer got lost.

It is repeated, which does no harm: a message has an id, so that it cannot be inserted twice, and
the repetition waits until the first try has ended one way or the other; a settlement that finds its
attempts on record has been written. Where even that cannot be done in time the caller hears
OutcomeUnknown, and what may have been accepted is withdrawn as soon as the ledger is back.
"""

import random
from collections.abc import Sequence
from functools import partial

from tracker.model import Accepted, LeaseToken, Postponement, RecipientId
from tracker.postgres.accept import Acceptance, accept, accept_large
from tracker.postgres.batch import until_known
from tracker.postgres.connections import Connections, Lane
from tracker.postgres.dialling import back_off
from tracker.postgres.errors import is_duplicate
from tracker.postgres.postpone import give_back
from tracker.postgres.settle import Settling, on_record, settle
from tracker.postgres.withdraw import Withdrawals, is_accepted
from tracker.store import LeaseLost, OutcomeUnknown

PATIENCE = 30.0
"""Seconds in which it must be found out."""


def pause(failures: int) -> float:
    """Return the seconds until the next try."""
    return back_off(failures, random.random())  # noqa: S311 - jitter needs no secrecy


_WRITE = "UPDATE pings SET count = count + 1 WHERE id = 1"


async def _confirm(lane: Lane) -> None:
    """Commit something: whatever was committed before is then as durable.

    A server that was stopped while it waited for its standby shows what the standby may not have.
    """
    await lane.rows(_WRITE)


class Acceptances:
    """Accepts in batches (a `Committer`)."""

    def __init__(self, lane: Lane, withdrawals: Withdrawals, patience: float = PATIENCE) -> None:
        self._lane = lane
        self._withdrawals = withdrawals
        self._patience = patience

    async def commit(self, items: Sequence[Acceptance]) -> Sequence[Accepted | Exception]:
        """Accept all whose lease is on record."""
        return await accept(self._lane, items)

    async def find_out(self, item: Acceptance) -> Accepted:
        """Accept `item` unless that has happened. Raises what `commit` says of it."""
        try:
            return await until_known(partial(self._again, item), pause, self._patience)
        except OutcomeUnknown:
            self._withdrawals.add(item)
            raise

    async def _again(self, item: Acceptance) -> Accepted:
        try:
            (outcome,) = await self.commit([item])
        except Exception as error:
            if not is_duplicate(error):
                raise
            outcome = error
        if isinstance(outcome, Exception):
            # Its lease may have been taken over since it was accepted.
            if await is_accepted(self._lane, item):
                await _confirm(self._lane)
                return item.accepted()
            raise outcome
        return outcome


class LargeAcceptances(Acceptances):
    """Accepts one by one, each in a transaction of its own, piece by piece."""

    async def commit(self, items: Sequence[Acceptance]) -> Sequence[Accepted | Exception]:
        """Accept the only one of `items`."""
        (item,) = items
        try:
            return [await self._lane.run(lambda transaction: accept_large(transaction, item))]
        except LeaseLost as lost:
            return [lost]


class Settlements:
    """Settles in batches (a `Committer`)."""

    def __init__(self, lane: Lane, patience: float = PATIENCE) -> None:
        self._lane = lane
        self._patience = patience

    async def commit(self, items: Sequence[Settling]) -> Sequence[Exception | None]:
        """Write all that may be; what has been written before counts as well."""
        outcomes: Sequence[Exception | None]
        try:
            outcomes = await settle(self._lane, items)
        except Exception as error:
            if len(items) > 1 or not is_duplicate(error):
                raise
            outcomes = [error]
        suspects = [
            item
            for item, outcome in zip(items, outcomes, strict=True)
            if outcome is not None and (isinstance(outcome, LeaseLost) or is_duplicate(outcome))
        ]
        recorded = await on_record(self._lane, suspects)
        return [
            None if item.is_among(recorded) else outcome
            for item, outcome in zip(items, outcomes, strict=True)
        ]

    async def find_out(self, item: Settling) -> None:
        """Write `item` unless that has happened. Raises what `commit` says of it."""
        await until_known(partial(self._again, item), pause, self._patience)

    async def _again(self, item: Settling) -> None:
        (outcome,) = await self.commit([item])
        await _confirm(self._lane)
        # Without attempts there is nothing on record to tell it by. Either it has been written,
        # or its lease was lost: it is not ours any more in both cases.
        if outcome is None or (isinstance(outcome, LeaseLost) and not item.settlement.attempts):
            return
        raise outcome


async def postpone(
    connections: Connections,
    lease: LeaseToken,
    recipients: Sequence[RecipientId],
    why: Postponement,
) -> None:
    """Give recipients back until `why.until`. Raises LeaseLost, StoreUnavailable."""
    once = partial(give_back, connections, lease, recipients, why)
    try:
        await once()
    except OutcomeUnknown:
        try:
            await until_known(once, pause, PATIENCE)
        except LeaseLost:
            return  # given back, or taken over: not ours any more in both cases
