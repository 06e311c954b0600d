"""What many deliveries together say (see `tracker.store.Insight`)."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from tracker.insight import Cohort, Dimension, Figure, Measure, Saying, Waiting, setback_of
from tracker.model import Attempt, Scope
from tracker.postgres.arrays import Columnar
from tracker.postgres.connections import Transaction
from tracker.postgres.part import Part
from tracker.postgres.query import SETTINGS, look_up, numbered
from tracker.sql.conditions import Condition, Statement
from tracker.sql.figures import (
    KEYS,
    MARKS,
    RECIPIENTS,
    SETBACKS,
    Marks,
    Overtaken,
    Question,
    Sources,
    Tally,
    figures,
    next_open,
    next_recipients,
    next_setbacks,
    read_figures,
    recipients_as_they_are,
    slot_of,
    tally_open,
    tally_recipients,
    tally_setbacks,
)
from tracker.sql.rows import Columns
from tracker.sql.setbacks import (
    cohort_counts,
    last_accepted,
    read_cohort,
    read_saying,
    read_waiting,
    sayings,
    waiting_counts,
)
from tracker.sql.values import first_id

# A recipient is in the queue or in the results.
_RECIPIENTS = f"""
    SELECT h.id, h.accepted_at, h.account, h.account_domain, h.destination,
           coalesce(q.status, s.status) AS status,
           coalesce(q.status_since, s.status_since) AS status_since,
           coalesce(q.last_attempt_id, s.last_attempt_id) AS last_attempt_id
    FROM recipients AS h
    LEFT JOIN {look_up("queue", "id = h.id")} AS q ON TRUE
    LEFT JOIN {look_up("results", "recipient_id = h.id")} AS s ON TRUE
"""

SOURCES = Sources(
    people=f"({_RECIPIENTS}) AS r",
    passed="statistics_open AS o CROSS JOIN LATERAL"
    f" ({_RECIPIENTS} WHERE h.id = o.recipient_id OFFSET 0) AS r",
    reasons=f" LEFT JOIN {look_up('setbacks', 'attempt_id = r.last_attempt_id')} AS b ON TRUE",
)

_STATISTICS = Columnar(
    {
        **{name: "integer" if name in ("slot", "speed") else "text" for name in KEYS.split(", ")},
        "number": "bigint",
    }
)

_ADD = f"""
INSERT INTO statistics AS t ({_STATISTICS.names})
SELECT * FROM {_STATISTICS.unnest("n", 1)}
ON CONFLICT ({KEYS}) DO UPDATE SET number = t.number + excluded.number
"""

_MOVE = """
INSERT INTO statistics_marks AS m (name, last_id) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET last_id = excluded.last_id WHERE m.last_id = $3 RETURNING name
"""

_CHOSEN = "r.id = ANY(?::text[]) AND r.id BETWEEN ? AND ?"
_DROP_OPEN = "DELETE FROM statistics_open WHERE recipient_id = ANY($1::text[]) RETURNING 1"
_ADD_OPEN = "INSERT INTO statistics_open (recipient_id) SELECT unnest($1::text[])"

_FORGET_SETBACKS = """
DELETE FROM setbacks WHERE attempt_id IN (
    SELECT attempt_id FROM setbacks WHERE attempt_id < $1 ORDER BY attempt_id LIMIT $2)
RETURNING 1
"""
_FORGET_COUNTS = """
DELETE FROM statistics WHERE ctid IN (
    SELECT ctid FROM statistics WHERE what = $1 AND slot < $2 LIMIT $3)
