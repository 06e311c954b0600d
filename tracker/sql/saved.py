"""`Saved` over any ledger that runs scripts: searches under a name, the last ones, habits."""

from collections.abc import Sequence
from datetime import datetime

from tracker.model import Audience, Habits, SavedSearch
from tracker.sql.conditions import Statement
from tracker.sql.rows import Columns
from tracker.sql.script import Script, Scripted
from tracker.sql.values import moment, stamp, well_formed
from tracker.store.saved import MOST_SAVED, RECENT

_COLUMNS = "id, owner, audience, name, text, created_at"

_SAVE = f"""
INSERT INTO saved_searches ({_COLUMNS}, domain)
SELECT v.* FROM (VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
    CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT))) AS v
WHERE (SELECT count(*) FROM saved_searches WHERE owner = ?) < ?
ON CONFLICT (owner, name) DO NOTHING RETURNING id
"""

_SAVED = f"""
SELECT {_COLUMNS} FROM saved_searches
WHERE owner = ? OR audience = 'all' OR (audience = 'domain' AND domain = ?)
ORDER BY lower(name), id
"""

_CHANGE = """
UPDATE saved_searches SET name = ?, audience = ?
WHERE id = ? AND owner = ? AND NOT EXISTS (
    SELECT 1 FROM saved_searches AS other WHERE other.owner = ? AND other.name = ? AND other.id <> ?
) RETURNING id
"""

_NOTE = """
INSERT INTO recent_searches (owner, text, at) VALUES (?, ?, ?)
ON CONFLICT (owner, text) DO UPDATE SET at = excluded.at
"""

_FORGET = """
DELETE FROM recent_searches WHERE owner = ? AND text NOT IN (
    SELECT text FROM recent_searches WHERE owner = ? ORDER BY at DESC, text LIMIT ?
)
"""

_RECENT = "SELECT text FROM recent_searches WHERE owner = ? ORDER BY at DESC, text LIMIT ?"

_KEEP = """
INSERT INTO habits (owner, outcome, zone, keys) VALUES (?, ?, ?, ?)
ON CONFLICT (owner) DO UPDATE
SET outcome = excluded.outcome, zone = excluded.zone, keys = excluded.keys
"""

OF_AN_ACCOUNT = ("saved_searches", "recent_searches", "habits")
"""Tables whose rows go with the account, by their column `owner`."""


def save(search: SavedSearch) -> Statement:
    """Add a search unless its owner has one of that name, or too many."""
    owner = well_formed(search.owner)
    return Statement(
        _SAVE,
        (
            search.id,
            owner,
            search.audience.value,
            well_formed(search.name),
            well_formed(search.text),
            stamp(search.created_at),
            well_formed(search.domain),
            owner,
            MOST_SAVED,
        ),
    )


def saved(address: str) -> Statement:
    """Every search that an account sees."""
    return Statement(_SAVED, (well_formed(address), well_formed(address.rpartition("@")[2])))


def change(identifier: str, owner: str, name: str, audience: Audience) -> Statement:
    """Rename and share."""
    one, whose, called = well_formed(identifier), well_formed(owner), well_formed(name)
    return Statement(_CHANGE, (called, audience.value, one, whose, whose, called, one))


def remove(identifier: str, owner: str) -> Statement:
    """Remove one."""
    sql = "DELETE FROM saved_searches WHERE id = ? AND owner = ? RETURNING id"
    return Statement(sql, (well_formed(identifier), well_formed(owner)))


def note(owner: str, text: str, now: datetime) -> Script[None]:
    """Add to the last ones, and drop what is not among them any more."""
    whose = well_formed(owner)
    yield Statement(_NOTE, (whose, well_formed(text), stamp(now)))
    yield Statement(_FORGET, (whose, whose, RECENT))


def recent(owner: str) -> Statement:
    """The texts of the last ones."""
    return Statement(_RECENT, (well_formed(owner), RECENT))


def habits_of(owner: str) -> Statement:
    """What somebody chose last."""
    sql = "SELECT outcome, zone, keys FROM habits WHERE owner = ?"
    return Statement(sql, (well_formed(owner),))


def keep(owner: str, habits: Habits) -> Statement:
    """Put other habits in their place."""
    keys = "on" if habits.has_keys else "off"
    chosen = (well_formed(habits.outcome), well_formed(habits.zone), keys)
    return Statement(_KEEP, (well_formed(owner), *chosen))


def read_saved(row: Columns) -> SavedSearch:
    """Build a search from its columns."""
    identifier, owner, audience, name, text, created_at = row
    return SavedSearch(
        id=identifier,
        owner=owner,
        audience=Audience(audience),
        name=name,
        text=text,
        created_at=moment(created_at),
    )


def read_habits(row: Columns) -> Habits:
    """Build habits from their columns."""
    outcome, zone, keys = row
    return Habits(outcome=outcome, zone=zone, has_keys=keys == "on")


class Saving(Scripted):
    """Searches under a name, the last ones, and habits."""

    async def save_search(self, search: SavedSearch) -> bool:
        return await self._apply(save(search)) == 1

    async def saved_searches(self, address: str) -> Sequence[SavedSearch]:
        return [read_saved(row) for row in await self._look(saved(address))]

    async def change_search(
        self, identifier: str, owner: str, *, name: str, audience: Audience
    ) -> bool:
        return await self._apply(change(identifier, owner, name, audience)) == 1

    async def remove_search(self, identifier: str, owner: str) -> bool:
        return await self._apply(remove(identifier, owner)) == 1

    async def note_search(self, owner: str, text: str, now: datetime) -> None:
        await self._run(lambda: note(owner, text, now))

    async def recent_searches(self, owner: str) -> Sequence[str]:
        return [row[0] for row in await self._look(recent(owner))]

    async def habits(self, owner: str) -> Habits:
        rows = await self._look(habits_of(owner))
        return read_habits(rows[0]) if rows else Habits()

    async def keep_habits(self, owner: str, habits: Habits) -> None:
        await self._apply(keep(owner, habits))
