"""Statements that walk along the recipients `r` and look up their messages `m`."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tracker.model import RecipientId, Status
from tracker.search import Field
from tracker.sql.conditions import Condition, Statement, conjunction, status_condition
from tracker.sql.dialect import Dialect
from tracker.sql.selection import Selection
from tracker.sql.shown import is_newest_first
from tracker.sql.values import well_formed

DIALECT = Dialect(
    lower="lower({text})",
    lower_unicode="lower_unicode({text})",
    contains="instr({text}, {needle})",
    ends_with="substr({text}, -length({needle})) = {needle}",
    is_ours="r.id IN (SELECT ? UNION SELECT id FROM recipients WHERE message_id = ?)",
    any_attempt="EXISTS (SELECT 1 FROM attempts AS a WHERE a.recipient_id = r.id AND {condition})",
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
    {Field.TO, Field.STATUS, Field.ACCOUNT, Field.CATEGORY, Field.TLS, Field.ATTEMPTS}
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
) -> Statement:
    """Ids in order: from `before` backwards, or from `after` onwards, or else from the newest.

    Where the statuses are few, each has an ordered walk of its own, merged by SQLite, and so has
    what is in hand; where delivered mail is among them, the walk is along everything in scope.
    """
    conditions = [selection.condition]
    if before is not None:
        conditions.append(Condition("r.id < ?", (well_formed(before),)))
    if after is not None:
        conditions.append(Condition("r.id > ?", (well_formed(after),)))
    direction = "DESC" if is_newest_first(before, after) else "ASC"
    union = _union("r.id AS id", _walks(selection.statuses), conditions, _MESSAGES)
    return Statement(f"{union.sql} ORDER BY id {direction} LIMIT ?", (*union.parameters, limit))


def capped_count(selection: Selection, status: Status, cap: int) -> Statement:
    """How many have `status`, counted up to `cap` + 1."""
    join = "" if selection.fields <= _OF_RECIPIENTS else _MESSAGES
    found = _union("1", _walks(frozenset({status})), [selection.condition], join)
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
