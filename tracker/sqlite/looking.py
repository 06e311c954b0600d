"""The verbs that look (see `tracker.store.Store`)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from time import monotonic

from tracker import states
from tracker.model import MessageId, RecipientId, Scope, Status
from tracker.search import Query
from tracker.sql.conditions import (
    Condition,
    Statement,
    conjunction,
    scope_condition,
    status_condition,
)
from tracker.sql.needles import needles_of
from tracker.sql.ranges import Bounds
from tracker.sql.rows import (
    ATTEMPT_COLUMNS,
    EVENT_COLUMNS,
    MESSAGE_COLUMNS,
    RECIPIENT_COLUMNS,
    qualified,
)
from tracker.sql.shown import (
    ROW_COLUMNS,
    SHOWN_COLUMNS,
    STATE_COLUMNS,
    TOLD_COLUMNS,
    is_newest_first,
    make_id_page,
    make_page,
    make_timeline,
    read_balance,
    read_destination,
)
from tracker.sql.values import day_of, day_start, first_id, json_list, stamp, well_formed
from tracker.sqlite.find import Effort, find_counts, find_page
from tracker.sqlite.part import Part
from tracker.sqlite.query import AT_REST, IN_HAND, LEASED
from tracker.sqlite.text.candidates import Candidates
from tracker.sqlite.text.pool import Texts
from tracker.sqlite.walk import Walk
from tracker.views import Balance, Counts, DestinationState, IdPage, Page, Patience, Timeline

_RECIPIENT = qualified("r", RECIPIENT_COLUMNS)

ROWS = f"""
SELECT {_RECIPIENT}, {SHOWN_COLUMNS}, {ROW_COLUMNS}
FROM recipients AS r
JOIN messages AS m ON m.id = r.message_id
LEFT JOIN attempts AS a ON a.recipient_id = r.id AND a.id = r.last_attempt_id
LEFT JOIN destinations AS d ON d.destination = r.destination
WHERE r.id IN (SELECT value FROM json_each(?)) ORDER BY r.id DESC
"""

_TIMELINE_RECIPIENTS = f"""
SELECT {_RECIPIENT}, {TOLD_COLUMNS} FROM recipients AS r
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

_DESTINATION = f"""
SELECT ?1, (
    SELECT count(*) FROM recipients WHERE destination = ?1
    AND lease IS NULL AND next_attempt_at IS NOT NULL
) + (
    SELECT count(*) FROM recipients WHERE lease IS NOT NULL AND destination = ?1
) + (
    SELECT count(*) FROM recipients
    WHERE status = '{Status.HELD}' AND destination = ?1
) AS waiting, {STATE_COLUMNS}
FROM (SELECT 1) LEFT JOIN destinations AS d ON d.destination = ?1
"""

# Of all mail: the many that wait are counted along an index alone, leased and held ones are few.
_WAITING = f"""
SELECT destination, sum(part) AS waiting FROM (
    SELECT destination, count(*) AS part FROM recipients
    WHERE lease IS NULL AND next_attempt_at IS NOT NULL GROUP BY destination
    UNION ALL
    SELECT destination, count(*) FROM recipients WHERE lease IS NOT NULL GROUP BY destination
    UNION ALL
    SELECT destination, count(*) FROM recipients
    WHERE status = '{Status.HELD}' GROUP BY destination
) GROUP BY destination
"""

_OF_DAY = "r.id >= json_extract(bound.value, '$[1]') AND r.id < json_extract(bound.value, '$[2]')"

_BALANCE = f"""
SELECT days.day, days.accepted, days.delivered, days.bounced, days.expired, days.cancelled, (
    SELECT count(*) FROM json_each(?1) AS s CROSS JOIN recipients AS r ON r.status = s.value
    WHERE {AT_REST} AND {_OF_DAY}
) + (
    SELECT count(*) FROM {LEASED} WHERE {IN_HAND} AND {_OF_DAY}
)
FROM json_each(?2) AS bound CROSS JOIN days ON days.day = json_extract(bound.value, '$[0]')
ORDER BY days.day
"""


