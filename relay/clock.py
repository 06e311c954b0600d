"""Where time and chance come from. Everything else takes them as arguments.

Tests hand in a clock of their own and live through seven days in a second.
"""

import asyncio
import random
import time
from datetime import UTC, datetime
from typing import Protocol

from tracker.entropy import EntropyPool
from tracker.model import new_id


class Clock(Protocol):
    """Time and chance."""

    def now(self) -> datetime:
        """Return the wall clock, UTC: for what is recorded and scheduled."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only go forward: for durations and timeouts."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def chance(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def mint(self) -> str:
        """Return a new id (see `tracker.model.ids`) of the present time."""
        ...


class SystemClock:
    """The machine's clock and its random numbers. For one thread of one process."""

    def __init__(self) -> None:
        self._entropy = EntropyPool()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def chance(self) -> float:
        return random.random()  # noqa: S311 - jitter needs no secrecy

    def mint(self) -> str:
        return new_id(self.now(), self._entropy.take(8))
