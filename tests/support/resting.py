"""Who lives by a clock that is turned by hand, and has done all there is to do until it goes on."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from config.loader import Loaded
from relay.app import Relay
from relay.clock import Clock
from relay.dns import Resolver
from tracker.opening import open_ledger
from tracker.store import Ledger

_TURNS = 30
"""Turns of the event loop: more than it takes from a sleeper who wakes to what that leads to."""
_PATIENCE = 90.0
"""Seconds after which a relay is taken to have no rest."""


class Worker(Protocol):
    """Whoever has work to do now and then."""

    @property
    def is_at_work(self) -> bool: ...


class Watched:
    """Stands for a ledger, and counts who waits for an answer of it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.asked = 0
        """Questions without an answer; to wait for work is none."""

    @property
    def is_at_work(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self.asked)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ledger, name)
        if name == "wait_for_work" or not callable(found):
            return found
        return self._counting(found)

    def _counting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            result = method(*arguments, **named)
            return self._answer(result) if inspect.iscoroutine(result) else result

        return call

    async def _answer(self, waiting: Any) -> Any:
        self.asked += 1
        try:
            return await waiting
        finally:
            self.asked -= 1


class Restful:
    """A relay in this event loop, and its ledger."""

    def __init__(self, relay: Relay, ledger: Ledger, watched: Watched) -> None:
        self.relay = relay
        self.ledger = ledger
        """To be looked at: questions that are put to this are not the relay's."""
        self._watched = watched

    @property
    def is_at_work(self) -> bool:
        """Whether something is being delivered, or waits for the ledger."""
        return self._watched.is_at_work or bool(self.relay.worker.held)


async def rest(*workers: Worker) -> None:
    """Return when there is nothing left to do for any of `workers` until time passes."""
    async with asyncio.timeout(_PATIENCE):
        quiet = 0
        while quiet < _TURNS:
            is_at_work = any(each.is_at_work for each in workers)
            quiet = 0 if is_at_work else quiet + 1
            await asyncio.sleep(0.001 if is_at_work else 0)


@asynccontextmanager
async def open_restful(
    loaded: Loaded, *, clock: Clock, resolver: Resolver
) -> AsyncIterator[Restful]:
    """Run a relay as `relay.app.open_relay` does."""
    settings = loaded.settings
    settings.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ledger = await open_ledger(settings.store)
    try:
        watched = Watched(ledger)
        relay = Relay(loaded, cast(Ledger, watched), clock=clock, resolver=resolver)
        await relay.start()
        try:
            yield Restful(relay, ledger, watched)
        finally:
            await relay.stop(settings.shutdown_grace)
    finally:
        await ledger.close()
