"""The verbs that look (see `tracker.store.Store`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import structs

from tracker import states
from tracker.model import (
    Event,
    EventId,
    EventKind,
    Gate,
    Message,
    MessageId,
    Recipient,
    RecipientId,
    Scope,
    Status,
)
from tracker.search import Query
from tracker.sql.conditions import (
    Condition,
    conjunction,
    scope_condition,
    status_condition,
)
from tracker.sql.rows import (
    ATTEMPT_COLUMNS,
    EVENT_COLUMNS,
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
from tracker.sql.selection import select
from tracker.sql.values import day_of, day_start, first_id, json_list, moment, stamp
from tracker.sqlite.part import Part
from tracker.sqlite.query import DIALECT, capped_count, page_of_ids
from tracker.views import Balance, Counts, DestinationState, Page, Row, Timeline

# The probe of its destination is what a recipient waits for when that comes last. It is looked
# up rather than written to a million rows whenever a destination does not answer.
_PROBE = "iif(d.reachable, NULL, d.next_probe_at), d.detail"

_RECIPIENT = f"{qualified('r', RECIPIENT_COLUMNS)}, {_PROBE}"
_RECIPIENT_WIDTH = width(RECIPIENT_COLUMNS) + 2
_MESSAGE_WIDTH = width(MESSAGE_COLUMNS)

_ROWS = f"""
SELECT {_RECIPIENT}, {qualified("m", MESSAGE_COLUMNS)}, m.recipients,
       {qualified("a", ATTEMPT_COLUMNS)}
