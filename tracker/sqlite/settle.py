"""T3: what a delivery changes, all at once; and giving recipients back untried."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from tracker import states
from tracker.entropy import Entropy
from tracker.explain import RuleBook
from tracker.model import (
    DestinationChange,
    LeaseToken,
    Postponement,
    RecipientChange,
    RecipientId,
    Settlement,
    Status,
    Trigger,
)
from tracker.sql.rows import (
    INSERT_ATTEMPT,
    INSERT_EVENT,
    Columns,
    attempt_columns,
    event_columns,
)
from tracker.sql.setbacks import INSERT_SETBACK, setback_rows
from tracker.sql.settlement import LastAttempt, is_waiting, last_attempts
from tracker.sql.values import stamp, well_formed
from tracker.sqlite.accept import accept
from tracker.sqlite.schedule import earliest, lower_next_due
from tracker.store import LeaseLost


def _change_statement(after: Status) -> str:
    """The state table is part of the statement: no row, then either the lease or the arrow."""
    before = ", ".join(f"'{status}'" for status in Status if after in states.ARROWS[status])
    # Who was to be looked at has been: it is done with, and not when it was claimed.
    looked_at = "look_at = iif(look_at <= ?1, expires_at, look_at)," if is_waiting(after) else ""
    return f"""
UPDATE recipients SET lease = NULL, status = '{after}', {looked_at}
    status_since = CASE WHEN status = '{after}' THEN status_since ELSE ?1 END,
    attempts = ?, next_attempt_at = ?, gate = ?, gate_detail = ?,
    delay_dsn_at = coalesce(?, delay_dsn_at), last_attempt_id = coalesce(?, last_attempt_id),
    category = coalesce(?, category), "trigger" = coalesce(?, "trigger")
WHERE id = ? AND lease = ? AND message_id = ? AND status IN ({before})
"""


_CHANGE = {status: _change_statement(status) for status in Status}
_RETURNING = "RETURNING destination"

_POSTPONE = """
UPDATE recipients SET lease = NULL, next_attempt_at = ?1, gate = ?2, gate_detail = ?3,
    look_at = max(look_at, min(?1, expires_at))
WHERE id = ?4 AND lease = ?5 RETURNING destination
"""

_NOTE_DESTINATION = """
INSERT INTO destinations (destination, reachable, failures, since, next_probe_at, detail,
                          last_success_at, last_failure_at, last_accepted_at, place)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (destination) DO UPDATE SET
    since = CASE WHEN reachable = excluded.reachable THEN coalesce(since, excluded.since)
                 ELSE excluded.since END,
    reachable = excluded.reachable,
    failures = excluded.failures,
    next_probe_at = excluded.next_probe_at,
    detail = excluded.detail,
    last_success_at = coalesce(excluded.last_success_at, last_success_at),
    last_failure_at = coalesce(excluded.last_failure_at, last_failure_at),
    last_accepted_at = max(coalesce(excluded.last_accepted_at, last_accepted_at),
                           coalesce(last_accepted_at, excluded.last_accepted_at)),
    place = CASE WHEN excluded.place = '' THEN place ELSE excluded.place END,
    -- Still a lower bound: of all that waits when it is reachable again, of the probe else.
    next_due_at = CASE
        WHEN excluded.reachable AND NOT reachable THEN
            (SELECT min(next_attempt_at) FROM recipients AS waiting
             WHERE waiting.destination = excluded.destination
               AND waiting.lease IS NULL AND waiting.next_attempt_at IS NOT NULL)
        WHEN excluded.reachable THEN next_due_at
        ELSE min(next_due_at, coalesce(excluded.next_probe_at, next_due_at)) END
