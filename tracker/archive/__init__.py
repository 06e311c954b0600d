"""A ledger as rows that fit into any backend, so that all of it can be moved."""

from tracker.archive.marks import CALLED_OFF, MOVED_BY_ANOTHER, Mark, Part, moved_on, refusal
from tracker.archive.pieces import Piece, StoredPiece, cut
from tracker.archive.protocol import (
    SPAN_LIMIT,
    Archive,
    Counts,
    DayCount,
    Holdings,
    Rows,
    end_of_span,
)
from tracker.archive.rows import (
    AttemptRow,
    EventRow,
    MessageRow,
    RecipientRow,
    Record,
    assemble,
    columns,
)
from tracker.archive.tables import DAYS, TABLES, Table

__all__ = [
    "CALLED_OFF",
    "DAYS",
    "MOVED_BY_ANOTHER",
    "SPAN_LIMIT",
    "TABLES",
    "Archive",
    "AttemptRow",
    "Counts",
    "DayCount",
    "EventRow",
    "Holdings",
    "Mark",
    "MessageRow",
    "Part",
    "Piece",
    "RecipientRow",
    "Record",
    "Rows",
    "StoredPiece",
    "Table",
    "assemble",
    "columns",
    "cut",
    "end_of_span",
    "moved_on",
    "refusal",
]
