"""How workers share a chore: each offers to do it, and the ledger lets one at a time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from relay.clock import Clock
from tracker.store import Store, StoreUnavailable

_ASK: Final = timedelta(minutes=1)
"""How often to ask whether whoever does it is still there."""
_BREATH: Final = 0.05
"""Seconds between two steps, for mail that waits to be written."""


async def take_turns(
    chore: str,
    do: Callable[[], Awaitable[object]],
    *,
    ledger: Store,
    clock: Clock,
    rest: timedelta,
) -> None:
    """Do `chore` again and again, for ever, when it is ours to do; `rest` after each time."""
    log = structlog.get_logger()
    while True:
        try:
            while await _have_turn(chore, do, ledger, clock, rest):
                pass
        except StoreUnavailable as problem:
            log.warning("chores wait for the ledger", chore=chore, problem=str(problem))
        except Exception:
            log.exception("a chore hit a fault", chore=chore)
        await clock.sleep(_ASK.total_seconds())


async def _have_turn(
    chore: str,
    do: Callable[[], Awaitable[object]],
    ledger: Store,
    clock: Clock,
    rest: timedelta,
) -> bool:
    """Do it once and rest; False when somebody else is at it.

    The turn stays ours while we rest, else everybody would have it one after the other.
    """
    async with ledger.alone(chore) as mine:
        if mine:
            await do()
            await clock.sleep(rest.total_seconds())
    return mine


async def in_steps(step: Callable[[], Awaitable[int]], clock: Clock) -> int:
    """Repeat `step` until it finds nothing more, a breath between; return how much it was."""
    done = 0
    while count := await step():
        done += count
        await clock.sleep(_BREATH)
    return done
