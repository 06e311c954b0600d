"""Sessions that wait for more mail to the same target, and those that take their leave.

A session is only used again for the same host, address and port in the same manner: one that was
opened without TLS, or as somebody else, is no substitute.
"""

import asyncio
from collections import deque

from config.settings import DeliverySettings
from relay.clock import Clock
from relay.transport.session import Manner, Session
from tracker.model import Target

_Key = tuple[str, str, int, Manner]


_PERIOD = 0.1
"""Seconds between two looks at what is idle, at least."""


class Pool:
    """Open sessions of this process. `close` it before the event loop ends."""

    def __init__(self, settings: DeliverySettings, clock: Clock) -> None:
        self._clock = clock
        self._idle = settings.connection_idle.total_seconds()
        self._age = settings.connection_age.total_seconds()
        self._transactions = settings.messages_per_connection
        self._waiting: dict[_Key, deque[Session]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._reaper: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Sessions that wait."""
        return sum(len(sessions) for sessions in self._waiting.values())

    def take(self, target: Target, manner: Manner) -> Session | None:
        """Return a session that waits for just this, the one used last first."""
        sessions = self._waiting.get(_key(target, manner))
        while sessions:
            session = sessions.pop()
            if self._is_good(session):
                session.evidence.restart()
                return session
            self.dismiss(session)
        return None

    def give(self, session: Session) -> None:
        """Let `session` wait for more mail, or take its leave when it has served long enough."""
        session.idle_since = self._clock.monotonic()
        if not self._idle or not self.may_go_on(session):
            self.dismiss(session)
            return
        self._waiting.setdefault(_key(session.target, session.manner), deque()).append(session)
        if self._reaper is None or self._reaper.done():
            self._reaper = asyncio.create_task(self._reap(), name="reap idle sessions")

    def may_go_on(self, session: Session) -> bool:
        """Say whether `session` may carry another transaction."""
        age = self._clock.monotonic() - session.opened_at
        return session.is_usable and session.transactions < self._transactions and age < self._age

    def dismiss(self, session: Session) -> None:
        """Say QUIT in the background: no mail waits for it."""
        leaving = asyncio.create_task(session.quit())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Take leave of every session."""
        if self._reaper is not None:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
        for sessions in self._waiting.values():
            for session in sessions:
                self.dismiss(session)
        self._waiting.clear()
        while self._leaving:
            await asyncio.gather(*self._leaving, return_exceptions=True)

    def _is_good(self, session: Session) -> bool:
        idle = self._clock.monotonic() - session.idle_since
        return idle < self._idle and self.may_go_on(session)

    async def _reap(self) -> None:
        """Dismiss what has waited too long, until nothing waits."""
        while self._waiting:
            longest = min(s.idle_since for waiting in self._waiting.values() for s in waiting)
            await self._clock.sleep(max(_PERIOD, longest + self._idle - self._clock.monotonic()))
            for key, sessions in list(self._waiting.items()):
                good = deque(s for s in sessions if self._is_good(s))
                for session in sessions:
                    if session not in good:
                        self.dismiss(session)
                self._waiting[key] = good
                if not good:
                    del self._waiting[key]


def _key(target: Target, manner: Manner) -> _Key:
    return target.host, target.address, target.port, manner
