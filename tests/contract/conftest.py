"""The backends that every contract test runs on. Another backend is another entry here."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.contract.ledger import Ledger, open_by_locator

Opener = Callable[[], Awaitable[Ledger]]


@pytest.fixture(params=["sqlite"])
def locator(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new, empty ledger is: what `open_by_locator` takes, in any process."""
    assert request.param == "sqlite"
    return f"sqlite:{tmp_path / 'ledger.db'}"


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
