"""When a destination must be looked at again.

`destinations.next_due_at` is a lower bound, and the row of a popular destination is wanted by
everybody: it is only written, and only locked, when the bound has to be lowered. Who relies on a
bound that is low enough may not have committed when `claim` raises it, and is not seen by it;
therefore what was raised is computed again a little later (`recheck`).
"""

from collections.abc import Collection, Mapping

from tracker.postgres.connections import Transaction

RECHECKED = 500
"""Destinations at most in one `recheck`."""

_PAUSE = 35_000_000
"""Microseconds: longer than any statement runs."""

# A subquery for each, no join: that is looked up by the key whatever the planner thinks.
_LOWER_NEXT_DUE = """
INSERT INTO destinations AS d (destination, next_due_at)
SELECT n.destination, n.due_at
FROM unnest($1::text[], $2::bigint[]) AS n (destination, due_at)
WHERE (SELECT e.next_due_at <= n.due_at
       FROM destinations AS e WHERE e.destination = n.destination) IS NOT TRUE
ORDER BY n.destination COLLATE "C"
ON CONFLICT (destination) DO UPDATE SET next_due_at = excluded.next_due_at
WHERE d.next_due_at IS NULL OR d.next_due_at > excluded.next_due_at
"""

_PROBE_NOW = """
INSERT INTO destinations AS d (destination, next_due_at)
SELECT n.destination, $2::bigint
FROM unnest($1::text[]) AS n (destination)
WHERE (SELECT e.next_due_at <= $2 AND e.reachable
       FROM destinations AS e WHERE e.destination = n.destination) IS NOT TRUE
ORDER BY n.destination COLLATE "C"
ON CONFLICT (destination) DO UPDATE SET
    next_due_at = least(d.next_due_at, excluded.next_due_at),
    next_probe_at = CASE WHEN d.reachable THEN d.next_probe_at ELSE excluded.next_due_at END
"""


def earliest_due(destination: str, reachable: str, probe_at: str) -> str:
    """Return a scalar subquery: when something of a destination may be claimed, null for never.

    Takes expressions of SQL: its name, whether it is reachable, and when it is probed if not.
    """
    waiting = f"q.destination = {destination} AND q.lease IS NULL AND q.next_attempt_at IS NOT NULL"
    return f"""(
SELECT CASE WHEN {reachable} OR a.at IS NULL THEN a.at ELSE least(
           (SELECT q.look_at FROM queue AS q WHERE {waiting} ORDER BY q.look_at LIMIT 1),
           greatest(a.at, {probe_at})) END
FROM (SELECT (SELECT q.next_attempt_at FROM queue AS q WHERE {waiting}
              ORDER BY q.next_attempt_at, q.id LIMIT 1) AS at OFFSET 0) AS a)"""


_DOUBTFUL = """
SELECT destination FROM destinations
WHERE recheck_at <= $1 ORDER BY recheck_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
"""

# In a statement of its own, which sees what was committed before the rows were locked.
_RECHECK = f"""
UPDATE destinations AS d SET
    next_due_at = least(
        d.next_due_at, {earliest_due("d.destination", "d.reachable", "d.next_probe_at")}),
    recheck_at = CASE WHEN d.recheck_past <= pg_snapshot_xmin(pg_current_snapshot()) THEN NULL
                      ELSE $2::bigint + {_PAUSE} END,
    recheck_past = coalesce(d.recheck_past, pg_snapshot_xmax(pg_current_snapshot()))
WHERE d.destination = ANY ($1::text[])
"""


async def lower_next_due(transaction: Transaction, due: Mapping[str, int]) -> None:
    """Note that a recipient of each destination becomes due at the stamp given.

    Comes last in a transaction: what waits must have been written before.
    """
    if due:
        await transaction.execute(_LOWER_NEXT_DUE, list(due), list(due.values()))


async def probe_now(transaction: Transaction, destinations: Collection[str], at: int) -> None:
    """Note that a recipient of each destination is due at `at`, reachable or not."""
    if destinations:
        await transaction.execute(_PROBE_NOW, list(destinations), at)


async def recheck(transaction: Transaction, now: int) -> int:
    """Compute bounds again that were raised a moment ago; return how many.

    The stamp `now` is of the ledger's clock. A bound is never raised by it.
    """
    rows = await transaction.rows(_DOUBTFUL, now, RECHECKED)
    if rows:
        await transaction.execute(_RECHECK, [row[0] for row in rows], now)
    return len(rows)
