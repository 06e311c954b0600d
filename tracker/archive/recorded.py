"""Marks of transfers, as every ledger has them on record."""

from collections.abc import Iterable

from tracker.archive import Mark, columns, refusal
from tracker.sql.rows import Columns
from tracker.store import StoreError

MARKS = f"SELECT {columns(*Mark._fields)} FROM transfers ORDER BY began_at, id"


def check_marks(rows: Iterable[Columns]) -> None:
    """Raise StoreError when rows of MARKS say that no relay may work with this ledger."""
    for row in rows:
        why = refusal(Mark(*row))
        if why is not None:
            raise StoreError(why)