FROM recipients AS r
JOIN messages AS m ON m.id = r.message_id
LEFT JOIN attempts AS a ON a.recipient_id = r.id AND a.id = r.last_attempt_id
LEFT JOIN destinations AS d ON d.destination = r.destination
WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.id DESC
"""

_TIMELINE_RECIPIENTS = f"""
SELECT {_RECIPIENT} FROM recipients AS r
LEFT JOIN destinations AS d ON d.destination = r.destination
WHERE r.message_id = ? AND {{scope}} ORDER BY r.id
"""

_TIMELINE_ATTEMPTS = f"""
SELECT {qualified("a", ATTEMPT_COLUMNS)} FROM recipients AS r
JOIN attempts AS a ON a.recipient_id = r.id
WHERE r.message_id = ? ORDER BY a.started_at, a.id
"""

_TIMELINE_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events WHERE message_id = ? ORDER BY at, id"

_MESSAGE = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = ?"

_STATE = (
    "d.reachable, d.failures, d.since, d.next_probe_at, d.detail, d.last_success_at,"
    " d.last_failure_at, d.next_due_at"
)

_DESTINATION = f"""
SELECT ?1, (
    SELECT count(*) FROM recipients WHERE destination = ?1
    AND lease IS NULL AND next_attempt_at IS NOT NULL
) + (
    SELECT count(*) FROM recipients WHERE lease IS NOT NULL AND destination = ?1
) + (
    SELECT count(*) FROM recipients
    WHERE status = '{Status.HELD}' AND status <> 'delivered' AND destination = ?1
) AS waiting, {_STATE}
FROM (SELECT 1) LEFT JOIN destinations AS d ON d.destination = ?1
"""

_BALANCE = """
SELECT days.day, days.accepted, days.delivered, days.bounced, days.expired, days.cancelled, (
    SELECT count(*) FROM json_each(?1) AS s CROSS JOIN recipients AS r ON r.status = s.value
    WHERE r.status <> 'delivered'
      AND r.id >= json_extract(bound.value, '$[1]') AND r.id < json_extract(bound.value, '$[2]')
)
FROM json_each(?2) AS bound CROSS JOIN days ON days.day = json_extract(bound.value, '$[0]')
ORDER BY days.day
"""


class Looking(Part):
    """Search, timeline, destinations, balance."""

    async def search(
        self,
        query: Query,
        scope: Scope,
        *,
        limit: int,
        before: RecipientId | None = None,
        after: RecipientId | None = None,
    ) -> Page:
        wanted = page_of_ids(select(query, scope, DIALECT), limit + 1, before=before, after=after)
        async with self._readers.snapshot() as reader:
            ids = [row[0] for row in await reader.rows(*wanted)]
            found = await reader.rows(_ROWS, (json_list(ids[:limit]),))
        rows = tuple(_read_row(row) for row in found)
        is_more = len(ids) > limit
        if not rows:
            return Page(rows=(), older=None, newer=None)
        if after is not None and before is None:
            newer = rows[0].recipient.id if is_more else None
            return Page(rows=rows, older=rows[-1].recipient.id, newer=newer)
        older = rows[-1].recipient.id if is_more else None
        return Page(rows=rows, older=older, newer=rows[0].recipient.id if before else None)

    async def summarize(self, query: Query, scope: Scope, *, cap: int = 1000) -> Counts:
        selection = select(query, scope, DIALECT)
        counts = dict.fromkeys(Status, 0)
        async with self._readers.snapshot() as reader:
            for status in selection.statuses:
                row = await reader.row(*capped_count(selection, status, cap))
                counts[status] = row[0] if row else 0
        return counts

    async def timeline(self, message_id: MessageId, scope: Scope) -> Timeline | None:
        within = scope_condition(scope)
        async with self._readers.snapshot() as reader:
            message = await reader.row(_MESSAGE, (message_id,))
            recipients = await reader.rows(
                _TIMELINE_RECIPIENTS.format(scope=within.sql), (message_id, *within.parameters)
            )
            if message is None or not recipients:
                return None
            attempts = await reader.rows(_TIMELINE_ATTEMPTS, (message_id,))
            events = await reader.rows(_TIMELINE_EVENTS, (message_id,))
        return Timeline(
            message=read_message(message),
            recipients=tuple(_read_shown(row) for row in recipients),
            attempts=tuple(read_attempt(row) for row in attempts),
            events=(_acceptance(read_message(message)), *map(read_event, events)),
        )

    async def destinations(self, scope: Scope, limit: int) -> Sequence[DestinationState]:
        condition = conjunction((scope_condition(scope), _is_open()))
        async with self._readers.one() as reader:
            rows = await reader.rows(
                f"SELECT w.destination, w.waiting, {_STATE} FROM ("
                "SELECT r.destination AS destination, count(*) AS waiting FROM recipients AS r"
                f" WHERE {condition.sql} GROUP BY r.destination"
                " ORDER BY waiting DESC, r.destination LIMIT ?"
                ") AS w LEFT JOIN destinations AS d ON d.destination = w.destination"
                " ORDER BY w.waiting DESC, w.destination",
                (*condition.parameters, limit),
            )
        return [_read_destination(row) for row in rows]

    async def destination(self, destination: str) -> DestinationState | None:
        async with self._readers.one() as reader:
            row = await reader.row(_DESTINATION, (destination,))
        if row is None or (row[1] == 0 and row[2] is None):
            return None
        return _read_destination(row)

    async def balance(self, since: datetime) -> Sequence[Balance]:
        async with self._readers.snapshot() as reader:
            days = await reader.rows("SELECT day FROM days WHERE day >= ?", (day_of(stamp(since)),))
            bounds = [
                (day, first_id(day_start(day)), first_id(day_start(day + 1))) for (day,) in days
            ]
            rows = await reader.rows(_BALANCE, (json_list(sorted(states.OPEN)), json_list(bounds)))
        return [_read_balance(row) for row in rows]


def _is_open() -> Condition:
    is_indexed = Condition("r.status <> 'delivered'")
    return conjunction((status_condition(states.OPEN), is_indexed))


def _read_shown(row: Columns) -> Recipient:
    """Build a recipient as people see it: with the probe that it waits for, if it does."""
    recipient = read_recipient(row)
    probe_at, detail = row[_RECIPIENT_WIDTH - 2 : _RECIPIENT_WIDTH]
    due = recipient.next_attempt_at
    if due is None or recipient.leased or probe_at is None or moment(probe_at) <= due:
        return recipient
    changes: dict[str, Any] = {
        "gate": Gate.DESTINATION,
        "gate_detail": detail,
        "next_attempt_at": moment(probe_at),
    }
    return structs.replace(recipient, **changes)


def _acceptance(message: Message) -> Event:
    """The first event of every timeline: the message's own row."""
    return Event(
        id=EventId(message.id),
        message_id=message.id,
        at=message.accepted_at,
        kind=EventKind.ACCEPTED,
    )


def _read_row(row: Columns) -> Row:
    message_end = _RECIPIENT_WIDTH + _MESSAGE_WIDTH
    attempt = row[message_end + 1 :]
    return Row(
        recipient=_read_shown(row),
        message=read_message(row[_RECIPIENT_WIDTH:message_end]),
        last_attempt=None if attempt[0] is None else read_attempt(attempt),
        recipients_of_message=row[message_end],
    )


def _read_destination(row: Columns) -> DestinationState:
    name, waiting, reachable, failures, since, probe, detail, success, failure, due = row
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
    )


def _read_balance(row: Columns) -> Balance:
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
