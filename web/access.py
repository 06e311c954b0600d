"""The access log: every look at other people's mail goes on record, whatever page it is made on.

Pages do not have to think of it. They look through a `Watched` ledger, which notes whose mail
comes out of it. One look is one person, one page and one account within some minutes, however
often the page is loaded, unless it shows further messages then.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from msgspec.structs import replace
from multidict import MultiMapping

from tracker.insight import Saying
from tracker.model import (
    Access,
    AccessId,
    AccessKind,
    Errand,
    ErrandId,
    MessageId,
    RecipientId,
    RefusalId,
    Scope,
    new_id,
)
from tracker.search import Query
from tracker.store import Accesses, Ledger, StoreError
from tracker.views import Page, RefusalPage, Row, Timeline

SAME: Final = timedelta(minutes=15)
"""Within it the same person's same look is on record once."""
WAITING: Final = 5000
"""Looks that may wait to be written; then whoever looks waits for them."""
_REMEMBERED: Final = 100_000
"""Looks, and messages that were shown in them, that are remembered for so long."""
MESSAGES: Final = 50
"""Messages of one page of a list that are named."""
_LONGEST: Final = 1000
"""Characters of a page with its search that are kept."""
_STEP: Final = 500
_PASSING: Final = frozenset({"before", "after", "zone", "csrf", "back"})
"""What of a query says nothing about what was looked for."""

_Key = tuple[str, str, AccessKind, str, str]


class _Shown(NamedTuple):
    """When a look was noted first, and what has been shown since."""

    since: datetime
    messages: set[MessageId]


class AccessLog:
    """What was looked at and is not on record yet, and what was not long ago."""

    def __init__(self, ledger: Accesses, entropy: Callable[[int], bytes]) -> None:
        self._ledger = ledger
        self._entropy = entropy
        self._waiting: list[Access] = []
        self._seen: dict[_Key, _Shown] = {}
        self._remembered = 0
        self._writing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(
        self,
        at: datetime,
        actor: str,
        client: str,
        kind: AccessKind,
        page: str,
        account: str,
        messages: Sequence[MessageId] = (),
    ) -> None:
        """Note a look at `messages`, unless the same was noted a short while ago.

        With some that were not among those then, it is a look at these.
        """
        key = (actor, client, kind, page[:_LONGEST], account)
        shown = self._seen.get(key)
        if is_new := shown is None or at - shown.since >= SAME:
            shown = self._remember(key, at)
        elif shown.messages.issuperset(messages):
            return
        fresh = tuple(message for message in messages if message not in shown.messages)
        shown.messages.update(fresh)
        self._remembered += len(fresh)
        if is_new or shown.since != at or not self._add_to_last(key, at, fresh):
            self._waiting.append(self._make(key, at, fresh))

    def _add_to_last(self, key: _Key, at: datetime, messages: tuple[MessageId, ...]) -> bool:
        """Add to what the same request has noted, unless that is being written just now."""
        if self._writing.locked():
            return False
        for number in range(len(self._waiting) - 1, -1, -1):
            one = self._waiting[number]
            if one.at != at:
                return False
            if (one.actor, one.client, one.kind, one.page, one.account) == key:
                self._waiting[number] = replace(one, messages=one.messages + messages)
                return True
        return False

    def _make(self, key: _Key, at: datetime, messages: tuple[MessageId, ...]) -> Access:
        actor, client, kind, page, account = key
        return Access(
            id=AccessId(new_id(at, self._entropy(8))),
            at=at,
            actor=actor,
            client=client,
            kind=kind,
            page=page,
            account=account,
            messages=messages,
        )

    def _remember(self, key: _Key, at: datetime) -> "_Shown":
        if self._remembered >= _REMEMBERED:
            self._seen.clear()
            self._remembered = 0
        if known := self._seen.get(key):
            self._remembered -= 1 + len(known.messages)
        self._remembered += 1
        self._seen[key] = shown = _Shown(at, set())
        return shown

    async def make_room(self) -> None:
        """Wait until there is room for more. Raises StoreError: then nobody may look."""
        if len(self._waiting) >= WAITING:
            await self.write()

    def write_soon(self) -> None:
        """Write what was noted while the page is on its way."""
        if self._waiting and not self._writing.locked():
            task = asyncio.get_running_loop().create_task(self._try_to_write())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def write(self) -> None:
        """Write what was noted. Raises StoreError; then it is tried again with the next look."""
        async with self._writing:
            while step := self._waiting[:_STEP]:
                await self._ledger.record_accesses(step)
                del self._waiting[: len(step)]

    async def finish(self) -> None:
        """Write what is left, if that is possible."""
        await self._try_to_write()

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        except StoreError as problem:
            structlog.get_logger().warning("access log waits", problem=repr(problem))


