"""How connections come to be, and how soon it is said that there are none."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.support.ports import free_port
from tests.support.postgres import Server
from tests.unit.tracker.postgres.proxy import Proxy
from tracker.postgres import dialling
from tracker.postgres.connections import Connections
from tracker.postgres.dialling import Dialler, back_off, hosts_of, place_of
from tracker.store import StoreError, StoreUnavailable


def test_the_pause_doubles_up_to_five_seconds() -> None:
    assert [back_off(n, 0.5) for n in range(1, 9)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert (back_off(100, 0.0), back_off(100, 1.0)) == (3.75, 6.25)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://u:p@a:1,b:2/db?x=y", ["postgresql://u:p@a:1/db?x=y", "postgresql://u:p@b:2/db?x=y"]),
        ("postgresql://a/db", ["postgresql://a/db"]),
        ("postgresql:///db?host=/run", ["postgresql:///db?host=/run"]),
        ("postgresql://u@[::1]:5,b/db", ["postgresql://u@[::1]:5/db", "postgresql://u@b/db"]),
    ],
)  # fmt: skip
def test_each_host_has_a_url(url: str, hosts: list[str]) -> None:
    assert hosts_of(url) == hosts


def test_the_place_has_no_password() -> None:
    place = place_of("postgresql://u:secret@a:1,b/mail%20db?password=secret&sslmode=require")
    assert place == "postgresql://a:1,b/mail db"


@pytest.fixture
async def proxied_connections(proxied_url: str) -> AsyncIterator[Connections]:
    connections = Connections(proxied_url)
    yield connections
    await connections.close()


async def test_who_is_away_is_said_to_be_so_and_comes_back(
    proxied_connections: Connections, proxy: Proxy
) -> None:
    await proxied_connections.open()
    await proxy.refuse()
    for _ in range(50):
        with pytest.raises(StoreUnavailable, match="cannot connect"):
            await proxied_connections.write("SELECT 1")
    await proxy.listen()
    async with asyncio.timeout(90):
        while True:
            try:
                assert [tuple(row) for row in await proxied_connections.rows("SELECT 1")] == [(1,)]
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                break


async def test_connections_that_broke_while_they_were_idle_are_replaced(
    proxied_connections: Connections, outside: asyncpg.Connection
) -> None:
    for _ in range(3):
        async with proxied_connections.reading() as reader:
            assert await reader.row("SELECT 1") is not None
        await proxied_connections.run(lambda transaction: transaction.rows("SELECT 1"))
        await outside.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_whoever_swallows_everything_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialling, "_PATIENCE", 0.5)

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    swallower = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = swallower.sockets[0].getsockname()[1]
    dialler = Dialler(f"postgresql://u@127.0.0.1:{port}/db?sslmode=disable", pooled=False)
    with pytest.raises(StoreUnavailable, match="no answer in time"):
        await dialler.dial()
    await dialler.close()
    swallower.close()


async def test_the_next_host_is_tried_and_remembered(proxy: Proxy, database: str) -> None:
    dead = free_port()
    url = f"postgresql://postgres@127.0.0.1:{dead},127.0.0.1:{proxy.port}/{database}"
    dialler = Dialler(url, pooled=False)
    for _ in range(2):
        link = await dialler.dial()
        assert await link.rows("SELECT 1")
        await link.close()
    assert dialler.version.startswith("16")
    await dialler.close()


async def test_a_server_that_takes_no_writes_is_passed_over(
    moving_server: Server, url: str, database: str, outside: asyncpg.Connection
) -> None:
    connections = Connections(url)
    await connections.run(lambda t: t.execute("UPDATE pings SET count = count + 1"))
    await outside.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    # As it is after a fail-over: the connections are open, and their server is read-only.
    with pytest.raises(StoreUnavailable, match="read-only"):
        await connections.run(_write_as_on_a_replica)
    moving_server.query(f"ALTER DATABASE {database} RESET default_transaction_read_only")
    await connections.close()


async def _write_as_on_a_replica(transaction: object) -> None:
    raise asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE in a read-only transaction")


@pytest.mark.parametrize(
    ("template", "setting", "says"),
    [
        ("ENCODING 'SQL_ASCII' LOCALE 'C'", None, "ENCODING 'UTF8'"),
        ("", "synchronous_commit = off", "synchronous_commit = on"),
    ],
    ids=["another encoding", "commits that may get lost"],
)
async def test_a_server_that_is_not_fit_is_refused_with_a_reason(
    postgres: Server, template: str, setting: str | None, says: str
) -> None:
    name = "unfit"
    postgres.drop_database(name)
    postgres.query(f"CREATE DATABASE {name} TEMPLATE template0 {template}")
    if setting:
        postgres.query(f"ALTER DATABASE {name} SET {setting}")
    connections = Connections(postgres.url(name), pooled=True)
    with pytest.raises(StoreError, match=says):
        await connections.open()
    await connections.close()


async def test_commits_are_durable_whatever_the_database_says(
    moving_server: Server, url: str, database: str
) -> None:
    moving_server.query(f"ALTER DATABASE {database} SET synchronous_commit = off")
    connections = Connections(url)
    ((setting,),) = await connections.write("SHOW synchronous_commit")
    assert setting == "on"
    await connections.close()


@pytest.mark.parametrize("url", ["postgresql://a:notaport/db", "postgresql://a/db?sslmode=odd"])
async def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    connections = Connections(url)
    with pytest.raises(StoreError, match=r"store\.url is not usable"):
        await connections.open()
    await connections.close()


async def test_nothing_runs_after_close(url: str) -> None:
    connections = Connections(url)
    await connections.open()
    await connections.close()
    with pytest.raises(StoreError, match="closed"):
        await connections.write("SELECT 1")


async def test_who_waits_for_a_connection_at_the_end_is_told_so(url: str) -> None:
    connections = Connections(url)
    waiting = asyncio.create_task(connections.write("SELECT 1"))
    await asyncio.sleep(0)
    await connections.close()
    with pytest.raises(StoreError, match="closed"):
        await waiting


async def test_nothing_is_left_open_behind_the_end(url: str, outside: asyncpg.Connection) -> None:
    """However late a connection comes about, and whatever becomes of who waited for it."""
    dialler = Dialler(url, pooled=False)
    for turns in range(0, 60, 3):
        dialling = asyncio.create_task(dialler.dial())
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        dialling.cancel()
        await asyncio.wait([dialling])
        if not dialling.cancelled():
            await dialling.result().close()
    ending = Dialler(url, pooled=False)
    waiting = asyncio.create_task(ending.dial())
    await asyncio.sleep(0)
    for each in (ending, dialler):
        await each.close()
    waiting.cancel()
    await asyncio.wait([waiting])
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with asyncio.timeout(90):
        while await outside.fetchval(others):  # noqa: ASYNC110 - a server may notice a little later
            await asyncio.sleep(0.05)


async def test_who_is_told_later_is_not_told_what_became_of_the_first_error() -> None:
    dialler = Dialler(f"postgresql://u@127.0.0.1:{free_port()}/d", pooled=False)
    with pytest.raises(StoreUnavailable) as first:
        await dialler.dial()
    wrapped = RuntimeError("content cannot be read")
    wrapped.__cause__ = first.value
    first.value.__cause__ = wrapped
    with pytest.raises(StoreUnavailable) as second:
        await dialler.dial()
    await dialler.close()
    assert second.value is not first.value
    assert isinstance(second.value.__cause__, OSError)
