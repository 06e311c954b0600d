"""`Acts`, `Suppressions`, `Errands` and `RefusedContent` on a server."""

from collections.abc import Collection, Sequence

from tracker.mailbox import comparable
from tracker.model import RecipientId, Scope
from tracker.postgres.query import SETTINGS, numbered
from tracker.postgres.scripts import Scripts
from tracker.postgres.shown import ROWS
from tracker.sql.conditions import Statement, scope_condition
from tracker.sql.deeds import Deeds
from tracker.sql.shown import read_row
from tracker.sql.values import well_formed
from tracker.views import Row

_CHOSEN = "SELECT r.id, r.message_id FROM recipients AS r WHERE r.id = ANY (?::text[]) AND "

_AT_ONCE = 1000
"""Open recipients whose addresses are compared here, not by the server: it knows no IDNA."""


class PostgresDeeds(Deeds, Scripts):
    """Acts, the list of suppressed addresses, and errands."""

    _STILL_OPEN = "SELECT message_id FROM open_counts WHERE {among}"

    async def chosen(self, recipients: Collection[RecipientId], scope: Scope) -> Sequence[Row]:
        within = scope_condition(scope)
        ids = [well_formed(each) for each in recipients]
        sql, parameters = numbered(f"{_CHOSEN}{within.sql}", (ids, *within.parameters))
        async with self._connections.reading() as reader:
            await reader.execute(SETTINGS)
            found = await reader.rows(sql, *parameters)
            if not found:
                return []
            in_scope, messages = zip(*found, strict=True)
            rows = await reader.rows(
                ROWS, in_scope, min(in_scope), max(in_scope), min(messages), max(messages)
            )
        return sorted(map(read_row, rows), key=lambda row: row.recipient.id, reverse=True)

    async def waiting_for(
        self, addresses: Collection[str], scope: Scope, limit: int
    ) -> Sequence[RecipientId]:
        wanted = {comparable(address) for address in addresses}
        domains = sorted({address.rpartition("@")[2] for address in wanted})
        within = scope_condition(scope)
        found: list[RecipientId] = []
        after = ""
        while len(found) < limit:
            sql = (
                "SELECT r.id, h.forward_path FROM queue AS r JOIN recipients AS h ON h.id = r.id"
                " WHERE r.id > ? AND h.domain = ANY (?::text[])"
                f" AND {within.sql} ORDER BY r.id LIMIT {_AT_ONCE}"
            )
            rows = await self._look(Statement(sql, (after, domains, *within.parameters)))
            found += [RecipientId(row[0]) for row in rows if comparable(row[1]) in wanted]
            if len(rows) < _AT_ONCE:
                break
            after = rows[-1][0]
        return found[:limit]
