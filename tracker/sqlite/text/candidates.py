"""Where the index says that something may be: blocks of recipients, by age."""

from collections.abc import Sequence

from tracker.sql.ranges import Range
from tracker.sql.rows import Columns
from tracker.sql.trigrams import RAREST, trigrams_of
from tracker.sql.values import json_list
from tracker.sqlite.readers import Reader
from tracker.sqlite.text.build import LATE, LATE_BITS

_FREQUENCIES = """
SELECT w.value, coalesce(sum(t.blocks), 0) FROM json_each(?) AS w
LEFT JOIN trigrams AS t ON t.text = w.value GROUP BY 1 ORDER BY 2, 1 LIMIT ?
"""


class Candidates:
    """The blocks that may have what is looked for, in one snapshot of the index."""

    def __init__(self, reader: Reader, needle: str, until: float) -> None:
        """`until` is when the time for looking is over, in seconds of the monotonic clock."""
        self._reader = reader
        self._needle = needle.lower()
        self._until = until
        self._match = ""

    async def state(self) -> tuple[int, str]:
        """Return the rowid of the last attempt that is indexed, and the last recipient's id."""
        row = await self._reader.row(
            "SELECT attempts, coalesce((SELECT max(last) FROM blocks), '') FROM state"
        )
        return (row[0], row[1]) if row else (0, "")

    async def parts(self, low: str, high: str) -> Sequence[Columns]:
        """Return the parts that have recipients between two ids, and their ends, by age."""
        return await self._reader.rows(
            "SELECT n, first, last FROM parts WHERE last >= ? AND first <= ? ORDER BY n",
            (low, high),
        )

    async def blocks(self, part: int, low: str, high: str) -> list[Range]:
        """Return the first and the last id of each block of a part that may have it, by age.

        Raises OutOfTime.
        """
        if not self._match:
            trigrams = json_list(sorted(trigrams_of(self._needle)))
            rows = await self._reader.rows(_FREQUENCIES, (trigrams, RAREST))
            self._match = " AND ".join('"' + row[0].replace('"', '""') + '"' for row in rows)
        found = await self._reader.rows(
            "SELECT b.first, b.last FROM blocks AS b WHERE b.n IN ("
            f"SELECT iif(rowid < {LATE}, rowid, (rowid - {LATE}) >> {LATE_BITS})"
            f" FROM words_{part} WHERE words_{part} MATCH ?"
            ") AND b.last >= ? AND b.first <= ? ORDER BY b.n",
            (self._match, low, high),
            until=self._until,
        )
        return [(first, last) for first, last in found]
