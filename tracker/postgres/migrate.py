"""Migrations of a PostgreSQL ledger: each in one transaction, whichever node comes first.

Mail goes on meanwhile (see migrations/README.md). A statement that waits for a lock makes whoever
comes later wait too, so it gives up soon and the migration begins anew.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tracker.postgres.explain import explained
from tracker.postgres.fitness import check_fit
from tracker.sql import migrations
from tracker.sql.migrations import Migration
from tracker.store import StoreError, StoreUnavailable

_TURN = 0x53545243
"""The key of the lock under which one node migrates ("STRC")."""

_CONNECT_WITHIN = 10.0
"""Seconds."""

_LOCK_TIMEOUT = "500ms"
"""How long a migration may keep mail waiting behind it while it waits for a lock itself."""

_TRIES = 60
_PAUSE = 0.5
"""Seconds, at most, between two tries; long enough for those who waited to pass."""

_STATEMENT = """
CREATE TABLE IF NOT EXISTS migrations (
    number    integer PRIMARY KEY,
    name      text NOT NULL,
    checksum  text NOT NULL
)
"""

_FACTS = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       current_setting('server_encoding')
"""

# What belongs to an extension is nobody's data.
_TABLES = """
SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p')
  AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
  AND NOT c.relispartition
GROUP BY c.relname
"""

_COLUMNS = ["number", "name", "checksum"]


def shipped() -> tuple[Migration, ...]:
    """Return the migrations of this version, in order."""
    return migrations.shipped(__package__)


async def migrate(url: str, wanted: Sequence[Migration] | None = None) -> list[str]:
    """Bring the ledger in the database at `url` up to date; make it when the database is empty.

    Returns the names of the migrations that were applied here: of nodes that start together one
    applies them, the others wait. Raises SchemaTooNew when the ledger has one that is not among
    `wanted` (by default those shipped), StoreError when one differs from what was applied, when
    the database is another program's, does not exist or may not be changed, StoreUnavailable when
    it cannot be reached.
    """
    async with _connected(url) as connection:
        return await _apply(connection, shipped() if wanted is None else wanted)


async def exists(url: str) -> bool:
    """Say whether there is a ledger in the database at `url`, of whatever version.

    Raises StoreError when the database is another program's or does not exist, StoreUnavailable
    when it cannot be reached.
    """
    async with _connected(url) as connection:
        return bool(await _applied(connection))


async def lacking(url: str) -> list[str] | None:
    """Return the names of the migrations that the ledger does not have; None when there is none.

    Raises what `migrate` does; the ledger stays as it is.
    """
    async with _connected(url) as connection:
        applied = await _applied(connection)
        return [each.name for each in migrations.missing(applied, shipped())] if applied else None


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    """Lend a connection of its own; what goes wrong meanwhile is said in our words."""
    try:
        connection = await asyncpg.connect(
            url, timeout=_CONNECT_WITHIN, statement_cache_size=0, target_session_attrs="read-write"
        )
        try:
            yield connection
        finally:
            await _close(connection)
    except (asyncpg.PostgresError, asyncpg.InternalClientError, OSError) as error:
        raise explained(error, url) from error
    except (asyncpg.InterfaceError, ValueError) as error:
        raise StoreError(f"store.url is not usable: {error}") from error


async def _apply(connection: Any, wanted: Sequence[Migration]) -> list[str]:
    # Nearly always there is nothing to do, and no need to wait for anybody.
    todo = migrations.missing(await _applied(connection), wanted)
    if todo:  # before there are tables in a database that is of no use for a ledger
        check_fit(*await connection.fetchrow(_FACTS))
    return [each.name for each in todo if await _apply_patiently(connection, each, wanted)]


async def _apply_patiently(
    connection: Any, migration: Migration, wanted: Sequence[Migration]
) -> bool:
    for _ in range(_TRIES):
        try:
            return await _apply_one(connection, migration, wanted)
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(_PAUSE * (0.5 + random.random() / 2))  # noqa: S311
    raise StoreUnavailable(
        f"migration {migration.name} got no lock in {_TRIES} tries; somebody holds one for long "
        "(see pg_stat_activity), e.g. a dump or a transaction that was left open"
    )


async def _apply_one(connection: Any, migration: Migration, wanted: Sequence[Migration]) -> bool:
    """Apply it, unless another node has done so meanwhile; say whether it was us."""
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        await connection.execute(f"SELECT pg_advisory_xact_lock({_TURN})")
        if migration not in migrations.missing(await _applied(connection), wanted):
            return False
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        await connection.execute(_STATEMENT)
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO migrations (number, name, checksum) VALUES ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.checksum,
        )
    return True


async def _applied(connection: Any) -> dict[int, str]:
    """Return the checksums of what was applied. Raises StoreError when the tables are not ours."""
    tables: dict[str, list[str]] = dict(await connection.fetch(_TABLES))
    if not tables:
        return {}
    if tables.get("migrations") != _COLUMNS:
        raise StoreError(
            f"the database has tables of another program ({', '.join(sorted(tables)[:3])}); "
            "give Sendtrace a database of its own and name it in store.url"
        )
    return dict(await connection.fetch("SELECT number, checksum FROM migrations"))


async def _close(connection: Any) -> None:
    try:
        await connection.close(timeout=1)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
