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
    names: list[str] = []

    def name_another() -> str:
        names.append(f"ledger{next(_numbers)}")
        return server.create_database(names[-1], MIGRATED)

    yield name_another
    for name in names:
        check_postgres(server, name)
        server.drop_database(name)


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
