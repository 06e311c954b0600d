"""Mail whose next try is farther away than it can be (see `tracker.store.Astray`)."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from tracker.model import Gate
from tracker.sql.values import json_list, stamp
from tracker.sqlite.part import Part
from tracker.sqlite.schedule import lower_next_due

_IS_ASTRAY = (
    f"r.lease IS NULL AND r.next_attempt_at IS NOT NULL AND r.next_attempt_at > ?1"
    f" AND r.gate <> '{Gate.RATE}'"
)

# A step in the index for each destination, however many wait there.
_FIND = f"""
SELECT r.id FROM destinations AS d
CROSS JOIN recipients AS r INDEXED BY recipients_waiting ON r.destination = d.destination
WHERE {_IS_ASTRAY} LIMIT ?2
"""

_FIND_PROBES = "SELECT destination FROM destinations WHERE NOT reachable AND next_probe_at > ?1"

_BRING_BACK = f"""
UPDATE recipients AS r SET next_attempt_at = ?2
WHERE r.id IN (SELECT value FROM json_each(?3)) AND {_IS_ASTRAY} RETURNING destination
"""

_PROBE = "UPDATE destinations SET next_probe_at = ?2 WHERE destination = ?3 AND next_probe_at > ?1"


class Astray(Part):
    """What a clock that was ahead has left behind."""

    async def bring_back(self, now: datetime, beyond: datetime, limit: int) -> int:
        at, after = stamp(now), stamp(beyond)
        async with self._readers.one() as reader:
            ids = [row[0] for row in await reader.rows(_FIND, (after, limit))]
            probes = [row[0] for row in await reader.rows(_FIND_PROBES, (after,))]
        if not (ids or probes):
            return 0
        return await self._writer.run(
            lambda connection: _bring_back(connection, ids, probes, at, after)
        )


def _bring_back(
    connection: sqlite3.Connection, ids: Sequence[str], probes: Sequence[str], at: int, after: int
) -> int:
    rows = connection.execute(_BRING_BACK, (after, at, json_list(list(ids)))).fetchall()
    probed = connection.executemany(_PROBE, [(after, at, name) for name in probes]).rowcount
    lower_next_due(connection, dict.fromkeys([*(row[0] for row in rows), *probes], at))
    return len(rows) + max(0, probed)
