"""`Troubles` over any ledger that runs scripts: failures on our side, by kind and place."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from tracker.explain import Category, Side
from tracker.insight import Trouble, TroubleKey, TroubleKind
from tracker.sql.conditions import Statement
from tracker.sql.rows import ATTEMPT_COLUMNS, Columns, qualified, read_attempt
from tracker.sql.script import Scripted
from tracker.sql.values import moment, stamp, well_formed

_OURS: Final = f"FROM setbacks WHERE side = '{Side.OPERATOR}'"
_MARKED: Final = "LEFT JOIN trouble_marks AS t ON t.category = g.category AND t.place = g.place"
_IS_UNREAD: Final = "(t.read_at IS NULL OR g.last_at > t.read_at)"
_COLUMNS: Final = "category, place, n, first_at, last_at, read_by, read_at"
_EXAMPLE: Final = (
    "LEFT JOIN setbacks AS b ON b.attempt_id = m.example"
    " LEFT JOIN attempts AS a ON a.recipient_id = b.recipient_id AND a.id = b.attempt_id"
)
_TROUBLE: Final = f"{qualified('m', _COLUMNS)}, {qualified('a', ATTEMPT_COLUMNS)}"
_WIDTH: Final = len(_COLUMNS.split(", "))


def _places(condition: str) -> str:
    """Return a query of places with failures that `condition` takes, marks and all."""
    return (
        "SELECT g.category, g.place, g.n, g.first_at, g.last_at, g.example,"
        " coalesce(t.read_by, '') AS read_by, t.read_at,"
        f" CASE WHEN {_IS_UNREAD} THEN 1 ELSE 0 END AS unread FROM ("
        "SELECT category, place, count(*) AS n, min(at) AS first_at, max(at) AS last_at,"
        f" max(attempt_id) AS example {_OURS} AND {condition} GROUP BY category, place"
        f") AS g {_MARKED}"
    )


# --- kinds ----------------------------------------------------------------------------------------

_KINDS: Final = f"""
SELECT m.places, m.unread_places, m.attempts, m.since, m.until, {_TROUBLE} FROM (
    SELECT p.*, row_number() OVER (
            PARTITION BY category ORDER BY unread DESC, last_at DESC, place) AS rank,
        count(*) OVER kind AS places, sum(unread) OVER kind AS unread_places,
        sum(n) OVER kind AS attempts,
        min(first_at) OVER kind AS since, max(last_at) OVER kind AS until
    FROM ({_places("at >= ?")}) AS p WINDOW kind AS (PARTITION BY category)
) AS m {_EXAMPLE} WHERE m.rank <= ? ORDER BY m.until DESC, m.category, m.rank
"""
_SUMS: Final = 5
"""Columns that are the same for all places of a kind."""


def trouble_kinds(since: datetime, limit: int) -> Statement:
    """The kinds, the latest first, each with some of its places."""
    return Statement(_KINDS, (stamp(since), limit))


def read_kinds(rows: Sequence[Columns]) -> list[TroubleKind]:
    """Build them of what `trouble_kinds` yields."""
    kinds = groupby(rows, key=lambda row: (row[:_SUMS], row[_SUMS]))
    return [_kind(sums, category, list(of_kind)) for (sums, category), of_kind in kinds]


def _kind(sums: Columns, category: str, rows: list[Columns]) -> TroubleKind:
    places, unread, count, since, until = sums
    return TroubleKind(
        category=Category(category),
        places=places,
        unread=int(unread),  # a sum may be of a type of its own
        count=int(count),
        first_at=moment(since),
        last_at=moment(until),
        troubles=tuple(read_trouble(row[_SUMS:]) for row in rows),
    )


# --- places ---------------------------------------------------------------------------------------


def troubles(
    category: Category, since: datetime, limit: int, after: TroubleKey | None, only_unread: bool
) -> Statement:
    """The places of one kind, the latest first."""
    conditions, parameters = ["TRUE"], list[object]()
    if only_unread:
        conditions.append("m.unread = 1")
    if after is not None:
        conditions.append("(m.last_at < ? OR m.last_at = ? AND m.place > ?)")
        last = stamp(after.last_at)
        parameters += [last, last, well_formed(after.place)]
    sql = (
        f"SELECT {_TROUBLE} FROM (SELECT * FROM ({_places('category = ? AND at >= ?')}) AS m"
        f" WHERE {' AND '.join(conditions)} ORDER BY m.last_at DESC, m.place LIMIT ?"
        f") AS m {_EXAMPLE} ORDER BY m.last_at DESC, m.place"
    )
    return Statement(sql, (category.value, stamp(since), *parameters, limit))


def read_trouble(row: Columns) -> Trouble:
    """Build it of what `troubles` yields."""
    category, place, count, first_at, last_at, read_by, read_at = row[:_WIDTH]
    attempt = row[_WIDTH:]
    return Trouble(
        category=Category(category),
        place=place,
        count=count,
        first_at=moment(first_at),
        last_at=moment(last_at),
        read_by=read_by,
        read_at=moment(read_at),
        example=None if attempt[0] is None else read_attempt(attempt),
    )


# --- what was read --------------------------------------------------------------------------------

UNREAD: Final = f"""
SELECT count(*) FROM (
    SELECT category, place, max(at) AS last_at {_OURS} AND at >= ? GROUP BY category, place
) AS g {_MARKED} WHERE {_IS_UNREAD}
"""

_MARK_READ: Final = f"""
INSERT INTO trouble_marks (category, place, read_by, read_at)
SELECT category, place, ?, max(at) {_OURS} AND category = ? AND at >= ? AND at <= ?
GROUP BY category, place ORDER BY place
ON CONFLICT (category, place) DO UPDATE SET
    read_by = excluded.read_by, read_at = excluded.read_at
WHERE excluded.read_at > trouble_marks.read_at
"""
"""In the order of places, so that two who do it at once wait for each other and not in a ring."""


def mark_read(category: Category, since: datetime, until: datetime, actor: str) -> Statement:
    """Mark every place of a kind, each up to its last failure within that time."""
    return Statement(_MARK_READ, (actor, category.value, stamp(since), stamp(until)))


class Troubles(Scripted):
    """What went wrong on our side."""

    async def trouble_kinds(self, since: datetime, limit: int) -> Sequence[TroubleKind]:
        return read_kinds(await self._look(trouble_kinds(since, limit)))

    async def troubles(
        self,
        category: Category,
        since: datetime,
        *,
        limit: int,
        after: TroubleKey | None = None,
        only_unread: bool = False,
    ) -> Sequence[Trouble]:
        rows = await self._look(troubles(category, since, limit, after, only_unread))
        return [read_trouble(row) for row in rows]

    async def unread_troubles(self, since: datetime) -> int:
        ((count,),) = await self._look(Statement(UNREAD, (stamp(since),)))
        return int(count)

    async def mark_read(
        self, category: Category, *, since: datetime, until: datetime, actor: str
    ) -> None:
        await self._apply(mark_read(category, since, until, actor))
