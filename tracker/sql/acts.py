"""Acts as rows, and the steps that plan them and carry them on."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from tracker.mailbox import comparable
from tracker.model import (
    Act,
    ActId,
    ActState,
    Deed,
    RecipientId,
    Scope,
    Stride,
    Suppression,
)
from tracker.sql.acceptance import domain_of
from tracker.sql.conditions import Statement, scope_condition
from tracker.sql.rows import Columns
from tracker.sql.script import Change, Script, any_of, several
from tracker.sql.suppressions import add_all
from tracker.sql.values import json_list, moment, stamp, well_formed

ACT_COLUMNS = (
    'id, "key", deed, tells_sender, actor, account, account_domain, scope_account, scope_domain,'
    " reason, query, zone, chosen, undoes, created_at, begins_at, ended_at, state, place, expected,"
    " done, changed, next_hop"
)

_ACTS = f"SELECT {ACT_COLUMNS} FROM acts AS r"

_PLAN = f"""
INSERT INTO acts ({ACT_COLUMNS}) VALUES {{values}} ON CONFLICT ("key") DO NOTHING
"""

_DUE = f"""
SELECT {ACT_COLUMNS} FROM acts
WHERE state IN ('planned', 'running') AND begins_at <= ? ORDER BY begins_at, id LIMIT ?
"""

_TURN = "UPDATE acts SET state = ?, ended_at = ? WHERE id = ? AND {among} RETURNING id"

_ADVANCE = """
UPDATE acts SET place = ?, done = done + ?, state = ?, ended_at = ?
WHERE id = ? AND state = 'running' AND place = ? AND done = ? RETURNING id
"""

_COUNT = "UPDATE acts SET changed = changed + ? WHERE id = ? RETURNING id"

_NOTE_CHANGES = "INSERT INTO act_changes (act_id, recipient_id, was) VALUES"

_CHANGED = """
SELECT recipient_id FROM act_changes WHERE act_id = ? AND recipient_id > ?
ORDER BY recipient_id LIMIT ?
"""

_WAS = "SELECT recipient_id, was FROM act_changes WHERE act_id = ? AND"

_UNDOABLE = (Deed.HOLD, Deed.RELEASE, Deed.REROUTE)

_FORGOTTEN = 100

_OLD = "SELECT id FROM acts WHERE ended_at < ? ORDER BY ended_at LIMIT ?"

_ids = msgspec.json.Decoder(tuple[str, ...]).decode


def act_columns(act: Act) -> Columns:
    """Return ACT_COLUMNS."""
    return (
        act.id,
        well_formed(act.key),
        act.deed.value,
        int(act.tells_sender),
        well_formed(act.actor),
        act.account,
        domain_of(act.account),
        act.scope.account,
        act.scope.domain,
        well_formed(act.reason),
        well_formed(act.query),
        act.zone,
        json_list(act.chosen),
        act.undoes,
        stamp(act.created_at),
        stamp(act.begins_at),
        stamp(act.ended_at),
        act.state.value,
        act.place,
        act.expected,
        act.done,
        act.changed,
        act.next_hop,
    )


def read_act(row: Columns) -> Act:
    """Build an act from ACT_COLUMNS."""
    return Act(
        id=ActId(row[0]),
        key=row[1],
        deed=Deed(row[2]),
        tells_sender=bool(row[3]),
        actor=row[4],
        account=row[5],
        scope=Scope(account=row[7], domain=row[8]),
        reason=row[9],
        query=row[10],
        zone=row[11],
        chosen=tuple(map(RecipientId, _ids(row[12]))),
        undoes=None if row[13] is None else ActId(row[13]),
        created_at=moment(row[14]),
        begins_at=moment(row[15]),
        ended_at=moment(row[16]),
        state=ActState(row[17]),
        place=row[18],
        expected=row[19],
        done=row[20],
        changed=row[21],
        next_hop=row[22],
    )


# --- looking -------------------------------------------------------------------------------


def one_act(act_id: ActId, scope: Scope) -> Statement:
    """An act whose actor is in scope."""
    within = scope_condition(scope)
    return Statement(
        f"{_ACTS} WHERE r.id = ? AND {within.sql}", (well_formed(act_id), *within.parameters)
    )


def some_acts(scope: Scope, limit: int, before: ActId | None) -> Statement:
    """Acts whose actors are in scope, newest first."""
    within = scope_condition(scope)
    sql, parameters = f"{_ACTS} WHERE {within.sql}", within.parameters
    if before is not None:
        sql, parameters = f"{sql} AND r.id < ?", (*parameters, well_formed(before))
    return Statement(f"{sql} ORDER BY r.id DESC LIMIT ?", (*parameters, limit))


def due_acts(now: datetime, limit: int) -> Statement:
    """Acts that are to be carried on."""
    return Statement(_DUE, (stamp(now), limit))


def changed_by(act_id: ActId, after: str, limit: int) -> Statement:
    """Whom an act has held, released or rerouted."""
    return Statement(_CHANGED, (act_id, after, limit))


def next_hops_before(act_id: ActId, recipients: Collection[RecipientId]) -> Statement:
    """Whom of these an act has rerouted, and the next hop that each had before."""
    among, ids = any_of("recipient_id", list(recipients))
    return Statement(f"{_WAS} {among}", (act_id, *ids))


def forgettable(before: datetime, limit: int) -> Statement:
    """Ids of acts that ended before `before`."""
    return Statement(_OLD, (stamp(before), limit))


# --- scripts -------------------------------------------------------------------------------


def plan(act: Act) -> Script[Act]:
    """Put an act on record, unless its key is there."""
    group, parameters = several([act_columns(act)])
    yield Statement(_PLAN.format(values=group), parameters)
    (row,) = yield Statement(f'{_ACTS} WHERE r."key" = ?', (well_formed(act.key),))
    return read_act(row)


def turn(
    act_id: ActId, among: Collection[ActState], to: ActState, now: datetime
) -> Script[Act | None]:
    """Change an act's state when it is one of `among`."""
    ended_at = stamp(now) if to in (ActState.DONE, ActState.CALLED_OFF) else None
    is_among, states = any_of("state", [state.value for state in sorted(among)])
    sql = _TURN.format(among=is_among)
    if not (yield Statement(sql, (to.value, ended_at, act_id, *states))):
        return None
    return (yield from _now(act_id))


