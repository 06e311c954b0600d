"""A migrated database for each test, and somebody who looks into it from outside."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import asyncpg
import pytest

from tests.contract.integrity import check_postgres
from tests.support.clock import START
from tests.support.postgres import Server
from tests.unit.tracker.postgres.proxy import Proxy, proxied
from tracker.postgres.connections import Connections
from tracker.postgres.migrate import migrate
from tracker.postgres.partitions import make_room
from tracker.sql.values import day_of, stamp

_TEMPLATE = "moving"
_numbers = count()


@pytest.fixture(scope="session")
def moving_server(postgres: Server) -> Server:
    """A server with a database that others are copied from."""
    postgres.create_database(_TEMPLATE)
    with ThreadPoolExecutor(1) as pool:  # this thread's event loop is that of the tests
        pool.submit(asyncio.run, prepare(postgres.url(_TEMPLATE))).result()
    return postgres


async def prepare(url: str) -> None:
    """Make a ledger, with the partitions of the day that tests live in."""
    await migrate(url)
    connections = Connections(url)
    await connections.run(lambda transaction: make_room(transaction, [day_of(stamp(START))]))
    await connections.close()


@pytest.fixture
def database(moving_server: Server) -> Iterator[str]:
    """The name of a ledger's database; in the end it is looked through."""
    name = f"moving{next(_numbers)}"
    moving_server.create_database(name, _TEMPLATE)
    yield name
    check_postgres(moving_server, name)
    moving_server.drop_database(name)


@pytest.fixture
def url(moving_server: Server, database: str) -> str:
    """The URL of that database."""
    return moving_server.url(database)


@pytest.fixture
async def outside(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is none of the ledger's."""
    connection = await asyncpg.connect(url)
    yield connection
    connection.terminate()


@pytest.fixture
async def proxy(moving_server: Server) -> AsyncIterator[Proxy]:
    """A proxy before the server."""
    async with proxied(moving_server) as proxy:
        yield proxy


@pytest.fixture
def proxied_url(proxy: Proxy, database: str) -> str:
    """The URL of the database through the proxy."""
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/{database}?sslmode=disable"
