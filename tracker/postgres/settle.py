"""T3: what deliveries change, as many at once as are waiting.

One statement locks the recipients and looks whether all of them may change as they are to. If so it
changes all, and else nothing: the settlements that cannot be are told apart, and the others of the
batch run again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from tracker import states
from tracker.explain import RuleBook
from tracker.model import RecipientId, Settlement, Status, Trigger
from tracker.postgres.accept import DUE, WIDTH, Acceptance, due_rows, insert_arrays, inserts
from tracker.postgres.arrays import Arrays, Columnar
from tracker.postgres.connections import Lane
from tracker.postgres.history import ATTEMPTS, EVENTS, SETBACKS
from tracker.postgres.notes import NOTES, note_rows, write_destinations
from tracker.sql.rows import Columns, attempt_columns, event_columns
from tracker.sql.setbacks import setback_rows
from tracker.sql.settlement import is_waiting, last_attempts
from tracker.sql.values import stamp, well_formed
from tracker.store import LeaseLost

_CHANGES = Columnar(
    {
        "id": "text",
        "message_id": "text",
        "lease": "text",
        "status": "text",
        "at": "bigint",
        "attempts": "integer",
        "next_attempt_at": "bigint",
        "gate": "text",
        "gate_detail": "text",
        "delay_dsn_at": "bigint",
        "last_attempt_id": "text",
        "category": "text",
        '"trigger"': "text",
    }
)

_FINAL = ", ".join(f"'{status}'" for status in Status if status in states.FINAL)

# The state table is part of the statement.
_ARROWS = ", ".join(
    f"('{before}', '{after}')"
    for before in Status
    if before in states.OPEN
    for after in Status
    if after in states.ARROWS[before]
)

_ATTEMPTS_FROM = 1 + len(_CHANGES)
_EVENTS_FROM = _ATTEMPTS_FROM + len(ATTEMPTS)
_NOTES_FROM = _EVENTS_FROM + len(EVENTS)
_SETBACKS_FROM = _NOTES_FROM + len(NOTES)
_REPORTS_FROM = _SETBACKS_FROM + len(SETBACKS)
_DUE_FROM = _REPORTS_FROM + WIDTH

_IS_OPEN = "(SELECT is_open FROM gate)"

# $1 are the recipients, in order.
_CHANGE = f"""
WITH change AS MATERIALIZED (SELECT * FROM {_CHANGES.unnest("c", 1)}),
held AS (
    SELECT id, message_id, lease, status FROM queue
    WHERE id = ANY($1) ORDER BY id FOR UPDATE
),
refused AS MATERIALIZED (
    SELECT c.id, h.status FROM change AS c
    LEFT JOIN held AS h ON h.id = c.id AND h.lease = c.lease AND h.message_id = c.message_id
    WHERE h.id IS NULL OR (h.status, c.status) NOT IN ({_ARROWS})
),
gate AS MATERIALIZED (SELECT NOT EXISTS (SELECT FROM refused) AS is_open),
waiting AS (
    UPDATE queue AS q SET lease = NULL, claim = NULL, status = c.status,
        status_since = CASE WHEN q.status = c.status THEN q.status_since ELSE c.at END,
        attempts = c.attempts, next_attempt_at = c.next_attempt_at,
        look_at = CASE WHEN q.look_at <= c.at THEN q.expires_at ELSE q.look_at END,
        gate = c.gate, gate_detail = c.gate_detail,
        delay_dsn_at = coalesce(c.delay_dsn_at, q.delay_dsn_at),
        last_attempt_id = coalesce(c.last_attempt_id, q.last_attempt_id),
        category = coalesce(c.category, q.category),
        "trigger" = coalesce(c."trigger", q."trigger")
    FROM change AS c
    WHERE q.id = c.id AND c.status NOT IN ({_FINAL}) AND {_IS_OPEN}
    RETURNING q.id, q.account, q.account_domain, q.destination, q.next_attempt_at
),
gone AS (
    DELETE FROM queue AS q USING change AS c
    WHERE q.id = c.id AND c.status IN ({_FINAL}) AND {_IS_OPEN}
    RETURNING q.id, q.accepted_at, q.account, q.account_domain, c.status, c.at, c.attempts,
        coalesce(c.delay_dsn_at, q.delay_dsn_at) AS delay_dsn_at, q."trigger",
        coalesce(c.last_attempt_id, q.last_attempt_id) AS last_attempt_id,
        coalesce(c.category, q.category) AS category
),
new_results AS (
    INSERT INTO results (recipient_id, accepted_at, account, account_domain, status, status_since,
                         attempts, delay_dsn_at, "trigger", last_attempt_id, category)
    SELECT * FROM gone
),
new_attempts AS (
    INSERT INTO attempts ({ATTEMPTS.names})
    SELECT * FROM {ATTEMPTS.unnest("a", _ATTEMPTS_FROM)} WHERE {_IS_OPEN}
),
new_events AS (
    INSERT INTO events ({EVENTS.names})
    SELECT * FROM {EVENTS.unnest("e", _EVENTS_FROM)} WHERE {_IS_OPEN}
),
note AS (SELECT * FROM {NOTES.unnest("n", _NOTES_FROM)} WHERE {_IS_OPEN}),
"""

# Only where there are any: what is delivered has no part in it.
_NEW_SETBACKS = f"""
new_setbacks AS (
    INSERT INTO setbacks ({SETBACKS.names}, account, account_domain)
    SELECT b.*, r.account, r.account_domain FROM {SETBACKS.unnest("b", _SETBACKS_FROM)}
    JOIN (SELECT id, account, account_domain FROM waiting
          UNION ALL SELECT id, account, account_domain FROM gone) AS r ON r.id = b.recipient_id
),
"""

_OUTCOME = "SELECT id, status FROM refused"

_WAITS = "SELECT destination, next_attempt_at FROM waiting WHERE next_attempt_at IS NOT NULL"

_SETTLE = f"""{_CHANGE}
{write_destinations(_WAITS)}
{_OUTCOME}
"""

_SETTLE_SETBACKS = f"""{_CHANGE}{_NEW_SETBACKS}
{write_destinations(_WAITS)}
{_OUTCOME}
"""

_SETTLE_AND_REPORT = f"""{_CHANGE}{_NEW_SETBACKS}
{inserts(_REPORTS_FROM, allowed=_IS_OPEN)},
{
    write_destinations(
        f"{_WAITS} UNION ALL SELECT * FROM {DUE.unnest('d', _DUE_FROM)} WHERE {_IS_OPEN}"
    )
}
{_OUTCOME}
"""

_ON_RECORD = """
SELECT id FROM attempts
WHERE recipient_id = ANY($1::text[]) AND id = ANY($2::text[]) AND recipient_id BETWEEN $3 AND $4
"""


class Settling:
    """A settlement that is to be written, and the DSNs that enter with it."""

    def __init__(
        self,
        settlement: Settlement,
        reports: Sequence[Acceptance],
        book: RuleBook | None = None,
    ) -> None:
        """Attempts are explained by `book`. Raises ValueError when it is incoherent."""
        self.settlement = settlement
        self.reports = reports
        self.attempts = [attempt_columns(attempt, book) for attempt in settlement.attempts]
        self._last_attempts = last_attempts(settlement, self.attempts)
        self.setbacks = setback_rows(settlement.attempts, book)

    @property
    def octets(self) -> int:
        """Bytes of content of the DSNs."""
        return sum(report.octets for report in self.reports)

    @property
    def recipients(self) -> frozenset[RecipientId]:
        """Those that change."""
        return frozenset(change.recipient_id for change in self.settlement.changes)

    def change_rows(self) -> Iterator[Columns]:
        """Yield what becomes of each recipient."""
        for change in self.settlement.changes:
            yield (
                change.recipient_id,
                self.settlement.message_id,
                self.settlement.lease,
                change.status.value,
                stamp(change.at),
                change.attempts,
                stamp(change.next_attempt_at),
                change.gate.value,
                well_formed(change.gate_detail),
                stamp(change.delay_dsn_at),
                *self._last_attempts.get(change.recipient_id, _NEVER_TRIED),
                _SCHEDULE if is_waiting(change.status) else None,
            )

    def is_among(self, recorded: Collection[str]) -> bool:
        """Say whether any of the attempts is on record: then all of it is."""
        return any(attempt.id in recorded for attempt in self.settlement.attempts)

    def refusal(self, refused: Mapping[str, str | None]) -> Exception | None:
        """Return why it cannot be, given the recipients that may not change and their status."""
        for change in self.settlement.changes:
            if change.recipient_id in refused:
                status = refused[change.recipient_id]
                if status is not None:
                    return states.IllegalChange(Status(status), change.status)
                return LeaseLost(
                    f"lease {self.settlement.lease} does not hold {change.recipient_id}"
                )
        return None


_NEVER_TRIED = (None, None)
_SCHEDULE = Trigger.SCHEDULE.value


async def settle(lane: Lane, items: Sequence[Settling]) -> list[Exception | None]:
    """Write all settlements that may be, in one transaction; return what became of each."""
    together, others = _apart(items)
    outcomes = dict(zip(map(id, together), await _settle(lane, together), strict=True))
    if others:
        outcomes.update(zip(map(id, others), await settle(lane, others), strict=True))
    return [outcomes[id(item)] for item in items]


async def _settle(lane: Lane, items: Sequence[Settling]) -> list[Exception | None]:
    reports = list(chain.from_iterable(item.reports for item in items))
    parameters = _parameters(items)
    setbacks = list(chain.from_iterable(item.setbacks for item in items))
    if reports:
        due = DUE.arrays(due_rows(reports))
        entering = (*SETBACKS.arrays(setbacks), *insert_arrays(reports), *due)
        rows = await lane.rows(_SETTLE_AND_REPORT, *parameters, *entering)
    elif setbacks:
        rows = await lane.rows(_SETTLE_SETBACKS, *parameters, *SETBACKS.arrays(setbacks))
    else:
        rows = await lane.rows(_SETTLE, *parameters)
    refused = {row[0]: row[1] for row in rows}
    refusals = [item.refusal(refused) for item in items]
    good = [item for item, refusal in zip(items, refusals, strict=True) if refusal is None]
    if refused and good:
        # Rare: nothing has been written yet.
        again = iter(await _settle(lane, good))
        return [next(again) if refusal is None else refusal for refusal in refusals]
    return refusals


def _apart(items: Sequence[Settling]) -> tuple[list[Settling], list[Settling]]:
    """Tell those that come first from those that change a recipient a second time."""
    together: list[Settling] = []
    others: list[Settling] = []
    changed: set[RecipientId] = set()
    for item in items:
        (others if item.recipients & changed else together).append(item)
        changed |= item.recipients
    return together, others


def _parameters(items: Sequence[Settling]) -> Arrays:
    settlements = [item.settlement for item in items]
    changes = sorted(chain.from_iterable(item.change_rows() for item in items), key=_first)
    events = chain.from_iterable(settlement.events for settlement in settlements)
    notes = [each.destination for each in settlements if each.destination is not None]
    return [
        *_CHANGES.arrays(changes),
        *ATTEMPTS.arrays(chain.from_iterable(item.attempts for item in items)),
        *EVENTS.arrays(map(event_columns, events)),
        *NOTES.arrays(note_rows(notes)),
    ]


def _first(row: Columns) -> str:
    recipient_id: str = row[0]
    return recipient_id


async def on_record(lane: Lane, items: Iterable[Settling]) -> set[str]:
    """Return which of these settlements' attempts the ledger has, by their ids."""
    attempts = [attempt for item in items for attempt in item.settlement.attempts]
    if not attempts:
        return set()
    recipients = sorted({attempt.recipient_id for attempt in attempts})
    rows = await lane.rows(
        _ON_RECORD,
        recipients,
        [attempt.id for attempt in attempts],
        recipients[0],
        recipients[-1],
    )
    return {row[0] for row in rows}
