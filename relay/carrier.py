"""Carries one job: deliver it, decide what that means, settle it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from config.settings import Settings
from relay import metrics
from relay.clock import Clock
from relay.decide import Reach, Weighed, decide, record_only, weigh
from relay.deliver import BrokenOff, Delivered, Delivery
from relay.gates import Gates
from relay.keeper import Keeper
from relay.presume import (
    Author,
    cancelled,
    doubt,
    has_expired,
    held_until_deadline,
    presume,
)
from relay.suppress import suppressions_after
from relay.telling import Teller
from relay.transport.content import Source, UnreadableContent, read
from tracker.explain import RuleBook
from tracker.model import (
    Attempt,
    DestinationChange,
    EventKind,
    Gate,
    Job,
    MessageId,
    Outcome,
    Postponement,
    RecipientId,
    Scope,
    Settlement,
    Trigger,
)
from tracker.routing import Routes
from tracker.store import LeaseLost, Ledger, StoreUnavailable

T = TypeVar("T")

_SETTLE_PAUSE = timedelta(seconds=1)
"""Between tries to settle while the ledger cannot commit."""
_HEADER_LIMIT = 256 * 1024
"""Bytes of a message that are read for its header block."""
_FAULT_PAUSE = timedelta(hours=1)
"""How long recipients wait for which a fault of ours left open what is to follow."""
_REMEMBERED = 10_000
"""Dead destinations after which the list is gone through."""


class Carrier:
    """Takes jobs to their end."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        delivery: Delivery,
        gates: Gates,
        keeper: Keeper,
        settings: Settings,
        routes: Routes,
        clock: Clock,
        node: str,
        config_revision: str,
        book: Callable[[], RuleBook],
    ) -> None:
        self._ledger = ledger
        self._delivery = delivery
        self._gates = gates
        self._keeper = keeper
        self._settings = settings
        self._routes = routes
        self._clock = clock
        self._node = node
        self._revision = config_revision
        self._book = book
        self._dead: dict[str, Postponement] = {}
        self._teller = Teller(delivery_lines=settings.log.delivery_lines)
        self._log = structlog.get_logger()

    @property
    def closed(self) -> frozenset[str]:
        """Destinations that had better not be claimed: their mail may not go from here now."""
        return self._gates.closed

    async def deliver(self, job: Job) -> Delivered | None:
        """Deliver; return what is to be settled, None when the job went back to the ledger.

        When it was broken off, as by a lease that was not renewed in time, that is only of those
        who had been ruled on; who had not waits in our hands. Raises LeaseLost when there is
        nobody else.
        """
        if not self._keeper.holds(job.lease):
            await self._persist(job.message.id, partial(self._keeper.make_sure, job.lease))
        gate: Postponement | None = None
        is_dead = job.destination in self._dead and job.trigger is not Trigger.CANCEL
        if is_dead or job.trigger is Trigger.DEADLINE:
            gate = await self._persist(job.message.id, partial(self._gate, job))
        result = gate or await self._have_result(job)
        if isinstance(result, Postponement):
            if job.is_fresh or not self._is_settled_by(job, result):
                await self.give_back(job, result)
                return None
            result = Delivered(attempts=self._presume(job, result), reachable=None)
        self._gates.feed_back(result.group, good=result.reachable is not False)
        return result

    async def settle(self, job: Job, delivered: Delivered) -> bool:
        """Decide what follows and have it on disk; say whether something became due at once by it.

        Raises LeaseLost when somebody else has the job by now.
        """
        settlement = await self._decide_and_settle(job, delivered)
        # Only now: had we been stopped before this commit, they would have to count as uncertain.
        self._keeper.leave([attempt.recipient_id for attempt in delivered.attempts])
        self._teller.settled(job, settlement)
        if self._settings.tracking.suppress_unknown:
            await self._suppress(job, settlement)
        return bool(settlement.reports)

    async def _suppress(self, job: Job, settlement: Settlement) -> None:
        """Close addresses that do not exist; what cannot be noted now is noted the next time."""
        found = suppressions_after(job, settlement.attempts, self._clock.now(), self._book())
        if found:
            try:
                await self._ledger.suppress(found)
            except StoreUnavailable as problem:
                self._log.warning("address not suppressed", problem=str(problem))

    async def _have_result(self, job: Job) -> Delivered | Postponement:
        if job.trigger is not Trigger.CANCEL:
            return await self._deliver(job)
        reason = await self._persist(job.message.id, partial(self._why_cancelled, job))
        return Delivered(attempts=cancelled(job, reason, self._author()), reachable=None)

    async def _why_cancelled(self, job: Job) -> str:
        timeline = await self._ledger.timeline(job.message.id, Scope())
        whom = {recipient.id for recipient in job.recipients}
        said = [
            event.detail
            for event in (timeline.events if timeline else ())
            if event.kind is EventKind.CANCELLED and event.recipient_id in whom
        ]
        return said[-1] if said else ""

    async def _deliver(self, job: Job) -> Delivered | Postponement:
        """Deliver; a fault of ours after the final dot is an uncertain outcome, not another try.

        What is known of others by then is no less known for it.
        """
        known: Sequence[Attempt] = ()
        try:
            return await self._delivery.deliver(job, self._source(job))
        except LeaseLost:
            raise
        except BrokenOff as broken:
            if isinstance(broken.__cause__, LeaseLost | asyncio.CancelledError):
                return Delivered(attempts=tuple(broken.attempts), reachable=None)
            known = broken.attempts
            self._log.exception("delivering hit a fault", message=job.message.id)
        except Exception:
            if not self._in_flight(job):
                raise
            self._log.exception("delivering hit a fault", message=job.message.id)
        attempts = doubt(job, self._in_flight(job), self._author(), known)
        return Delivered(attempts=attempts, reachable=None)

    def _in_flight(self, job: Job) -> Collection[RecipientId]:
        return self._keeper.in_flight(recipient.id for recipient in job.recipients)

    async def _gate(self, job: Job) -> Postponement | None:
        """Return why nothing is dialled for `job`; None when it is to be tried."""
        now = self._clock.now()
        held = held_until_deadline(job, now)
        if held is not None:
            return held
        known = self._dead.get(job.destination)
        if known is None or known.until <= now:
            return None
        if job.is_fresh:
            return known
        # What the ledger gives out is the probe of a dead destination, has to be looked at, or
        # goes to one that another worker has reached meanwhile: the ledger knows which.
        state = await self._ledger.destination(job.destination)
        if state is None or state.reachable:
            self._dead.pop(job.destination, None)
            return None
        if state.next_probe_at is None or job.trigger is Trigger.RETRY_NOW:
            return None
        return known if self._tells(job, known) or has_expired(job, now) else None

    def _tells(self, job: Job, gate: Postponement) -> bool:
        """Say whether a sender is to be told of `job` when it is stopped by `gate`."""
        weighed = weigh(
            job,
            self._presume(job, gate),
            retry=self._settings.retry,
            now=self._clock.now(),
            jitter=self._clock.chance(),
        )
        return weighed.original != "none"

    def _is_settled_by(self, job: Job, gate: Postponement) -> bool:
        """Say whether a closed gate is the last word: a held or expired job does not wait on.

        Nor does one whose sender is to hear of the delay, before it goes on waiting. Unless it is
        another worker's to try it.
        """
        if gate.gate is Gate.CONCURRENCY:
            return False
        is_over = gate.gate in (Gate.HOLD, Gate.DESTINATION) or has_expired(job, self._clock.now())
        return is_over or self._tells(job, gate)

    def _presume(self, job: Job, gate: Postponement) -> tuple[Attempt, ...]:
        return presume(job, gate, self._author())

    def _author(self) -> Author:
        return Author(
            now=self._clock.now(),
            mint=self._clock.mint,
            node=self._node,
            config_revision=self._revision,
        )

    async def _decide_and_settle(self, job: Job, delivered: Delivered) -> Settlement:
        """Settle what was delivered; a fault of ours on the way must not send it once more."""
        try:
            settlement = await self._decide(job, delivered)
            await self._write(settlement)
        except LeaseLost:
            raise
        except Exception:
            self._log.exception("deciding hit a fault", message=job.message.id)
            now = self._clock.now()
            settlement = record_only(job, delivered.attempts, now=now, until=now + _FAULT_PAUSE)
            await self._write(settlement)
        return settlement

    async def _decide(self, job: Job, delivered: Delivered) -> Settlement:
        weighed = weigh(
            job,
            delivered.attempts,
            retry=self._settings.retry,
            now=self._clock.now(),
            jitter=self._clock.chance(),
            reach=Reach(reachable=delivered.reachable, detail=delivered.detail),
        )
        if weighed.original == "none" and delivered.reachable is not False:
            return self._conclude(weighed, 0, None, ())
        return await self._persist(job.message.id, partial(self._inquire, weighed))

    async def _inquire(self, weighed: Weighed) -> Settlement:
        """Decide with what the ledger knows of the message and its destination."""
        job, needed = weighed.job, weighed.original
        original: bytes | None = None
        uncertain: Collection[RecipientId] = ()
        if needed != "none":
            original = await self._original(job, whole=needed == "full")
            uncertain = await self._uncertain_before(job)
        failures = await self._failures(job.destination, weighed.reach)
        return self._conclude(weighed, failures, original, uncertain)

    def _conclude(
        self,
        weighed: Weighed,
        failures: int,
        original: bytes | None,
        uncertain: Collection[RecipientId],
    ) -> Settlement:
        return decide(
            weighed,
            reporting_mta=self._settings.hostname,
            mint=self._clock.mint,
            destination_of=self._routes.destination_of,
            failures=failures,
            original=original,
            uncertain_before=uncertain,
            book=self._book(),
        )

    async def _write(self, settlement: Settlement) -> None:
        await self._persist(settlement.message_id, partial(self._ledger.settle, settlement))
        self._remember(settlement.destination)

    async def give_back(self, job: Job, why: Postponement) -> None:
        """Give `job` back untried until `why.until`. Raises LeaseLost."""
        recipients = [recipient.id for recipient in job.recipients]
        await self._persist(
            job.message.id, partial(self._ledger.postpone, job.lease, recipients, why)
        )
        self._teller.postponed(job, why)

    async def _persist(self, message: MessageId, step: Callable[[], Awaitable[T]]) -> T:
        """Take `step`; while the ledger cannot be used, go on trying.

        The result of an attempt must not get lost, and what we hold and forget would wait for as
        long as we live.
        """
        waits = False
        while True:
            try:
                return await step()
            except StoreUnavailable as problem:
                metrics.STORE_FAILURES.inc()
                if not waits:
                    self._log.warning(
                        "ledger does not take it", message=message, problem=str(problem)
                    )
                waits = True
                await self._clock.sleep(_SETTLE_PAUSE.total_seconds())

    def _remember(self, change: DestinationChange | None) -> None:
        if change is None:
            return
        if change.reachable or change.next_probe_at is None:
            self._dead.pop(change.destination, None)
            return
        if len(self._dead) >= _REMEMBERED:
            # Those whose probe is due tell us nothing any more.
            self._dead = {name: why for name, why in self._dead.items() if why.until > change.at}
        self._dead[change.destination] = Postponement(
            gate=Gate.DESTINATION, until=change.next_probe_at, detail=change.detail
        )

    async def _original(self, job: Job, *, whole: bool) -> bytes:
        limit = job.message.size if whole else _HEADER_LIMIT
        original = bytearray()
        try:
            async with aclosing(read(self._source(job))) as chunks:
                async for chunk in chunks:
                    original += chunk
                    if len(original) >= limit:
                        break
        except UnreadableContent as problem:
            if isinstance(problem.__cause__, StoreUnavailable):
                # A new error: the ledger may raise its own again, and what caused it is its own.
                raise StoreUnavailable(str(problem.__cause__)) from problem
            # Damaged or gone for good: the sender is told with what there is.
            self._log.error("content is damaged", message=job.message.id, problem=str(problem))
        return bytes(original)

    async def _uncertain_before(self, job: Job) -> Collection[RecipientId]:
        timeline = await self._ledger.timeline(job.message.id, Scope())
        if timeline is None:
            return ()
        return {a.recipient_id for a in timeline.attempts if a.outcome is Outcome.UNCERTAIN}

    async def _failures(self, destination: str, reach: Reach) -> int:
        if reach.reachable is not False:
            return 0
        state = await self._ledger.destination(destination)
        return state.failures if state else 0

    def _source(self, job: Job) -> Source:
        return (
            job.content
            if job.content is not None
            else partial(self._ledger.content, job.message.id)
        )
