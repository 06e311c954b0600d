"""What several rooms of tests share: one PostgreSQL server for each process that runs tests."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, settings

from tests.support.postgres import Server, installation, running
from tracker.postgres.migrate import migrate

settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")  # how fast the machine is says nothing about an example

WAITS_FOR_POSTGRES = (
    "tracker.postgres.dialling._PATIENCE",
    "tracker.postgres.link._CONNECT_WITHIN",
    "tracker.postgres.connections._FREE_WITHIN",
    "tracker.postgres.batch._CLOSE_WITHIN",
    "tracker.postgres.withdraw._CLOSE_WITHIN",
)
"""What a few seconds are enough for in life: a server of tests may be as slow as it likes."""

MIGRATED = "migrated"
"""The database that new ledgers are copied from, which is fast."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server of version 16, whose databases the tests make for themselves."""
    installed = installation("16")
    assert installed is not None, "PostgreSQL 16 is missing; it comes with the dev dependencies"
    with pytest.MonkeyPatch.context() as patience, running(installed) as server:
        for wait in WAITS_FOR_POSTGRES:
            patience.setattr(wait, 60.0)
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Server) -> Server:
    """That server, with the database `MIGRATED`."""
    make_template(postgres)
    return postgres


def make_template(server: Server) -> None:
    """Make the database `MIGRATED`."""
    url = server.create_database(MIGRATED)
    with ThreadPoolExecutor(1) as pool:  # this thread's event loop is that of the tests
        pool.submit(asyncio.run, migrate(url)).result()
