"""Looks at other people's mail as rows."""

from collections.abc import Iterable, Sequence
from typing import Final

from tracker.model import Access, AccessId, AccessKind, MessageId, Scope
from tracker.sql.conditions import Condition, Statement, conjunction, scope_condition
from tracker.sql.rows import Columns, qualified
from tracker.sql.values import moment, stamp, well_formed
from tracker.views import Look

_OF_LOOK: Final = ("at", "actor", "client", "kind", "page")
"""What the entries of one look have in common."""
_TIME: Final = 10
"""Characters of an id that carry its time, to the millisecond."""
_BEHIND_ALL: Final = "~"

ACCESS_COLUMNS = "id, at, actor, client, kind, page, account, account_domain, messages"


def access_columns(access: Access) -> Columns:
    """Return a look as ACCESS_COLUMNS."""
    return (
        access.id,
        stamp(access.at),
        well_formed(access.actor),
        well_formed(access.client),
        access.kind.value,
        well_formed(access.page),
        well_formed(access.account),
        well_formed(access.account).rpartition("@")[2],
        " ".join(access.messages),
    )


def read_access(row: Columns) -> Access:
    """Build a look from ACCESS_COLUMNS."""
    identifier, at, actor, client, kind, page, account, _, messages = row
    return Access(
        id=AccessId(identifier),
        at=moment(at),
        actor=actor,
        client=client,
        kind=AccessKind(kind),
        page=page,
        account=account,
        messages=tuple(map(MessageId, messages.split())),
    )


def select_looks(
    scope: Scope, limit: int, before: AccessId | None, after: AccessId | None
) -> Statement:
    """Select the ids of looks in scope: newest first, but behind `after` oldest first.

    A look has the highest id of its entries. All of them were made at one moment, so that those
    above an entry are looked for within its millisecond alone.
    """
    within = scope_condition(scope)
    bounds = [within]
    if before is not None:
        bounds.append(Condition("r.id < ?", (before,)))
    if after is not None:
        bounds.append(Condition("r.id > ?", (after,)))
    where = conjunction(bounds)
    order = "DESC" if after is None else "ASC"
    same = " AND ".join(f"r.{column} = one.{column}" for column in _OF_LOOK)
    # OFFSET 0 keeps it a look-up for each entry, whatever a planner expects to find.
    return Statement(
        f"SELECT one.id FROM (SELECT r.id, {qualified('r', ', '.join(_OF_LOOK))}"
        f" FROM accesses AS r WHERE {where.sql}) AS one"
        f" WHERE NOT EXISTS (SELECT 1 FROM accesses AS r WHERE {within.sql}"
        f" AND r.id > one.id AND r.id < substr(one.id, 1, {_TIME}) || '{_BEHIND_ALL}' AND {same}"
        f" LIMIT 1 OFFSET 0) ORDER BY one.id {order} LIMIT ?",
        (*where.parameters, *within.parameters, limit),
    )


def select_entries(scope: Scope, looks: Sequence[str]) -> Statement:
    """Select what of looks that follow each other is in scope, newest first."""
    where = scope_condition(scope)
    return Statement(
        f"SELECT {qualified('r', ACCESS_COLUMNS)} FROM accesses AS r"
        f" WHERE {where.sql} AND r.id <= ? AND r.id >= ? ORDER BY r.id DESC",
        (*where.parameters, max(looks), min(looks)[:_TIME]),
    )


def make_looks(ids: Sequence[str], rows: Iterable[Columns]) -> list[Look]:
    """Return the looks with these ids, newest first, of what `select_entries` has found.

    At its ends there may be entries of the looks before and behind.
    """
    looks: dict[Columns, list[Access]] = {}
    for row in rows:
        looks.setdefault(row[1:6], []).append(read_access(row))
    wanted = set(ids)
    return [Look(entries=tuple(found)) for found in looks.values() if found[0].id in wanted]
