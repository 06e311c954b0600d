"""Statements that walk along an index, newest first or oldest first, a few days of it.

What changes of a recipient lies in the queue while it is open and in the results after, so each
walk binds `r` to what it goes along. Its parts that are partitioned get the range of time one
by one: the planner does not conclude it from one to the other.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from tracker import states
from tracker.model import RecipientId, Status
from tracker.search import Field, Query
from tracker.sql.conditions import Condition, Statement, conjunction
from tracker.sql.dialect import Dialect
from tracker.sql.ranges import Bounds, Range
from tracker.sql.selection import LONGEST_ACCEPTANCE, Selection, id_range
from tracker.sql.shown import is_newest_first
from tracker.sql.values import well_formed

DIALECT = Dialect(
    lower='lower({text} COLLATE "C")',
    lower_unicode='lower({text} COLLATE "default")',
    contains="strpos({text}, {needle}) > 0",
    ends_with="right({text}, length({needle})) = {needle}",
    is_ours="r.id = ? OR r.message_id = ?",
    # OFFSET 0 keeps it a look-up for each recipient, whatever the planner expects to find.
    any_attempt=(
        "EXISTS (SELECT 1 FROM attempts AS a WHERE a.recipient_id = r.id AND {condition} OFFSET 0)"
    ),
    returned=(
        "r.id IN (SELECT e.recipient_id FROM events AS e"
        " WHERE e.kind = 'bounced-later' AND {condition})"
    ),
    # What has changed of a recipient is no nearer than its attempts.
    may_have_failed="TRUE",
    # No text of PostgreSQL has a NUL in it, so it does not read that escape; no other text of
    # JSON changes its meaning where the escape is replaced.
    any_try=(
        "EXISTS (SELECT 1 FROM json_array_elements(CAST(replace(a.tries, '\\u0000', '\\u0001')"
        " AS json)) AS t WHERE {condition})"
    ),
    try_address="json_extract_path_text(t.value, 'target', 'address')",
    try_phase="json_extract_path_text(t.value, 'phase')",
    try_verified_by="json_extract_path_text(t.value, 'tls', 'verified_by')",
)

SETTINGS = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off;"
    " SET LOCAL max_parallel_workers_per_gather = 0;"
    " SET LOCAL plan_cache_mode = force_custom_plan"
)
"""Leave the planner walks along indexes only, whatever it expects to find."""

_OF_MESSAGES = frozenset({Field.ANY, Field.FROM, Field.SUBJECT, Field.ID, Field.IP, Field.SIZE})
_OF_STATE = frozenset({Field.STATUS, Field.CATEGORY, Field.SIDE, Field.TLS, Field.ATTEMPTS})
"""What changes while a recipient is open."""


def look_up(table: str, condition: str) -> str:
    """One row to each of the walk: OFFSET 0 keeps this order, whatever the planner expects."""
    return f"LATERAL (SELECT * FROM {table} WHERE {condition} OFFSET 0)"


_QUEUE = f"""(
    SELECT q.id, q.message_id, q.accepted_at, q.account, q.account_domain, q.status, q.attempts,
           q.last_attempt_id, q.category, h.forward_path, h.domain
    FROM queue AS q CROSS JOIN {look_up("recipients", "id = q.id AND {within_id}")} AS h
) AS r"""

_RESULTS = f"""(
    SELECT s.recipient_id AS id, h.message_id, s.accepted_at, s.account, s.account_domain,
           s.status, s.attempts, s.last_attempt_id, s.category, h.forward_path, h.domain
    FROM results AS s
    CROSS JOIN {look_up("recipients", "id = s.recipient_id AND {within_id}")} AS h
) AS r"""

_DELIVERED = f"""(
    SELECT h.id, h.message_id, h.accepted_at, h.account, h.account_domain, s.status, s.attempts,
           s.last_attempt_id, s.category, h.forward_path, h.domain
    FROM recipients AS h
    CROSS JOIN {look_up("results", "recipient_id = h.id AND {within_recipient_id}")} AS s
) AS r"""

_OF_RECIPIENT = """h.id, h.message_id, h.accepted_at, h.account, h.account_domain,
           coalesce(q.status, s.status) AS status, coalesce(q.attempts, s.attempts) AS attempts,
           coalesce(q.last_attempt_id, s.last_attempt_id) AS last_attempt_id,
           coalesce(q.category, s.category) AS category,
           h.forward_path, h.domain"""

_STATE = f"""LEFT JOIN {look_up("queue", "id = h.id")} AS q ON TRUE
    LEFT JOIN {look_up("results", "recipient_id = h.id AND {within_recipient_id}")} AS s ON TRUE"""

_RECIPIENTS = f"""(
    SELECT {_OF_RECIPIENT}
    FROM recipients AS h
    {_STATE}
) AS r"""

_AMONG_ITSELF = f"""
    unnest(?::text[], ?::text[]) AS among (first, last)
    CROSS JOIN {look_up("recipients", "id >= among.first AND id <= among.last AND {within_id}")}"""

_AMONG = f"{_AMONG_ITSELF} AS r"

_AMONG_RECIPIENTS = f"""(
    SELECT {_OF_RECIPIENT}
    FROM {_AMONG_ITSELF} AS h
    {_STATE}
) AS r"""

_MESSAGES = f" CROSS JOIN {look_up('messages', 'id = r.message_id AND {within_id}')} AS m"


class _Walk(NamedTuple):
    tables: Condition
    condition: Condition


def page_of_ids(
    window: Query,
    selection: Selection,
    limit: int,
    *,
    before: RecipientId | None = None,
    after: RecipientId | None = None,
    newest_first: bool | None = None,
) -> Statement:
    """Ids in order, with those of their messages; bounds as `Store.search` has them.

    With `newest_first` they lie between two bounds, and begin at the newest or at the oldest.
    """
    if newest_first is None:
        newest_first = is_newest_first(before, after)
    bounds = list(_between(before, after))
    order = f"{_order(newest_first=newest_first)} LIMIT ?"
    arms, parameters = [], []
    for tables, condition in _walks(window, selection):
        within = conjunction((selection.condition, condition, *bounds))
        arms.append(f"(SELECT r.id, r.message_id FROM {tables.sql} WHERE {within.sql} {order})")
        parameters += [*tables.parameters, *within.parameters, limit]
    union = " UNION ALL ".join(arms)
    return numbered(f"SELECT id, message_id FROM ({union}) AS r {order}", (*parameters, limit))


def ids_among(
    ranges: Sequence[Range], window: Query, selection: Selection, limit: int, bounds: Bounds
) -> Statement:
    """Ids in order, with those of their messages, of those in ranges of ids that lie apart."""
    tables, condition = _among(ranges, window, selection)
    within = conjunction((condition, *_between(bounds.before, bounds.after)))
    order = _order(newest_first=bounds.newest_first)
    return numbered(
        f"SELECT r.id, r.message_id FROM {tables.sql} WHERE {within.sql} {order} LIMIT ?",
        (*tables.parameters, *within.parameters, limit),
    )


def counts_among(ranges: Sequence[Range], window: Query, selection: Selection) -> Statement:
    """How many have each status, of those in ranges of ids that lie apart."""
    changing = selection._replace(fields=selection.fields | _OF_STATE)
    tables, within = _among(ranges, window, changing)
    return numbered(
        f"SELECT r.status, count(*) FROM {tables.sql} WHERE {within.sql} GROUP BY r.status",
        (*tables.parameters, *within.parameters),
    )


def _between(before: RecipientId | None, after: RecipientId | None) -> Iterator[Condition]:
    if before is not None:
        yield Condition("r.id < ?", (well_formed(before),))
    if after is not None:
        yield Condition("r.id > ?", (well_formed(after),))


def _order(*, newest_first: bool) -> str:
    return f"ORDER BY id {'DESC' if newest_first else 'ASC'}"


def _among(
    ranges: Sequence[Range], window: Query, selection: Selection
) -> tuple[Condition, Condition]:
    changes = selection.fields & _OF_STATE
    tables = _tables(_AMONG_RECIPIENTS if changes else _AMONG, window, selection)
    firsts, lasts = zip(*ranges, strict=True)
    return tables._replace(parameters=(firsts, lasts, *tables.parameters)), selection.condition


def capped_counts(
    window: Query,
    selection: Selection,
    caps: dict[Status, int],
    *,
    after: RecipientId | None = None,
) -> Statement:
    """How many have each status, counted up to a cap of its own; only those behind `after`."""
    arms, parameters = [], []
    bounds = list(_between(None, after))
    for status, cap in caps.items():
        tables, condition = _walk(window, selection, status)
        within = conjunction((selection.condition, condition, *bounds))
        arms.append(
            f"SELECT '{status}' AS status, count(*) FROM"
            f" (SELECT 1 FROM {tables.sql} WHERE {within.sql} LIMIT ?) AS found"
        )
        parameters += [*tables.parameters, *within.parameters, cap]
    return numbered(" UNION ALL ".join(arms), tuple(parameters))


def numbered(sql: str, parameters: tuple[object, ...]) -> Statement:
    """Return the statement with $1, $2, … for each `?`; no other one may stand in it."""
    numbers = count(1)
    return Statement(re.sub(r"\?", lambda _: f"${next(numbers)}", sql), parameters)


def _walks(window: Query, selection: Selection) -> Sequence[_Walk]:
    if selection.statuses not in (frozenset(), frozenset(Status)):
        return [_walk(window, selection, status) for status in sorted(selection.statuses)]
    changes = selection.fields & _OF_STATE
    tables = _tables(_RECIPIENTS if changes else "recipients AS r", window, selection)
    return [_Walk(tables, Condition("TRUE" if selection.statuses else "FALSE"))]


def _walk(window: Query, selection: Selection, status: Status) -> _Walk:
    """Where the ones with `status` are. Delivered is the rule: it has no index of its own."""
    if status in states.OPEN:
        tables = _QUEUE
    else:
        tables = _DELIVERED if status is Status.DELIVERED else _RESULTS
    # In plain words: what the partial indexes are for has to be seen.
    return _Walk(_tables(tables, window, selection), Condition(f"r.status = '{status}'"))


def _tables(template: str, window: Query, selection: Selection) -> Condition:
    ids, of_recipients = (
        conjunction(id_range(column, window.since, window.until))
        for column in ("id", "recipient_id")
    )
    sql = template.format(within_id=ids.sql, within_recipient_id=of_recipients.sql)
    times = template.count("{within_id}") + template.count("{within_recipient_id}")
    parameters = ids.parameters * times
    if selection.fields & _OF_MESSAGES:
        since = window.since and window.since - LONGEST_ACCEPTANCE
        within = conjunction(id_range("id", since, window.until))
        sql += _MESSAGES.format(within_id=within.sql)
        parameters += within.parameters
    return Condition(sql, parameters)