class Looking(Part):
    """Search, timeline, destinations, balance."""

    _texts: Texts
    _effort: Effort
    search_patience = Patience()

    async def search(
        self,
        query: Query,
        scope: Scope,
        *,
        limit: int,
        before: RecipientId | None = None,
        after: RecipientId | None = None,
    ) -> Page:
        bounds = Bounds(before, after, is_newest_first(before, after))
        async with self._searching(query, scope, self.search_patience.search) as (walk, candidates):
            ids, looked_until = await find_page(walk, candidates, bounds, limit + 1, self._effort)
            found = await walk.reader.rows(ROWS, (json_list(ids[:limit]),))
        if is_more := len(ids) > limit:
            looked_until = None
        return make_page(
            found, is_more=is_more, before=before, after=after, looked_until=looked_until
        )

    async def search_ids(
        self, query: Query, scope: Scope, *, limit: int, before: RecipientId | None = None
    ) -> IdPage:
        bounds = Bounds(before, None, newest_first=True)
        async with self._searching(query, scope, self.search_patience.search) as (walk, candidates):
            ids, looked_until = await find_page(walk, candidates, bounds, limit + 1, self._effort)
        is_more = len(ids) > limit
        return make_id_page(
            ids[:limit], is_more=is_more, looked_until=None if is_more else looked_until
        )

    async def summarize(self, query: Query, scope: Scope, *, cap: int = 1000) -> Counts:
        counts = Counts(dict.fromkeys(Status, 0))
        async with self._searching(query, scope, self.search_patience.counts) as (walk, candidates):
            found, counts.cut = await find_counts(walk, candidates, cap, self._effort)
        counts.update(found)
        return counts

    @asynccontextmanager
    async def _searching(
        self, query: Query, scope: Scope, patience: timedelta
    ) -> AsyncIterator[tuple[Walk, Candidates | None]]:
        """Begin a search that may last so long."""
        until = monotonic() + patience.total_seconds()
        needle = next(iter(needles_of(query)), "")
        async with (
            self._texts.candidates(needle, until) as candidates,
            self._readers.snapshot() as reader,
        ):
            yield Walk(reader, query, scope, until), candidates

    async def timeline(self, message_id: MessageId, scope: Scope) -> Timeline | None:
        within, identifier = scope_condition(scope), well_formed(message_id)
        async with self._readers.snapshot() as reader:
            message = await reader.row(_MESSAGE, (identifier,))
            recipients = await reader.rows(
                _TIMELINE_RECIPIENTS.format(scope=within.sql), (identifier, *within.parameters)
            )
            if message is None or not recipients:
                return None
            attempts = await reader.rows(_TIMELINE_ATTEMPTS, (identifier,))
            events = await reader.rows(_TIMELINE_EVENTS, (identifier,))
        return make_timeline(message, recipients, attempts, events)

    async def destinations(self, scope: Scope, limit: int) -> Sequence[DestinationState]:
        waiting, parameters = waiting_by_destination(scope)
        async with self._readers.one() as reader:
            rows = await reader.rows(
                f"SELECT w.destination, w.waiting, {STATE_COLUMNS} FROM ("
                f"{waiting} ORDER BY waiting DESC, destination LIMIT ?"
                ") AS w LEFT JOIN destinations AS d ON d.destination = w.destination"
                " ORDER BY w.waiting DESC, w.destination",
                (*parameters, limit),
            )
        return [read_destination(row) for row in rows]

    async def destination(self, destination: str) -> DestinationState | None:
        async with self._readers.one() as reader:
            row = await reader.row(_DESTINATION, (well_formed(destination),))
        if row is None or (row[1] == 0 and row[2] is None):
            return None
        return read_destination(row)

    async def balance(self, since: datetime) -> Sequence[Balance]:
        async with self._readers.snapshot() as reader:
            days = await reader.rows("SELECT day FROM days WHERE day >= ?", (day_of(stamp(since)),))
            bounds = [
                (day, first_id(day_start(day)), first_id(day_start(day + 1))) for (day,) in days
            ]
            rows = await reader.rows(_BALANCE, (json_list(sorted(states.OPEN)), json_list(bounds)))
        return [read_balance(row) for row in rows]


def waiting_by_destination(scope: Scope) -> Statement:
    """How many recipients in scope are open, for each destination."""
    if scope == Scope():
        return Statement(_WAITING, ())
    within = scope_condition(scope)
    at_rest = conjunction((within, status_condition(states.OPEN), Condition(AT_REST)))
    in_hand = conjunction((within, Condition(IN_HAND)))
    return Statement(
        "SELECT destination, count(*) AS waiting FROM ("
        f"SELECT r.destination FROM recipients AS r WHERE {at_rest.sql} UNION ALL"
        f" SELECT r.destination FROM {LEASED} WHERE {in_hand.sql}"
        ") GROUP BY destination",
        (*at_rest.parameters, *in_hand.parameters),
    )
