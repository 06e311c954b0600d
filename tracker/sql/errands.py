"""Requests to the workers as rows, and the content that is kept for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from tracker.model import (
    Errand,
    ErrandId,
    ErrandKind,
    ErrandResult,
    Event,
    Excess,
    MessageId,
    ProbeLimits,
    RecipientId,
    Scope,
)
from tracker.sql.acceptance import domain_of
from tracker.sql.conditions import Statement, scope_condition
from tracker.sql.rows import EVENT_COLUMNS, Columns, event_columns
from tracker.sql.script import Script, any_of, several
from tracker.sql.values import moment, stamp, to_json, well_formed

ERRAND_COLUMNS = (
    'id, "key", kind, actor, account, account_domain, message_id, recipient_id, address, asked_at,'
    " taken_until, ended_at, result"
)

_ERRANDS = f"SELECT {ERRAND_COLUMNS} FROM errands AS r"

_SHOWN: Final = 20
_FORGOTTEN: Final = 200

_NEXT = """
SELECT id FROM errands WHERE ended_at IS NULL AND (taken_until IS NULL OR taken_until <= ?)
ORDER BY asked_at LIMIT 1
"""

_NEWS = f"""
SELECT (SELECT count(*) FROM (
            SELECT 1 FROM acts WHERE state IN ('planned', 'running') AND begins_at <= ? LIMIT 1
        ) AS a),
       (SELECT count(*) FROM ({_NEXT}) AS e),
       coalesce((SELECT number FROM revisions WHERE name = 'suppressions'), 0)
