"""The settings decide which database the ledger is in; nobody else has to know."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from config.postgresql import check_postgresql_url
from config.settings import StoreSettings
from tests.support.postgres import Server
from tracker.opening import exists, lacking, migrate, open_ledger
from tracker.postgres.migrate import migrate as migrate_server
from tracker.postgres.migrate import shipped as server_steps
from tracker.sqlite.migrate import migrate as migrate_file
from tracker.sqlite.migrate import shipped as file_steps
from tracker.store import StoreError


async def test_a_ledger_in_a_file(tmp_path: Path) -> None:
    store = StoreSettings(url=f"sqlite:{tmp_path}/ledger.db")
    assert not await exists(store)
    assert (await migrate(store))[0] == "0001_ledger"
    assert await migrate(store) == []
    assert await exists(store)
    ledger = await open_ledger(store)
    await ledger.ping()
    assert ledger.place == store.place == str(tmp_path / "ledger.db")
    assert ledger.engine.startswith("SQLite 3.")
    await ledger.close()


async def test_a_ledger_on_a_server(postgres: Server) -> None:
    store = StoreSettings(url=check_postgresql_url(postgres.create_database("opening")))
    assert not await exists(store)
    assert not await exists(store), "looking for it makes none"
    assert (await migrate(store))[0] == "0001_ledger"
    assert await migrate(store) == []
    assert await exists(store)
    ledger = await open_ledger(store)
    await ledger.ping()
    assert ledger.engine.startswith("PostgreSQL 16")
    await ledger.close()


async def test_a_database_that_is_not_there_is_said_to_be_missing(postgres: Server) -> None:
    store = StoreSettings(url=postgres.url("nowhere"))
    with pytest.raises(StoreError, match='CREATE DATABASE "nowhere"'):
        await exists(store)


LOOK = """
import sys
import relay.app, relay.cli, web.app, tracker.opening
print([name for name in ("tracker.sqlite", "tracker.postgres", "asyncpg") if name in sys.modules])
"""


def test_no_backend_is_imported_before_it_is_needed() -> None:
    looked = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True
    )
    assert looked.stdout == "[]\n"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_an_older_ledger_lacks(kind: str, tmp_path: Path, postgres: Server) -> None:
    if kind == "sqlite":
        store = StoreSettings(url=f"sqlite:{tmp_path}/ledger.db")
        await asyncio.to_thread(migrate_file, store.sqlite_path(), file_steps()[:3])
    else:
        store = StoreSettings(url=check_postgresql_url(postgres.create_database("older")))
        assert await lacking(store) is None
        await migrate_server(store.postgresql_url(), server_steps()[:3])
    found = await lacking(store)
    assert found is not None
    assert found[0].startswith("0004_")
    assert await lacking(store) == found, "to look changes nothing"
    assert await migrate(store) == found
    assert await lacking(store) == []
