"""What people in the panel have asked for, and a worker carries out.

One look at the ledger each second tells whether there is anything, and whether the list of
suppressed addresses has changed.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from config.settings import Settings
from relay.absence import Absence
from relay.clock import Clock
from relay.closed import ClosedAddresses
from relay.deliver import Delivery
from relay.errands.again import Done, failed, send_again
from relay.errands.probing import probe
from relay.submission.intake import Intake
from tracker.acting import Runner
from tracker.model import Act, ActState, Errand, ErrandKind
from tracker.routing import Routes
from tracker.store import Ledger, StoreUnavailable

_ACTING: Final = "acting"
_LOOK: Final = timedelta(seconds=1)
_AT_ONCE: Final = 20
"""Acts that are carried on in turn, a stride each."""
_AT_ONE_TIME: Final = 4
"""Errands that one worker is at."""
_OURS_FOR: Final = timedelta(minutes=3)
"""After this somebody else may take an errand up: whoever was at it is gone."""
_PROBE_WITHIN: Final = timedelta(minutes=1)
_BREATH: Final = 0.02
"""Seconds between two strides, for mail that waits to be written."""


class Errands:
    """Every worker looks for them; of acts the ledger lets one worker at a time carry them on."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        clock: Clock,
        settings: Settings,
        routes: Routes,
        delivery: Delivery,
        intake: Intake,
        closed: ClosedAddresses,
        absence: Absence,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._delivery = delivery
        self._intake = intake
        self._closed = closed
        self._absence = absence
        self._runner = Runner(ledger, settings.retry, routes, clock.now)
        self._under_way: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Carry out what is asked for, for ever."""
        try:
            while True:
                await self._look_patiently()
                await self._clock.sleep(_LOOK.total_seconds())
        finally:
            for task in self._under_way:
                task.cancel()

    async def _look_patiently(self) -> None:
        """Look; whatever goes wrong, there is a next time."""
        try:
            await self._look()
        except StoreUnavailable as problem:
            self._absence.missed("errands", problem)
        except Exception:
            self._log.exception("errands hit a fault")
        else:
            self._absence.met("errands")

    async def _look(self) -> None:
        news = await self._ledger.news(self._clock.now())
        await self._closed.follow(news.suppressions)
        if news.has_errands:
            await self._take_errands()
        if news.has_acts:
            await self.carry_on_acts()

    # --- sending again, probes -----------------------------------------------------------------

    async def _take_errands(self) -> None:
        while len(self._under_way) < _AT_ONE_TIME:
            now = self._clock.now()
            errand = await self._ledger.take_errand(now, now + _OURS_FOR)
            if errand is None:
                return
            task = asyncio.create_task(self.carry_out(errand))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def carry_out(self, errand: Errand) -> None:
        """Do what an errand asks for and note what it came to."""
        try:
            done = await self._do(errand)
        except StoreUnavailable as problem:
            # It stays ours for a while; then somebody takes it up again.
            self._log.warning("errand waits for the ledger", errand=errand.id, problem=str(problem))
            return
        except Exception:
            self._log.exception("errand hit a fault", errand=errand.id)
            done = failed("A fault in the relay; the log says more.")
        await self._ledger.end_errand(errand, done.result, done.events, self._clock.now())
        self._log.info(
            "errand done",
            errand=errand.id,
            kind=errand.kind,
            by=errand.actor,
            address=errand.address,
            problem=done.result.problem,
        )

    async def _do(self, errand: Errand) -> Done:
        if errand.kind is ErrandKind.PROBE:
            return await probe(
                errand,
                ledger=self._ledger,
                delivery=self._delivery,
                clock=self._clock,
                patience=_PROBE_WITHIN,
            )
        return await send_again(
            errand,
            ledger=self._ledger,
            intake=self._intake,
            closed=self._closed.refusal,
            clock=self._clock,
        )

    # --- acts ----------------------------------------------------------------------------------

    async def carry_on_acts(self) -> None:
        """Carry on what is due until nothing is, unless another worker is at it."""
        async with self._ledger.alone(_ACTING) as mine:
            while mine and (due := await self._due()):
                for act in due:
                    await self._stride(act)

    async def _due(self) -> list[Act]:
        return list(await self._ledger.due_acts(self._clock.now(), _AT_ONCE))

    async def _stride(self, act: Act) -> None:
        after = await self._runner.stride(act)
        if after is not None and after.is_over:
            self._log.info(
                "act done" if after.state is ActState.DONE else "act called off",
                act=act.id,
                deed=act.deed,
                by=act.actor,
                changed=after.changed,
                skipped=after.skipped,
            )
        await self._clock.sleep(_BREATH)
