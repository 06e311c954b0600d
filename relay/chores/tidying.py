"""What has to be done from time to time for the ledger as a whole, by one process at a time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from config.settings import Settings
from relay.chores.turns import in_steps, take_turns
from relay.clock import Clock
from tracker.ages import walks_of
from tracker.schedule import latest_next_try
from tracker.store import Ledger, StoreUnavailable

_TIDYING: Final = "tidying"
_PERIOD: Final = timedelta(minutes=10)
STEP: Final = 500
"""Messages or recipients in one transaction at most. Where others wait for it, the ledger does as
many at once as take some milliseconds."""
_FEW: Final = 100
"""Messages in one transaction that reads and writes their attempts, at most."""


class Chores:
    """Every worker runs them; the ledger lets one at a time, and the next one when that is gone."""

    def __init__(self, *, ledger: Ledger, clock: Clock, settings: Settings) -> None:
        self._ledger = ledger
        self._clock = clock
        self._retention = settings.tracking.retention
        self._refused_for = settings.tracking.refused_content
        self._accesses_kept = settings.tracking.access_retention
        self._retry = settings.retry
        self._walks = walks_of(settings.tracking, settings.retry.lifetime)
        self._domains = settings.tracking.domains
        self._failures_count_for = max(
            settings.submission.auth_failure_window, settings.panel.login_failure_window
        )
        self._log = structlog.get_logger()

    async def run(self, wake: Callable[[], None]) -> None:
        """Do the chores for ever, when it is ours to do them; `wake` when mail became due."""
        await take_turns(
            _TIDYING,
            lambda: self.tidy(wake),
            ledger=self._ledger,
            clock=self._clock,
            rest=_PERIOD,
        )

    async def tidy(self, wake: Callable[[], None]) -> None:
        """Do everything once. A chore that fails does not keep the others from being done."""
        for due in (self._give_up_held, self._bring_back):
            if await self._succeeds(due):
                wake()
        for chore in (
            self._tend,
            self._drop_refused,
            self._prune,
            self._prune_refusals,
            self._prune_domains,
            self._forget_parts,
            self._prune_accesses,
            self._forget,
            self._check_balance,
        ):
            await self._succeeds(chore)

    async def _succeeds(self, chore: Callable[[], Awaitable[int]]) -> bool:
        """Do a chore; say whether there was anything to do."""
        try:
            return await chore() > 0
        except StoreUnavailable as problem:
            self._log.warning("chores wait for the ledger", problem=str(problem))
        except Exception:
            self._log.exception("tidying hit a fault")
        return False

    async def _give_up_held(self) -> int:
        given_up = 0
        while count := await self._ledger.give_up_held(self._clock.now(), STEP):
            given_up += count
        return given_up

    async def _bring_back(self) -> int:
        """Try now what a clock that was ahead has put off for longer than may be."""
        now, brought = self._clock.now(), 0
        beyond = latest_next_try(self._retry, now)
        while count := await self._ledger.bring_back(now, beyond, STEP):
            brought += count
        if brought:
            self._log.warning(
                "tries had been put off for too long; the clock was wrong, or the schedule longer",
                recipients=brought,
            )
        return brought

    async def _tend(self) -> int:
        await self._ledger.tend(self._clock.now())
        return 0

    async def _drop_refused(self) -> int:
        """Drop the content of mail that came back long enough ago."""
        await self._ledger.keep_refused(self._refused_for > timedelta())
        before = self._clock.now() - self._refused_for
        return await self._in_steps(lambda: self._ledger.drop_refused(before, STEP))

    async def _prune(self) -> int:
        before = (self._clock.now() - self._retention).date()
        dropped = await self._in_steps(lambda: self._ledger.prune(before, STEP))
        if dropped:
            self._log.info("retention", messages=dropped, before=before.isoformat())
        return dropped

    async def _prune_refusals(self) -> int:
        before = self._clock.now() - self._retention
        return await self._in_steps(lambda: self._ledger.prune_refusals(before, STEP))

    async def _prune_domains(self) -> int:
        """Drop the mail of domains whose record is kept for a shorter time."""
        dropped = 0
        for domain in self._domains:
            if domain.retention is not None:
                before = self._clock.now() - domain.retention
                prune = partial(self._ledger.prune_domains, [domain.domain], before, _FEW)
                dropped += await self._in_steps(prune)
        return dropped

    async def _forget_parts(self) -> int:
        """Forget what is kept for a shorter time than the record it is in."""
        gone_over = 0
        for walk in self._walks:
            before = self._clock.now() - walk.age
            gone_over += await self._in_steps(
                partial(self._ledger.forget_parts, walk, before, _FEW)
            )
        return gone_over

    async def _prune_accesses(self) -> int:
        before = self._clock.now() - self._accesses_kept
        return await self._in_steps(lambda: self._ledger.prune_accesses(before, STEP))

    async def _forget(self) -> int:
        now = self._clock.now()
        for forget in (self._ledger.forget_acts, self._ledger.forget_errands):
            await self._in_steps(partial(forget, now - self._retention))
        failures = await self._ledger.forget_failures(now - self._failures_count_for)
        return failures + await self._ledger.prune_sessions(now)

    async def _in_steps(self, step: Callable[[], Awaitable[int]]) -> int:
        return await in_steps(step, self._clock)

    async def _check_balance(self) -> int:
        wrong = [
            day
            for day in await self._ledger.balance(self._clock.now() - timedelta(days=2))
            if day.difference
        ]
        for day in wrong:
            self._log.error(
                "balance does not close", day=day.day.isoformat(), difference=day.difference
            )
        return len(wrong)
