"""Carries acts on, stride by stride.

Each stride is one transaction that also notes how far the act has come: after a crash it goes on
where it was, and two processes that take the same stride change nothing twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from config.settings import RetrySettings
from tracker.acting.plan import changes
from tracker.acting.reroute import reroute_of
from tracker.acting.retry import may_retry
from tracker.model import Act, ActState, Deed, RecipientId, Reroute, Scope, Stride
from tracker.routing import Routes
from tracker.search import Query, parse
from tracker.store import Ledger
from tracker.views import DestinationState, Row

FEW: Final = 50
"""So many recipients are done with while somebody waits for the page."""
STRIDE: Final = 200
"""Recipients in one transaction: others want to write, too."""
_OF_ONE_ADDRESS: Final = 10_000
"""Open recipients of suppressed addresses that one stride cancels at most."""


class _Batch(NamedTuple):
    """The next recipients of a walk."""

    looked_at: Sequence[RecipientId]
    rows: Sequence[Row]
    """Those of them that are in scope."""
    place: str
    """Where the walk goes on."""
    is_last: bool


def _batch(act: Act, looked_at: Sequence[RecipientId], rows: Sequence[Row]) -> _Batch:
    place = looked_at[-1] if looked_at else act.place
    return _Batch(looked_at, rows, place, is_last=len(looked_at) < STRIDE)


def query_of(text: str, zone: str, at: datetime) -> Query:
    """Return the query of an act: read as at `at`, and nothing that was accepted since.

    Raises QueryError.
    """
    query = parse(text, now=at, zone=ZoneInfo(zone))
    return replace(query, until=at if query.until is None else min(query.until, at))


async def why_pointless(
    ledger: Ledger, rows: Sequence[Row], retry: RetrySettings, now: datetime
) -> dict[RecipientId, str]:
    """Return whom it is pointless to try now, and why."""
    known: dict[str, DestinationState | None] = {}
    reasons: dict[RecipientId, str] = {}
    for row in rows:
        name = row.recipient.destination
        if name not in known:
            known[name] = await ledger.destination(name)
        reason = may_retry(row.recipient, row.last_attempt, known[name], retry, now)
        if reason is not None:
            reasons[row.recipient.id] = reason
    return reasons


class Runner:
    """Carries acts on. `now` tells the time, `routes` which way mail is configured to go."""

    def __init__(
        self,
        ledger: Ledger,
        retry: RetrySettings,
        routes: Routes,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._retry = retry
        self._routes = routes
        self._now = now

    async def finish(self, act: Act) -> Act:
        """Carry an act on until it is over, or somebody stops it; return it as it is then."""
        while not act.is_over:
            after = await self.stride(act)
            if after is None:
                return await self._ledger.act(act.id, Scope()) or act
            if after.state is act.state is ActState.RUNNING and after.place == act.place:
                return after  # the search got nowhere in its time: later, then
            act = after
        return act

    async def stride(self, act: Act) -> Act | None:
        """Take one step; None when somebody has stopped the act, or taken it already.

        Whose account has been removed does nothing more.
        """
        if act.account is not None and await self._ledger.account(act.account) is None:
            among = {ActState.PLANNED, ActState.RUNNING}
            return await self._ledger.turn_act(act.id, among, ActState.CALLED_OFF, self._now())
        if act.state is ActState.PLANNED:
            among = {ActState.PLANNED}
            return await self._ledger.turn_act(act.id, among, ActState.RUNNING, self._now())
        return await self._ledger.advance_act(act, await self._plan(act), self._now())

    async def _next(self, act: Act) -> _Batch:
        """Return the next recipients to look at, in the order of the walk."""
        ids: Sequence[RecipientId]
        if act.undoes is not None:
            ids = await self._ledger.changed_by(act.undoes, act.place, STRIDE)
        elif act.chosen:
            ids = [each for each in sorted(act.chosen) if each > act.place][:STRIDE]
        else:
            before = RecipientId(act.place) if act.place else None
            query = query_of(act.query, act.zone, act.created_at)
            page = await self._ledger.search(query, act.scope, limit=STRIDE, before=before)
            found = [row.recipient.id for row in page.rows]
            if page.cut:
                return _Batch(found, page.rows, page.older or act.place, is_last=False)
            return _batch(act, found, page.rows)
        return _batch(act, ids, await self._ledger.chosen(ids, act.scope))

    async def _plan(self, act: Act) -> Stride:
        """Return what is to become of the next few; nobody is left: that it has come to its end."""
        looked_at, rows, place, is_last = await self._next(act)
        concerned = [row for row in rows if changes(act.deed, row.recipient.status)]
        addresses: Sequence[str] = ()
        if act.deed is Deed.RETRY:
            reasons = await why_pointless(self._ledger, concerned, self._retry, self._now())
            concerned = [row for row in concerned if row.recipient.id not in reasons]
        reroutes: Sequence[Reroute] = ()
        if act.deed is Deed.REROUTE:
            reroutes = await self._reroutes(act, concerned)
            concerned = []
        ids = [row.recipient.id for row in concerned]
        if act.deed is Deed.SUPPRESS:
            addresses = sorted({row.recipient.forward_path for row in concerned})
            ids = await self._of_addresses(addresses, act.scope)
        return Stride(
            seen=len(looked_at),
            recipients=tuple(ids),
            addresses=tuple(addresses),
            reroutes=tuple(reroutes),
            place=place,
            ended=is_last,
        )

    async def _reroutes(self, act: Act, rows: Sequence[Row]) -> list[Reroute]:
        """Return the new ways; undone, whoever still goes as the act has sent them goes back."""
        next_hops = {row.recipient.id: act.next_hop for row in rows}
        if act.undoes is not None:
            undone = await self._ledger.act(act.undoes, Scope())
            sent = [row for row in rows if undone and row.recipient.next_hop == undone.next_hop]
            ids = [row.recipient.id for row in sent]
            next_hops = dict(await self._ledger.next_hops_before(act.undoes, ids))
        ways = [
            reroute_of(row.recipient, next_hops[row.recipient.id], self._routes)
            for row in rows
            if row.recipient.id in next_hops
        ]
        return [way for way in ways if way is not None]

    async def _of_addresses(self, addresses: Sequence[str], scope: Scope) -> list[RecipientId]:
        if not addresses:
            return []
        return list(await self._ledger.waiting_for(addresses, scope, _OF_ONE_ADDRESS))
