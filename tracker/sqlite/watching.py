"""Versions of timelines (see `tracker.store.Watching`)."""

from collections.abc import Collection, Mapping

from tracker.model import MessageId
from tracker.sql.values import json_list, well_formed
from tracker.sql.versions import read_versions, totals
from tracker.sqlite.part import Part
from tracker.store.watching import Version

_VERSIONS = f"""
SELECT w.value, {totals("r", "r")},
       (SELECT count(*) FROM events AS e WHERE e.message_id = w.value)
FROM json_each(?) AS w
CROSS JOIN recipients AS r ON r.message_id = w.value
LEFT JOIN destinations AS d ON d.destination = r.destination
GROUP BY w.value
"""


class Watching(Part):
    """What open pages are kept up to date by."""

    async def versions(self, messages: Collection[MessageId]) -> Mapping[MessageId, Version]:
        if not messages:
            return {}
        ids = json_list([well_formed(each) for each in messages])
        async with self._readers.one() as reader:
            return read_versions(await reader.rows(_VERSIONS, (ids,)))
