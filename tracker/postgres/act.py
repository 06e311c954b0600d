"""Acts of people: hold, release, cancel, try now; and what is held beyond its deadline."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from tracker import states
from tracker.entropy import Entropy
from tracker.model import (
    Deed,
    Event,
    EventId,
    EventKind,
    Gate,
    MessageId,
    RecipientId,
    Scope,
    Status,
    Trigger,
    new_id,
)
from tracker.postgres.connections import Transaction
from tracker.postgres.history import insert_events
from tracker.postgres.query import numbered
from tracker.postgres.schedule import lower_next_due, probe_now
from tracker.sql.conditions import FREE, Condition, conjunction, scope_condition, status_condition
from tracker.sql.rows import Columns
from tracker.sql.script import Change
from tracker.sql.values import stamp, well_formed


class _Act(NamedTuple):
    event: EventKind
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
    Status.HELD: _Act(EventKind.HELD, _HOLD, lambda at, reason: (at, reason)),
    Status.QUEUED: _Act(EventKind.RELEASED, _RELEASE, lambda at, _: (at, at)),
    Status.CANCELLED: _Act(EventKind.CANCELLED, _CANCEL, lambda at, _: (at,)),
}

# As what is held until its deadline: a worker settles it at once, reachable or not.
_CANCEL_AND_TELL = f"""
UPDATE queue AS q SET status = {_UNHELD}, status_since = ?, next_attempt_at = ?, look_at = ?,
    gate = '{Gate.NONE}', gate_detail = ?, "trigger" = '{Trigger.CANCEL}'
{_OF_CHOSEN} {_RETURNING}
"""

_STATUS_AFTER = {
    Deed.HOLD: Status.HELD,
    Deed.RELEASE: Status.QUEUED,
    Deed.CANCEL: Status.CANCELLED,
}

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

_DEADLINE = "The deadline has come"


async def perform(transaction: Transaction, change: Change, entropy: Entropy) -> list[Columns]:
    """Change what may be changed; return the id, the message and the destination of each."""
    recipients, scope, actor, now = change.recipients, change.scope, change.actor, change.now
    if change.deed is Deed.RETRY:
        return await retry_now(
            transaction, recipients, scope=scope, actor=actor, now=now, entropy=entropy,
            reason=change.reason,
        )  # fmt: skip
    if change.tells_sender:
        return await cancel_and_tell(transaction, change, entropy)
    return await change_status(
        transaction,
        recipients,
        _STATUS_AFTER[change.deed],
        scope=scope,
        actor=actor,
        reason=change.reason,
        now=now,
        entropy=entropy,
    )


async def cancel_and_tell(
    transaction: Transaction, change: Change, entropy: Entropy
) -> list[Columns]:
    """Have a worker cancel recipients, which writes the DSN."""
    at = stamp(change.now)
    chosen = [_given(change.recipients), scope_condition(change.scope)]
    parameters = (at, at, at, well_formed(change.reason))
    changed = await _act(transaction, chosen, _CANCEL_AND_TELL, parameters)
    kind = EventKind.CANCELLED
    events = _events(changed, kind, change.actor, change.reason, change.now, entropy)
    await insert_events(transaction, events)
    await lower_next_due(transaction, {row[2]: at for row in changed})
    return changed


async def change_status(
    transaction: Transaction,
    recipients: Collection[RecipientId],
    to: Status,
    *,
    scope: Scope,
    actor: str,
    reason: str,
    now: datetime,
    entropy: Entropy,
) -> list[Columns]:
    """Hold, release or cancel what may be; ValueError for any other status."""
    if to not in _ACTS:
        raise ValueError(f"nobody can make a recipient {to}")
    act, at = _ACTS[to], stamp(now)
    before = [status for status in Status if to in states.ARROWS[status] - {status}]
    chosen = [_given(recipients), status_condition(before), scope_condition(scope)]
    parameters = act.parameters(at, well_formed(reason))
    changed = await _act(transaction, chosen, act.statement, parameters)
    await insert_events(transaction, _events(changed, act.event, actor, reason, now, entropy))
    if to is Status.QUEUED:
        await lower_next_due(transaction, {row[2]: at for row in changed})
    return changed


async def retry_now(
    transaction: Transaction,
    recipients: Collection[RecipientId],
    *,
    scope: Scope,
    actor: str,
    now: datetime,
    entropy: Entropy,
    reason: str = "",
) -> list[Columns]:
    """Make waiting recipients due, and the probe of their destinations."""
    waiting = Condition("r.next_attempt_at IS NOT NULL")
    chosen, at = [_given(recipients), waiting, scope_condition(scope)], stamp(now)
    changed = await _act(transaction, chosen, _RETRY, (at,))
    event = EventKind.RETRY_REQUESTED
    await insert_events(transaction, _events(changed, event, actor, reason, now, entropy))
    await probe_now(transaction, {row[2] for row in changed}, at)
    return changed


async def give_up_held(
    transaction: Transaction, now: datetime, limit: int, entropy: Entropy
) -> int:
    """Make held recipients due whose deadline has come, to be settled without a try."""
    at = stamp(now)
    changed = await transaction.rows(_GIVE_UP_HELD, at, limit)
    event = EventKind.RELEASED
    await insert_events(transaction, _events(changed, event, "", _DEADLINE, now, entropy))
    await lower_next_due(transaction, {row[2]: at for row in changed})
    return len(changed)


def _given(recipients: Collection[RecipientId]) -> Condition:
    ids = [well_formed(each) for each in recipients]
    return Condition(f"r.id = ANY (?::text[]) AND {FREE}", (ids,))


async def _act(
    transaction: Transaction,
    chosen: Iterable[Condition],
    statement: str,
    parameters: tuple[object, ...],
) -> list[Columns]:
    condition = conjunction(chosen)
    sql = _CHOSEN.format(condition=condition.sql) + statement
    whole = numbered(sql, (*condition.parameters, *parameters))
    return await transaction.rows(whole.sql, *whole.parameters)


def _events(
    changed: Iterable[Columns],
    kind: EventKind,
    actor: str,
    reason: str,
    now: datetime,
    entropy: Entropy,
) -> Iterator[Event]:
    for recipient_id, message_id, _ in changed:
        yield Event(
            id=EventId(new_id(now, entropy(8))),
            message_id=MessageId(message_id),
            recipient_id=RecipientId(recipient_id),
            at=now,
            kind=kind,
            actor=actor,
            detail=reason,
        )
