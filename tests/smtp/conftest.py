"""Fixtures of the tests that speak SMTP over real sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.certificates import Identity, make_identity
from tests.support.submission import HOSTNAME, Bench, run_server


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A server with one listener in clear text, which trusts the client."""
    async with run_server(tmp_path) as bench:
        yield bench


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return make_identity(tmp_path_factory.mktemp("identity"), HOSTNAME)
