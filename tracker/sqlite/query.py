"""Statements that walk along the recipients `r` and look up their messages `m`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tracker.model import RecipientId, Status
from tracker.search import Field
from tracker.sql.conditions import Condition, Statement, conjunction, status_condition
from tracker.sql.dialect import Dialect
from tracker.sql.selection import Selection
from tracker.sql.shown import is_newest_first
from tracker.sql.values import json_list, well_formed

DIALECT = Dialect(
    lower="lower({text})",
    lower_unicode="lower_unicode({text})",
    contains="instr({text}, {needle})",
    ends_with="substr({text}, -length({needle})) = {needle}",
    is_ours="r.id IN (SELECT ? UNION SELECT id FROM recipients WHERE message_id = ?)",
    any_attempt="EXISTS (SELECT 1 FROM attempts AS a WHERE a.recipient_id = r.id AND {condition})",
    returned=(
        "r.id IN (SELECT e.recipient_id FROM events AS e INDEXED BY events_returned"
        " WHERE e.kind = 'bounced-later' AND {condition})"
    ),
    may_have_failed="r.attempts > 1 OR r.status <> 'delivered'",
    any_try="EXISTS (SELECT 1 FROM json_each(a.tries) AS t WHERE {condition})",
    try_address="json_extract(t.value, '$.target.address')",
    try_phase="json_extract(t.value, '$.phase')",
    try_verified_by="json_extract(t.value, '$.tls.verified_by')",
)

AT_REST = "r.status <> 'delivered' AND r.lease IS NULL"
"""What the indexes by status are for, in the words that tell SQLite that they serve."""

IN_HAND = "r.lease IS NOT NULL"
"""What workers carry: few, and in none of the indexes by status."""

LEASED = "recipients AS r INDEXED BY recipients_leased"

_MESSAGES = " CROSS JOIN messages AS m ON m.id = r.message_id"
"""CROSS JOIN keeps the order: walk along the recipients, look up their messages."""

_OF_RECIPIENTS = frozenset(
    {
        Field.TO,
        Field.STATUS,
        Field.ACCOUNT,
        Field.CATEGORY,
        Field.SIDE,
        Field.TLS,
        Field.ATTEMPTS,
    }
)
"""What is looked for without a look at the message."""

_MAY_BE_LEASED = frozenset({Status.QUEUED, Status.DEFERRED})


class _Walk(NamedTuple):
    condition: Condition
    recipients: str = "recipients AS r"


def page_of_ids(
    selection: Selection,
    limit: int,
    *,
    before: RecipientId | None = None,
    after: RecipientId | None = None,
    newest_first: bool | None = None,
) -> Statement:
    """Ids in order: from `before` backwards, or from `after` onwards, or else from the newest.

    Where the statuses are few, each has an ordered walk of its own, merged by SQLite, and so has
    what is in hand; where delivered mail is among them, the walk is along everything in scope.
    """
    if newest_first is None:
        newest_first = is_newest_first(before, after)
    conditions = [selection.condition, *_between(before, after)]
    direction = "DESC" if newest_first else "ASC"
    join = "" if selection.fields <= _OF_RECIPIENTS else _MESSAGES
    union = _union("r.id AS id", _walks(selection.statuses), conditions, join)
    return Statement(f"{union.sql} ORDER BY id {direction} LIMIT ?", (*union.parameters, limit))


def ids_among(
    ranges: Sequence[tuple[str, str]], selection: Selection, limit: int, *, newest_first: bool
) -> Statement:
    """Ids in order, of those in ranges of ids, which do not overlap and have their ends in them.

    `selection` must have no range of ids of its own: SQLite would go along that one.
    """
    return Statement(
        f"SELECT r.id AS id {_AMONG} WHERE {selection.condition.sql}"
        f" ORDER BY id {'DESC' if newest_first else 'ASC'} LIMIT ?",
        (json_list(ranges), *selection.condition.parameters, limit),
    )


def counts_among(ranges: Sequence[tuple[str, str]], selection: Selection) -> Statement:
    """How many have each status, of those in ranges of ids which do not overlap.

    `selection` is as for `ids_among`.
    """
    return Statement(
        f"SELECT r.status, count(*) {_AMONG} WHERE {selection.condition.sql} GROUP BY r.status",
        (json_list(ranges), *selection.condition.parameters),
    )


_AMONG = (
    "FROM json_each(?) AS among CROSS JOIN recipients AS r"
    " ON r.id >= json_extract(among.value, '$[0]') AND r.id <= json_extract(among.value, '$[1]')"
    f"{_MESSAGES}"
)


def capped_count(
    selection: Selection,
    status: Status,
    cap: int,
    *,
    before: RecipientId | None = None,
    after: RecipientId | None = None,
) -> Statement:
    """How many have `status`, counted up to `cap` + 1."""
    join = "" if selection.fields <= _OF_RECIPIENTS else _MESSAGES
    conditions = [selection.condition, *_between(before, after)]
    found = _union("1", _walks(frozenset({status})), conditions, join)
    return Statement(f"SELECT count(*) FROM ({found.sql} LIMIT ?)", (*found.parameters, cap + 1))


def _union(
    columns: str, walks: Iterable[_Walk], conditions: Sequence[Condition], join: str
) -> Statement:
    arms, parameters = list[str](), list[Any]()
    for walk in walks:
        within = conjunction((*conditions, walk.condition))
        arms.append(f"SELECT {columns} FROM {walk.recipients}{join} WHERE {within.sql}")
        parameters += within.parameters
    return Statement(" UNION ALL ".join(arms), tuple(parameters))


def _between(before: RecipientId | None, after: RecipientId | None) -> Iterator[Condition]:
    if before is not None:
        yield Condition("r.id < ?", (well_formed(before),))
    if after is not None:
        yield Condition("r.id > ?", (well_formed(after),))


def size_of_walk(selection: Selection, cap: int) -> Statement:
    """How many recipients a page of `selection`, of which only the scope, the statuses and the
    range of time count, may have to look at, counted up to `cap` + 1."""
    found = _union("1", _walks(selection.statuses), [selection.condition], "")
    return Statement(f"SELECT count(*) FROM ({found.sql} LIMIT ?)", (*found.parameters, cap + 1))


def _walks(statuses: frozenset[Status]) -> Sequence[_Walk]:
    if not statuses:
        return [_Walk(Condition("FALSE"))]
    if statuses == frozenset(Status):
        return [_Walk(Condition("TRUE"))]
    if Status.DELIVERED in statuses:
        return [_Walk(status_condition(statuses))]
    walks = [
        _Walk(Condition(f"r.status = ? AND {AT_REST}", (each.value,))) for each in sorted(statuses)
    ]
    if in_hand := statuses & _MAY_BE_LEASED:
        walks.append(_Walk(conjunction((status_condition(in_hand), Condition(IN_HAND))), LEASED))
    return walks
