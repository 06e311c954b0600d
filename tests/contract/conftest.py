"""The backends that every contract test runs on. Another backend is another entry here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import MIGRATED
from tests.contract.integrity import check_postgres, check_sqlite
from tests.contract.ledger import Ledger, open_by_locator
from tests.support.postgres import Server

NewLocator = Callable[[], str]
Opener = Callable[[], Awaitable[Ledger]]

_numbers = count()

_free: dict[Path, list[str]] = {}
"""Databases that nobody uses, by their server."""

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
