"""Pages that are open learn of changes: one look at the ledger a second, for all of them.

Each open page costs a connection and nothing else: the ledger is asked once for all the messages
that are watched, however many people watch them.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Final

import structlog

from tracker.model import MessageId
from tracker.store import StoreError, Version

EVERY: Final = timedelta(seconds=1)
"""How often the ledger is looked at while a page is open."""
MOST: Final = 400
"""Pages that are kept up to date at once."""
MOST_OF_ONE: Final = 5
"""Of one person: browsers open six connections to a host, and one has to be left for pages."""

Look = Callable[[Collection[MessageId]], Awaitable[Mapping[MessageId, Version]]]


class TooManyWatches(Exception):
    """So many pages are open already that this one has to do without."""


class Watch:
    """One open page's view of its message."""

    def __init__(self, message_id: MessageId) -> None:
        self.message_id = message_id
        self.version: Version | None = None
        """What was seen last; None before the first look."""
        self.is_over = False
        """True when there is nothing more to wait for: the message is gone, or we stop."""
        self._changed = asyncio.Event()

    def tell(self, version: Version | None) -> None:
        """Take what the ledger said; None when it does not know the message."""
        if version is None:
            self.end()
        elif version != self.version:
            self.version = version
            self._changed.set()

    def end(self) -> None:
        """Wait for nothing more."""
        self.is_over = True
        self._changed.set()

    async def wait(self, at_most: timedelta) -> bool:
        """Return True as soon as something has changed, False when nothing has for so long."""
        try:
            async with asyncio.timeout(at_most.total_seconds()):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


class Live:
    """Everything that is watched."""

    def __init__(
        self,
        look: Look,
        *,
        every: timedelta = EVERY,
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
    ) -> None:
        self._look = look
        self._every = every
        self._most = most
        self._most_of_one = most_of_one
        self._watches: set[Watch] = set()
        self._people: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def count(self) -> int:
        """How many pages are watched."""
        return len(self._watches)

    @contextlib.contextmanager
    def watch(self, person: str, message_id: MessageId) -> Iterator[Watch]:
        """Watch a message for `person` while the context lasts. Raises TooManyWatches."""
        full = self.count >= self._most or self._people[person] >= self._most_of_one
        if full or self._is_closed:
            raise TooManyWatches
        watch = Watch(message_id)
        self._watches.add(watch)
        self._people[person] += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._keep_looking())
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            self._people[person] -= 1
            self._people += Counter()  # forget who has none left

    async def close(self) -> None:
        """End every watch; nobody watches any more after this."""
        self._is_closed = True
        for watch in self._watches:
            watch.end()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _keep_looking(self) -> None:
        """Look at the ledger until nothing is watched."""
        while self._watches:
            watched = list(self._watches)
            try:
                versions = await self._look({watch.message_id for watch in watched})
            except StoreError as problem:
                # What is shown stays as it is; the next look may succeed.
                structlog.get_logger().warning("cannot look for changes", problem=repr(problem))
            else:
                for watch in watched:
                    watch.tell(versions.get(watch.message_id))
            await asyncio.sleep(self._every.total_seconds())
        self._looking = None
