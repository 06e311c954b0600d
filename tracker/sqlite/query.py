"""Statements that walk along the recipients `r` and look up their messages `m`."""

from collections.abc import Sequence

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
)

_FROM = "FROM recipients AS r CROSS JOIN messages AS m ON m.id = r.message_id"
"""CROSS JOIN keeps the order: walk along the recipients, look up their messages."""

_OF_RECIPIENTS = frozenset({Field.TO, Field.STATUS, Field.ACCOUNT})
"""What is looked for without a look at the message."""


def page_of_ids(
    selection: Selection,
    limit: int,
    *,
    before: RecipientId | None = None,
    after: RecipientId | None = None,
) -> Statement:
    """Ids in order: from `before` backwards, or from `after` onwards, or else from the newest.

    Where the statuses are few, each has an ordered walk of its own, merged by SQLite; where
    delivered mail is among them, the walk is along everything in scope.
    """
    conditions = [selection.condition]
    if before is not None:
        conditions.append(Condition("r.id < ?", (well_formed(before),)))
    if after is not None:
        conditions.append(Condition("r.id > ?", (well_formed(after),)))
    direction = "DESC" if is_newest_first(before, after) else "ASC"
    walks = [conjunction((*conditions, walk)) for walk in _walks(selection.statuses)]
    union = " UNION ALL ".join(f"SELECT r.id AS id {_FROM} WHERE {walk.sql}" for walk in walks)
    parameters = tuple(value for walk in walks for value in walk.parameters)
    return Statement(f"{union} ORDER BY id {direction} LIMIT ?", (*parameters, limit))


def capped_count(selection: Selection, status: Status, cap: int) -> Statement:
    """How many have `status`, counted up to `cap` + 1."""
    (walk,) = _walks(frozenset({status}))
    condition = conjunction((selection.condition, walk))
    of_recipients = selection.fields <= _OF_RECIPIENTS
    return Statement(
        f"SELECT count(*) FROM (SELECT 1 {'FROM recipients AS r' if of_recipients else _FROM}"
        f" WHERE {condition.sql} LIMIT ?)",
        (*condition.parameters, cap + 1),
    )


def _walks(statuses: frozenset[Status]) -> Sequence[Condition]:
    if not statuses:
        return (Condition("FALSE"),)
    if statuses == frozenset(Status):
        return (Condition("TRUE"),)
    if Status.DELIVERED in statuses:
        return (status_condition(statuses),)
    # The second half is what tells SQLite that the partial indexes serve.
    return [
        Condition("r.status = ? AND r.status <> 'delivered'", (status.value,))
        for status in sorted(statuses)
    ]
