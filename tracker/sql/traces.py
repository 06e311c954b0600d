"""Looking through the texts of tables whose columns the database itself names.

A column or a table that is added later is looked through as well, without anybody having to
think of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tracker.kept import ERASED
from tracker.sql.ages import stripped
from tracker.traces import Address, Part, Row, Trace, erased_message

MAIL: Final = frozenset(
    {"messages", "recipients", "attempts", "events", "content", "queue", "results", "open_counts"}
)
"""Tables that are looked through message by message."""

ASIDE: Final = frozenset(
    {
        *("migrations", "pings", "transfers", "leases", "accounts", "sessions"),
        *("text_state", "text_parts", "text_blocks", "text_words", "text_segments", "text_open"),
        "text_to_forget",
    }
)
"""Tables that have nobody's mail; an account is removed, and its log-ins with it; what the index of
text has is made anew."""


class Change(NamedTuple):
    """One row that changes, of a message."""

    message_id: str
    table: str
    key: Mapping[str, Any]
    columns: Mapping[str, str]


class Unit(NamedTuple):
    """One message with the texts of all that belongs to it."""

    message: Row
    recipients: Sequence[Row]
    attempts: Sequence[Row]
    others: Sequence[tuple[str, Row]]
    """Rows of further tables, with the table's name."""

    def rows(self) -> Iterator[Row]:
        """Yield all rows."""
        yield self.message
        yield from self.recipients
        yield from self.attempts
        yield from (row for _, row in self.others)


KEYS: Final = {
    "messages": ("id",),
    "recipients": ("id",),
    "attempts": ("recipient_id", "id"),
    "events": ("message_id", "id"),
    "queue": ("id",),
    "results": ("recipient_id",),
}


def trace_in(unit: Unit, address: Address) -> Trace | None:
    """Return what an address is to a message; None when it is nothing."""
    if address.is_sender(unit.message):
        return Trace(unit.message["id"], Part.SENT)
    if any(address.is_recipient(row) for row in unit.recipients):
        return Trace(unit.message["id"], Part.RECEIVED)
    if any(address.is_in(text) for row in unit.rows() for text in row.values()):
        return Trace(unit.message["id"], Part.MENTIONED)
    return None


def changes_of(unit: Unit, address: Address, by: str) -> Iterator[Change]:
    """Yield what changes so that an address is no longer in a message."""
    if trace_in(unit, address) is None:
        return
    yield from _change(unit, "messages", unit.message, erased_message(address, unit.message, by))
    sent = address.is_sender(unit.message)
    its = {row["id"] for row in unit.recipients if sent or address.is_recipient(row)}
    for row in unit.recipients:
        yield from _change(unit, "recipients", row, address.changes(row, by))
    for row in unit.attempts:
        now = {**row, **_without_words(row)} if row["recipient_id"] in its else row
        yield from _change(unit, "attempts", row, {**_texts(now), **address.changes(now, by)})
    for table, row in unit.others:
        yield from _change(unit, table, row, address.changes(row, by))


def _texts(row: Row) -> dict[str, str]:
    return {name: text for name, text in row.items() if isinstance(text, str)}


def _without_words(row: Row) -> dict[str, str]:
    text, reply, tries = stripped(row["reply"], row["tries"], ERASED)
    wordless = {"reply_text": text, "reply": reply, "tries": tries}
    return {name: words for name, words in wordless.items() if words is not None}


def _change(unit: Unit, table: str, row: Row, columns: Mapping[str, str]) -> Iterator[Change]:
    changed = {name: text for name, text in columns.items() if row[name] != text}
    if changed:
        yield Change(unit.message["id"], table, {name: row[name] for name in KEYS[table]}, changed)
