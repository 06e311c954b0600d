"""The backends that every contract test runs on. Another backend is another entry here."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import MIGRATED
from tests.contract.integrity import check_postgres, check_sqlite
from tests.contract.ledger import Ledger, open_by_locator
from tests.support.postgres import Server

NewLocator = Callable[[], str]
Opener = Callable[[], Awaitable[Ledger]]
Everything = Callable[[], Iterator[str]]

_numbers = count()

_free: dict[Path, list[str]] = {}
"""Databases that nobody uses, by their server."""

_TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""

_EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT oid FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname NOT IN ('migrations', 'pings')
    LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
END $$
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def new_locator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewLocator]:
    """Names a new, empty ledger: what `open_by_locator` takes, in any process.

    In the end every ledger that was named is looked through for what must always hold.
    """
    if request.param == "sqlite":
        yield from name_files(tmp_path)
    else:
        yield from name_databases(request.getfixturevalue("migrated_postgres"))


def name_files(directory: Path) -> Iterator[NewLocator]:
    yield lambda: f"sqlite:{directory / f'ledger{next(_numbers)}.db'}"
    for path in directory.glob("ledger*.db"):
        check_sqlite(path)


def name_databases(server: Server) -> Iterator[NewLocator]:
    """Names databases on `server`, which later tests use again: to make one takes long."""
    names: list[str] = []
    free = _free.setdefault(server.directory, [])

    def name_another() -> str:
        if free:
            names.append(free.pop())
        else:
            names.append(f"ledger{next(_numbers)}")
            server.create_database(names[-1], MIGRATED)
        return server.url(names[-1])

    yield name_another
    for name in names:
        server.end_use(name)
        check_postgres(server, name)
        server.query(_EMPTY, name)
        free.append(name)


@pytest.fixture
def locator(new_locator: NewLocator) -> str:
    """Where the ledger of this test is."""
    return new_locator()


@pytest.fixture
async def opener(locator: str) -> AsyncIterator[Opener]:
    """Opens the ledger; again and again, and closes all in the end."""
    opened: list[Ledger] = []

    async def open_once_more() -> Ledger:
        ledger = await open_by_locator(locator)
        opened.append(ledger)
        return ledger

    yield open_once_more
    for ledger in opened:
        await ledger.close()


@pytest.fixture
async def ledger(opener: Opener) -> Ledger:
    """A new, empty ledger."""
    return await opener()


@pytest.fixture
def everything(locator: str, request: pytest.FixtureRequest) -> Everything:
    """Tell all that is in the database of the ledger, row by row, in lower case."""
    if locator.startswith("sqlite"):
        return partial(_everything_in_file, locator.partition(":")[2])
    server = request.getfixturevalue("migrated_postgres")
    return partial(_everything_on_server, server, urlsplit(locator).path.removeprefix("/"))


def _everything_in_file(path: str) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for (name,) in names.fetchall():
            for row in connection.execute(f'SELECT * FROM "{name}"'):
                yield repr(row).lower()


def _everything_on_server(server: Server, name: str) -> Iterator[str]:
    for (table,) in server.query(_TABLES, name):
        for line in server.query(f"SELECT * FROM {table}", name):
            yield repr(line).lower()
