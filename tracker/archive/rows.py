"""The rows that a ledger is moved in: not one backend's tables, but what both of them hold.

They are ids, texts, truth values and times in microseconds since 1970 UTC, as they lie in the
columns. Nothing is interpreted on the way, so that nothing can be lost by it. What a ledger works
out for itself, and who holds what, is not among them.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from tracker import states


class MessageRow(NamedTuple):
    """An accepted message."""

    id: str
    kind: str
    accepted_at: int
    account: str | None
    reverse_path: str
    client_address: str
    client_port: int
    client_helo: str
    client_protocol: str
    client_tls: str | None
    client_authenticated_as: str | None
    size: int
    subject: str
    header_message_id: str
    header_from: str
    header_date: str
    ret: str | None
    envid: str | None
    body: str
    smtputf8: bool
    content_sha256: str
    reports_on: str | None
    recipients: int


class RecipientRow(NamedTuple):
    """A recipient that nobody holds, with all of it that changes."""

    id: str
    message_id: str
    accepted_at: int
    account: str | None
    account_domain: str | None
    forward_path: str
    domain: str
    destination: str
    next_hop: str
    notify: str | None
    orcpt: str | None
    expires_at: int
    status: str
    status_since: int
    attempts: int
    next_attempt_at: int | None
    look_at: int | None
    """None when it is final, and so with the gate, which is then `none`."""
    gate: str
    gate_detail: str
    delay_dsn_at: int | None
    trigger: str
    last_attempt_id: str | None
    category: str


class AttemptRow(NamedTuple):
    """An attempt with its evidence, which is JSON."""

    id: str
    message_id: str
    recipient_id: str
    number: int
    trigger: str
    started_at: int
    ended_at: int
    outcome: str
    origin: str
    phase: str
    reply_code: int | None
    enhanced_status_code: str | None
    reply_text: str | None
    reply: str | None
    detail: str
    destination: str
    target_host: str | None
    target_address: str | None
    target_port: int | None
    target_preference: int | None
    tries: str
    remote_queue_id: str | None
    dsn_handed_on: bool
    node: str
    config_revision: str
    category: str
    rule: str


class EventRow(NamedTuple):
    """Something that happened besides attempts."""

    message_id: str
    id: str
    recipient_id: str | None
    at: int
    kind: str
    actor: str
    detail: str
    related_message_id: str | None


_Belonging = TypeVar("_Belonging", RecipientRow, AttemptRow, EventRow)


class Record(NamedTuple):
    """One message with all that belongs to it, except its content."""

    message: MessageRow
    recipients: tuple[RecipientRow, ...]
    """By id."""
    attempts: tuple[AttemptRow, ...]
    """By recipient and id."""
    events: tuple[EventRow, ...]
    """By id."""

    @property
    def open_recipients(self) -> int:
        """How many of its recipients are open."""
        return sum(recipient.status in states.OPEN for recipient in self.recipients)


def columns(*fields: str) -> str:
    """Return the names of columns as SQL has them."""
    return ", ".join(f'"{field}"' for field in fields)


def assemble(
    messages: Iterable[MessageRow],
    recipients: Iterable[RecipientRow],
    attempts: Iterable[AttemptRow],
    events: Iterable[EventRow],
) -> list[Record]:
    """Return the messages, in their order, each with what belongs to it, in its order."""
    its_recipients = _by_message(recipients)
    its_attempts = _by_message(attempts)
    its_events = _by_message(events)
    return [
        Record(
            message,
            tuple(its_recipients[message.id]),
            tuple(its_attempts[message.id]),
            tuple(its_events[message.id]),
        )
        for message in messages
    ]


def _by_message(rows: Iterable[_Belonging]) -> defaultdict[str, list[_Belonging]]:
    by_message = defaultdict[str, list[_Belonging]](list)
    for row in rows:
        by_message[row.message_id].append(row)
    return by_message
