"""The ledger on a server as an archive: read, or written to, row by row (`tracker.archive`)."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from tracker import states
from tracker.archive import (
    CALLED_OFF,
    DAYS,
    MOVED_BY_ANOTHER,
    SPAN_LIMIT,
    AttemptRow,
    Counts,
    DayCount,
    EventRow,
    Holdings,
    Mark,
    MessageRow,
    Part,
    Piece,
    RecipientRow,
    Record,
    Rows,
    StoredPiece,
    Table,
    assemble,
    columns,
    cut,
    end_of_span,
    moved_on,
)
from tracker.archive.recorded import MARKS
from tracker.postgres.accept import PIECE
from tracker.postgres.bulk import Bulk, open_bulk
from tracker.postgres.connections import Transaction
from tracker.postgres.migrate import migrate
from tracker.postgres.partitions import day_of_id, make_room
from tracker.postgres.text.writing import forget_everything
from tracker.sql.rows import Columns
from tracker.sql.values import first_id, last_id, moment
from tracker.store import StoreError

# --- where a recipient lies: what never changes, and then either of two -------------------------

_FIXED = (
    "id", "message_id", "accepted_at", "account", "account_domain", "forward_path", "domain",
    "destination", "next_hop", "notify", "orcpt", "expires_at",
)  # fmt: skip
_QUEUE = (
    "id", "message_id", "accepted_at", "account", "account_domain", "destination", "status",
    "status_since", "attempts", "next_attempt_at", "expires_at", "look_at", "gate", "gate_detail",
    "delay_dsn_at", "trigger", "last_attempt_id", "category",
)  # fmt: skip
_RESULTS = (
    "id", "accepted_at", "account", "account_domain", "status", "status_since", "attempts",
    "delay_dsn_at", "trigger", "last_attempt_id", "category",
)  # fmt: skip
_STATE = tuple(field for field in RecipientRow._fields if field not in _FIXED)

# --- reading --------------------------------------------------------------------------------------

_SLACK = 86_400_000_000
"""Microseconds, a day, within which ids of recipients follow the time of acceptance, at least."""

_SAME_HOURS = slice(5)
"""The part of an id that stays the same for nine hours: so within it there are two days at most."""

_OF_SPAN = "message_id > $1 AND message_id <= $2"

_SPAN = f"SELECT id, recipients FROM messages WHERE id > $1 ORDER BY id LIMIT {SPAN_LIMIT}"

_MESSAGES = f"""
SELECT {columns(*MessageRow._fields)} FROM messages WHERE id > $1 AND id <= $2 ORDER BY id
"""

_RECIPIENTS = f"""
SELECT {columns(*_FIXED)} FROM recipients
WHERE {_OF_SPAN} AND id >= $3 AND id <= $4 ORDER BY message_id, id
"""

# What a final recipient waited for before is not kept, and means nothing any more.
_STATES = f"""
SELECT id, {columns(*_STATE)} FROM queue WHERE id = ANY ($1)
UNION ALL
SELECT recipient_id, status, status_since, attempts, NULL, NULL, 'none', '', delay_dsn_at,
       "trigger", last_attempt_id, category
FROM results WHERE recipient_id = ANY ($1) AND recipient_id >= $2 AND recipient_id <= $3
"""

_ATTEMPTS = f"""
SELECT {columns(*AttemptRow._fields)} FROM attempts
WHERE recipient_id = ANY ($1) AND recipient_id >= $2 AND recipient_id <= $3
ORDER BY recipient_id, id
"""

_EVENTS = (
    f"SELECT {columns(*EventRow._fields)} FROM events WHERE {_OF_SPAN} ORDER BY message_id, id"
)

_PIECES = f"SELECT message_id, data FROM content WHERE {_OF_SPAN} ORDER BY message_id, n"

_DAYS = """
SELECT day, sum(accepted)::bigint, sum(delivered)::bigint, sum(bounced)::bigint,
       sum(expired)::bigint, sum(cancelled)::bigint
FROM tallies GROUP BY day ORDER BY day
"""

_HOLDINGS = """
SELECT (SELECT count(*) FROM leases), (SELECT count(*) FROM queue WHERE lease IS NOT NULL),
       (SELECT count(*) FROM messages), (SELECT count(*) FROM tallies),
       (SELECT count(*) FROM destinations), (SELECT count(*) FROM accounts)
"""

_COUNTS = """
SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM attempts),
       (SELECT count(*) FROM events),
       (SELECT coalesce(sum(octet_length(data)), 0)::bigint FROM content)
