"""T1: messages become durable, as many at once as are waiting.

Everything of a batch is built here, row by row, and sent as one statement. It inserts all of it
when every lease is on record, and else nothing; then those without a lease are told apart.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from tracker.entropy import Entropy
from tracker.model import Accepted, LeaseToken, Message, Recipient, Submission
from tracker.postgres.arrays import Arrays, Columnar
from tracker.postgres.connections import Lane, Transaction
from tracker.sql.acceptance import (
    build_jobs,
    build_message,
    build_recipients,
    domain_of,
    look_at,
    message_columns,
    pieces,
)
from tracker.sql.rows import MESSAGE_COLUMNS, Columns
from tracker.sql.values import from_notify, stamp
from tracker.store import LeaseLost

PIECE = 7_900
"""Bytes of content in one row, so that it fits into a page with the row's other columns."""

LARGE = 1024 * 1024
"""Bytes of content above which a message has a transaction of its own."""

_AT_ONCE = 128
"""Pieces of a large message that are sent together."""

_INTEGERS = {"accepted_at": "bigint", "client_port": "integer", "size": "bigint"}

MESSAGES = Columnar(
    {
        **{name: _INTEGERS.get(name, "text") for name in MESSAGE_COLUMNS.split(", ")},
        "smtputf8": "boolean",
        "recipients": "integer",
    }
)

RECIPIENTS = Columnar(
    {
        "id": "text",
        "message_id": "text",
        "accepted_at": "bigint",
        "account": "text",
        "account_domain": "text",
        "forward_path": "text",
        "domain": "text",
        "destination": "text",
        "notify": "text",
        "orcpt": "text",
        "expires_at": "bigint",
        "look_at": "bigint",
        "lease": "text",
    }
)

CONTENT = Columnar({"message_id": "text", "n": "integer", "data": "bytea"})

DUE = Columnar({"destination": "text", "next_due_at": "bigint"})


def inserts(first: int, *, allowed: str) -> str:
    """Return the parts of a statement that insert messages with all that belongs to them.

    Their arrays are the parameters from $first on. Nothing is inserted unless `allowed` holds.
    """
    messages = MESSAGES.unnest("m", first)
    recipients = RECIPIENTS.unnest("r", first + len(MESSAGES))
    content = CONTENT.unnest("c", first + len(MESSAGES) + len(RECIPIENTS))
    return f"""
new_messages AS (
    INSERT INTO messages ({MESSAGES.names})
    SELECT {MESSAGES.names} FROM {messages} WHERE {allowed}
),
new_recipients AS (
    INSERT INTO recipients (id, message_id, accepted_at, account, account_domain, forward_path,
                            domain, destination, notify, orcpt, expires_at)
    SELECT id, message_id, accepted_at, account, account_domain, forward_path,
           domain, destination, notify, orcpt, expires_at
    FROM {recipients} WHERE {allowed}
),
new_queue AS (
    INSERT INTO queue (id, message_id, accepted_at, account, account_domain, destination, status,
                       status_since, attempts, next_attempt_at, expires_at, look_at, gate,
                       gate_detail, lease, "trigger")
    SELECT id, message_id, accepted_at, account, account_domain, destination, 'queued',
           accepted_at, 0, accepted_at, expires_at, look_at, 'none', '', lease, 'accepted'
    FROM {recipients} WHERE {allowed}
),
new_open_counts AS (
    INSERT INTO open_counts (message_id, open_recipients)
    SELECT id, recipients FROM {messages} WHERE recipients > 1 AND {allowed}
),
new_content AS (
    INSERT INTO content (message_id, n, data)
    SELECT message_id, n, data FROM {content} WHERE {allowed}
)"""


WIDTH = len(MESSAGES) + len(RECIPIENTS) + len(CONTENT)
"""How many parameters `inserts` takes."""

# Leases in order and before all else; whoever takes one over deletes it and waits for us.
# A destination is only written when its bound is too high.
_ACCEPT = f"""
WITH alive AS (
    SELECT token FROM leases WHERE token = ANY($1::text[]) ORDER BY token FOR KEY SHARE
),
gate AS MATERIALIZED (SELECT count(*) = cardinality($1::text[]) AS is_open FROM alive),
{inserts(2, allowed="(SELECT is_open FROM gate)")},
due AS (
    INSERT INTO destinations AS d (destination, next_due_at)
    SELECT n.destination, n.next_due_at FROM {DUE.unnest("n", 2 + WIDTH)}
    LEFT JOIN destinations AS known USING (destination)
    WHERE (known.next_due_at IS NULL OR known.next_due_at > n.next_due_at)
        AND (SELECT is_open FROM gate)
    ORDER BY n.destination
    ON CONFLICT (destination) DO UPDATE SET
        next_due_at = least(d.next_due_at, excluded.next_due_at)
)
SELECT token FROM alive
"""

