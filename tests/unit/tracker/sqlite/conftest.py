"""A ledger in a file of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.integrity import check_sqlite
from tracker.sqlite import SqliteLedger, open_ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "ledger.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    ledger = await open_ledger(path)
    yield ledger
    await ledger.close()
    check_sqlite(path)
