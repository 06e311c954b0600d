"""The backends that every contract test runs on. Another backend is another entry here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.contract.integrity import check_sqlite
from tests.contract.ledger import Ledger, open_by_locator

NewLocator = Callable[[], str]
Opener = Callable[[], Awaitable[Ledger]]


@pytest.fixture(params=["sqlite"])
def new_locator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewLocator]:
    """Names a new, empty ledger: what `open_by_locator` takes, in any process.

    In the end every ledger that was named is looked through for what must always hold.
    """
    assert request.param == "sqlite"
    numbers = count()
    yield lambda: f"sqlite:{tmp_path / f'ledger{next(numbers)}.db'}"
    for path in tmp_path.glob("ledger*.db"):
        check_sqlite(path)


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
