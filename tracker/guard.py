"""Stands before every log-in, and counts wrong passwords for all nodes together.

What this node knows comes first: whoever is blocked here costs the ledger nothing. A failure is
put on record, and the answer tells how many there were on all nodes. So a node learns of what
happened on another with the next failure, and a right password writes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from tracker.store import LogInFailures, StoreError
from tracker.throttle import Throttle

_Found = TypeVar("_Found")


class Blocked(Exception):
    """Too many wrong passwords; nothing is looked at before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"blocked until {until:%Y-%m-%d %H:%M:%S %Z}")
        self.until = until


class LogInGuard:
    """Lets at most `limit` wrong passwords of a key through within `window`."""

    def __init__(
        self,
        failures: LogInFailures,
        *,
        limit: int,
        window: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._failures = failures
        self._window = window
        self._now = now
        self._throttle = Throttle(limit, window)
        self._judged = asyncio.Event()
        self._is_alone = False
        """The ledger could not be told of the last failure."""
        self._log = structlog.get_logger()

    def blocked_until(self, keys: Sequence[str]) -> datetime | None:
        """Return when all of `keys` may try again; None when they may now."""
        return self._throttle.blocked_until(keys, self._now())

    async def watch(
        self, keys: Sequence[str], judge: Callable[[], Awaitable[_Found | None]]
    ) -> _Found | None:
        """Return what `judge` finds; None is a wrong password of each of `keys`.

        Waits while so many others are being judged that all failures that are left may be
        theirs. Raises Blocked, and whatever `judge` raises, which counts as no failure.
        """
        await self._admit(keys)
        failed_at: datetime | None = None
        try:
            found = await judge()
            if found is None:
                failed_at = self._now()
        finally:
            self._throttle.end(keys, failed_at)
            self._judged.set()
            self._judged = asyncio.Event()
        if failed_at is not None:
            await self._record(keys, failed_at)
        return found

    async def _admit(self, keys: Sequence[str]) -> None:
        while not self._throttle.begin(keys, self._now()):
            until = self.blocked_until(keys)
            if until is not None:
                raise Blocked(until)
            await self._judged.wait()

    async def _record(self, keys: Sequence[str], failed_at: datetime) -> None:
        """Tell the ledger; without it the failure counts on this node."""
        try:
            known = await self._failures.record_failure(keys, failed_at, self._window)
        except StoreError as problem:
            if not self._is_alone:
                self._log.warning("log-in failures count on this node only", problem=str(problem))
            self._is_alone = True
            return
        self._is_alone = False
        for key, failures in zip(keys, known, strict=True):
            self._throttle.learn(key, failed_at, failures)
