"""How a process of the relay begins when the disk is full: it waits, and says once for what."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from config.settings import Settings
from relay.supervisor import Ties
from tracker.room import WORKER_NEEDS, Shortage, find_shortages, is_full
from tracker.store import StoreError

PAUSE: Final = 5.0
"""Seconds between two tries: room is made by people, and one try costs next to nothing."""

Begun = TypeVar("Begun")


async def begin_when_there_is_room(
    begin: Callable[[], Awaitable[Begun]], settings: Settings, ties: Ties, pause: float = PAUSE
) -> Begun | None:
    """Return what `begin` returns, as soon as the disk lets it; None when the supervisor is gone.

    What fails for another reason is raised. `begin` has to leave nothing behind when it fails.
    """
    log = structlog.get_logger()
    has_told = False
    while True:
        try:
            begun = await begin()
        except (OSError, StoreError) as error:
            shortages = find_shortages(settings, WORKER_NEEDS)
            if not shortages and not is_full(error):
                raise
            if not has_told:
                has_told = True
                log.error("no room to start; waiting for it", **_describe(shortages, error))
        else:
            if has_told:
                log.info("there is room again; started")
            return begun
        if await _is_alone_within(ties, pause):
            return None


def _describe(shortages: list[Shortage], error: Exception) -> dict[str, str]:
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
        "then": f"it starts by itself within {PAUSE:g} s",
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
