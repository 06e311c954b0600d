"""`Rules`: an operator's corrections (see `tracker.store.Rules`)."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tracker.explain import RuleBook
from tracker.model import Attempt, Outcome
from tracker.sql.corrections import ADOPTED, CORRECTIONS, PROGRESS, REVISION, Corrections
from tracker.sql.rows import ATTEMPT_COLUMNS, Columns, qualified, read_attempt
from tracker.sql.rules import (
    FAILING,
    RECLASSIFYING_COLUMNS,
    judged_anew,
    make_book,
    not_judged_since,
    read_reclassifying,
    read_rule,
    setbacks_anew,
)
from tracker.sql.values import first_id, moment, stamp, well_formed
from tracker.sqlite.portions import Step
from tracker.sqlite.scripts import Scripts
from tracker.views import OlderJudgements, Reclassifying

# One walk along the index for each status, no further than the bound.
_RECENT = " UNION ALL ".join(
    f"""SELECT * FROM (
    SELECT id, last_attempt_id, category FROM recipients
    WHERE status = '{status}' AND status <> 'delivered' AND lease IS NULL AND id >= ?1
    ORDER BY id DESC LIMIT ?2)"""
    for status in FAILING
)
_REFUSALS = f"""
SELECT {qualified("a", ATTEMPT_COLUMNS)} FROM ({_RECENT}) AS r
JOIN attempts AS a ON a.recipient_id = r.id AND a.id = r.last_attempt_id
WHERE ?3 IS NULL OR r.category = ?3 ORDER BY r.id DESC LIMIT ?2
"""
_CATEGORIES = f"SELECT category, count(*) FROM ({_RECENT}) WHERE category <> '' GROUP BY 1"

# From the oldest on, so that it ends soon where there are many.
_OLDER = " UNION ALL ".join(
    f"""SELECT * FROM (SELECT id FROM recipients
    WHERE status = '{status}' AND status <> 'delivered' AND lease IS NULL
        AND id > ?1 AND id < ?2 AND category <> '' AND last_attempt_id < ?2
    ORDER BY id LIMIT ?3)"""
    for status in FAILING
)
_COUNT_OLDER = f"SELECT count(*) FROM (SELECT id FROM ({_OLDER}) LIMIT ?3)"

_BEGIN = f"""
INSERT OR REPLACE INTO reclassifying (id, {RECLASSIFYING_COLUMNS})
SELECT 'present', ?, ?, ?, coalesce(min(id), ''), '', coalesce(max(id), ''), 0, 0, NULL FROM (
    SELECT min(id) AS id FROM recipients UNION ALL SELECT max(id) FROM recipients)
"""
_NEXT = "SELECT id FROM recipients WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
_ATTEMPTS = f"""
SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE recipient_id > ? AND recipient_id <= ?
AND outcome IN ('{Outcome.DEFERRED}', '{Outcome.FAILED}')
"""
_GO_ON = """
UPDATE reclassifying SET last_id = ?, looked = looked + ?, changed = changed + ?, ended_at = ?
WHERE last_id = ? AND began_at = ? AND ended_at IS NULL
"""
_JUDGE = "UPDATE attempts SET category = ?, rule = ? WHERE recipient_id = ? AND id = ?"
_COUNT = "UPDATE setbacks SET category = ?, side = ?, cohort = ? WHERE attempt_id = ?"
_REPEAT = "UPDATE recipients SET category = ? WHERE id = ? AND last_attempt_id = ?"


class _Judged(NamedTuple):
    last: str
    """The id of the last recipient of them."""
    looked: int
    changed: Sequence[tuple[Attempt, str, str]]


class Rules(Corrections, Scripts):
    """Corrections, refusals, judging anew."""

    _revision = 0

    async def older_judgements(self, limit: int) -> OlderJudgements:
        async with self._readers.snapshot() as reader:
            adopted, progress = await reader.row(ADOPTED), await reader.row(PROGRESS)
            if adopted is None:
                return OlderJudgements(recipients=0, since=None)
            since = moment(adopted[0])
            bounds = not_judged_since(since, read_reclassifying(progress) if progress else None)
            ((number,),) = await reader.rows(_COUNT_OLDER, (*bounds, limit))
        return OlderJudgements(recipients=number, since=since)

    async def rule_book(self) -> RuleBook:
        async with self._readers.snapshot() as reader:
            ((revision,),) = await reader.rows(REVISION)
            if self._book is None or revision != self._revision:
                corrections = [read_rule(row) for row in await reader.rows(CORRECTIONS)]
                self._book, self._revision = make_book(corrections, revision), revision
        return self._book

    async def last_refused(
        self, since: datetime, limit: int, category: str | None = None
    ) -> Sequence[Attempt]:
        async with self._readers.one() as reader:
            rows = await reader.rows(_REFUSALS, (first_id(since), limit, category))
        return [read_attempt(row) for row in rows]

    async def categories(self, since: datetime, limit: int) -> Mapping[str, int]:
        async with self._readers.one() as reader:
            rows = await reader.rows(_CATEGORIES, (first_id(since), limit))
        return {category: count for category, count in rows}

    async def begin_reclassifying(self, actor: str, now: datetime) -> Reclassifying:
        version = (await self.rule_book()).version
        begun = (well_formed(actor), stamp(now), version)

        def step(connection: sqlite3.Connection) -> Columns:
            connection.execute(_BEGIN, begun)
            row: Columns = connection.execute(PROGRESS).fetchone()
            return row

        return read_reclassifying(await self._writer.run(step))

    async def reclassify(self, limit: int, now: datetime) -> Reclassifying | None:
        before = await self.reclassification()
        if before is None or before.ended_at is not None:
            return None
        book = await self.rule_book()

        async def prepare(size: int) -> Step:
            return _going_on(before, now, await self._judge(before, book, size))

        await self._portions.prepared("judging anew", limit, prepare, is_urgent=True)
        return await self.reclassification()

    async def _judge(self, before: Reclassifying, book: RuleBook, limit: int) -> _Judged:
        """Judge what is next; nothing is written yet."""
        async with self._readers.snapshot() as reader:
            ids = await reader.rows(_NEXT, (before.last_id, before.end_id, limit))
            last = ids[-1][0] if ids else before.end_id
            rows = await reader.rows(_ATTEMPTS, (before.last_id, last))
        attempts = [read_attempt(row) for row in rows]
        changed = await asyncio.to_thread(judged_anew, attempts, book)
        return _Judged(last, len(ids), changed)


def _going_on(before: Reclassifying, now: datetime, judged: _Judged) -> Step:
    """Return the step that writes what was judged, unless somebody else has gone on."""

    def step(connection: sqlite3.Connection) -> int:
        ended_at = stamp(now) if judged.last >= before.end_id else None
        counts = (judged.looked, len(judged.changed))
        gone_on = (judged.last, *counts, ended_at, before.last_id, stamp(before.began_at))
        if connection.execute(_GO_ON, gone_on).rowcount == 1:
            _write(connection, judged.changed)
        return judged.looked

    return step


def _write(connection: sqlite3.Connection, changed: Sequence[tuple[Attempt, str, str]]) -> None:
    """Write what attempts are now, and so recipients where it was the last one, and setbacks."""
    connection.executemany(
        _JUDGE,
        [(category, rule, each.recipient_id, each.id) for each, category, rule in changed],
    )
    connection.executemany(
        _REPEAT, [(category, each.recipient_id, each.id) for each, category, _ in changed]
    )
    connection.executemany(_COUNT, setbacks_anew(changed))
