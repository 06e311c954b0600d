"""Acts of people: hold, release, cancel, try now; and what is held beyond its deadline."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from tracker import states
from tracker.entropy import Entropy
from tracker.model import Deed, EventKind, Gate, Status, Trigger
from tracker.postgres.connections import Transaction
from tracker.postgres.history import insert_events
from tracker.postgres.query import numbered
from tracker.postgres.schedule import lower_next_due, probe_now
from tracker.sql.acting import TURNS, end_of_hold, events_of
from tracker.sql.conditions import FREE, Condition, conjunction, scope_condition, status_condition
from tracker.sql.rows import Columns
from tracker.sql.script import Change
from tracker.sql.values import stamp, well_formed


class _Act(NamedTuple):
    statement: str
    parameters: Callable[[int, str], tuple[object, ...]]
    """Of the time and the reason, as the statement wants them."""


# Locked in the order of their ids, as everybody does who waits.
_CHOSEN = """
WITH chosen AS MATERIALIZED (
    SELECT r.id FROM queue AS r WHERE {condition} ORDER BY r.id FOR UPDATE
)"""

_OF_CHOSEN = "WHERE q.id = ANY (ARRAY(SELECT id FROM chosen))"

_RETURNING = "RETURNING q.id, q.message_id, q.destination"

_HOLD = f"""
UPDATE queue AS q SET status = '{Status.HELD}', status_since = ?, next_attempt_at = NULL,
    gate = '{Gate.HOLD}', gate_detail = ?
{_OF_CHOSEN} {_RETURNING}
"""

# Back to where it was: untried, or waiting.
_UNHELD = f"CASE WHEN q.attempts = 0 THEN '{Status.QUEUED}' ELSE '{Status.DEFERRED}' END"

_RELEASE = f"""
UPDATE queue AS q SET status = {_UNHELD}, status_since = ?, next_attempt_at = ?,
    gate = '{Gate.NONE}', gate_detail = '', "trigger" = '{Trigger.RETRY_NOW}'
{_OF_CHOSEN} {_RETURNING}
"""

# Out of the queue and into the results, as every recipient ends.
_CANCEL = f""", gone AS (
    DELETE FROM queue AS q {_OF_CHOSEN} RETURNING q.*
), ended AS (
    INSERT INTO results (recipient_id, accepted_at, account, account_domain, status, status_since,
                         attempts, delay_dsn_at, "trigger", last_attempt_id, category)
    SELECT id, accepted_at, account, account_domain, '{Status.CANCELLED}', ?::bigint,
           attempts, delay_dsn_at, "trigger", last_attempt_id, category
    FROM gone
)
SELECT id, message_id, destination FROM gone
"""

_RETRY = f"""
UPDATE queue AS q SET next_attempt_at = least(q.next_attempt_at, ?), gate = '{Gate.NONE}',
    gate_detail = '', "trigger" = '{Trigger.RETRY_NOW}'
{_OF_CHOSEN} {_RETURNING}
"""

_ACTS = {
    Deed.HOLD: _Act(_HOLD, lambda at, reason: (at, reason)),
    Deed.RELEASE: _Act(_RELEASE, lambda at, _: (at, at)),
    Deed.CANCEL: _Act(_CANCEL, lambda at, _: (at,)),
}

# As what is held until its deadline: a worker settles it at once, reachable or not.
_CANCEL_AND_TELL = f"""
UPDATE queue AS q SET status = {_UNHELD}, status_since = ?, next_attempt_at = ?, look_at = ?,
    gate = '{Gate.NONE}', gate_detail = ?, "trigger" = '{Trigger.CANCEL}'
{_OF_CHOSEN} {_RETURNING}
"""

# Whoever is just being held, released or cancelled is passed over: nobody waits.
_GIVE_UP_HELD = f"""
WITH chosen AS MATERIALIZED (
    SELECT id FROM queue WHERE status = '{Status.HELD}' AND expires_at <= $1
    ORDER BY expires_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE queue AS q SET status = {_UNHELD}, status_since = $1, next_attempt_at = $1, look_at = $1,
    gate = '{Gate.NONE}', gate_detail = '', "trigger" = '{Trigger.DEADLINE}'
{_OF_CHOSEN} {_RETURNING}
"""


async def perform(transaction: Transaction, change: Change, entropy: Entropy) -> list[Columns]:
    """Change what may be changed; return the id, the message and the destination of each."""
    if change.deed is Deed.RETRY:
        return await _retry(transaction, change, entropy)
    if change.tells_sender:
        return await _cancel_and_tell(transaction, change, entropy)
    turn, act, at = TURNS[change.deed], _ACTS[change.deed], stamp(change.now)
    parameters = act.parameters(at, well_formed(change.reason))
    chosen = status_condition(states.before(turn.after))
    changed = await _act(transaction, change, chosen, act.statement, parameters)
    await insert_events(transaction, events_of(changed, turn.event, change, entropy))
    if turn.after is Status.QUEUED:
        await lower_next_due(transaction, {row[2]: at for row in changed})
    return changed


async def _retry(transaction: Transaction, change: Change, entropy: Entropy) -> list[Columns]:
    """Make waiting recipients due, and the probe of their destinations."""
    waiting, at = Condition("r.next_attempt_at IS NOT NULL"), stamp(change.now)
    changed = await _act(transaction, change, waiting, _RETRY, (at,))
    event = EventKind.RETRY_REQUESTED
    await insert_events(transaction, events_of(changed, event, change, entropy))
    await probe_now(transaction, {row[2] for row in changed}, at)
    return changed


async def _cancel_and_tell(
    transaction: Transaction, change: Change, entropy: Entropy
) -> list[Columns]:
    """Have a worker cancel recipients, which writes the DSN."""
    at = stamp(change.now)
    parameters = (at, at, at, well_formed(change.reason))
    changed = await _act(transaction, change, Condition("TRUE"), _CANCEL_AND_TELL, parameters)
    event = EventKind.CANCELLED
    await insert_events(transaction, events_of(changed, event, change, entropy))
    await lower_next_due(transaction, {row[2]: at for row in changed})
    return changed


async def give_up_held(
    transaction: Transaction, now: datetime, limit: int, entropy: Entropy
) -> int:
    """Make held recipients due whose deadline has come, to be settled without a try."""
    at = stamp(now)
    changed = await transaction.rows(_GIVE_UP_HELD, at, limit)
    released = events_of(changed, EventKind.RELEASED, end_of_hold(now), entropy)
    await insert_events(transaction, released)
    await lower_next_due(transaction, {row[2]: at for row in changed})
    return len(changed)


async def _act(
    transaction: Transaction,
    change: Change,
    chosen: Condition,
    statement: str,
    parameters: tuple[object, ...],
) -> list[Columns]:
    """Run `statement` for those that `change` is about and `chosen` takes."""
    ids = [well_formed(each) for each in change.recipients]
    given = Condition(f"r.id = ANY (?::text[]) AND {FREE}", (ids,))
    condition = conjunction([given, chosen, scope_condition(change.scope)])
    sql = _CHOSEN.format(condition=condition.sql) + statement
    whole = numbered(sql, (*condition.parameters, *parameters))
    return await transaction.rows(whole.sql, *whole.parameters)
