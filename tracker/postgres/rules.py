"""`Rules`: an operator's corrections (see `tracker.store.Rules`)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tracker.explain import RuleBook
from tracker.model import Attempt, Outcome, Status
from tracker.postgres.connections import Transaction
from tracker.postgres.scripts import Scripts
from tracker.sql.corrections import ADOPTED, CORRECTIONS, PROGRESS, REVISION, Corrections
from tracker.sql.rows import ATTEMPT_COLUMNS, Columns, qualified, read_attempt
from tracker.sql.rules import (
    FAILING_FINAL,
    FAILING_OPEN,
    RECLASSIFYING_COLUMNS,
    judged_anew,
    make_book,
    not_judged_since,
    read_reclassifying,
    read_rule,
    setbacks_anew,
)
from tracker.sql.values import first_id, moment, stamp, well_formed
from tracker.views import OlderJudgements, Reclassifying


def _in(statuses: Iterable[Status]) -> str:
    return ", ".join(f"'{status}'" for status in statuses)


# The newest of the queue, and one walk along an index for each final status.
_RECENT = " UNION ALL ".join(
    [
        f"""SELECT id, last_attempt_id, category FROM (
            SELECT id, last_attempt_id, category, status FROM queue
            WHERE id >= $1 ORDER BY id DESC LIMIT $2
        ) AS newest WHERE status IN ({_in(FAILING_OPEN)})""",
        *(
            f"""(SELECT recipient_id, last_attempt_id, category FROM results
            WHERE status = '{status}' AND status <> 'delivered' AND recipient_id >= $1
            ORDER BY recipient_id DESC LIMIT $2)"""
            for status in FAILING_FINAL
        ),
    ]
)
_REFUSALS = f"""
SELECT {qualified("a", ATTEMPT_COLUMNS)} FROM ({_RECENT}) AS r
JOIN attempts AS a ON a.recipient_id = r.id AND a.id = r.last_attempt_id AND a.recipient_id >= $1
WHERE $3::text IS NULL OR r.category = $3 ORDER BY r.id DESC LIMIT $2
"""
_CATEGORIES = f"SELECT category, count(*) FROM ({_RECENT}) AS r WHERE category <> '' GROUP BY 1"

# From the oldest on, so that it ends soon where there are many.
_OLDER = " UNION ALL ".join(
    f"""(SELECT {id} AS id FROM {table} WHERE status = '{status}' AND status <> '{other}'
        AND {id} > $1 AND {id} < $2 AND category <> '' AND last_attempt_id < $2
    ORDER BY {id} LIMIT $3)"""
    for table, id, other, statuses in (
        ("queue", "id", Status.QUEUED, FAILING_OPEN),
        ("results", "recipient_id", Status.DELIVERED, FAILING_FINAL),
    )
    for status in statuses
)
_COUNT_OLDER = f"SELECT count(*) FROM (SELECT id FROM ({_OLDER}) AS older LIMIT $3) AS counted"

_BEGIN = f"""
INSERT INTO reclassifying (id, {RECLASSIFYING_COLUMNS})
SELECT 'present', $1::text, $2::bigint, $3::text,
    coalesce((SELECT min(id) FROM recipients), ''), '',
    coalesce((SELECT max(id) FROM recipients), ''), 0, 0, NULL::bigint
ON CONFLICT (id) DO UPDATE SET actor = excluded.actor, began_at = excluded.began_at,
    version = excluded.version, first_id = excluded.first_id, last_id = excluded.last_id,
    end_id = excluded.end_id, looked = 0, changed = 0, ended_at = NULL
"""
_NEXT = "SELECT id FROM recipients WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3"
_ATTEMPTS = f"""
SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE recipient_id > $1 AND recipient_id <= $2
AND outcome IN ('{Outcome.DEFERRED}', '{Outcome.FAILED}')
"""
_GO_ON = """
UPDATE reclassifying SET last_id = $1, looked = looked + $2, changed = changed + $3,
    ended_at = $4
WHERE last_id = $5 AND began_at = $6 AND ended_at IS NULL
"""
_CHANGE = """
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
    AS c (recipient, attempt, category, rule)
