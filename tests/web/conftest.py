"""A panel for each test."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.panel import Client, Desk, Record, make_record, open_desk


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Return a ledger with an ordinary day in it, which tests copy."""
    return asyncio.run(make_record(tmp_path_factory.mktemp("record")))


@pytest.fixture
async def desk(tmp_path: Path, record: Record) -> AsyncIterator[Desk]:
    """Return a panel with an ordinary day on record."""
    async with open_desk(tmp_path, record=record) as opened:
        yield opened


@pytest.fixture
async def empty_desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Return a panel without any mail."""
    async with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
async def admin(desk: Desk) -> Client:
    """Return a client that is logged in as an administrator."""
    return await desk.log_in()


@pytest.fixture
async def anna(desk: Desk) -> Client:
    """Return a client that is logged in as a user."""
    return await desk.log_in("anna@northwind.example")
