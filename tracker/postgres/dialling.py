"""How connections come to be: one host after the other, with a pause after each failure.

While the server is away nobody waits for it: whoever needs a connection is told so at once.
"""

import asyncio
import random
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from tracker.postgres.link import Link, connect
from tracker.store import StoreError, StoreUnavailable

_PATIENCE = 2.0
"""Seconds that a caller waits for a connection; it goes on being made, for the next one."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
"""Seconds between two tries; doubled each time."""


def back_off(failures: int, chance: float) -> float:
    """Return the seconds to wait after so many failures in a row; `chance` is in [0, 1)."""
    pause = min(_FIRST_PAUSE * 2.0 ** min(failures - 1, 10), _LONGEST_PAUSE)
    return pause * (0.75 + chance / 2)


def hosts_of(url: str) -> list[str]:
    """Return `url` once for each host that it names, so that each has its own time to answer."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [url]
    return [parts._replace(netloc=f"{login}{at}{host}").geturl() for host in hosts.split(",")]


def place_of(url: str) -> str:
    """Return where the ledger is, without login and options."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2] or "localhost"
    return f"postgresql://{hosts}/{unquote(parts.path.lstrip('/'))}"


class Dialler:
    """Opens connections to whichever host of the URL takes writes."""

    def __init__(
        self, url: str, *, pooled: bool, chance: Callable[[], float] | None = None
    ) -> None:
        self._hosts = hosts_of(url)
        self._pooled = pooled
        self._chance = chance or random.Random().random  # noqa: S311 - jitter needs no secrecy
        self._failures = 0
        self._not_before = 0.0
        self._why: StoreError | None = None
        self._opening: set[asyncio.Task[Link]] = set()
        self._spare: list[Link] = []
        self._closed = False
        self.version = ""

    async def dial(self) -> Link:
        """Return a new connection. Raises StoreUnavailable within two seconds; StoreError."""
        self._check_open()
        while self._spare:
            link = self._spare.pop()
            if not link.is_closed:
                return link
        loop = asyncio.get_running_loop()
        if self._why is not None and loop.time() < self._not_before:
            raise _again(self._why)
        task = loop.create_task(self._try_hosts())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        if await self._wait(task):
            return self._opened_by(task)
        self._note_failure(StoreUnavailable("cannot connect: no answer in time"))
        raise StoreUnavailable("cannot connect: no answer in time")

    async def close(self) -> None:
        """Give up what is still being opened, and open no more."""
        self._closed = True
        for task in tuple(self._opening):
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for link in self._spare:
            await link.close()
        self._spare.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the ledger is closed")

    def _opened_by(self, task: asyncio.Task[Link]) -> Link:
        """Return what `task` has opened, unless we have been closed meanwhile."""
        if self._closed and not task.cancelled() and task.exception() is None:
            task.result().kill()
        self._check_open()
        return task.result()

    async def _wait(self, task: asyncio.Task[Link]) -> bool:
        """Wait with patience; who is late, or cancelled, leaves the connection to the next."""
        try:
            done, _ = await asyncio.wait([task], timeout=_PATIENCE)
        except asyncio.CancelledError:
            task.add_done_callback(self._keep)
            raise
        if not done:
            task.add_done_callback(self._keep)
        return bool(done)

    def _keep(self, task: asyncio.Task[Link]) -> None:
        """Keep what came too late for who had waited for it; nobody comes after the end."""
        if task.cancelled() or task.exception() is not None:
            return
        if self._closed:
            task.result().kill()
        else:
            self._spare.append(task.result())

    async def _try_hosts(self) -> Link:
        problems: list[StoreError] = []
        for url in tuple(self._hosts):
            try:
                link = await connect(url, pooled=self._pooled)
            except StoreError as problem:
                problems.append(problem)
                continue
            self._failures, self._why, self.version = 0, None, link.version
            # The next one begins where this one found what takes writes.
            self._hosts.remove(url)
            self._hosts.insert(0, url)
            return link
        # What is wrong for good says more than who does not answer.
        worst = min(problems, key=lambda each: isinstance(each, StoreUnavailable))
        self._note_failure(worst)
        raise worst

    def _note_failure(self, problem: StoreError) -> None:
        self._failures += 1
        # The other one is for whoever dialled, to do with as they like.
        self._why = _again(problem)
        pause = back_off(self._failures, self._chance())
        self._not_before = asyncio.get_running_loop().time() + pause


def _again(problem: StoreError) -> StoreError:
    """A new error that says the same: one object must not be raised in several tasks."""
    repeated = type(problem)(str(problem))
    repeated.__cause__ = problem.__cause__
    return repeated
