"""What settlements teach about destinations, and when those are to be looked at.

A popular destination has one row that everybody shares, so it is written only when something
changes that matters, and all rows of a transaction in order and at once. Its bound, `next_due_at`,
is only ever lowered here.
"""

from collections.abc import Iterable

from tracker.model import DestinationChange
from tracker.postgres.arrays import Columnar
from tracker.sql.rows import Columns
from tracker.sql.values import stamp, well_formed

_SUCCESS_EVERY = 10_000_000
"""Microseconds after which the time of the last success is written again."""

NOTES = Columnar(
    {
        "destination": "text",
        "reachable": "boolean",
        "failures": "integer",
        "since": "bigint",
        "next_probe_at": "bigint",
        "detail": "text",
        "last_success_at": "bigint",
        "last_failure_at": "bigint",
        "last_accepted_at": "bigint",
        "place": "text",
    }
)


def write_destinations(waits: str) -> str:
    """Return the part of a statement that writes destinations.

    It takes the notes from `note`; `waits` selects destinations and when they have something due.
    """
    return f"""
wait AS (
    SELECT destination, min(at) AS at FROM ({waits}) AS w (destination, at) GROUP BY destination
),
touched AS (
    SELECT coalesce(n.destination, w.destination) AS destination, n.reachable, n.failures, n.since,
           n.next_probe_at, n.detail, n.last_success_at, n.last_failure_at, n.last_accepted_at,
           n.place, w.at
    FROM note AS n FULL JOIN wait AS w ON w.destination = n.destination
),
written AS (
    INSERT INTO destinations AS d ({NOTES.names}, next_due_at)
    SELECT t.destination, coalesce(t.reachable, true), coalesce(t.failures, 0), t.since,
           t.next_probe_at, coalesce(t.detail, ''), t.last_success_at, t.last_failure_at,
           t.last_accepted_at, coalesce(t.place, ''), t.at
    FROM touched AS t LEFT JOIN destinations AS d ON d.destination = t.destination
    WHERE d.destination IS NULL
        OR t.at < d.next_due_at OR (t.at IS NOT NULL AND d.next_due_at IS NULL)
        OR t.last_failure_at IS NOT NULL
        OR t.reachable <> d.reachable OR t.failures <> d.failures OR t.detail <> d.detail
        OR t.last_success_at > coalesce(d.last_success_at, 0) + {_SUCCESS_EVERY}
        OR t.last_accepted_at > coalesce(d.last_accepted_at, 0) + {_SUCCESS_EVERY}
    ORDER BY t.destination
    -- Only a note has a `since`.
    ON CONFLICT (destination) DO UPDATE SET
        reachable = CASE WHEN excluded.since IS NULL THEN d.reachable ELSE excluded.reachable END,
        failures = CASE WHEN excluded.since IS NULL THEN d.failures ELSE excluded.failures END,
        since = CASE WHEN excluded.since IS NULL THEN d.since
                     WHEN excluded.reachable = d.reachable THEN coalesce(d.since, excluded.since)
                     ELSE excluded.since END,
        next_probe_at = CASE WHEN excluded.since IS NULL THEN d.next_probe_at
                             ELSE excluded.next_probe_at END,
        detail = CASE WHEN excluded.since IS NULL THEN d.detail ELSE excluded.detail END,
        last_success_at = greatest(d.last_success_at, excluded.last_success_at),
        last_failure_at = greatest(d.last_failure_at, excluded.last_failure_at),
        last_accepted_at = greatest(d.last_accepted_at, excluded.last_accepted_at),
        place = CASE WHEN excluded.place = '' THEN d.place ELSE excluded.place END,
        next_due_at = least(
            d.next_due_at, excluded.next_due_at,
            -- Of all that waits when it is reachable again, of the probe else.
            CASE WHEN excluded.since IS NOT NULL AND excluded.reachable AND NOT d.reachable THEN
                (SELECT min(q.next_attempt_at) FROM queue AS q
                 WHERE q.destination = d.destination
                     AND q.lease IS NULL AND q.next_attempt_at IS NOT NULL) END,
            CASE WHEN NOT excluded.reachable AND d.next_due_at IS NOT NULL
                 THEN excluded.next_probe_at END)
)"""


def note_rows(changes: Iterable[DestinationChange]) -> list[Columns]:
    """Return NOTES: what several settlements say of each destination, the last word counting."""
    told: dict[str, list[DestinationChange]] = {}
    for change in changes:
        told.setdefault(change.destination, []).append(change)
    return [_note(told[destination]) for destination in sorted(told)]


def _note(changes: list[DestinationChange]) -> Columns:
    last = changes[-1]
    since = last.at
    for change in reversed(changes):
        if change.reachable is not last.reachable:
            break
        since = change.at
    return (
        last.destination,
        last.reachable,
        last.failures,
        stamp(since),
        stamp(last.next_probe_at),
        well_formed(last.detail),
        max((stamp(change.at) for change in changes if change.reachable), default=None),
        max((stamp(change.at) for change in changes if not change.reachable), default=None),
        max((stamp(change.at) for change in changes if change.accepted), default=None),
        next((well_formed(change.place) for change in reversed(changes) if change.place), ""),
    )
