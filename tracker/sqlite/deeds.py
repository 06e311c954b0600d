"""`Acts`, `Suppressions`, `Errands` and `RefusedContent` in a file."""

from collections.abc import Collection, Sequence

from tracker import states
from tracker.mailbox import comparable
from tracker.model import RecipientId, Scope
from tracker.sql.conditions import scope_condition
from tracker.sql.deeds import Deeds
from tracker.sql.shown import read_row
from tracker.sql.values import json_list, well_formed
from tracker.sqlite.looking import ROWS
from tracker.sqlite.scripts import Scripts
from tracker.views import Row

_ARE_OPEN = " UNION ALL ".join(
    f"SELECT r.id, r.forward_path FROM recipients AS r WHERE r.status = '{status}'"
    " AND r.status <> 'delivered' AND {scope}"
    " AND r.domain IN (SELECT value FROM json_each(?))"
    for status in sorted(states.OPEN)
)


class SqliteDeeds(Deeds, Scripts):
    """Acts, the list of suppressed addresses, and errands."""

    _STILL_OPEN = (
        "SELECT id FROM (SELECT id, id AS message_id, open_recipients FROM messages)"
        " WHERE {among} AND open_recipients > 0"
    )

    async def chosen(self, recipients: Collection[RecipientId], scope: Scope) -> Sequence[Row]:
        within = scope_condition(scope)
        ids = json_list([well_formed(each) for each in recipients])
        async with self._readers.snapshot() as reader:
            found = await reader.rows(
                "SELECT r.id FROM recipients AS r WHERE r.id IN (SELECT value FROM json_each(?))"
                f" AND {within.sql}",
                (ids, *within.parameters),
            )
            rows = await reader.rows(ROWS, (json_list([row[0] for row in found]),))
        return [read_row(row) for row in rows]

    async def waiting_for(
        self, addresses: Collection[str], scope: Scope, limit: int
    ) -> Sequence[RecipientId]:
        within = scope_condition(scope)
        wanted = {comparable(address) for address in addresses}
        domains = json_list(sorted({address.rpartition("@")[2] for address in wanted}))
        sql = _ARE_OPEN.format(scope=within.sql)
        async with self._readers.one() as reader:
            rows = await reader.rows(
                f"SELECT id FROM ({sql}) WHERE comparable(forward_path) IN"
                " (SELECT value FROM json_each(?)) LIMIT ?",
                (
                    *(*within.parameters, domains) * len(states.OPEN),
                    json_list(sorted(wanted)),
                    limit,
                ),
            )
        return [RecipientId(row[0]) for row in rows]
