"""One worker: it delivers what it accepted, and claims what is due.

`carry` takes one job from the ready queue to its settlement; `claim` fills the queue from the
ledger, and `listen` wakes it when others have made mail due; `keep` renews the lease and takes over
from dead workers. A fault in one job postpones that job and nothing else.
"""

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import cast

import structlog
from msgspec.structs import replace

from config.settings import Settings
from relay import metrics
from relay.absence import Absence
from relay.carrier import Carrier
from relay.chores.statistics import Statistics
from relay.chores.text_index import TextIndexer
from relay.chores.tidying import Chores
from relay.clock import Clock
from relay.deliver import Delivered
from relay.keeper import HEARTBEATS, Keeper
from relay.ready import ReadyQueue
from relay.stock import with_content
from tracker.model import Gate, Job, LeaseToken, Postponement
from tracker.store import LeaseLost, Store, StoreUnavailable

_CLAIM = 200
"""Recipients claimed at once."""
_LOOK = timedelta(seconds=1)
"""How often to ask for what others have made due: a ledger may tell us, but need not."""
_BREATH = timedelta(milliseconds=100)
"""Between claims for a queue that is nearly full, so that each finds some room."""
_UNTRIED = 2
"""Jobs side by side for a destination of which nothing is known yet."""
_PATIENCE = timedelta(seconds=15)
"""How long a job may wait in memory for its turn before the record says what it waits for."""
_STOOD_STILL = "The relay stood still"
_FAULT = timedelta(minutes=1)
"""How long a job waits that hit a fault of this machine."""
_LAST_WORDS = timedelta(seconds=3)
"""How long the ledger has to take what is known when the time to stop is over: less than there is
until the supervisor kills us."""


