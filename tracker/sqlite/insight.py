"""What many deliveries together say (see `tracker.store.Insight`)."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from tracker.insight import Cohort, Dimension, Figure, Measure, Saying, Waiting, setback_of
from tracker.model import Attempt, Scope
from tracker.sql.conditions import Condition
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
from tracker.sql.setbacks import (
    cohort_counts,
    last_accepted,
    read_cohort,
    read_saying,
    read_waiting,
    sayings,
    waiting_counts,
)
from tracker.sql.values import first_id, json_list
from tracker.sqlite.part import Part
from tracker.sqlite.portions import Step

SOURCES = Sources(
    people="recipients AS r",
    passed="statistics_open AS o CROSS JOIN recipients AS r ON r.id = o.recipient_id",
    reasons=" LEFT JOIN setbacks AS b ON b.attempt_id = r.last_attempt_id",
    indexed=" INDEXED BY {index}",
)

_ADD = f"""
INSERT INTO statistics ({KEYS}, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT ({KEYS}) DO UPDATE SET number = number + excluded.number
"""

_MOVE = """
INSERT INTO statistics_marks (name, last_id) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET last_id = excluded.last_id WHERE last_id = ?
"""

_CHOSEN = "r.id IN (SELECT value FROM json_each(?))"
_DROP_OPEN = "DELETE FROM statistics_open WHERE recipient_id IN (SELECT value FROM json_each(?))"

_FORGET = (
    "DELETE FROM setbacks WHERE attempt_id IN"
    " (SELECT attempt_id FROM setbacks WHERE attempt_id < ? ORDER BY attempt_id LIMIT ?)",
    f"DELETE FROM statistics WHERE ({KEYS}) IN"
    f" (SELECT {KEYS} FROM statistics WHERE what = ? AND slot < ? LIMIT ?)",
)


class Insight(Part):
    """Cohorts and figures."""

    async def cohort(self, attempt: Attempt, scope: Scope, now: datetime) -> Cohort | None:
        setback = setback_of(attempt)
        if setback is None:
            return None
        async with self._readers.snapshot() as reader:
            (accepted,) = await reader.rows(*last_accepted(setback))
            counted = cohort_counts(setback, scope, now, accepted[1])
            (counts,) = await reader.rows(*counted)
            waits = waiting_counts("recipients", setback.destination, scope)
            (waiting,) = await reader.rows(*waits)
        return read_cohort(setback, counts, accepted, waiting)

    async def waiting_at(self, destination: str, scope: Scope) -> Waiting:
        async with self._readers.one() as reader:
            (row,) = await reader.rows(*waiting_counts("recipients", destination, scope))
        return read_waiting(row)

    async def sayings(
        self, destination: str, scope: Scope, since: datetime, limit: int
    ) -> Sequence[Saying]:
        async with self._readers.one() as reader:
            rows = await reader.rows(*sayings(destination, scope, since, limit))
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
        async with self._readers.snapshot() as reader:
            marks = Marks.of(await reader.rows(MARKS))
            return read_figures(await reader.rows(*figures(question, marks, SOURCES)))

    async def roll_up(self, before: datetime, limit: int) -> int:
        passed = await self._pass_recipients(before, limit)
        passed += await self._pass_setbacks(before, limit)
        return passed or await self._count_final(limit)

    async def _pass_recipients(self, before: datetime, limit: int) -> int:
        async def prepare(size: int) -> Step | None:
            async with self._readers.snapshot() as reader:
                mark = Marks.of(await reader.rows(MARKS)).recipients
                rows = await reader.rows(*next_recipients(SOURCES, mark, before, size))
            move = (RECIPIENTS, rows[-1][0], mark) if rows else None
            return _taking_in(tally_recipients(rows), move, len(rows))

        return await self._take_in("statistics of recipients", limit, prepare)

    async def _pass_setbacks(self, before: datetime, limit: int) -> int:
        async def prepare(size: int) -> Step | None:
            async with self._readers.snapshot() as reader:
                mark = Marks.of(await reader.rows(MARKS)).setbacks
                rows = await reader.rows(*next_setbacks(mark, before, size))
            move = (SETBACKS, rows[-1][0], mark) if rows else None
            return _taking_in(tally_setbacks(rows), move, len(rows))

        return await self._take_in("statistics of setbacks", limit, prepare)

    async def _count_final(self, limit: int) -> int:
        """Count recipients that were open when they were passed: all of them that are final."""
        after, counted, is_over = "", 0, False

        async def prepare(size: int) -> Step | None:
            nonlocal after, is_over
            async with self._readers.snapshot() as reader:
                ids = [row[0] for row in await reader.rows(*next_open(after, size))]
                chosen = Condition(_CHOSEN, (json_list(ids),))
                rows = await reader.rows(*recipients_as_they_are(SOURCES, chosen))
            if not ids:
                is_over = True
                return None
            tally, after = tally_open(ids, rows), ids[-1]
            return _taking_in(tally, None, len(tally.final) + len(tally.gone))

        while not is_over:
            counted += await self._take_in("statistics of what was open", limit, prepare)
        return counted

    async def _take_in(
        self, chore: str, limit: int, prepare: Callable[[int], Awaitable[Step | None]]
    ) -> int:
        try:
            return await self._portions.prepared(chore, limit, prepare, is_urgent=True)
        except Overtaken:
            return 0

    async def forget_statistics(self, setbacks: datetime, counts: datetime, limit: int) -> int:
        def forget(connection: sqlite3.Connection, limit: int) -> int:
            dropped = connection.execute(_FORGET[0], (first_id(setbacks), limit)).rowcount
            for what in Measure:
                slots = (what.value, slot_of(counts), limit)
                dropped += connection.execute(_FORGET[1], slots).rowcount
            return dropped

        return await self._portions.run("statistics", limit, forget)


def _taking_in(tally: Tally, move: tuple[str, str, str] | None, count: int) -> Step | None:
    """Return the step that writes so much; None when it is nothing."""

    def step(connection: sqlite3.Connection) -> int:
        _take_in(connection, tally, move)
        return count

    return step if count else None


def _take_in(
    connection: sqlite3.Connection, tally: Tally, move: tuple[str, str, str] | None
) -> None:
    """Write one step whole. Raises Overtaken when it has been written already."""
    if move is not None and connection.execute(_MOVE, move).rowcount != 1:
        raise Overtaken
    done = [*tally.final, *tally.gone]
    if connection.execute(_DROP_OPEN, (json_list(done),)).rowcount != len(done):
        raise Overtaken
    connection.executemany(_ADD, [(*key, count) for key, count in tally.counts.items()])
    connection.executemany(
        "INSERT INTO statistics_open (recipient_id) VALUES (?)",
        [(each,) for each in tally.still_open],
    )
