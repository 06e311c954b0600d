"""The verbs that move mail, and those that look and tidy."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime, timedelta
from typing import Protocol

from tracker.attendance import Attendance
from tracker.model import (
    Accepted,
    Census,
    Job,
    Lease,
    LeaseToken,
    Load,
    MessageId,
    Postponement,
    RecipientId,
    Scope,
    Settlement,
    Status,
    Submission,
)
from tracker.search import Query
from tracker.views import Balance, Counts, DestinationState, IdPage, Page, Timeline


class Store(Protocol):
    """The verbs that move mail, and those that look and tidy."""

    @property
    def attendance(self) -> Attendance:
        """To be told who may bring a message soon: a ledger may let several share a commit."""
        ...

    # --- moving mail -------------------------------------------------------------------------

    async def accept(
        self, submission: Submission, now: datetime, lease: LeaseToken | None
    ) -> Accepted:
        """T1: make the message durable; when this returns, 250 may be said.

        With `lease` its recipients start out leased and come back as jobs, one for each
        destination; without, they are due at once. Raises StoreUnavailable; LeaseLost when the
        lease is not alive.
        """
        ...

    async def open_lease(
        self, node: str, worker: int, now: datetime, lease_for: timedelta
    ) -> Lease:
        """Begin to hold mail as `worker` of `node`.

        A ledger that nodes share has a clock of its own, by which leases begin and run out;
        from `now` it only learns how far that of the node is ahead. So it is with `renew` and
        `census`.
        """
        ...

    async def renew(
        self, lease: LeaseToken, now: datetime, lease_for: timedelta, load: Load
    ) -> Census:
        """Keep holding for `lease_for` from now on; return who else holds. Raises LeaseLost."""
        ...

    async def claim(
        self,
        lease: LeaseToken,
        now: datetime,
        limit: int,
        busy: Collection[str] = (),
        first: Mapping[str, int] | None = None,
    ) -> Sequence[Job]:
        """T2: lease due recipients, at most `limit`, in turn from every destination that has some.

        Destinations in `busy` are passed over. Those in `first` may have a turn before all
        others, for so many recipients at most; a ledger need not heed it. Of an unreachable
        destination whose probe is due one job comes, whose probe is thereby pushed forward, and
        besides it only recipients that have to be looked at: whose deadline has come, or the
        time to tell their sender of the delay (`Submission.notice_at`), which happens once.
        Raises LeaseLost.
        """
        ...

    async def settle(self, settlement: Settlement) -> None:
        """T3: attempts, statuses, DSNs, events and what was learnt of the destination.

        Drops the content when no recipient of the message is open any more. Raises LeaseLost
        when any of the recipients is not held by the settlement's lease.
        """
        ...

    async def postpone(
        self, lease: LeaseToken, recipients: Sequence[RecipientId], why: Postponement
    ) -> None:
        """Give recipients back untried, with the gate that stopped them. Raises LeaseLost."""
        ...

    async def close_lease(self, lease: LeaseToken, now: datetime) -> None:
        """Stop holding: what is still leased is due at once. Unknown leases are ignored."""
        ...

    async def census(self, now: datetime) -> Census:
        """Return every lease on record, alive or not."""
        ...

    async def recover(
        self,
        lease: LeaseToken,
        uncertain: Collection[RecipientId] | None,
        now: datetime,
        *,
        seen_until: datetime | None = None,
        holds: bool = False,
    ) -> int:
        """Take over what a dead worker held; return how many recipients.

        Those in `uncertain` had been sent their final dot: an attempt with the outcome
        `uncertain` is recorded. None means that nobody knows, so that it may be any. They are due
        at once, unless they are to be held with `holds`. All others become due at once with the
        event `relay-restarted`, and no attempt is counted.

        With `seen_until` nothing happens when the lease has been renewed beyond it: its worker
        may have sent more since `uncertain` was looked up.
        """
        ...

    async def give_up_held(self, now: datetime, limit: int) -> int:
        """Make held recipients due whose deadline has come, with the trigger `deadline`.

        At most `limit` in one transaction; returns how many, so that the caller goes on until 0.
        """
        ...

    async def next_due(self) -> datetime | None:
        """Return when `claim` may next find something; None when nothing waits."""
        ...

    async def wait_for_work(self) -> None:
        """Return when another process has made mail due. A hint: it may come late, or never."""
        ...

    def content(self, message_id: MessageId) -> AsyncIterator[bytes]:
        """Yield the octets of a message in chunks. Raises KeyError when they are gone."""
        ...

    async def contents(self, messages: Collection[MessageId]) -> Mapping[MessageId, bytes]:
        """Return the octets of small messages in one look; those that are gone are left out."""
        ...

    # --- acts of people ------------------------------------------------------------------------

    async def change_status(
        self,
        recipients: Collection[RecipientId],
        to: Status,
        *,
        scope: Scope,
        actor: str,
        reason: str,
        now: datetime,
    ) -> int:
        """Hold (to HELD), release (from HELD to QUEUED), or cancel (to CANCELLED).

        Returns how many recipients in scope changed; recipients that are leased, final or out
        of scope stay as they are. Each change is an event of the timeline. A cancelled
        recipient gets no DSN.
        """
        ...

    async def retry_now(
        self, recipients: Collection[RecipientId], *, scope: Scope, actor: str, now: datetime
    ) -> int:
        """Make waiting recipients due now, the destination's back-off included.

        Returns how many; each is an event of the timeline.
        """
        ...

    # --- looking -------------------------------------------------------------------------------

    async def search(
        self,
        query: Query,
        scope: Scope,
        *,
        limit: int,
        before: RecipientId | None = None,
        after: RecipientId | None = None,
    ) -> Page:
        """Return rows that match, newest first; keyset paging by recipient id."""
        ...

    async def search_ids(
        self, query: Query, scope: Scope, *, limit: int, before: RecipientId | None = None
    ) -> IdPage:
        """Return the ids alone of what `search` returns: for many of which nobody is looked at."""
        ...

    async def summarize(self, query: Query, scope: Scope, *, cap: int = 1000) -> Counts:
        """Count matches for each status; a count above `cap` is given as `cap` + 1."""
        ...

    async def timeline(self, message_id: MessageId, scope: Scope) -> Timeline | None:
        """Return everything about one message; None when unknown or out of scope."""
        ...

    async def destinations(self, scope: Scope, limit: int) -> Sequence[DestinationState]:
        """Return destinations with open recipients in scope, most waiting first."""
        ...

    async def destination(self, destination: str) -> DestinationState | None:
        """Return what is known about one destination."""
        ...

    async def balance(self, since: datetime) -> Sequence[Balance]:
        """Return the balance of every day from that of `since` on, oldest first."""
        ...

    # --- tidying -------------------------------------------------------------------------------

    async def prune(self, before: date, limit: int) -> int:
        """Drop messages accepted on UTC days before `before` whose recipients are all final.

        A small step: whole days at once where that is cheap, else at most `limit` messages in
        one transaction. Returns how many, so that the caller goes on until 0.
        """
        ...

    async def tend(self, now: datetime) -> None:
        """Do what the ledger itself needs from time to time, e.g. prepare the coming days."""
        ...

    def alone(self, chore: str) -> AbstractAsyncContextManager[bool]:
        """Hold `chore` while the context lasts; False when another process has it now.

        Whoever dies with it, or loses the ledger, has it no more.
        """
        ...

    async def ping(self) -> None:
        """Write something and commit. Raises StoreUnavailable."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of every connection."""
        ...