"""

_DAY_COUNTS = """
SELECT accepted_at / 86400000000, status, count(*)
FROM (SELECT accepted_at, status FROM queue UNION ALL SELECT accepted_at, status FROM results) AS r
GROUP BY 1, status ORDER BY 1, status COLLATE "C"
"""

# --- marks ----------------------------------------------------------------------------------------

_PUT_MARK = f"""
INSERT INTO transfers ({columns(*Mark._fields)}) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

_MOVE_MARK = """
UPDATE transfers SET last_id = $1, messages = $2 WHERE id = $3 AND last_id = $4
"""

_END_MARK = "UPDATE transfers SET ended_at = $2 WHERE id = $1"

# Whoever moves mail writes to one of these.
_FREEZE = "LOCK TABLE leases, queue, messages IN SHARE MODE"


class PostgresArchive:
    """`tracker.archive.Archive` on a server. Use `open_archive`."""

    def __init__(self, bulk: Bulk) -> None:
        self._bulk = bulk
        self._days: set[int] = set()

    @property
    def place(self) -> str:
        return self._bulk.place

    # --- marks -----------------------------------------------------------------------------------

    async def marks(self) -> Sequence[Mark]:
        async with self._bulk.transaction() as transaction:
            return [Mark(*row) for row in await transaction.rows(MARKS)]

    async def enter(self, mark: Mark, check: Callable[[Holdings], None]) -> None:
        async with self._bulk.transaction() as transaction:
            check(await self.holdings())
            await transaction.execute(_PUT_MARK, *mark)
            if mark.part == Part.TARGET:
                await forget_everything(transaction)

    async def end(self, transfer: str, at: int) -> None:
        async with self._bulk.transaction() as transaction:
            if await transaction.execute(_END_MARK, transfer, at) != 1:
                raise StoreError(CALLED_OFF)

    async def forget(self, transfer: str) -> None:
        async with self._bulk.transaction() as transaction:
            await transaction.execute("DELETE FROM transfers WHERE id = $1", transfer)

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        async with self._bulk.transaction() as transaction:
            await transaction.execute(_FREEZE)
            yield

    # --- reading ---------------------------------------------------------------------------------

    async def holdings(self) -> Holdings:
        async with self._bulk.transaction() as transaction:
            await transaction.execute("SET LOCAL enable_seqscan = on")
            (row,) = await transaction.rows(_HOLDINGS)
        return Holdings(*row)

    async def counts(self) -> Counts:
        async with self._bulk.transaction() as transaction:
            await transaction.execute("SET LOCAL enable_seqscan = on")
            ((messages, attempts, events, octets),) = await transaction.rows(_COUNTS)
            days = tuple(DayCount(*row) for row in await transaction.rows(_DAY_COUNTS))
        return Counts(messages, attempts, events, octets, days)

    async def span(self, after: str) -> str | None:
        async with self._bulk.transaction() as transaction:
            return end_of_span(await transaction.rows(_SPAN, after))

    async def read(self, after: str, last: str) -> Sequence[Record]:
        async with self._bulk.transaction() as transaction:
            messages = [MessageRow(*row) for row in await transaction.rows(_MESSAGES, after, last)]
            if not messages:
                return []
            fixed = await transaction.rows(_RECIPIENTS, after, last, *_ids_around(messages))
            ids = sorted(row[0] for row in fixed)
            bounds = (ids[0], ids[-1]) if ids else ("", "")
            states_of = await transaction.rows(_STATES, ids, *bounds)
            attempts = await transaction.rows(_ATTEMPTS, ids, *bounds)
            events = await transaction.rows(_EVENTS, after, last)
        return assemble(
            messages,
            _recipients(fixed, states_of),
            [AttemptRow(*row) for row in attempts],
            [EventRow(*row) for row in events],
        )

    async def pieces(self, after: str, last: str) -> AsyncGenerator[Piece, None]:
        async with aclosing(self._bulk.stream(_PIECES, after, last)) as stream:
            async for rows in stream:
                for row in rows:
                    yield Piece(*row)

    async def rows(self, table: Table) -> AsyncGenerator[Rows, None]:
        sql = f"SELECT {columns(*table.fields)} FROM {table.name} ORDER BY {table.key}"
        async with aclosing(self._bulk.stream(_DAYS if table is DAYS else sql)) as stream:
            async for rows in stream:
                yield [table.row(*row) for row in rows]

    # --- writing ---------------------------------------------------------------------------------

    async def write(
        self, records: Sequence[Record], pieces: AsyncIterable[Piece], mark: Mark
    ) -> Mark:
        await self._make_room(records)
        after = moved_on(mark, records)
        async with self._bulk.transaction() as transaction:
            await _move(transaction, mark, after)
            await self._copy_records(records)
            await self._bulk.copy("content", StoredPiece._fields, cut(pieces, PIECE))
        return after

    async def replace(self, table: Table, rows: AsyncIterable[Rows]) -> None:
        name, fields = table.name, table.fields
        added: tuple[int, ...] = ()
        if table is DAYS:
            # The triggers have counted what came in; what is not on record any more counts too.
            name, fields, added = "tallies", (*fields, "backend"), (0,)
        async with self._bulk.transaction() as transaction:
            await transaction.execute(f"DELETE FROM {name}")
            each = ((*row, *added) async for some in rows for row in some)
            await self._bulk.copy(name, fields, each)

    async def arrange(self) -> None:
        async with self._bulk.transaction() as transaction:
            await transaction.execute("ANALYZE")

    async def close(self) -> None:
        await self._bulk.close()

    async def _make_room(self, records: Iterable[Record]) -> None:
        """Make the partitions that are missing, however old the days are."""
        ids = [each.message.id for each in records]
        ids += [recipient.id for each in records for recipient in each.recipients]
        missing = _days_of(ids) - self._days
        if missing:
            async with self._bulk.transaction() as transaction:
                await make_room(transaction, missing)
            self._days |= missing

    async def _copy_records(self, records: Sequence[Record]) -> None:
        recipients = [recipient for each in records for recipient in each.recipients]
        waiting = [each for each in recipients if each.status in states.OPEN]
        final = [each for each in recipients if each.status not in states.OPEN]
        copy = self._bulk.copy
        await copy("messages", MessageRow._fields, [each.message for each in records])
        await copy("recipients", _FIXED, map(attrgetter(*_FIXED), recipients))
        await copy("results", ("recipient_id", *_RESULTS[1:]), map(attrgetter(*_RESULTS), final))
        await copy("queue", _QUEUE, map(attrgetter(*_QUEUE), waiting))
        await copy("open_counts", ("message_id", "open_recipients"), _open_counts(records))
        attempts = [row for each in records for row in each.attempts]
        await copy("attempts", AttemptRow._fields, attempts)
        await copy("events", EventRow._fields, [row for each in records for row in each.events])


