"""The tables beside the mail, which are moved whole: a class for the rows of each."""

from typing import Any, NamedTuple


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
    next_hop: str
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
    was: str


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
    messages: str


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
