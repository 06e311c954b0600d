"""Versions of timelines: both ledgers select the same columns in the same order."""

import hashlib
from collections.abc import Iterable
from typing import Final

from tracker import states
from tracker.model import MessageId
from tracker.sql.rows import Columns
from tracker.store.watching import Version

_OPEN: Final = ", ".join(f"'{status}'" for status in sorted(states.OPEN))
_PRIME: Final = 1_000_003
"""Sums of times modulo this fit into 64 bits, whatever the number of recipients."""
_PROBE: Final = "CASE WHEN NOT d.reachable THEN coalesce(d.next_probe_at, 0) ELSE 0 END"


def totals(final: str, queued: str) -> str:
    """Return the columns that sum up the recipients of one message.

    `final` and `queued` are the aliases of where their state is once they are final and before;
    `d` is the destination of each.
    """
    status, since, attempts = (
        f"coalesce({queued}.{name}, {final}.{name})"
        for name in ("status", "status_since", "attempts")
    )
    return (
        f"count(*), count(CASE WHEN {status} IN ({_OPEN}) THEN 1 END),"
        f" sum({since} % {_PRIME}), sum({attempts}), count({queued}.lease), max({queued}.gate),"
        f" sum(coalesce({queued}.next_attempt_at, 0) % {_PRIME}), sum({_PROBE} % {_PRIME})"
    )


def read_versions(rows: Iterable[Columns]) -> dict[MessageId, Version]:
    """Build versions of rows: a message's id, `totals`, and how many events it has."""
    return {
        MessageId(row[0]): Version(text=_digest(row[1:]), is_final=row[2] == 0)
        for row in rows
        if row[1]
    }


def _digest(values: Columns) -> str:
    text = "\x00".join("" if value is None else str(value) for value in values)
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()