async def open_archive(url: str) -> PostgresArchive:
    """Open the ledger at `url`; make it or bring its schema up to date first.

    Raises what `tracker.postgres.migrate.migrate` raises.
    """
    await migrate(url)
    return PostgresArchive(await open_bulk(url))


async def _move(transaction: Transaction, before: Mark, after: Mark) -> None:
    """Move the mark on, unless somebody else has."""
    parameters = (after.last_id, after.messages, before.id, before.last_id)
    if await transaction.execute(_MOVE_MARK, *parameters) != 1:
        raise StoreError(MOVED_BY_ANOTHER)


def _ids_around(messages: Sequence[MessageRow]) -> tuple[str, str]:
    """Return between which ids the recipients of messages are, so that few partitions are read."""
    times = [message.accepted_at for message in messages]
    return first_id(moment(min(times) - _SLACK)), last_id(moment(max(times) + _SLACK))


def _days_of(ids: Iterable[str]) -> set[int]:
    """Return the days of ids, of which only a few are taken apart."""
    days: set[int] = set()
    for _, group in groupby(sorted(ids), key=itemgetter(_SAME_HOURS)):
        together = list(group)
        days |= {day_of_id(together[0]), day_of_id(together[-1])}
    return days


def _recipients(fixed: Sequence[Columns], states_of: Sequence[Columns]) -> list[RecipientRow]:
    """Put both parts of each recipient together. Raises StoreError when one has not just one."""
    by_id: dict[str, Columns] = {row[0]: row for row in states_of}
    if len(states_of) != len(by_id) or len(by_id) != len(fixed):
        wrong = sorted({row[0] for row in fixed} - by_id.keys()) or ["?"]
        raise StoreError(f"recipient {wrong[0]} is not either in the queue or final")
    return [RecipientRow(*row, *list(by_id[row[0]])[1:]) for row in fixed]


def _open_counts(records: Iterable[Record]) -> list[tuple[Any, ...]]:
    """Return what the ledger keeps of messages that have several recipients, some of them open."""
    return [
        (record.message.id, record.open_recipients)
        for record in records
        if record.open_recipients and len(record.recipients) > 1
    ]