"""

_TAKE = """
UPDATE errands SET taken_until = ?
WHERE id = ? AND ended_at IS NULL AND (taken_until IS NULL OR taken_until <= ?) RETURNING id
"""

_END = "UPDATE errands SET ended_at = ?, result = ? WHERE id = ? AND ended_at IS NULL RETURNING id"

_PROBES = f"""
SELECT count(*) FROM errands WHERE kind = '{ErrandKind.PROBE}' AND asked_at >= ? AND
"""

_TURN = Statement(
    "INSERT INTO revisions (name, number) VALUES ('probes', 1)"
    " ON CONFLICT (name) DO UPDATE SET number = revisions.number + 1",
    (),
)
"""Its row is locked until the end of the transaction: whoever counts probes has them to itself."""

_KEPT = "refused-content"

_KEEP = f"""
INSERT INTO revisions (name, number) VALUES ('{_KEPT}', ?)
ON CONFLICT (name) DO UPDATE SET number = excluded.number
"""

KEPT = Statement(f"SELECT number FROM revisions WHERE name = '{_KEPT}'", ())
"""1: the content of refused mail is kept; 0 or no row: it is not."""

_REFUSED = "SELECT message_id FROM refused WHERE at < ? ORDER BY at LIMIT ?"

_read_result = msgspec.json.Decoder(ErrandResult).decode


def errand_columns(errand: Errand) -> Columns:
    """Return ERRAND_COLUMNS."""
    return (
        errand.id,
        well_formed(errand.key),
        errand.kind.value,
        well_formed(errand.actor),
        errand.account,
        domain_of(errand.account),
        errand.message_id,
        errand.recipient_id,
        well_formed(errand.address),
        stamp(errand.asked_at),
        stamp(errand.taken_until),
        stamp(errand.ended_at),
        to_json(errand.result),
    )


def read_errand(row: Columns) -> Errand:
    """Build an errand from ERRAND_COLUMNS."""
    return Errand(
        id=ErrandId(row[0]),
        key=row[1],
        kind=ErrandKind(row[2]),
        actor=row[3],
        account=row[4],
        message_id=None if row[6] is None else MessageId(row[6]),
        recipient_id=None if row[7] is None else RecipientId(row[7]),
        address=row[8],
        asked_at=moment(row[9]),
        taken_until=moment(row[10]),
        ended_at=moment(row[11]),
        result=_read_result(row[12]),
    )


# --- looking -------------------------------------------------------------------------------------


def one_errand(errand_id: ErrandId, scope: Scope) -> Statement:
    """A request whose actor is in scope."""
    within = scope_condition(scope)
    return Statement(
        f"{_ERRANDS} WHERE r.id = ? AND {within.sql}", (well_formed(errand_id), *within.parameters)
    )


def about(message_id: MessageId) -> Statement:
    """The latest requests about a message, newest first."""
    sql = f"{_ERRANDS} WHERE r.message_id = ? ORDER BY r.id DESC LIMIT {_SHOWN}"
    return Statement(sql, (well_formed(message_id),))


def news(now: datetime) -> Statement:
    """Whether acts are due, whether errands wait, and the number of the suppressions."""
    return Statement(_NEWS, (stamp(now), stamp(now)))


def waiting(now: datetime) -> Statement:
    """The id of the oldest request that nobody is at."""
    return Statement(_NEXT, (stamp(now),))


def _probes_by(actor: str, since: datetime) -> Statement:
    return Statement(f"{_PROBES} actor = ?", (stamp(since), well_formed(actor)))


def _probes_to(domain: str, since: datetime) -> Statement:
    ending = f"%@{well_formed(domain)}".replace("!", "!!").replace("_", "!_")
    return Statement(f"{_PROBES} address LIKE ? ESCAPE '!'", (stamp(since), ending))


def forgettable(before: datetime, limit: int) -> Statement:
    """Ids of requests that were asked for before `before`."""
    sql = "SELECT id FROM errands WHERE asked_at < ? ORDER BY asked_at LIMIT ?"
    return Statement(sql, (stamp(before), limit))


def refused(before: datetime, limit: int) -> Statement:
    """Ids of messages that were refused before `before`."""
    return Statement(_REFUSED, (stamp(before), limit))


# --- scripts -------------------------------------------------------------------------------------


def ask(errand: Errand) -> Script[Errand]:
    """Put a request on record, unless its key is there."""
    group, parameters = several([errand_columns(errand)])
    yield Statement(
        f'INSERT INTO errands ({ERRAND_COLUMNS}) VALUES {group} ON CONFLICT ("key") DO NOTHING',
        parameters,
    )
    (row,) = yield _of_key(errand.key)
    return read_errand(row)


def _of_key(key: str) -> Statement:
    return Statement(f'{_ERRANDS} WHERE r."key" = ?', (well_formed(key),))


def ask_probe(errand: Errand, limits: ProbeLimits) -> Script[Errand | Excess]:
    """Put a probe on record, unless its key is there or there are enough."""
    yield _TURN
    if rows := (yield _of_key(errand.key)):
        return read_errand(rows[0])
    ((by_actor,),) = yield _probes_by(errand.actor, limits.since)
    if by_actor >= limits.by_actor:
        return Excess.OF_ACTOR
    ((to_domain,),) = yield _probes_to(errand.address.rpartition("@")[2], limits.since)
    if to_domain >= limits.to_domain:
        return Excess.OF_DOMAIN
    return (yield from ask(errand))


def take(now: datetime, until: datetime) -> Script[Errand | None]:
    """Take the oldest request that nobody is at."""
    found = yield waiting(now)
    if not found or not (yield Statement(_TAKE, (stamp(until), found[0][0], stamp(now)))):
        return None
    (row,) = yield Statement(f"{_ERRANDS} WHERE r.id = ?", (found[0][0],))
    return read_errand(row)


def end(
    errand: Errand, result: ErrandResult, events: Sequence[Event], now: datetime
) -> Script[bool]:
    """Note a result, once, with the events that tell of it."""
    if not (yield Statement(_END, (stamp(now), to_json(result), errand.id))):
        return False
    if events:
        group, parameters = several([event_columns(event) for event in events])
        yield Statement(f"INSERT INTO events ({EVENT_COLUMNS}) VALUES {group}", parameters)
    return True


def forget(before: datetime) -> Script[int]:
    """Drop some old requests."""
    rows = yield forgettable(before, _FORGOTTEN)
    if rows:
        among, ids = any_of("id", [row[0] for row in rows])
        yield Statement(f"DELETE FROM errands WHERE {among}", ids)
    return len(rows)


def keep_refused(keep: bool) -> Script[None]:
    """Say whether content of refused mail is kept."""
    yield Statement(_KEEP, (int(keep),))


def drop_refused(before: datetime, limit: int, still_open: str) -> Script[int]:
    """Drop what was refused long ago; `still_open` selects ids of open messages among {among}."""
    rows = yield refused(before, limit)
    if not rows:
        return 0
    old = [row[0] for row in rows]
    among, ids = any_of("message_id", old)
    kept = {row[0] for row in (yield Statement(still_open.format(among=among), ids))}
    if over := [each for each in old if each not in kept]:
        is_over, parameters = any_of("message_id", over)
        yield Statement(f"DELETE FROM content WHERE {is_over}", parameters)
    yield Statement(f"DELETE FROM refused WHERE {among}", ids)
    return len(old)
