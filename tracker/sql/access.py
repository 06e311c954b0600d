"""Looks at other people's mail as rows."""

from tracker.model import Access, AccessId, AccessKind, Scope
from tracker.sql.conditions import Condition, Statement, conjunction, scope_condition
from tracker.sql.rows import Columns, qualified
from tracker.sql.values import moment, stamp, well_formed

ACCESS_COLUMNS = "id, at, actor, client, kind, page, account, account_domain"


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
    )


def read_access(row: Columns) -> Access:
    """Build a look from ACCESS_COLUMNS."""
    identifier, at, actor, client, kind, page, account, _ = row
    return Access(
        id=AccessId(identifier),
        at=moment(at),
        actor=actor,
        client=client,
        kind=AccessKind(kind),
        page=page,
        account=account,
    )


def select_accesses(
    scope: Scope, limit: int, before: AccessId | None, after: AccessId | None
) -> Statement:
    """Select looks in scope: newest first, but behind `after` oldest first."""
    conditions = [scope_condition(scope)]
    if before is not None:
        conditions.append(Condition("r.id < ?", (before,)))
    if after is not None:
        conditions.append(Condition("r.id > ?", (after,)))
    where = conjunction(conditions)
    order = "DESC" if after is None else "ASC"
    return Statement(
        f"SELECT {qualified('r', ACCESS_COLUMNS)} FROM accesses AS r WHERE {where.sql}"
        f" ORDER BY r.id {order} LIMIT ?",
        (*where.parameters, limit),
    )