def advance(act: Act, stride: Stride, now: datetime) -> Script[Act | None]:
    """Take one step of an act that has not gone on since."""
    state, ended_at = ActState.RUNNING, None
    if stride.ended:
        state, ended_at = ActState.DONE, stamp(now)
    parameters = (stride.place, stride.seen, state.value, ended_at, act.id, act.place, act.done)
    # First, for it locks the act: whoever takes the same step waits, and finds that it is taken.
    if not (yield Statement(_ADVANCE, parameters)):
        return None
    count = yield from _change(act, stride, now)
    yield Statement(_COUNT, (count, act.id))
    return (yield from _now(act.id))


def _change(act: Act, stride: Stride, now: datetime) -> Script[int]:
    """Change the recipients; return how many of those that were looked at it concerns."""
    suppressed = 0
    if stride.addresses:
        suppressed = yield from add_all(_suppressions(act, stride, now))
    rows: Sequence[Columns] = ()
    if stride.recipients or stride.reroutes:
        rows = yield Change(
            deed=Deed.CANCEL if act.deed is Deed.SUPPRESS else act.deed,
            tells_sender=act.tells_sender,
            recipients=stride.recipients,
            reroutes=stride.reroutes,
            scope=act.scope,
            actor=act.actor,
            reason=act.reason,
            now=now,
        )
    if rows and act.deed in _UNDOABLE:
        was = {one.recipient_id: one.old_next_hop for one in stride.reroutes}
        group, parameters = several([(act.id, row[0], was.get(row[0], "")) for row in rows])
        yield Statement(f"{_NOTE_CHANGES} {group}", parameters)
    return suppressed if act.deed is Deed.SUPPRESS else len(rows)


def _suppressions(act: Act, stride: Stride, now: datetime) -> list[Suppression]:
    return [
        Suppression(
            address=comparable(address),
            account=act.scope.account or "",
            domain=act.scope.domain or domain_of(act.scope.account) or "",
            reason=act.reason,
            actor=act.actor,
            since=now,
        )
        for address in stride.addresses
    ]


def forget(before: datetime) -> Script[int]:
    """Drop some acts that ended before `before`, and whom they have changed."""
    rows = yield forgettable(before, _FORGOTTEN)
    if rows:
        ids = [row[0] for row in rows]
        sql, parameters = any_of("act_id", ids)
        yield Statement(f"DELETE FROM act_changes WHERE {sql}", parameters)
        sql, parameters = any_of("id", ids)
        yield Statement(f"DELETE FROM acts WHERE {sql}", parameters)
    return len(rows)


def _now(act_id: ActId) -> Script[Act]:
    (row,) = yield Statement(f"{_ACTS} WHERE r.id = ?", (act_id,))
    return read_act(row)