_PUT_PIECES = """
INSERT INTO content (message_id, n, data)
SELECT $1::text, $2::integer + piece.n - 1, piece.data
FROM unnest($3::bytea[]) WITH ORDINALITY AS piece (data, n)
"""


class Acceptance:
    """A message that is to be accepted; built once, so that it is the same when repeated."""

    def __init__(
        self,
        submission: Submission,
        now: datetime,
        account: str | None,
        lease: LeaseToken | None,
        entropy: Entropy,
    ) -> None:
        self.submission = submission
        self.lease = lease
        self.message: Message = build_message(submission, now, account)
        self.recipients: list[Recipient] = build_recipients(
            submission, now, entropy, leased=lease is not None
        )

    @property
    def octets(self) -> int:
        """Bytes of content."""
        return self.submission.content.size

    def accepted(self) -> Accepted:
        """Return what the caller gets."""
        if self.lease is None:
            return Accepted(id=self.message.id, jobs=())
        content = self.submission.content
        return Accepted(
            id=self.message.id,
            jobs=build_jobs(self.lease, self.message, self.recipients, content),
        )

    def message_row(self) -> Columns:
        """Return MESSAGES."""
        return *message_columns(self.message), len(self.recipients)

    def recipient_rows(self) -> Iterator[Columns]:
        """Yield RECIPIENTS."""
        account = self.message.account
        at, domain = stamp(self.message.accepted_at), domain_of(account)
        expires_at, look = stamp(self.submission.expires_at), stamp(look_at(self.submission))
        for each in self.recipients:
            yield (
                each.id,
                each.message_id,
                at,
                account,
                domain,
                each.forward_path,
                each.domain,
                each.destination,
                from_notify(each.notify),
                each.orcpt,
                expires_at,
                look,
                self.lease,
            )

    def content_rows(self) -> Iterator[Columns]:
        """Yield CONTENT."""
        for n, piece in enumerate(pieces(self.submission.content, PIECE)):
            yield self.message.id, n, piece


def insert_arrays(items: Sequence[Acceptance], *, with_content: bool = True) -> Arrays:
    """Return the parameters of `inserts`."""
    content = chain.from_iterable(item.content_rows() for item in items) if with_content else ()
    return [
        *MESSAGES.arrays(item.message_row() for item in items),
        *RECIPIENTS.arrays(chain.from_iterable(item.recipient_rows() for item in items)),
        *CONTENT.arrays(content),
    ]


def due_rows(items: Sequence[Acceptance]) -> list[tuple[str, int]]:
    """Return when each destination has something due: what is not leased is so at once."""
    due: dict[str, int] = {}
    for item in items:
        if item.lease is None:
            at = stamp(item.message.accepted_at)
            for destination in item.submission.destinations:
                due[destination] = min(at, due.get(destination, at))
    return sorted(due.items())


def accept_parameters(items: Sequence[Acceptance], *, with_content: bool = True) -> Arrays:
    """Return the parameters of the statement that accepts."""
    leases = sorted({item.lease for item in items if item.lease is not None})
    return [
        leases,
        *insert_arrays(items, with_content=with_content),
        *DUE.arrays(due_rows(items)),
    ]


async def accept(lane: Lane, items: Sequence[Acceptance]) -> list[Accepted | Exception]:
    """Accept all whose lease is on record, in one transaction."""
    alive = {row[0] for row in await lane.rows(_ACCEPT, *accept_parameters(items))}
    held = [item for item in items if item.lease is None or item.lease in alive]
    if held and len(held) < len(items):
        # Rare: nothing has been inserted, for a lease of somebody's was gone.
        outcomes = iter(await accept(lane, held))
        kept = {item.message.id for item in held}
        return [next(outcomes) if i.message.id in kept else _refusal(i) for i in items]
    return [item.accepted() if held else _refusal(item) for item in items]


async def accept_large(transaction: Transaction, item: Acceptance) -> Accepted:
    """Accept one message whose content is sent piece by piece. Raises LeaseLost."""
    gathered: list[bytes] = []
    sent = 0
    for piece in pieces(item.submission.content, PIECE):
        gathered.append(piece)
        if len(gathered) == _AT_ONCE:
            await transaction.execute(_PUT_PIECES, item.message.id, sent, gathered)
            sent += len(gathered)
            gathered.clear()
    if gathered:
        await transaction.execute(_PUT_PIECES, item.message.id, sent, gathered)
    await accept_without_content(transaction, item)
    return item.accepted()


async def accept_without_content(transaction: Transaction, item: Acceptance) -> None:
    """Insert all of a message but its content. Raises LeaseLost."""
    alive = await transaction.rows(_ACCEPT, *accept_parameters([item], with_content=False))
    if item.lease is not None and not alive:
        raise _refusal(item)


def _refusal(item: Acceptance) -> LeaseLost:
    return LeaseLost(f"lease {item.lease} is not on record")