class Worker:
    """Moves mail while it runs. Built by the composition root; started once."""

    def __init__(
        self,
        *,
        ledger: Store,
        carrier: Carrier,
        keeper: Keeper,
        settings: Settings,
        clock: Clock,
        chores: Chores,
        statistics: Statistics,
        text_index: TextIndexer,
        absence: Absence,
    ) -> None:
        self._ledger = ledger
        self._carrier = carrier
        self._keeper = keeper
        self._settings = settings
        self._clock = clock
        self._chores = chores
        self._statistics = statistics
        self._text_index = text_index
        self._absence = absence
        delivery = settings.delivery
        self._ready = ReadyQueue(
            jobs=delivery.ready_queue,
            octets=delivery.ready_bytes,
            parallel=2 * delivery.concurrency_max,
            initial=_UNTRIED,
            unsettled=3 * delivery.concurrency_max,
        )
        self._wake = asyncio.Event()
        self._carrying: set[asyncio.Task[None]] = set()
        self._delivering: set[asyncio.Task[None]] = set()
        """Those of them that talk to a server."""
        self._loops: list[asyncio.Task[None]] = []
        self._keeping: list[asyncio.Task[None]] = []
        self._stopping = False
        self._log = structlog.get_logger()

    async def start(self) -> None:
        """Open the lease, take over from the dead, and begin. Raises StoreUnavailable."""
        await self._keeper.begin()
        await self._keeper.take_over()
        self._keeping = [asyncio.create_task(self._keep(), name="keep")]
        self._loops = [
            asyncio.create_task(self._claim(), name="claim"),
            asyncio.create_task(self._listen(), name="listen"),
            asyncio.create_task(self._give_back(), name="give back"),
            asyncio.create_task(self._chores.run(self.wake), name="chores"),
            asyncio.create_task(self._statistics.run(), name="statistics"),
            asyncio.create_task(self._text_index.run(), name="text index"),
        ]

    async def stop(self, grace: timedelta) -> None:
        """Claim no more, let what runs finish within `grace`, and give back the rest."""
        self._stopping = True
        await _cancel(self._loops)
        self._ready.drain()  # still leased: `Keeper.end` gives it back
        if self._carrying:
            await asyncio.wait(set(self._carrying), timeout=grace.total_seconds())
        await self._break_off()
        # Only now: what runs on within its grace must not be taken over meanwhile.
        await _cancel(self._keeping)
        with contextlib.suppress(StoreUnavailable):
            await self._keeper.end()

    async def _break_off(self) -> None:
        """End what is still delivered; what is known of it by now is settled."""
        for task in self._delivering:
            task.cancel()
        if self._carrying:
            await asyncio.wait(set(self._carrying), timeout=_LAST_WORDS.total_seconds())
        await _cancel(self._carrying)

    def lease_for(self, size: int) -> LeaseToken | None:
        """Return the lease for a message of `size` bytes that this worker can deliver itself.

        None when it should wait in the ledger: the ready queue is full, or we are stopping.
        """
        if self._stopping or not self._ready.has_room(size):
            return None
        return self._keeper.token

    def take(self, jobs: Iterable[Job]) -> None:
        """Deliver jobs that are leased to us."""
        for job in jobs:
            self._ready.push(job, self._clock.monotonic())
        self._dispatch()

    def wake(self) -> None:
        """Look for due mail now: something has just become due."""
        self._wake.set()

    @property
    def held(self) -> int:
        """Jobs in memory."""
        return len(self._ready)

    # --- carrying ------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while (job := self._next()) is not None:
            task = asyncio.create_task(self._carry_on(job))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

    def _next(self) -> Job | None:
        return None if self._stopping else self._ready.pop()

    async def _carry_on(self, first: Job) -> None:
        """Carry jobs until none is ready: a task for each of them would cost more than it does."""
        job: Job | None = first
        try:
            while job is not None:
                await self._carry(job)
                job = self._next()
                self._dispatch()  # a job that has come to its end may let in more than one
        finally:
            self._dispatch()

    async def _carry(self, job: Job) -> None:
        try:
            delivered = await self._deliver(job)
            if delivered is None:
                return
            if await self._carrier.settle(job, delivered):
                self.wake()  # something has become due by it
            if len(delivered.attempts) < len(job.recipients) and not self._stopping:
                await self._set_aside(_rest_of(job, delivered), _STOOD_STILL, timedelta())
        except LeaseLost:
            self._log.warning("job lost its lease", message=job.message.id)
            # Unless it was only not renewed in time, somebody else has it and this does nothing.
            await self._set_aside(job, _STOOD_STILL, timedelta())
        except Exception:
            self._log.exception("job hit a fault", message=job.message.id)
            await self._set_aside(job, "A fault in the relay; the log says more", _FAULT)
        finally:
            if self._ready.done(job, self._clock.monotonic()):
                self.wake()

    async def _deliver(self, job: Job) -> Delivered | None:
        """Deliver, and let the next job of the destination run while this one is settled."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._delivering.add(task)
        try:
            return await self._carrier.deliver(job)
        finally:
            self._delivering.discard(task)
            if self._ready.delivered(job):
                self.wake()
            self._dispatch()

    async def _set_aside(self, job: Job, detail: str, pause: timedelta) -> None:
        why = Postponement(gate=Gate.LOCAL, until=self._clock.now() + pause, detail=detail)
        with contextlib.suppress(LeaseLost):
            await self._carrier.give_back(job, why)

    async def _give_back(self) -> None:
        """Give back what has waited long for its turn; it is claimed again when there is room."""
        while True:
            await self._clock.sleep(_PATIENCE.total_seconds() / 3)
            since = self._clock.monotonic() - _PATIENCE.total_seconds()
            for job in self._ready.drain(since):
                why = Postponement(
                    gate=Gate.CONCURRENCY,
                    until=self._clock.now(),
                    detail="As much mail for it as may be is under way",
                )
                with contextlib.suppress(LeaseLost):
                    await self._carrier.give_back(job, why)

    # --- claiming ------------------------------------------------------------------------------

    async def _claim(self) -> None:
        while True:
            try:
                pause = await self._claim_once()
            except StoreUnavailable as problem:
                metrics.STORE_FAILURES.inc()
                self._absence.missed("claiming", problem)
                pause = _LOOK
            except Exception:
                self._log.exception("claiming hit a fault")
                pause = _LOOK
            else:
                self._absence.met("claiming")
            if pause:
                await self._pause(pause)

    async def _claim_once(self) -> timedelta:
        """Claim what is due and fits; return how long to wait before the next claim."""
        self._wake.clear()
        token = self._keeper.token
        if token is None:
            await self._renew()
            return timedelta()
        first = self._ready.take_hungry(_CLAIM // 2)
        due, now = await self._ledger.next_due(), self._clock.now()
        limit = min(_CLAIM, self._ready.room)
        if due is None or due > now:
            return self._until(due)
        if not limit:
            return _LOOK
        try:
            closed = self._carrier.closed
            busy = self._ready.busy | closed
            jobs = await self._ledger.claim(token, now, limit, busy, _without(first, closed))
        except LeaseLost:
            await self._renew()
            return timedelta()
        if jobs:
            # Half of the memory that is free: what is accepted meanwhile wants some, too.
            self.take(await with_content(self._ledger, jobs, self._ready.octets_room // 2))
            return timedelta() if self._ready.is_worth_filling else _BREATH
        # What was due then and was not given out is so until we are woken; but not what another
        # worker has put behind, which claimed while we waited for the ledger.
        due = await self._ledger.next_due()
        return _LOOK if due is not None and due <= now else self._until(due)

    def _until(self, due: datetime | None) -> timedelta:
        """Return how long to wait for what is due then, though no longer than a look."""
        if due is None:
            return _LOOK
        return max(timedelta(), min(_LOOK, due - self._clock.now()))

    async def _listen(self) -> None:
        """Wake the claim loop when another process has made mail due."""
        is_deaf = False
        while True:
            try:
                await self._ledger.wait_for_work()
            except Exception as problem:
                # Nothing is late by more than the pause of the claim loop: once is enough.
                if not is_deaf:
                    self._log.warning("not told of new work", problem=str(problem))
                is_deaf = True
                await self._clock.sleep(_LOOK.total_seconds())
            else:
                is_deaf = False
                self.wake()

    async def _pause(self, longest: timedelta) -> None:
        """Wait until woken, at most `longest` by the clock that was handed in."""
        sleeping = asyncio.ensure_future(self._clock.sleep(longest.total_seconds()))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    # --- keeping -------------------------------------------------------------------------------

    async def _keep(self) -> None:
        period = self._settings.store.lease / HEARTBEATS
        while True:
            await self._clock.sleep(period.total_seconds())
            try:
                await self._renew()
                if await self._keeper.take_over():
                    self.wake()
            except StoreUnavailable as problem:
                metrics.STORE_FAILURES.inc()
                self._absence.missed("renewing the lease", problem)
            except Exception:
                self._log.exception("keeping the lease hit a fault")
            else:
                self._absence.met("renewing the lease")

    async def _renew(self) -> None:
        if not await self._keeper.renew():
            self._ready.drain()  # no longer ours: whoever took the lease over has it


def _rest_of(job: Job, delivered: Delivered) -> Job:
    """Return `job` with those whom nothing is to be settled of."""
    settled = {attempt.recipient_id for attempt in delivered.attempts}
    return replace(job, recipients=tuple(r for r in job.recipients if r.id not in settled))


def _without(first: Mapping[str, int], closed: Collection[str]) -> Mapping[str, int]:
    return {name: count for name, count in first.items() if name not in closed}


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel `tasks` and wait until they have ended."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
