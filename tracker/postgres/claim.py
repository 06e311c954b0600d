"""T2: lease what is due, in turn from every destination that has some.

`destinations.next_due_at` is a lower bound, so looking for work costs one row for each
destination that may have some, however many recipients wait there. Nodes that claim at once take
different ones: whatever is locked is skipped, and nobody waits for anybody, except that claims of
one lease come one after the other.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from tracker.model import Gate, Job, LeaseToken
from tracker.postgres.claimed import Claimed, read_jobs
from tracker.postgres.clock import now_in
from tracker.postgres.connections import Transaction
from tracker.postgres.schedule import earliest_due
from tracker.sql.rows import Columns
from tracker.store import LeaseLost

_PROBE_PATIENCE = timedelta(minutes=1) // timedelta(microseconds=1)
"""How long a probe may stay without a result before the next one goes out."""

_ROUNDS = 20
"""More would keep others from their destinations; the next claim goes on."""

# The lease is locked so that nobody takes it over meanwhile; accepting under it goes on. What
# follows looks for few rows among many by their indexes, and in their order. The planner would
# have it otherwise while its figures are of a queue that was empty.
_BEGIN = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true), set_config('jit', 'off', true)
FROM leases WHERE token = $1 FOR NO KEY UPDATE
"""

_ALREADY = "SELECT id, message_id, destination FROM queue WHERE lease = $1 AND claim = $2"

_WAITING = "q.lease IS NULL AND q.next_attempt_at IS NOT NULL"

_LOCKED = "FOR NO KEY UPDATE SKIP LOCKED"

_TAKE = f"""
UPDATE queue AS q SET lease = $1, claim = $2, gate = '{Gate.NONE}', gate_detail = ''
WHERE q.id = ANY (ARRAY(SELECT id FROM chosen)) RETURNING q.id, q.message_id, q.destination
"""

# Every destination comes back once without a recipient, and once with each that was taken.
_TAKE_DUE = f"""
WITH visited AS MATERIALIZED (
    SELECT destination, reachable, next_probe_at FROM destinations
    WHERE next_due_at <= $3 AND destination <> ALL ($4::text[])
    ORDER BY next_due_at, turns LIMIT $5 {_LOCKED}
), chosen AS MATERIALIZED (
    SELECT due.id FROM (SELECT *, $5 / count(*) OVER () AS share FROM visited) AS v
    CROSS JOIN LATERAL (
        SELECT q.id FROM queue AS q
        WHERE q.destination = v.destination AND {_WAITING} AND q.next_attempt_at <= $3
        ORDER BY q.next_attempt_at, q.id LIMIT v.share {_LOCKED}
    ) AS due
    WHERE v.reachable
), taken AS ({_TAKE})
SELECT NULL AS id, NULL AS message_id, destination, reachable, next_probe_at FROM visited
UNION ALL SELECT id, message_id, destination, NULL, NULL FROM taken
"""

_TAKE_TO_LOOK_AT = f"""
WITH chosen AS MATERIALIZED (
    SELECT due.id FROM unnest($3::text[]) AS v (destination)
    CROSS JOIN LATERAL (
        SELECT q.id FROM queue AS q
        WHERE q.destination = v.destination AND {_WAITING} AND q.look_at <= $4
        ORDER BY q.look_at LIMIT $5 {_LOCKED}
    ) AS due
)
{_TAKE}
"""

# One job of each destination: its oldest due recipient and what goes with it, found by the
# message, so the destination must not look like something that the other indexes begin with.
_TAKE_PROBES = f"""
WITH chosen AS MATERIALIZED (
    SELECT due.id FROM unnest($3::text[], $5::int[]) AS v (destination, room)
    CROSS JOIN LATERAL (
        SELECT q.message_id, q."trigger" FROM queue AS q
        WHERE q.destination = v.destination AND {_WAITING} AND q.next_attempt_at <= $4
        ORDER BY q.next_attempt_at, q.id LIMIT 1 {_LOCKED}
    ) AS oldest
    CROSS JOIN LATERAL (
        SELECT q.id FROM queue AS q
        WHERE q.message_id = oldest.message_id AND q."trigger" = oldest."trigger"
            AND q.destination || '' = v.destination AND {_WAITING}
            AND q.next_attempt_at + 0 <= $4
        LIMIT v.room {_LOCKED}
    ) AS due
)
{_TAKE}
"""

_RESCHEDULE = f"""
UPDATE destinations AS d SET
    next_due_at = CASE WHEN n.due_at < $4 THEN $4 ELSE n.due_at END,
    next_probe_at = n.probe_at, turns = d.turns + 1,
    recheck_at = CASE WHEN n.due_at <= $4 THEN d.recheck_at ELSE {now_in("$5")} END,
    recheck_past = CASE WHEN n.due_at <= $4 THEN d.recheck_past END
FROM (
    SELECT v.*, {earliest_due("v.destination", "v.reachable", "v.probe_at")} AS due_at
    FROM unnest($1::text[], $2::boolean[], $3::bigint[]) AS v (destination, reachable, probe_at)
    OFFSET 0
) AS n
WHERE d.destination = n.destination RETURNING d.next_due_at <= $4
"""


