"""What a backend does so that a ledger can be moved into or out of it."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from tracker.archive.marks import Mark
from tracker.archive.pieces import Piece
from tracker.archive.rows import Record
from tracker.archive.tables import Table

Rows = Sequence[tuple[Any, ...]]


class Holdings(NamedTuple):
    """How many of each a ledger holds."""

    leases: int
    leased: int
    """Recipients that somebody holds."""
    messages: int
    days: int
    destinations: int
    accounts: int


class DayCount(NamedTuple):
    """Recipients accepted on a UTC day, counted in days since 1970, that have one status."""

    day: int
    status: str
    recipients: int


class Counts(NamedTuple):
    """What a ledger's tables hold, each counted by itself."""

    messages: int
    attempts: int
    events: int
    octets: int
    """Of content."""
    recipients: tuple[DayCount, ...]
    """By day and status."""


class Archive(Protocol):
    """A ledger that is at rest. Every call raises StoreUnavailable when the database is away.

    Spans are ranges of message ids, beginning behind one and ending with another, small enough
    to be held in memory without their content.
    """

    @property
    def place(self) -> str:
        """Where it is, without any password."""
        ...

    async def marks(self) -> Sequence[Mark]:
        """Return the marks of all transfers that it was part of, oldest first."""
        ...

    async def enter(self, mark: Mark, check: Callable[[Holdings], None]) -> None:
        """Put a mark on the ledger, unless `check` raises at what it holds then."""
        ...

    async def end(self, transfer: str, at: int) -> None:
        """Note that a transfer is complete. Raises StoreError when there is no mark of it."""
        ...

    async def forget(self, transfer: str) -> None:
        """Take a mark away."""
        ...

    def frozen(self) -> AbstractAsyncContextManager[None]:
        """Keep everybody else from changing mail while the context lasts."""
        ...

    async def holdings(self) -> Holdings:
        """Return what is on record."""
        ...

    async def counts(self) -> Counts:
        """Count what is on record, table by table."""
        ...

    async def span(self, after: str) -> str | None:
        """Return the last id of the span that begins behind `after`; None at the end."""
        ...

    async def read(self, after: str, last: str) -> Sequence[Record]:
        """Return the messages of a span, by id."""
        ...

    def pieces(self, after: str, last: str) -> AsyncGenerator[Piece, None]:
        """Yield the content of a span's messages that have any, by id, piece by piece.

        Nothing else may be asked until it has ended or has been closed; so it is with `rows`.
        """
        ...

    def rows(self, table: Table) -> AsyncGenerator[Rows, None]:
        """Yield the rows of a table in its order, some at a time."""
        ...

    async def write(
        self, records: Sequence[Record], pieces: AsyncIterable[Piece], mark: Mark
    ) -> Mark:
        """Add messages with their content and move the mark on, in one transaction.

        Returns the mark as it is then. Raises StoreError when it is not `mark` any more.
        """
        ...

    async def replace(self, table: Table, rows: AsyncIterable[Rows]) -> None:
        """Put `rows` in the place of whatever a table holds, in one transaction."""
        ...

    async def arrange(self) -> None:
        """Do what makes a ledger fast that has been filled just now."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


_SPAN_MESSAGES = 500
_SPAN_RECIPIENTS = 1000

SPAN_LIMIT = _SPAN_MESSAGES
"""Messages in a span at most."""


def end_of_span(messages: Sequence[Sequence[Any]]) -> str | None:
    """Return the last id of the span that begins with `messages`: their ids and recipients.

    It has at least one message, and as many more as keep it within a thousand recipients.
    """
    last, recipients = None, 0
    for message_id, count in messages[:_SPAN_MESSAGES]:
        recipients += count
        if last is not None and recipients > _SPAN_RECIPIENTS:
            break
        last = message_id
    return last
