"""Versions of timelines (see `tracker.store.Watching`)."""

from collections.abc import Collection, Mapping

from tracker.model import MessageId
from tracker.postgres.part import Part
from tracker.postgres.query import SETTINGS, look_up
from tracker.sql.values import first_id, last_id, moment, well_formed
from tracker.sql.versions import read_versions, totals
from tracker.store.watching import Version

_ACCEPTED = """
SELECT id, accepted_at FROM messages
WHERE id = ANY($1::text[]) AND id BETWEEN $2 AND $3
"""

_RESULT = look_up("results", "recipient_id = r.id AND recipient_id BETWEEN w.first AND w.last")

# For each message a walk through the day of its recipients: their ids are made when it is accepted.
_VERSIONS = f"""
SELECT w.message_id, t.*, (SELECT count(*) FROM events AS e WHERE e.message_id = w.message_id)
FROM unnest($1::text[], $2::text[], $3::text[]) AS w (message_id, first, last)
CROSS JOIN LATERAL (
    SELECT {totals("s", "q")}
    FROM recipients AS r
    LEFT JOIN {look_up("queue", "id = r.id")} AS q ON TRUE
    LEFT JOIN {_RESULT} AS s ON TRUE
    LEFT JOIN destinations AS d ON d.destination = r.destination
    WHERE r.message_id = w.message_id AND r.id BETWEEN w.first AND w.last
) AS t
"""


class Watching(Part):
    """What open pages are kept up to date by."""

    async def versions(self, messages: Collection[MessageId]) -> Mapping[MessageId, Version]:
        ids = [well_formed(each) for each in messages]
        if not ids:
            return {}
        async with self._connections.reading() as reader:
            await reader.execute(SETTINGS)
            known = await reader.rows(_ACCEPTED, ids, min(ids), max(ids))
            if not known:
                return {}
            bounds = [(row[0], moment(row[1])) for row in known]
            rows = await reader.rows(
                _VERSIONS,
                [identifier for identifier, _ in bounds],
                [first_id(at) for _, at in bounds],
                [last_id(at) for _, at in bounds],
            )
        return read_versions(rows)
