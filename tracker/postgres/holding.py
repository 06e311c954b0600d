"""The verbs of workers that hold mail, and of what is due (see `tracker.store.Store`)."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import TypeVar

from tracker.model import Census, Job, Lease, LeaseToken, Load, RecipientId, new_id
from tracker.postgres.act import give_up_held
from tracker.postgres.batch import until_known
from tracker.postgres.claim import Call, claim
from tracker.postgres.connections import Transaction
from tracker.postgres.doubt import PATIENCE, pause
from tracker.postgres.lease import CENSUS, close_lease, open_lease, read_census, recover, renew
from tracker.postgres.part import Part, Shared
from tracker.postgres.schedule import recheck
from tracker.sql.values import stamp
from tracker.store import OutcomeUnknown, StoreUnavailable

T = TypeVar("T")


class Holding(Part):
    """Leases, claims, chores."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._unanswered: dict[LeaseToken, str] = {}
        """Calls of `claim` that may have leased what nobody was told of."""

    async def open_lease(
        self, node: str, worker: int, now: datetime, lease_for: timedelta
    ) -> Lease:
        token = LeaseToken(new_id(now, self._entropy(8)))
        return await self._resolved(
            partial(
                open_lease,
                token=token,
                node=node,
                worker=worker,
                now=now,
                lease_for=lease_for,
                given=self._clock.given(now),
            )
        )

    async def renew(
        self, lease: LeaseToken, now: datetime, lease_for: timedelta, load: Load
    ) -> Census:
        census = await self._resolved(
            partial(
                renew,
                lease=lease,
                now=now,
                lease_for=lease_for,
                load=load,
                given=self._clock.given(now),
            )
        )
        await self._recheck(census.now)
        return census

    async def census(self, now: datetime) -> Census:
        return read_census(await self._connections.rows(CENSUS, self._clock.given(now)))

    async def claim(
        self,
        lease: LeaseToken,
        now: datetime,
        limit: int,
        busy: Collection[str] = (),
        first: Mapping[str, int] | None = None,
    ) -> Sequence[Job]:
        unanswered = self._unanswered.pop(lease, None)
        call = Call(
            lease=lease,
            id=unanswered or new_id(now, self._entropy(8)),
            now=stamp(now),
            limit=limit,
            busy=frozenset(busy),
            given=self._clock.given(now),
        )
        tries = count(0 if unanswered is None else 1)
        try:
            return await self._resolved(
                lambda transaction: claim(transaction, call, again=next(tries) > 0)
            )
        except StoreUnavailable as problem:
            # The next call asks again: what is leased to a worker that lives and knows nothing
            # of it would wait for as long as that lives.
            if unanswered is not None or isinstance(problem, OutcomeUnknown):
                self._unanswered[lease] = call.id
            raise

    async def close_lease(self, lease: LeaseToken, now: datetime) -> None:
        await self._resolved(partial(close_lease, lease=lease, now=now))
        self._bell.ring()

    async def recover(
        self,
        lease: LeaseToken,
        uncertain: Collection[RecipientId] | None,
        now: datetime,
        *,
        seen_until: datetime | None = None,
        holds: bool = False,
    ) -> int:
        doubted = None if uncertain is None else frozenset(uncertain)
        found: int | None = None

        async def once(transaction: Transaction) -> int:
            nonlocal found
            held = await recover(transaction, lease, doubted, now, seen_until, holds, self._entropy)
            # A lease that this call has found before, and that is gone now, has been taken over.
            found = found if held is None else held
            return found or 0

        recovered = await self._resolved(once)
        if recovered:
            self._bell.ring()
        return recovered

    async def give_up_held(self, now: datetime, limit: int) -> int:
        given_up = await self._resolved(
            partial(give_up_held, now=now, limit=limit, entropy=self._entropy)
        )
        if given_up:
            self._bell.ring()
        return given_up

    async def wait_for_work(self) -> None:
        await self._bell.wait()

    def alone(self, chore: str) -> AbstractAsyncContextManager[bool]:
        return self._chores.alone(chore)

    async def _resolved(self, step: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run a step that may run again when its answer got lost."""
        once = partial(self._connections.run, step)
        try:
            return await once()
        except OutcomeUnknown:
            return await until_known(once, pause, PATIENCE)

    async def _recheck(self, now: datetime) -> None:
        try:
            await self._connections.run(partial(recheck, now=stamp(now)))
        except StoreUnavailable:
            return  # the lease has been renewed; the next renewal sees to it