"""


class Settling(NamedTuple):
    """A settlement, and the rows of it that ask for no look at the ledger."""

    settlement: Settlement
    changes: Sequence[tuple[Status, Columns]]
    attempts: Sequence[Columns]
    setbacks: Sequence[Columns]


def prepare(settlement: Settlement, book: RuleBook | None = None) -> Settling:
    """Make the rows of a settlement, explained by `book`.

    Raises ValueError when the settlement is incoherent.
    """
    attempts = [attempt_columns(attempt, book) for attempt in settlement.attempts]
    last = last_attempts(settlement, attempts)
    return Settling(
        settlement,
        [
            (change.status, _change_columns(settlement, change, last))
            for change in settlement.changes
        ],
        attempts,
        setback_rows(settlement.attempts, book),
    )


def settle_all(
    connection: sqlite3.Connection, settlings: Sequence[Settling], entropy: Entropy
) -> Sequence[None]:
    """Write settlements. Raises when one of them is refused, `settle` says why."""
    due: list[tuple[str, int]] = []
    final: dict[Status, list[Columns]] = {}
    for status, row in chain.from_iterable(settling.changes for settling in settlings):
        if is_waiting(status):
            due.append(_change(connection, status, row))
        else:
            final.setdefault(status, []).append(row)
    # Who is final waits for nothing, so there is nothing to read: one statement for many.
    for status, rows in final.items():
        if connection.executemany(_CHANGE[status], rows).rowcount != len(rows):
            raise LeaseLost(f"one of {len(rows)} recipients is not held, or cannot be {status}")
    _write_rest(connection, settlings, due, entropy)
    return [None] * len(settlings)


def settle(connection: sqlite3.Connection, settling: Settling, entropy: Entropy) -> None:
    """Write one settlement. Raises LeaseLost, IllegalChange."""
    changed = [(status, _change(connection, status, row)) for status, row in settling.changes]
    due = [each for status, each in changed if is_waiting(status)]
    _write_rest(connection, [settling], due, entropy)


def _write_rest(
    connection: sqlite3.Connection,
    settlings: Sequence[Settling],
    due: Sequence[tuple[str, int]],
    entropy: Entropy,
) -> None:
    """Write what is no change of a recipient."""
    connection.executemany(INSERT_ATTEMPT, [row for each in settlings for row in each.attempts])
    if setbacks := [row for each in settlings for row in each.setbacks]:
        connection.executemany(INSERT_SETBACK, setbacks)
    settlements = [each.settlement for each in settlings]
    events = [event_columns(event) for each in settlements for event in each.events]
    if events:
        connection.executemany(INSERT_EVENT, events)
    for change in _without_repetitions(settlements):
        _note_destination(connection, change)
    if due:
        lower_next_due(connection, earliest(due))
    for each in settlements:
        for report in each.reports:
            accept(connection, report, each.changes[-1].at, None, entropy)


def _change(connection: sqlite3.Connection, status: Status, row: Columns) -> tuple[str, int]:
    """Change one recipient; return its destination and when it is next due, if it is."""
    changed = connection.execute(_CHANGE[status] + _RETURNING, row).fetchall()
    if not changed:
        raise _refusal(connection, status, row)
    return changed[0][0], row[_NEXT_ATTEMPT_AT]


def _change_columns(
    settlement: Settlement, change: RecipientChange, attempts: Mapping[RecipientId, LastAttempt]
) -> Columns:
    """Return what _CHANGE wants."""
    return (
        stamp(change.at),
        change.attempts,
        stamp(change.next_attempt_at),
        change.gate.value,
        well_formed(change.gate_detail),
        stamp(change.delay_dsn_at),
        *attempts.get(change.recipient_id, _NEVER_TRIED),
        _SCHEDULE if is_waiting(change.status) else None,
        change.recipient_id,
        settlement.lease,
        settlement.message_id,
    )


_NEXT_ATTEMPT_AT = 2
"""Its place in the columns of a change."""


_NEVER_TRIED = (None, None)
_SCHEDULE = Trigger.SCHEDULE.value


def _refusal(connection: sqlite3.Connection, status: Status, row: Columns) -> Exception:
    """Return why `row` did not change its recipient."""
    *_, recipient_id, lease, message_id = row
    found = connection.execute(
        "SELECT status FROM recipients WHERE id = ? AND lease = ? AND message_id = ?",
        (recipient_id, lease, message_id),
    ).fetchone()
    if found is None:
        return LeaseLost(f"lease {lease} does not hold {recipient_id}")
    return states.IllegalChange(Status(found[0]), status)


def _without_repetitions(settlements: Sequence[Settlement]) -> Iterator[DestinationChange]:
    """Yield what was learnt of destinations; of successes in a row the last one tells it all."""
    last: dict[str, DestinationChange] = {}
    for settlement in settlements:
        change = settlement.destination
        if change is None:
            continue
        before = last.get(change.destination)
        if before is not None and not (before.reachable and change.reachable):
            yield before
        elif before is not None and before.accepted and not change.accepted:
            change = replace(change, accepted=True)
        last[change.destination] = change
    yield from last.values()


def _note_destination(connection: sqlite3.Connection, change: DestinationChange) -> None:
    at = stamp(change.at)
    connection.execute(
        _NOTE_DESTINATION,
        (
            change.destination,
            change.reachable,
            change.failures,
            at,
            stamp(change.next_probe_at),
            well_formed(change.detail),
            at if change.reachable else None,
            None if change.reachable else at,
            at if change.accepted else None,
            well_formed(change.place),
        ),
    )


def postpone(
    connection: sqlite3.Connection,
    lease: LeaseToken,
    recipients: Sequence[RecipientId],
    why: Postponement,
) -> None:
    """Give recipients back until `why.until`. Raises LeaseLost."""
    until, detail = stamp(why.until), well_formed(why.detail)
    due: dict[str, int] = {}
    for recipient_id in recipients:
        rows = connection.execute(
            _POSTPONE, (until, why.gate.value, detail, recipient_id, lease)
        ).fetchall()
        if not rows:
            raise LeaseLost(f"lease {lease} does not hold {recipient_id}")
        due[rows[0][0]] = until
    lower_next_due(connection, due)