def kind_of(method: str, path: str) -> AccessKind:
    """Return what a request is, as a look at mail."""
    if method == "POST":
        return AccessKind.ACT
    if path.endswith((".csv", ".ndjson", ".json", ".pdf")) or "/export" in path:
        return AccessKind.EXPORT
    return AccessKind.MESSAGE if path.startswith("/messages/") else AccessKind.LIST


def page_of(kind: AccessKind, path: str, query: MultiMapping[str]) -> str:
    """Return which page it is: of a list with what was searched for, of a message only which.

    For people to read, so without the escapes of URLs.
    """
    if kind is AccessKind.MESSAGE:
        return "/".join(path.split("/")[:3])
    asked = [f"{name}={value}" for name, value in query.items() if value and name not in _PASSING]
    return f"{path}?{'&'.join(asked)}" if asked and kind is not AccessKind.ACT else path


Seen = Callable[[str, Sequence[MessageId]], None]


class Watched:
    """A ledger for one viewer: `seen` is told whose mail comes out. All else goes through.

    Of a list it is also told which messages of an account these were, the first of the page.
    """

    def __init__(self, ledger: Ledger, seen: Seen) -> None:
        self._ledger = ledger
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def search(
        self,
        query: Query,
        scope: Scope,
        *,
        limit: int,
        before: RecipientId | None = None,
        after: RecipientId | None = None,
    ) -> Page:
        """See `Store.search`."""
        page = await self._ledger.search(query, scope, limit=limit, before=before, after=after)
        self._see_rows(page.rows)
        return page

    async def timeline(self, message_id: MessageId, scope: Scope) -> Timeline | None:
        """See `Store.timeline`."""
        timeline = await self._ledger.timeline(message_id, scope)
        if timeline is not None:
            self._seen(timeline.message.account or "", ())
        return timeline

    async def chosen(self, recipients: Collection[RecipientId], scope: Scope) -> Sequence[Row]:
        """See `Acts.chosen`."""
        rows = await self._ledger.chosen(recipients, scope)
        self._see_rows(rows)
        return rows

    async def refusals(
        self, query: Query, scope: Scope, *, limit: int, before: RefusalId | None = None
    ) -> RefusalPage:
        """See `Refusals.refusals`."""
        page = await self._ledger.refusals(query, scope, limit=limit, before=before)
        self._see(refusal.account for refusal in page.rows)
        return page

    async def errand(self, errand_id: ErrandId, scope: Scope) -> Errand | None:
        """See `Errands.errand`. It is looked at as mail of whoever asked, and of its message."""
        errand = await self._ledger.errand(errand_id, scope)
        if errand is not None:
            self._see([errand.account])
            if errand.recipient_id is not None:
                await self.chosen([errand.recipient_id], scope)
        return errand

    async def sayings(
        self, destination: str, scope: Scope, since: datetime, limit: int
    ) -> Sequence[Saying]:
        """See `Insight.sayings`: each has somebody's attempt as its example."""
        found = await self._ledger.sayings(destination, scope, since, limit)
        examples = [saying.example.recipient_id for saying in found if saying.example is not None]
        if examples:
            await self.chosen(examples, scope)
        return found

    def _see(self, accounts: Iterable[str | None]) -> None:
        for account in {account or "" for account in accounts}:
            self._seen(account, ())

    def _see_rows(self, rows: Sequence[Row]) -> None:
        shown: dict[str, dict[MessageId, None]] = {}
        named = dict.fromkeys(row.message.id for row in rows)
        named = dict.fromkeys([*named][:MESSAGES])
        for row in rows:
            of_account = shown.setdefault(row.message.account or "", {})
            if row.message.id in named:
                of_account[row.message.id] = None
        for account, messages in shown.items():
            self._seen(account, [*messages])
