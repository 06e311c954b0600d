"""How a process of the relay begins: however long it takes, it says that it lives.

When the disk is full it waits, and says once for what.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from config.settings import Settings
from relay.supervisor import Ties
from tracker.room import WORKER_NEEDS, Shortage, find_shortages, is_full
from tracker.store import StoreError, StoreUnavailable

BEAT: Final = timedelta(seconds=5)
"""How often a process tells its supervisor that it does not hang."""
PAUSE: Final = 5.0
"""Seconds between two tries: room is made by people, and one try costs next to nothing."""

Begun = TypeVar("Begun")


async def begin_patiently(
    begin: Callable[[], Awaitable[Begun]], settings: Settings, ties: Ties, pause: float = PAUSE
) -> Begun | None:
    """Return what `begin` returns, as soon as the disk lets it; None when the supervisor is gone.

    Whatever `begin` waits for, such as another node that migrates the ledger, the supervisor is
    told that this process does not hang, as long as its event loop runs. What fails for another
    reason is raised. `begin` has to leave nothing behind when it fails.
    """
    living = asyncio.create_task(_say_that_we_live(ties))
    try:
        return await _begin_with_room(begin, settings, ties, pause)
    finally:
        living.cancel()


async def _say_that_we_live(ties: Ties) -> None:
    while True:
        ties.report(serves=False)
        await asyncio.sleep(BEAT.total_seconds())


async def _begin_with_room(
    begin: Callable[[], Awaitable[Begun]], settings: Settings, ties: Ties, pause: float
) -> Begun | None:
    log = structlog.get_logger()
    has_told = False
    while True:
        try:
            begun = await begin()
        except (OSError, StoreError) as error:
            shortages = find_shortages(settings, WORKER_NEEDS)
            # SQLite has other words, too, for a disk that does not take what it wants to write.
            if not is_full(error) and not (shortages and isinstance(error, StoreUnavailable)):
                raise
            if not has_told:
                has_told = True
                log.error("no room to start; waiting for it", **_describe(shortages, error, pause))
        else:
            if has_told:
                log.info("there is room again; started")
            return begun
        if await _is_alone_within(ties, pause):
            return None


def _describe(shortages: list[Shortage], error: Exception, pause: float) -> dict[str, str]:
    """Return what the log says is missing, and what to do."""
    if shortages:
        missing = "; besides, ".join(map(str, shortages))
    else:
        missing = (
            "the disks of this machine have room, so a quota is used up, or the disk of the "
            "database's server is full; make room there"
        )
    return {
        "problem": str(error),
        "missing": missing,
        "then": f"it starts by itself within {pause:g} s",
    }


async def _is_alone_within(ties: Ties, seconds: float) -> bool:
    """Wait; return whether the supervisor has gone meanwhile."""
    loop = asyncio.get_running_loop()
    alone = asyncio.Event()
    loop.add_reader(ties.lifeline, alone.set)
    try:
        await asyncio.wait_for(alone.wait(), seconds)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(ties.lifeline)
    return True
