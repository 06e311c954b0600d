"""What people see, from rows: both ledgers select the same columns in the same order."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from tracker.model import Event, EventId, EventKind, Gate, Message, Recipient, RecipientId
from tracker.sql.returned import RETURNED_COLUMN
from tracker.sql.rows import (
    ATTEMPT_COLUMNS,
    MESSAGE_COLUMNS,
    RECIPIENT_COLUMNS,
    Columns,
    qualified,
    read_attempt,
    read_event,
    read_message,
    read_recipient,
    width,
)
from tracker.sql.values import day_start, moment
from tracker.views import Balance, DestinationState, IdPage, Page, Row, Timeline

# The probe of its destination is what a recipient waits for when that comes last. It is looked
# up rather than written to a million rows whenever a destination does not answer.
PROBE_COLUMNS = "CASE WHEN NOT d.reachable THEN d.next_probe_at END, d.detail"

SHOWN_COLUMNS = f"{PROBE_COLUMNS}, {RETURNED_COLUMN}"
"""What follows RECIPIENT_COLUMNS in a row of a list. When it was returned is looked up as well:
delivered mail has no column for what hardly ever happens."""

TOLD_COLUMNS = f"{PROBE_COLUMNS}, NULL"
"""The same in a timeline, whose events say it."""

ROW_COLUMNS = f"{qualified('m', MESSAGE_COLUMNS)}, m.recipients, {qualified('a', ATTEMPT_COLUMNS)}"
"""What follows a recipient and its probe in a row of a list."""

STATE_COLUMNS = (
    "d.reachable, d.failures, d.since, d.next_probe_at, d.detail, d.last_success_at,"
    " d.last_failure_at, d.next_due_at, d.last_accepted_at"
)

_RECIPIENT_WIDTH = width(RECIPIENT_COLUMNS)
_SHOWN_WIDTH = _RECIPIENT_WIDTH + 3
_MESSAGE_END = _SHOWN_WIDTH + width(MESSAGE_COLUMNS)


def read_shown(row: Columns) -> Recipient:
    """Build a recipient as people see it: with the probe that it waits for, if it does,
    and with the time when it was returned after all.

    Takes RECIPIENT_COLUMNS and SHOWN_COLUMNS.
    """
    recipient = read_recipient(row)
    probe_at, detail, returned_at = row[_RECIPIENT_WIDTH:_SHOWN_WIDTH]
    if returned_at is not None:
        recipient = structs.replace(recipient, returned_at=moment(returned_at))
    due = recipient.next_attempt_at
    if due is None or recipient.leased or probe_at is None or moment(probe_at) <= due:
        return recipient
    changes: dict[str, Any] = {
        "gate": Gate.DESTINATION,
        "gate_detail": detail,
        "next_attempt_at": moment(probe_at),
    }
    return structs.replace(recipient, **changes)


def read_row(row: Columns) -> Row:
    """Build a row of a list; takes what `read_shown` takes and ROW_COLUMNS."""
    attempt = row[_MESSAGE_END + 1 :]
    return Row(
        recipient=read_shown(row),
        message=read_message(row[_SHOWN_WIDTH:_MESSAGE_END]),
        last_attempt=None if attempt[0] is None else read_attempt(attempt),
        recipients_of_message=row[_MESSAGE_END],
    )


def make_page(
    rows: Sequence[Columns],
    *,
    is_more: bool,
    before: RecipientId | None,
    after: RecipientId | None,
    looked_until: RecipientId | None = None,
) -> Page:
    """Build a page of rows, newest first; `is_more` where the walk stopped.

    `looked_until` is where it was cut, in whichever direction it went.
    """
    found = tuple(read_row(row) for row in rows)
    if looked_until is not None:
        return _cut_page(found, before, after, looked_until)
    if not found:
        return Page(rows=(), older=None, newer=None)
    newest, oldest = found[0].recipient.id, found[-1].recipient.id
    if is_newest_first(before, after):
        return Page(rows=found, older=oldest if is_more else None, newer=newest if before else None)
    return Page(rows=found, older=oldest, newer=newest if is_more else None)


def _cut_page(
    rows: tuple[Row, ...],
    before: RecipientId | None,
    after: RecipientId | None,
    looked_until: RecipientId,
) -> Page:
    if is_newest_first(before, after):
        newer = rows[0].recipient.id if rows and before else None
        return Page(rows=rows, older=looked_until, newer=newer, cut=True)
    older = rows[-1].recipient.id if rows else after
    return Page(rows=rows, older=older, newer=looked_until, cut=True)


def make_id_page(
    ids: Sequence[str], *, is_more: bool, looked_until: RecipientId | None = None
) -> IdPage:
    """Build a page of ids, newest first; the arguments are those of `make_page`."""
    found = tuple(map(RecipientId, ids))
    if looked_until is not None:
        return IdPage(ids=found, older=looked_until, cut=True)
    return IdPage(ids=found, older=found[-1] if is_more else None)


def is_newest_first(before: RecipientId | None, after: RecipientId | None) -> bool:
    """Say in which direction one walks from these bounds of a page."""
    return after is None or before is not None


def make_timeline(
    message: Columns,
    recipients: Sequence[Columns],
    attempts: Sequence[Columns],
    events: Sequence[Columns],
) -> Timeline:
    """Build a timeline of MESSAGE_COLUMNS, what `read_shown` takes, and so on."""
    told, known = read_message(message), [read_event(row) for row in events]
    return Timeline(
        message=told,
        recipients=_with_returns([read_shown(row) for row in recipients], known),
        attempts=tuple(read_attempt(row) for row in attempts),
        events=(_acceptance(told), *known),
    )


def _with_returns(
    recipients: Sequence[Recipient], events: Sequence[Event]
) -> tuple[Recipient, ...]:
    """Add when the first report came that a recipient's server returned it after all."""
    returns = [event for event in events if event.kind is EventKind.BOUNCED_LATER]
    first = {event.recipient_id: event.at for event in reversed(returns)}
    if not first:
        return tuple(recipients)
    return tuple(structs.replace(one, returned_at=first.get(one.id)) for one in recipients)


def _acceptance(message: Message) -> Event:
    """The first event of every timeline: the message's own row."""
    return Event(
        id=EventId(message.id),
        message_id=message.id,
        at=message.accepted_at,
        kind=EventKind.ACCEPTED,
    )


def read_destination(row: Columns) -> DestinationState:
    """Build it of the name, how many wait, and STATE_COLUMNS."""
    name, waiting, reachable, failures, since, probe, detail, success, failure, due, took = row
    return DestinationState(
        destination=name,
        reachable=reachable is None or bool(reachable),
        failures=failures or 0,
        since=moment(since),
        next_probe_at=moment(probe),
        detail=detail or "",
        last_success_at=moment(success),
        last_failure_at=moment(failure),
        waiting=waiting,
        next_due_at=moment(due),
        last_accepted_at=moment(took),
    )


def read_balance(row: Columns) -> Balance:
    """Build it of the day, counted since 1970, and the fields of Balance in their order."""
    day, accepted, delivered, bounced, expired, cancelled, still_open = row
    return Balance(
        day=day_start(day).date(),
        accepted=accepted,
        delivered=delivered,
        bounced=bounced,
        expired=expired,
        cancelled=cancelled,
        open=still_open,
    )
