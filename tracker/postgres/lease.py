"""What a worker holds: opened, renewed, given back, taken over.

Every step here may run again when the answer to its commit got lost: it finds out what it has
done already.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from tracker.entropy import Entropy
from tracker.model import (
    Attempt,
    Census,
    Gate,
    Lease,
    LeaseToken,
    Load,
    RecipientId,
    Status,
    Trigger,
)
from tracker.postgres.clock import now_in
from tracker.postgres.connections import Transaction
from tracker.postgres.history import insert_attempts, insert_events
from tracker.postgres.schedule import lower_next_due
from tracker.sql.conditions import ENDINGS
from tracker.sql.leases import LEASE_COLUMNS, read_lease
from tracker.sql.recovery import (
    HELD_COLUMNS,
    Held,
    divide,
    read_held,
    restart_events,
    uncertain_attempts,
)
from tracker.sql.rows import Columns, attempt_columns, category_in, qualified
from tracker.sql.values import moment, stamp
from tracker.states import IN_DOUBT
from tracker.store import LeaseLost
from tracker.version import own_version

T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)

_SLICE = 2_000
"""Recipients for one statement: a lease may hold any number, a statement has only so long."""

_OPEN = f"""
INSERT INTO leases ({LEASE_COLUMNS})
SELECT $2, $3, $4::int, $5, clock.at, clock.at, clock.at + $6::bigint, $7::bigint - clock.at, 0, 0
FROM (SELECT {now_in("$1")} AS at OFFSET 0) AS clock
ON CONFLICT (token) DO UPDATE SET version = excluded.version
RETURNING {LEASE_COLUMNS}
"""

_RENEW = f"""
WITH clock AS MATERIALIZED (SELECT {now_in("$1")} AS at), renewed AS (
    UPDATE leases SET renewed_at = clock.at, until = clock.at + $3::bigint,
        skew = $4::bigint - clock.at, jobs = $5::int, clients = $6::int
    FROM clock WHERE token = $2 RETURNING {LEASE_COLUMNS}
)
SELECT clock.at, {LEASE_COLUMNS} FROM clock, renewed
UNION ALL
SELECT clock.at, {LEASE_COLUMNS} FROM clock, leases
WHERE token <> $2 AND EXISTS (SELECT 1 FROM renewed)
ORDER BY token
"""

CENSUS = f"""
SELECT clock.at, {qualified("l", LEASE_COLUMNS)}
FROM (SELECT {now_in("$1")} AS at OFFSET 0) AS clock LEFT JOIN leases AS l ON true
ORDER BY l.token
"""

_CLOSE = "DELETE FROM leases WHERE token = $1"

_TAKE_AWAY = """
DELETE FROM leases WHERE token = $1 AND until <= coalesce($2::bigint, until) RETURNING node
"""

# In the order of the ids, as everybody locks them who waits.
_HELD = f"SELECT {HELD_COLUMNS} FROM queue WHERE lease = $1 ORDER BY id FOR NO KEY UPDATE"

_GIVE_BACK = f"""
UPDATE queue AS q SET lease = NULL, next_attempt_at = $2,
    -- What was cancelled, or held until its deadline, stays untried.
    "trigger" = CASE WHEN q."trigger" IN ({ENDINGS}) THEN q."trigger"
                     ELSE coalesce($3, q."trigger") END
WHERE q.id = ANY ($1::text[])
"""

_COUNT_UNCERTAIN = f"""
UPDATE queue AS q SET status = '{Status.DEFERRED}', attempts = a.number, last_attempt_id = a.id,
    category = a.category,
    status_since = CASE WHEN q.status = '{Status.DEFERRED}' THEN q.status_since ELSE $5 END
FROM unnest($1::text[], $2::int[], $3::text[], $4::text[])
    AS a (recipient_id, number, id, category)
WHERE q.id = a.recipient_id
"""


_HOLD = f"""
UPDATE queue AS q SET lease = NULL, status = '{Status.HELD}', status_since = $2,
    next_attempt_at = NULL, gate = '{Gate.HOLD}', gate_detail = $3, "trigger" = '{Trigger.RESTART}'
WHERE q.id = ANY ($1::text[])
"""


def read_census(rows: Sequence[Columns]) -> Census:
    """Build a census from the rows of CENSUS."""
    leases = (read_lease(tuple(row)[1:]) for row in rows if row[1] is not None)
    return Census(now=moment(rows[0][0]), leases=tuple(leases))


async def open_lease(
    transaction: Transaction,
    token: LeaseToken,
    node: str,
    worker: int,
    now: datetime,
    lease_for: timedelta,
    given: int | None,
) -> Lease:
    """Put a new lease on record."""
    (row,) = await transaction.rows(
        _OPEN, given, token, node, worker, own_version(), lease_for // _MICROSECOND, stamp(now)
    )
    return read_lease(row)


async def renew(
    transaction: Transaction,
    lease: LeaseToken,
    now: datetime,
    lease_for: timedelta,
    load: Load,
    given: int | None,
) -> Census:
    """Push the end of a lease to `lease_for` from now. Raises LeaseLost."""
    rows = await transaction.rows(
        _RENEW,
        given,
        lease,
        lease_for // _MICROSECOND,
        stamp(now),
        load.jobs,
        load.clients,
    )
    if not rows:
        raise LeaseLost(f"lease {lease} is not on record")
    return read_census(rows)


async def close_lease(transaction: Transaction, lease: LeaseToken, now: datetime) -> None:
    """Forget a lease; what it still held is due at once."""
    await transaction.execute(_CLOSE, lease)
    await _give_back(transaction, await _held_by(transaction, lease), stamp(now), None)


async def recover(
    transaction: Transaction,
    lease: LeaseToken,
    uncertain: Collection[RecipientId] | None,
    now: datetime,
    seen_until: datetime | None,
    holds: bool,
    entropy: Entropy,
) -> int | None:
    """Take over what a dead worker held; None when there is no such lease, or it lives on."""
    row = await transaction.row(_TAKE_AWAY, lease, stamp(seen_until))
    if row is None:
        return None
    held = await _held_by(transaction, lease)
    doubtful, untried = divide(held, uncertain)
    attempts = list(uncertain_attempts(doubtful, row[0], now, entropy))
    for some in _slices(attempts):
        await _count(transaction, some, stamp(now))
        await insert_attempts(transaction, some)
    for events in _slices(list(restart_events(untried, now, entropy))):
        await insert_events(transaction, events)
    if holds:
        for doubted in _slices(doubtful):
            ids = [each.id for each in doubted]
            await transaction.execute(_HOLD, ids, stamp(now), IN_DOUBT)
    await _give_back(transaction, untried if holds else held, stamp(now), Trigger.RESTART)
    return len(held)


async def _held_by(transaction: Transaction, lease: LeaseToken) -> list[Held]:
    return [read_held(row) for row in await transaction.rows(_HELD, lease)]


async def _count(transaction: Transaction, attempts: Sequence[Attempt], at: int) -> None:
    await transaction.execute(
        _COUNT_UNCERTAIN,
        [attempt.recipient_id for attempt in attempts],
        [attempt.number for attempt in attempts],
        [attempt.id for attempt in attempts],
        [category_in(attempt_columns(attempt)) for attempt in attempts],
        at,
    )


async def _give_back(
    transaction: Transaction, held: Sequence[Held], at: int, trigger: Trigger | None
) -> None:
    for some in _slices(held):
        await transaction.execute(_GIVE_BACK, [each.id for each in some], at, trigger)
    if held:
        await lower_next_due(transaction, {each.destination: at for each in held})


def _slices(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _SLICE):
        yield items[start : start + _SLICE]
