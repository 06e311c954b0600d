"""Sessions that wait for more mail to the same target, and those that take their leave.

A session is only used again for the same host, address and port in the same manner: one that was
opened without TLS, or as somebody else, is no substitute. Both those that wait and those that
leave count among the connections that a group of hosts gets, and make room for new ones.
"""

import asyncio

from config.settings import DeliverySettings
from relay.clock import Clock
from relay.transport.session import Manner, Session
from tracker.model import Target

_Key = tuple[str, str, int, Manner]

_MOST = 1000
"""Sessions that wait at most: with thousands of destinations each would have one, 30 KB large."""

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

    def __init__(self, settings: DeliverySettings, clock: Clock, *, most: int = _MOST) -> None:
        """Let at most `most` sessions wait."""
        self._clock = clock
        self._most = most
        self._idle = settings.connection_idle.total_seconds()
        self._age = settings.connection_age.total_seconds()
        self._transactions = settings.messages_per_connection
        self._waiting: dict[_Key, list[Session]] = {}
        """Who has served last is the last. What is empty stays until it is tidied up."""
        self._group_of: dict[Session, str] = {}
        """Of those that wait."""
        self._groups: dict[str, _Group] = {}
        """What is empty stays until it is tidied up."""
        self._reaper: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Sessions that wait."""
        return len(self._group_of)

    def has(self, target: Target, manner: Manner) -> bool:
        """Say whether a session waits for just this."""
        return bool(self._waiting.get(_key(target, manner)))

    def take(self, target: Target, manner: Manner) -> Session | None:
        """Return a session that waits for just this, the one used last first."""
        sessions = self._waiting.get(_key(target, manner))
        while sessions:
            session = sessions[-1]
            if self._is_good(session, self._clock.monotonic()):
                self._remove(session)
                session.evidence.restart()
                return session
            self._send_off(session)
        return None

    def give(self, session: Session, group: str) -> None:
        """Let `session` wait for more mail, or take its leave when it has served long enough.

        `group` is the name that its host shares with others.
        """
        session.idle_since = now = self._clock.monotonic()
        if not self._idle or not self._may_go_on(session, now):
            self.dismiss(session, group)
            return
        key = _key(session.target, session.manner)
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = []
        waiting.append(session)
        self._group_of[session] = group
        self._group(group).waiting[session] = None
        if len(self._group_of) > self._most:
            self._send_off(next(iter(self._group_of)))  # who has waited longest
        if self._reaper is None or self._reaper.done():
            self._reaper = asyncio.create_task(self._reap(), name="reap idle sessions")

    async def make_room(self, group: str, most: int) -> None:
        """Have no more than `most` sessions of `group` open of those that wait or leave."""
        while (entry := self._groups.get(group)) is not None:
            for session in list(entry.waiting)[: max(0, len(entry.waiting) - most)]:
                self._send_off(session)
            if len(entry.waiting) + len(entry.leaving) <= most:
                return
            await asyncio.wait(entry.leaving, return_when=asyncio.FIRST_COMPLETED)

    def may_go_on(self, session: Session) -> bool:
        """Say whether `session` may carry another transaction."""
        return self._may_go_on(session, self._clock.monotonic())

    def _may_go_on(self, session: Session, now: float) -> bool:
        return (
            session.is_usable
            and session.transactions < self._transactions
            and now - session.opened_at < self._age
        )

    def dismiss(self, session: Session, group: str) -> None:
        """Say QUIT in the background: no mail waits for it."""
        entry = self._group(group)
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
        sessions = self._waiting[_key(session.target, session.manner)]
        if sessions[-1] is session:
            sessions.pop()
        else:
            sessions.remove(session)
        del self._groups[self._group_of.pop(session)].waiting[session]

    def _left(self, group: str, task: asyncio.Task[None]) -> None:
        entry = self._groups[group]
        entry.leaving.discard(task)
        if not entry.waiting and not entry.leaving:
            del self._groups[group]

    def _group(self, name: str) -> _Group:
        entry = self._groups.get(name)
        if entry is None:
            entry = self._groups[name] = _Group()
        return entry

    def _tidy_up(self) -> None:
        """Forget what is empty; at each message it would only be made anew for the next one."""
        self._waiting = {key: sessions for key, sessions in self._waiting.items() if sessions}
        self._groups = {
            name: entry for name, entry in self._groups.items() if entry.waiting or entry.leaving
        }

    def _is_good(self, session: Session, now: float) -> bool:
        return now - session.idle_since < self._idle and self._may_go_on(session, now)

    async def _reap(self) -> None:
        """Dismiss what has waited too long, until nothing waits."""
        while self._group_of:
            longest = min(session.idle_since for session in self._group_of)
            await self._clock.sleep(max(_PERIOD, longest + self._idle - self._clock.monotonic()))
            now = self._clock.monotonic()
            for session in [each for each in self._group_of if not self._is_good(each, now)]:
                self._send_off(session)
            self._tidy_up()
        self._tidy_up()


def _key(target: Target, manner: Manner) -> _Key:
    return target.host, target.address, target.port, manner