"""
_JUDGE = f"""
UPDATE attempts AS a SET category = c.category, rule = c.rule {_CHANGE}
WHERE a.recipient_id = c.recipient AND a.id = c.attempt AND a.recipient_id BETWEEN $5 AND $6
"""
_COUNT = """
UPDATE setbacks AS s SET category = c.category, side = c.side, cohort = c.cohort
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS c (category, side, cohort, attempt)
WHERE s.attempt_id = c.attempt
"""
_REPEAT = (
    f"""
UPDATE queue AS r SET category = c.category {_CHANGE}
WHERE r.id = c.recipient AND r.last_attempt_id = c.attempt AND r.id BETWEEN $5 AND $6
""",
    f"""
UPDATE results AS r SET category = c.category {_CHANGE}
WHERE r.recipient_id = c.recipient AND r.last_attempt_id = c.attempt
AND r.recipient_id BETWEEN $5 AND $6
""",
)


class Rules(Corrections, Scripts):
    """Corrections, refusals, judging anew."""

    _revision = 0

    async def older_judgements(self, limit: int) -> OlderJudgements:
        async with self._connections.reading() as reader:
            adopted, progress = await reader.rows(ADOPTED), await reader.rows(PROGRESS)
            if not adopted:
                return OlderJudgements(recipients=0, since=None)
            since = moment(adopted[0][0])
            bounds = not_judged_since(since, read_reclassifying(progress[0]) if progress else None)
            ((number,),) = await reader.rows(_COUNT_OLDER, *bounds, limit)
        return OlderJudgements(recipients=number, since=since)

    async def rule_book(self) -> RuleBook:
        async with self._connections.reading() as reader:
            ((revision,),) = await reader.rows(REVISION)
            if self._book is None or revision != self._revision:
                corrections = [read_rule(row) for row in await reader.rows(CORRECTIONS)]
                self._book, self._revision = make_book(corrections, revision), revision
        return self._book

    async def last_refused(
        self, since: datetime, limit: int, category: str | None = None
    ) -> Sequence[Attempt]:
        rows = await self._connections.rows(_REFUSALS, first_id(since), limit, category)
        return [read_attempt(row) for row in rows]

    async def categories(self, since: datetime, limit: int) -> Mapping[str, int]:
        rows = await self._connections.rows(_CATEGORIES, first_id(since), limit)
        return {category: count for category, count in rows}

    async def begin_reclassifying(self, actor: str, now: datetime) -> Reclassifying:
        version = (await self.rule_book()).version

        async def step(transaction: Transaction) -> Columns:
            await transaction.execute(_BEGIN, well_formed(actor), stamp(now), version)
            (row,) = await transaction.rows(PROGRESS)
            return row

        return read_reclassifying(await self._connections.run(step))

    async def reclassify(self, limit: int, now: datetime) -> Reclassifying | None:
        before = await self.reclassification()
        if before is None or before.ended_at is not None:
            return None
        book = await self.rule_book()
        async with self._connections.reading() as reader:
            ids = await reader.rows(_NEXT, before.last_id, before.end_id, limit)
            last = ids[-1][0] if ids else before.end_id
            rows = await reader.rows(_ATTEMPTS, before.last_id, last)
        attempts = [read_attempt(row) for row in rows]
        changed = await asyncio.to_thread(judged_anew, attempts, book)

        async def step(transaction: Transaction) -> Columns:
            ended_at = stamp(now) if last >= before.end_id else None
            gone_on = (last, len(ids), len(changed), ended_at, before.last_id)
            if await transaction.execute(_GO_ON, *gone_on, stamp(before.began_at)) == 1:
                await _write(transaction, changed)
            (row,) = await transaction.rows(PROGRESS)
            return row

        return read_reclassifying(await self._connections.run(step))


async def _write(transaction: Transaction, changed: Sequence[tuple[Attempt, str, str]]) -> None:
    """Write what attempts are now, and so recipients where it was the last one, and setbacks."""
    if not changed:
        return
    recipients = [str(each.recipient_id) for each, _, _ in changed]
    columns = (
        recipients,
        [str(each.id) for each, _, _ in changed],
        [category for _, category, _ in changed],
        [rule for _, _, rule in changed],
        min(recipients),
        max(recipients),
    )
    for sql in (_JUDGE, *_REPEAT):
        await transaction.execute(sql, *columns)
    await transaction.execute(_COUNT, *map(list, zip(*setbacks_anew(changed), strict=True)))
