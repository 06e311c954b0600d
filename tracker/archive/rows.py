"""The rows that a ledger is moved in: not one backend's tables, but what both of them hold.

They are ids, texts, truth values and times in microseconds since 1970 UTC, as they lie in the
columns. Nothing is interpreted on the way, so that nothing can be lost by it. What a ledger works
out for itself, and who holds what, is not among them.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

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


class DestinationRow(NamedTuple):
    """What is known of a destination."""

    destination: str
    reachable: bool
    failures: int
    since: int | None
    next_probe_at: int | None
    detail: str
    last_success_at: int | None
    last_failure_at: int | None
    next_due_at: int | None
    turns: int
    last_accepted_at: int | None
    place: str


class DayRow(NamedTuple):
    """The counters of a UTC day, also of mail that is not on record any more."""

    day: int
    accepted: int
    delivered: int
    bounced: int
    expired: int
    cancelled: int


class AccountRow(NamedTuple):
    """Who may submit and look."""

    address: str
    role: str
    password_hash: str
    created_at: int


class SessionRow(NamedTuple):
    """A log-in to the panel."""

    token_hash: str
    address: str
    csrf_token: str
    created_at: int
    expires_at: int


class FailureRow(NamedTuple):
    """A wrong password."""

    key: str
    at: int


class SetbackRow(NamedTuple):
    """An attempt that was not delivered, as it is counted."""

    attempt_id: str
    recipient_id: str
    message_id: str
    at: int
    destination: str
    place: str
    cohort: str
    outcome: str
    category: str
    side: str
    origin: str
    account: str | None
    account_domain: str | None


class StatisticRow(NamedTuple):
    """How many there were of one kind in a quarter of an hour."""

    what: str
    slot: int
    account: str
    account_domain: str
    destination: str
    result: str
    category: str
    origin: str
    speed: int
    number: int


class StatisticsOpenRow(NamedTuple):
    """A recipient that statistics have passed while it was open."""

    recipient_id: str


class StatisticsMarkRow(NamedTuple):
    """How far statistics have come."""

    name: str
    last_id: str


class TroubleMarkRow(NamedTuple):
    """Up to when somebody has read about a trouble."""

    category: str
    place: str
    read_by: str
    read_at: int


class ActRow(NamedTuple):
    """What somebody did to many recipients."""

    id: str
    key: str
    deed: str
    tells_sender: int
    actor: str
    account: str | None
    account_domain: str | None
    scope_account: str | None
    scope_domain: str | None
    reason: str
    query: str
    zone: str
    chosen: str
    undoes: str | None
    created_at: int
    begins_at: int
    ended_at: int | None
    state: str
    place: str
    expected: int
    done: int
    changed: int


class ActChangeRow(NamedTuple):
    """Whom an act has held or released."""

    act_id: str
    recipient_id: str


class SuppressionRow(NamedTuple):
    """An address to which nothing is sent."""

    address: str
    account_domain: str
    account: str
    origin: str
    reason: str
    actor: str
    since: int
    until: int | None


class RevisionRow(NamedTuple):
    """How often something has changed."""

    name: str
    number: int


class ErrandRow(NamedTuple):
    """What somebody has asked of the workers."""

    id: str
    key: str
    kind: str
    actor: str
    account: str | None
    account_domain: str | None
    message_id: str | None
    recipient_id: str | None
    address: str
    asked_at: int
    taken_until: int | None
    ended_at: int | None
    result: str


class RefusedRow(NamedTuple):
    """A message whose content is kept although it is over."""

    message_id: str
    at: int


class SavedSearchRow(NamedTuple):
    """A search under a name."""

    id: str
    owner: str
    domain: str
    audience: str
    name: str
    text: str
    created_at: int


class RecentSearchRow(NamedTuple):
    """One of the last searches of somebody."""

    owner: str
    text: str
    at: int


class HabitsRow(NamedTuple):
    """What somebody chose last."""

    owner: str
    outcome: str
    zone: str
    keys: str


class RefusalRow(NamedTuple):
    """A submission that was refused."""

    id: str
    at: int
    account: str | None
    account_domain: str | None
    client_address: str
    reverse_path: str
    forward_path: str
    recipients: int
    command: str
    reply: str


class RuleRow(NamedTuple):
    """A rule of an operator."""

    id: str
    category: str
    words: str
    expression: str
    code: str
    host: str
    phase: str
    note: str
    created_at: int
    created_by: str
    off_since: int | None


class RuleActRow(NamedTuple):
    """A change of such rules."""

    id: str
    at: int
    actor: str
    act: str
    rule: str
    detail: str


class ReclassifyingRow(NamedTuple):
    """How far judging the record anew has come."""

    id: str
    actor: str
    began_at: int
    version: str
    first_id: str
    last_id: str
    end_id: str
    looked: int
    changed: int
    ended_at: int | None


class AccessRow(NamedTuple):
    """A look at somebody's mail."""

    id: str
    at: int
    actor: str
    client: str
    kind: str
    page: str
    account: str
    account_domain: str


class WalkRow(NamedTuple):
    """How far a walk has got on which parts of messages are forgotten."""

    name: str
    last_id: str


class Table(NamedTuple):
    """A table beside the mail, which is moved whole."""

    name: str
    row: Any
    """The class of its rows."""
    key: str
    """The columns that put it in order."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its columns."""
        fields: tuple[str, ...] = self.row._fields
        return fields


DAYS = Table("days", DayRow, "day")

TABLES = (
    Table("destinations", DestinationRow, "destination"),
    DAYS,
    Table("accounts", AccountRow, "address"),
    Table("sessions", SessionRow, "token_hash"),
    Table("log_in_failures", FailureRow, "key, at"),
    Table("setbacks", SetbackRow, "attempt_id"),
    Table(
        "statistics",
        StatisticRow,
        "what, slot, account, account_domain, destination, result, category, origin, speed",
    ),
    Table("statistics_open", StatisticsOpenRow, "recipient_id"),
    Table("statistics_marks", StatisticsMarkRow, "name"),
    Table("trouble_marks", TroubleMarkRow, "category, place"),
    Table("acts", ActRow, "id"),
    Table("act_changes", ActChangeRow, "act_id, recipient_id"),
    Table("suppressions", SuppressionRow, "address, account_domain, account"),
    Table("revisions", RevisionRow, "name"),
    Table("errands", ErrandRow, "id"),
    Table("refused", RefusedRow, "message_id"),
    Table("saved_searches", SavedSearchRow, "id"),
    Table("recent_searches", RecentSearchRow, "owner, text"),
    Table("habits", HabitsRow, "owner"),
    Table("refusals", RefusalRow, "id"),
    Table("rules", RuleRow, "id"),
    Table("rule_acts", RuleActRow, "id"),
    Table("reclassifying", ReclassifyingRow, "id"),
    Table("accesses", AccessRow, "id"),
    Table("walks", WalkRow, "name"),
)


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
