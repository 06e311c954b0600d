"""Waking others when mail has become due at once: NOTIFY and LISTEN. Hints, no more.

Whoever misses one looks every second. A NOTIFY takes a lock that all commits with one share, so
there are few of them, never inside a transaction that moves mail.
"""

import asyncio
import random

import structlog

from tracker.postgres.connections import Connections
from tracker.postgres.dialling import Dialler, back_off
from tracker.postgres.errors import describe
from tracker.postgres.link import Link
from tracker.store import StoreError

CHANNEL = "sendtrace_due"

_INTERVAL = 0.1
"""Seconds between two hints of one process."""

_HEARTBEAT = 15.0
"""Seconds after which the connection is asked whether it is still there."""

_NOTIFY = "SELECT pg_notify($1, $2)"


class Bell:
    """Rings for the other processes, and hears theirs.

    Without `direct` it hears nothing: through a pooler in transaction mode nobody can. `name` is
    said with each ring, so that nobody hears his own.
    """

    def __init__(self, connections: Connections, direct: Dialler | None, name: str) -> None:
        self._connections = connections
        self._direct = direct
        self._name = name
        self._heard = asyncio.Event()
        self._wanted = False
        self._closed = False
        self._ringing: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    def open(self) -> None:
        """Begin to listen."""
        if self._direct is not None:
            self._listening = asyncio.create_task(self._listen(self._direct), name="listen")

    async def close(self) -> None:
        """Stop listening and ringing."""
        self._closed = True
        tasks = [task for task in (self._listening, self._ringing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def wait(self) -> None:
        """Return when another process has rung, or may have."""
        await self._heard.wait()
        self._heard.clear()

    # --- ringing ---------------------------------------------------------------------------------

    def ring(self) -> None:
        """Wake the others soon. Never waits, never fails."""
        if self._closed:
            return
        self._wanted = True
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring(), name="ring")

    async def _ring(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                await self._connections.write(_NOTIFY, CHANNEL, self._name)
            except StoreError:
                pass  # they look every second
            except Exception:
                self._log.exception("others cannot be told of due mail")
            await asyncio.sleep(_INTERVAL)

    # --- listening -------------------------------------------------------------------------------

    async def _listen(self, direct: Dialler) -> None:
        failures = 0
        while True:
            try:
                link = await direct.dial()
                failures = 0
                await self._hear(link)
            except Exception as problem:
                failures += 1
                if failures == 1:
                    self._log.warning(
                        "cannot hear of due mail; it is looked for", problem=describe(problem)
                    )
            await asyncio.sleep(back_off(failures, random.random()))  # noqa: S311 - jitter

    async def _hear(self, link: Link) -> None:
        """Listen until the connection is lost."""
        lost = asyncio.Event()
        try:
            await link.listen(CHANNEL, self._note, lost.set)
            self._heard.set()  # something may have been missed
            while not lost.is_set():
                try:
                    async with asyncio.timeout(_HEARTBEAT):
                        await lost.wait()
                except TimeoutError:
                    await link.rows("SELECT 1")
        finally:
            link.kill()

    def _note(self, name: str) -> None:
        if name != self._name:
            self._heard.set()