class _Destination(NamedTuple):
    name: str
    is_reachable: bool
    next_probe_at: int | None

    def is_shut(self, now: int) -> bool:
        """Unreachable, and not yet time to look again."""
        return not self.is_reachable and self.next_probe_at is not None and self.next_probe_at > now


class Call(NamedTuple):
    """One call of `claim`: it leases nothing more when it runs again."""

    lease: LeaseToken
    id: str
    now: int
    """The caller's stamp."""
    limit: int
    busy: Collection[str]
    given: int | None
    """The ledger's stamp, when it is the caller's."""


async def claim(transaction: Transaction, call: Call, *, again: bool) -> Sequence[Job]:
    """Lease due recipients, at most `limit`, and return them as jobs. Raises LeaseLost.

    With `again` it first looks whether the call has been there before.
    """
    if await transaction.row(_BEGIN, call.lease) is None:
        raise LeaseLost(f"lease {call.lease} is not on record")
    if again and (rows := await transaction.rows(_ALREADY, call.lease, call.id)):
        return await read_jobs(transaction, call.lease, _claimed(rows))
    taken: list[Claimed] = []
    for _ in range(_ROUNDS):
        if len(taken) >= call.limit:
            break
        more, goes_on = await _visit(transaction, call, call.limit - len(taken))
        taken += more
        if not goes_on:
            break
    return await read_jobs(transaction, call.lease, taken)


async def _visit(transaction: Transaction, call: Call, room: int) -> tuple[list[Claimed], bool]:
    """Visit due destinations; return what was taken, and whether another visit may find more.

    Every visit either takes a recipient or moves the destination's next due time beyond `now`;
    what is left over when one has less than its share is shared out again.
    """
    rows = await transaction.rows(_TAKE_DUE, call.lease, call.id, call.now, list(call.busy), room)
    visited = [_Destination(*row[2:]) for row in rows if row[0] is None]
    if not visited:
        return [], False
    taken = _claimed(row for row in rows if row[0] is not None)
    share = room // len(visited)
    looked_at, visited = await _visit_unreachable(transaction, call, visited, share)
    taken += looked_at
    turns = {each.name: turn for turn, each in enumerate(visited)}
    taken.sort(key=lambda each: turns[each.destination])
    due = await _reschedule(transaction, call, visited)
    # Whose recipients are all locked by others, or on their way, stays due.
    progress = bool(taken) or due < len(visited)
    return taken, progress and (due > 0 or len(visited) == room)


async def _visit_unreachable(
    transaction: Transaction, call: Call, visited: list[_Destination], share: int
) -> tuple[list[Claimed], list[_Destination]]:
    """Take what has to be looked at, and probes; return the destinations as they are then."""
    unreachable = [each for each in visited if not each.is_reachable]
    if not unreachable:
        return [], visited
    names = [each.name for each in unreachable]
    rows = await transaction.rows(_TAKE_TO_LOOK_AT, call.lease, call.id, names, call.now, share)
    looked_at = Counter(row[2] for row in rows)
    rooms = {
        each.name: share - looked_at[each.name]
        for each in unreachable
        if not each.is_shut(call.now) and looked_at[each.name] < share
    }
    probes = await _take_probes(transaction, call, rooms)
    probed, next_probe_at = {row[2] for row in probes}, call.now + _PROBE_PATIENCE
    visited = [
        each._replace(next_probe_at=next_probe_at) if each.name in probed else each
        for each in visited
    ]
    return _claimed([*rows, *probes]), visited


async def _take_probes(
    transaction: Transaction, call: Call, rooms: Mapping[str, int]
) -> list[Columns]:
    if not rooms:
        return []
    return await transaction.rows(
        _TAKE_PROBES, call.lease, call.id, list(rooms), call.now, list(rooms.values())
    )


async def _reschedule(transaction: Transaction, call: Call, visited: Sequence[_Destination]) -> int:
    """Write down when to come back; return how many have more that is due.

    Those come behind the others that are due now.
    """
    rows = await transaction.rows(
        _RESCHEDULE,
        [each.name for each in visited],
        [each.is_reachable for each in visited],
        [None if each.is_reachable else each.next_probe_at for each in visited],
        call.now,
        call.given,
    )
    return sum(bool(row[0]) for row in rows)


def _claimed(rows: Iterable[Columns]) -> list[Claimed]:
    return [Claimed(*row[:3]) for row in rows]
