"""Sessions that wait for more mail to the same target, and those that take their leave.

A session is only used again for the same host, address and port in the same manner: one that was
opened without TLS, or as somebody else, is no substitute. Both those that wait and those that
leave count among the connections that a group of hosts gets, and make room for new ones.
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


class _Group:
    """What is open to a group of hosts although no mail is on it."""

    __slots__ = ("leaving", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[Session, None] = {}
        """Who has waited longest comes first."""
        self.leaving: set[asyncio.Task[None]] = set()


class Pool:
    """Open sessions of this process. `close` it before the event loop ends."""

    def __init__(self, settings: DeliverySettings, clock: Clock) -> None:
        self._clock = clock
        self._idle = settings.connection_idle.total_seconds()
        self._age = settings.connection_age.total_seconds()
        self._transactions = settings.messages_per_connection
        self._waiting: dict[_Key, deque[Session]] = {}
        self._group_of: dict[Session, str] = {}
        """Of those that wait."""
        self._groups: dict[str, _Group] = {}
        self._reaper: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Sessions that wait."""
        return len(self._group_of)

    def take(self, target: Target, manner: Manner) -> Session | None:
        """Return a session that waits for just this, the one used last first."""
        while sessions := self._waiting.get(_key(target, manner)):
            session = sessions[-1]
            if self._is_good(session):
                self._remove(session)
                session.evidence.restart()
                return session
            self._send_off(session)
        return None

    def give(self, session: Session, group: str) -> None:
        """Let `session` wait for more mail, or take its leave when it has served long enough.

        `group` is the name that its host shares with others.
        """
        session.idle_since = self._clock.monotonic()
        if not self._idle or not self.may_go_on(session):
            self.dismiss(session, group)
            return
        self._waiting.setdefault(_key(session.target, session.manner), deque()).append(session)
        self._group_of[session] = group
        self._groups.setdefault(group, _Group()).waiting[session] = None
        if self._reaper is None or self._reaper.done():
            self._reaper = asyncio.create_task(self._reap(), name="reap idle sessions")

    async def make_room(self, group: str, most: int) -> None:
        """Have no more than `most` sessions of `group` open of those that wait or leave."""
        while entry := self._groups.get(group):
            for session in list(entry.waiting)[: max(0, len(entry.waiting) - most)]:
                self._send_off(session)
            if len(entry.waiting) + len(entry.leaving) <= most:
                return
            await asyncio.wait(entry.leaving, return_when=asyncio.FIRST_COMPLETED)

    def may_go_on(self, session: Session) -> bool:
        """Say whether `session` may carry another transaction."""
        age = self._clock.monotonic() - session.opened_at
        return session.is_usable and session.transactions < self._transactions and age < self._age

    def dismiss(self, session: Session, group: str) -> None:
        """Say QUIT in the background: no mail waits for it."""
        entry = self._groups.setdefault(group, _Group())
        leaving = asyncio.create_task(session.quit())
        entry.leaving.add(leaving)
        leaving.add_done_callback(lambda task: self._left(group, task))

    async def close(self) -> None:
        """Take leave of every session."""
        if self._reaper is not None:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
        for session in list(self._group_of):
            self._send_off(session)
        while leaving := [task for entry in self._groups.values() for task in entry.leaving]:
            await asyncio.gather(*leaving, return_exceptions=True)

    def _send_off(self, session: Session) -> None:
        """Dismiss a session that waits."""
        self.dismiss(session, self._group_of[session])
        self._remove(session)

    def _remove(self, session: Session) -> None:
        """Take a session out of those that wait."""
        key = _key(session.target, session.manner)
        self._waiting[key].remove(session)
        if not self._waiting[key]:
            del self._waiting[key]
        group = self._group_of.pop(session)
        del self._groups[group].waiting[session]
        self._forget_if_empty(group)

    def _left(self, group: str, task: asyncio.Task[None]) -> None:
        self._groups[group].leaving.discard(task)
        self._forget_if_empty(group)

    def _forget_if_empty(self, group: str) -> None:
        entry = self._groups[group]
        if not entry.waiting and not entry.leaving:
            del self._groups[group]

    def _is_good(self, session: Session) -> bool:
        idle = self._clock.monotonic() - session.idle_since
        return idle < self._idle and self.may_go_on(session)

    async def _reap(self) -> None:
        """Dismiss what has waited too long, until nothing waits."""
        while self._group_of:
            longest = min(session.idle_since for session in self._group_of)
            await self._clock.sleep(max(_PERIOD, longest + self._idle - self._clock.monotonic()))
            for session in [each for each in self._group_of if not self._is_good(each)]:
                self._send_off(session)


def _key(target: Target, manner: Manner) -> _Key:
    return target.host, target.address, target.port, manner
