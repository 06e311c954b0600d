"""The octets of several messages in one look."""

from collections.abc import Collection, Mapping

from tracker.model import MessageId
from tracker.sql.rows import Columns
from tracker.sql.values import json_list
from tracker.sql.whole import whole_only
from tracker.sqlite.readers import Readers

WANTED = """
SELECT m.id, m.size, c.n, c.data FROM json_each(?) AS wanted
CROSS JOIN messages AS m ON m.id = wanted.value
CROSS JOIN content AS c ON c.message_id = wanted.value
"""


async def read_contents(
    readers: Readers, messages: Collection[MessageId]
) -> Mapping[MessageId, bytes]:
    """Return the octets of each message; those that are gone are left out."""
    async with readers.one() as reader:
        rows: list[Columns] = await reader.rows(WANTED, (json_list(list(messages)),))
    return whole_only(rows)
