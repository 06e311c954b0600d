"""Between rows and the frozen values of `tracker.model`.

Each `*_COLUMNS` names the columns that the reader beside it takes, in its order; `qualified`
puts a table's alias before them.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tracker.explain import RuleBook, judge
from tracker.model import (
    Attempt,
    AttemptId,
    Body,
    Client,
    Event,
    EventId,
    EventKind,
    Gate,
    HeaderFacts,
    Message,
    MessageId,
    MessageKind,
    Origin,
    Outcome,
    Phase,
    Recipient,
    RecipientId,
    Reply,
    Ret,
    Status,
    Target,
    TargetTry,
    Trigger,
)
from tracker.sql.values import by_value, moment, stamp, to_json, to_notify, well_formed

Columns = Sequence[Any]

_status, _gate, _trigger = by_value(Status), by_value(Gate), by_value(Trigger)
_message_kind, _body, _ret = by_value(MessageKind), by_value(Body), by_value(Ret)
_outcome, _origin, _phase = by_value(Outcome), by_value(Origin), by_value(Phase)
_event_kind = by_value(EventKind)

_decode_reply = msgspec.json.Decoder(Reply).decode
_decode_tries = msgspec.json.Decoder(tuple[TargetTry, ...]).decode

MESSAGE_COLUMNS = (
    "id, kind, accepted_at, account, reverse_path, client_address, client_port, client_helo,"
    " client_protocol, client_tls, client_authenticated_as, size, subject, header_message_id,"
    " header_from, header_date, ret, envid, body, smtputf8, content_sha256,"
    " reports_on"
)

RECIPIENT_COLUMNS = (
    "id, message_id, forward_path, domain, destination, notify, orcpt, status, status_since,"
    " attempts, next_attempt_at, expires_at, gate, gate_detail, delay_dsn_at, category,"
    ' lease, "trigger", next_hop'
)

ATTEMPT_COLUMNS = (
    'id, message_id, recipient_id, number, "trigger", started_at, ended_at, outcome, origin,'
    " phase, reply, detail, destination, target_host, target_address, target_port,"
    " target_preference, tries, remote_queue_id, dsn_handed_on, node, config_revision,"
    " reply_code, enhanced_status_code, reply_text, category, rule"
)

EVENT_COLUMNS = "id, message_id, recipient_id, at, kind, actor, detail, related_message_id"

INSERT_ATTEMPT = (
    f"INSERT INTO attempts ({ATTEMPT_COLUMNS})"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)

INSERT_EVENT = f"INSERT INTO events ({EVENT_COLUMNS}) VALUES (?,?,?,?,?,?,?,?)"


def qualified(alias: str, columns: str) -> str:
    """Return `columns`, each of the table `alias`."""
    return ", ".join(f"{alias}.{column.strip()}" for column in columns.split(","))


def width(columns: str) -> int:
    """Return how many columns these are."""
    return columns.count(",") + 1


def read_message(row: Columns) -> Message:
    """Build a message from MESSAGE_COLUMNS."""
    return Message(
        id=MessageId(row[0]),
        kind=_message_kind(row[1]),
        accepted_at=moment(row[2]),
        account=row[3],
        reverse_path=row[4],
        client=Client(
            address=row[5],
            port=row[6],
            helo=row[7],
            protocol=row[8],
            tls=row[9],
            authenticated_as=row[10],
        ),
        size=row[11],
        header=HeaderFacts(subject=row[12], message_id=row[13], header_from=row[14], date=row[15]),
        ret=None if row[16] is None else _ret(row[16]),
        envid=row[17],
        body=_body(row[18]),
        smtputf8=bool(row[19]),
        content_sha256=row[20],
        reports_on=None if row[21] is None else MessageId(row[21]),
    )


def read_recipient(row: Columns) -> Recipient:
    """Build a recipient from RECIPIENT_COLUMNS."""
    return Recipient(
        id=RecipientId(row[0]),
        message_id=MessageId(row[1]),
        forward_path=row[2],
        domain=row[3],
        destination=row[4],
        notify=to_notify(row[5]),
        orcpt=row[6],
        status=_status(row[7]),
        status_since=moment(row[8]),
        attempts=row[9],
        next_attempt_at=moment(row[10]),
        expires_at=moment(row[11]),
        gate=_gate(row[12]),
        gate_detail=row[13],
        delay_dsn_at=moment(row[14]),
        category=row[15],
        leased=row[16] is not None,
        trigger=_trigger(row[17]),
        next_hop=row[18],
    )


def read_attempt(row: Columns) -> Attempt:
    """Build an attempt from ATTEMPT_COLUMNS."""
    target = None
    if row[13] is not None:
        target = Target(host=row[13], address=row[14], port=row[15], preference=row[16])
    return Attempt(
        id=AttemptId(row[0]),
        message_id=MessageId(row[1]),
        recipient_id=RecipientId(row[2]),
        number=row[3],
        trigger=_trigger(row[4]),
        started_at=moment(row[5]),
        ended_at=moment(row[6]),
        outcome=_outcome(row[7]),
        origin=_origin(row[8]),
        phase=_phase(row[9]),
        reply=None if row[10] is None else _decode_reply(row[10]),
        detail=row[11],
        destination=row[12],
        target=target,
        tries=_decode_tries(row[17]),
        remote_queue_id=row[18],
        dsn_handed_on=bool(row[19]),
        node=row[20],
        config_revision=row[21],
        category=row[25],
        rule=row[26],
    )


def attempt_columns(attempt: Attempt, book: RuleBook | None = None) -> Columns:
    """Return what INSERT_ATTEMPT wants: the attempt, and why it ended as it did by `book`."""
    reply, target = attempt.reply, attempt.target
    queue_id = attempt.remote_queue_id
    rule, category = judge(attempt, book)
    return (
        attempt.id,
        attempt.message_id,
        attempt.recipient_id,
        attempt.number,
        attempt.trigger.value,
        stamp(attempt.started_at),
        stamp(attempt.ended_at),
        attempt.outcome.value,
        attempt.origin.value,
        attempt.phase.value,
        None if reply is None else to_json(reply),
        well_formed(attempt.detail),
        attempt.destination,
        *((target.host, target.address, target.port, target.preference) if target else _NO_TARGET),
        to_json(attempt.tries),
        None if queue_id is None else well_formed(queue_id),
        attempt.dsn_handed_on,
        attempt.node,
        attempt.config_revision,
        *(_searched(reply) if reply else _NO_REPLY),
        category.value,
        rule,
    )


def category_in(row: Columns) -> str:
    """Return the category in what `attempt_columns` has returned."""
    category: str = row[-2]
    return category


_NO_TARGET = (None, None, None, None)
_NO_REPLY = (None, None, None)


def _searched(reply: Reply) -> Columns:
    return reply.code, reply.enhanced_status_code, well_formed(reply.text)


def read_event(row: Columns) -> Event:
    """Build an event from EVENT_COLUMNS."""
    return Event(
        id=EventId(row[0]),
        message_id=MessageId(row[1]),
        recipient_id=None if row[2] is None else RecipientId(row[2]),
        at=moment(row[3]),
        kind=_event_kind(row[4]),
        actor=row[5],
        detail=row[6],
        related_message_id=None if row[7] is None else MessageId(row[7]),
    )


def event_columns(event: Event) -> Columns:
    """Return what INSERT_EVENT wants."""
    return (
        event.id,
        event.message_id,
        event.recipient_id,
        stamp(event.at),
        event.kind.value,
        event.actor,
        well_formed(event.detail),
        event.related_message_id,
    )
