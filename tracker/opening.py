"""Opening the ledger that the settings name, whichever database it is in.

Only here the backend is chosen, and it is imported when it is needed: the driver of a database
that is not used costs every process memory and every command time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.settings import StoreSettings
from tracker.archive import Archive
from tracker.store import Ledger


def prepare_process(settings: StoreSettings) -> None:
    """Set up a process that moves mail for the ledger's library, before it opens anything."""
    if not settings.is_postgresql:
        from tracker.sqlite.library import stop_counting_memory

        stop_counting_memory()


async def open_ledger(settings: StoreSettings) -> Ledger:
    """Open the ledger; make it, or bring it to this version's schema, first.

    Raises SchemaTooNew, StoreUnavailable, StoreError.
    """
    if settings.is_postgresql:
        from tracker import postgres

        return await postgres.open_ledger(
            settings.postgresql_url(),
            listen_url=settings.postgresql_listen_url(),
            pooler=settings.pooler,
        )
    from tracker import sqlite

    return await sqlite.open_ledger(settings.sqlite_path())


async def migrate(settings: StoreSettings) -> list[str]:
    """Bring the ledger to this version's schema; return what was applied, in order.

    Makes the ledger when there is none. Raises SchemaTooNew, StoreUnavailable, StoreError.
    """
    if settings.is_postgresql:
        from tracker import postgres

        return await postgres.migrate(settings.postgresql_url())
    from tracker import sqlite

    return await asyncio.to_thread(sqlite.migrate, settings.sqlite_path())


async def exists(settings: StoreSettings) -> bool:
    """Say whether there is a ledger, whatever its version. Raises StoreUnavailable, StoreError."""
    if settings.is_postgresql:
        from tracker import postgres

        return await postgres.exists(settings.postgresql_url())
    return settings.sqlite_path().exists()


async def lacking(settings: StoreSettings) -> list[str] | None:
    """Return the names of the steps of this version's schema that the ledger does not have.

    None when there is no ledger. Raises SchemaTooNew, StoreUnavailable, StoreError.
    """
    if settings.is_postgresql:
        from tracker import postgres

        return await postgres.lacking(settings.postgresql_url())
    from tracker import sqlite

    path = settings.sqlite_path()
    return await asyncio.to_thread(sqlite.lacking, path) if path.exists() else None


@asynccontextmanager
async def open_archive(settings: StoreSettings) -> AsyncIterator[Archive]:
    """Open the ledger as something to be moved; make it, or bring its schema up to date, first.

    Raises SchemaTooNew, StoreUnavailable, StoreError.
    """
    archive: Archive
    if settings.is_postgresql:
        from tracker.postgres.archive import open_archive as open_on_server

        archive = await open_on_server(settings.postgresql_url())
    else:
        from tracker.sqlite.archive import open_archive as open_in_file

        archive = await open_in_file(settings.sqlite_path())
    try:
        yield archive
    finally:
        await archive.close()
