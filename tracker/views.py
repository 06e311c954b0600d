"""What readers of the ledger get: rows for a list, a whole timeline, counts, the balance."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from tracker.model import (
    Access,
    AccessId,
    Attempt,
    Event,
    Message,
    Recipient,
    RecipientId,
    Refusal,
    RefusalId,
    Status,
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient in a list, with its message and its last attempt."""

    recipient: Recipient
    message: Message
    last_attempt: Attempt | None
    recipients_of_message: int
    """How many recipients the message has in all."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, newest first, and where to go on from."""

    rows: tuple[Row, ...]
    older: RecipientId | None
    """Pass as `before` for the next page; None at the end."""
    newer: RecipientId | None
    """Pass as `after` for the page before; None at the beginning."""
    cut: bool = False
    """The time for the search was over. What there is was not looked at to the end: `older` (or
    `newer`, when the search went that way) is where it goes on, also when there are no rows."""


class IdPage(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of recipients, newest first, and where to go on from."""

    ids: tuple[RecipientId, ...]
    older: RecipientId | None
    """As that of `Page`."""
    cut: bool = False
    """As that of `Page`: there may be more from `older` on."""


class RefusalPage(msgspec.Struct, frozen=True, kw_only=True):
    """Submissions that were not taken, newest first, and where to go on from."""

    rows: tuple[Refusal, ...]
    older: RefusalId | None
    """Pass as `before` for the next page; None at the end."""
    cut: bool = False
    """The time for the search was over. What is older than `older` was not looked at; there may
    be no rows."""


class RefusalCount(NamedTuple):
    """How many submissions were not taken."""

    found: int
    """Never more than one above the cap of the count."""
    cut: bool
    """There may be more: the time for counting was over."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at mail, with an entry for each account whose mail it was, as far as the reader
    may see them."""

    entries: tuple[Access, ...]
    """At least one. They differ in their id and account; the highest id comes first."""

    @property
    def id(self) -> AccessId:
        """Where this look stands among all."""
        return self.entries[0].id


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known about one message, as far as the reader may see it."""

    message: Message
    recipients: tuple[Recipient, ...]
    attempts: tuple[Attempt, ...]
    """Oldest first, of all recipients."""
    events: tuple[Event, ...]
    """Oldest first."""


class DestinationState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one destination."""

    destination: str
    reachable: bool
    failures: int
    since: datetime | None
    """Since when it is as it is."""
    next_probe_at: datetime | None
    detail: str
    last_success_at: datetime | None
    """When it was last reached, whatever it said."""
    last_failure_at: datetime | None
    waiting: int
    """Open recipients."""
    next_due_at: datetime | None
    last_accepted_at: datetime | None = None
    """When it last took a message."""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker looks for every second, all in one look."""

    has_acts: bool
    """Acts are to be carried on."""
    has_errands: bool
    """Errands wait for somebody."""
    suppressions: int
    """Another number than before: the list has changed."""


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Accepted recipients of one day, and where they went (days are UTC)."""

    day: date
    accepted: int
    delivered: int
    bounced: int
    expired: int
    cancelled: int
    open: int
    """Counted from the recipients themselves, while the others are counters kept beside them."""

    @property
    def difference(self) -> int:
        """0 when the balance closes."""
        final = self.delivered + self.bounced + self.expired + self.cancelled
        return self.accepted - final - self.open


class Reclassifying(msgspec.Struct, frozen=True, kw_only=True):
    """How far judging the record by the present rules has come."""

    actor: str
    began_at: datetime
    version: str
    """Of the rules when it began."""
    first_id: str
    last_id: str
    """The last recipient that was looked at: ids sort by time."""
    end_id: str
    looked: int
    """Recipients that were looked at."""
    changed: int
    """Attempts whose category or rule is another one now."""
    ended_at: datetime | None
    """None while there is something left."""


class OlderJudgements(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the record has the category that the rules of an earlier release gave."""

    recipients: int
    """Recipients that were not delivered and were last tried by then; no more than one asks for."""
    since: datetime | None
    """When the present rules came; None when nobody has gone by them yet."""


class Patience(NamedTuple):
    """How long people wait: then what was found until then is told."""

    search: timedelta = timedelta(seconds=5)
    counts: timedelta = timedelta(seconds=2)


class Counts(dict[Status, int]):
    """How many recipients have each status."""

    cut: frozenset[Status] = frozenset()
    """Of these there may be more: the time for counting was over."""
