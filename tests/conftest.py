"""What several rooms of tests share: one PostgreSQL server for each process that runs tests."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import Server, installation, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server of version 16, whose databases the tests make for themselves."""
    installed = installation("16")
    assert installed is not None, "PostgreSQL 16 is missing; it comes with the dev dependencies"
    with running(installed) as server:
        yield server