RETURNING 1
"""


class Insight(Part):
    """Cohorts and figures."""

    async def cohort(self, attempt: Attempt, scope: Scope, now: datetime) -> Cohort | None:
        setback = setback_of(attempt)
        if setback is None:
            return None
        async with self._connections.reading() as reader:
            (accepted,) = await _rows(reader, last_accepted(setback))
            (counts,) = await _rows(reader, cohort_counts(setback, scope, now, accepted[1]))
            waits = waiting_counts("queue", setback.destination, scope)
            (waiting,) = await _rows(reader, waits)
        return read_cohort(setback, counts, accepted, waiting)

    async def waiting_at(self, destination: str, scope: Scope) -> Waiting:
        async with self._connections.reading() as reader:
            (row,) = await _rows(reader, waiting_counts("queue", destination, scope))
        return read_waiting(row)

    async def sayings(
        self, destination: str, scope: Scope, since: datetime, limit: int
    ) -> Sequence[Saying]:
        async with self._connections.reading() as reader:
            rows = await _rows(reader, sayings(destination, scope, since, limit))
        return [read_saying(row) for row in rows]

    async def figures(
        self,
        measure: Measure,
        by: Sequence[Dimension],
        scope: Scope,
        since: datetime,
        until: datetime,
        destination: str | None = None,
    ) -> Sequence[Figure]:
        question = Question(measure, by, scope, since, until, destination)
        async with self._connections.reading() as reader:
            await reader.execute(SETTINGS)
            marks = Marks.of(await reader.rows(MARKS))
            return read_figures(await _rows(reader, figures(question, marks, SOURCES)))

    async def roll_up(self, before: datetime, limit: int) -> int:
        passed = await self._pass_recipients(before, limit)
        passed += await self._pass_setbacks(before, limit)
        return passed or await self._count_final(limit)

    async def _pass_recipients(self, before: datetime, limit: int) -> int:
        async with self._connections.reading() as reader:
            await reader.execute(SETTINGS)
            mark = Marks.of(await reader.rows(MARKS)).recipients
            rows = await _rows(reader, next_recipients(SOURCES, mark, before, limit))
        move = (RECIPIENTS, rows[-1][0], mark) if rows else None
        return await self._take_in(tally_recipients(rows), move, len(rows))

    async def _pass_setbacks(self, before: datetime, limit: int) -> int:
        async with self._connections.reading() as reader:
            mark = Marks.of(await reader.rows(MARKS)).setbacks
            rows = await _rows(reader, next_setbacks(mark, before, limit))
        move = (SETBACKS, rows[-1][0], mark) if rows else None
        return await self._take_in(tally_setbacks(rows), move, len(rows))

    async def _count_final(self, limit: int) -> int:
        """Count recipients that were open when they were passed: all of them that are final."""
        after, counted = "", 0
        while True:
            async with self._connections.reading() as reader:
                await reader.execute(SETTINGS)
                ids = [row[0] for row in await _rows(reader, next_open(after, limit))]
                if not ids:
                    return counted
                chosen = Condition(_CHOSEN, (ids, ids[0], ids[-1]))
                rows = await _rows(reader, recipients_as_they_are(SOURCES, chosen))
            tally, after = tally_open(ids, rows), ids[-1]
            counted += await self._take_in(tally, None, len(tally.final) + len(tally.gone))

    async def _take_in(self, tally: Tally, move: tuple[str, str, str] | None, count: int) -> int:
        if not count:
            return 0
        try:
            await self._connections.run(partial(_take_in, tally=tally, move=move))
        except Overtaken:
            return 0
        return count

    async def forget_statistics(self, setbacks: datetime, counts: datetime, limit: int) -> int:
        async def forget(transaction: Transaction) -> int:
            rows = await transaction.rows(_FORGET_SETBACKS, first_id(setbacks), limit)
            dropped = len(rows)
            for what in Measure:
                slot = slot_of(counts)
                dropped += len(await transaction.rows(_FORGET_COUNTS, what.value, slot, limit))
            return dropped

        return await self._connections.run(forget)


async def _rows(reader: Transaction, statement: Statement) -> list[Columns]:
    sql, parameters = numbered(statement.sql, statement.parameters)
    return await reader.rows(sql, *parameters)


async def _take_in(
    transaction: Transaction, tally: Tally, move: tuple[str, str, str] | None
) -> None:
    """Write one step whole. Raises Overtaken when it has been written already."""
    if move is not None and not await transaction.rows(_MOVE, *move):
        raise Overtaken
    done = [*tally.final, *tally.gone]
    if len(await transaction.rows(_DROP_OPEN, done)) != len(done):
        raise Overtaken
    rows = [(*key, count) for key, count in tally.counts.items()]
    await transaction.execute(_ADD, *_STATISTICS.arrays(rows))
    await transaction.execute(_ADD_OPEN, list(tally.still_open))
