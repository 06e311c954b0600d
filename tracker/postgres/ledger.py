"""The ledger as one object, and how it is opened."""

from functools import partial

from tracker.entropy import Entropy, EntropyPool
from tracker.postgres.clock import LedgerClock
from tracker.postgres.connections import Connections, Transaction
from tracker.postgres.looking import Looking
from tracker.postgres.migrate import migrate
from tracker.postgres.moving import Moving
from tracker.postgres.partitions import make_for
from tracker.postgres.people import People
from tracker.postgres.tending import Tending


class PostgresLedger(Moving, Looking, People, Tending):
    """`tracker.store.Ledger` on a server. Use `open_ledger`."""

    @property
    def place(self) -> str:
        """Where it is, without login."""
        return self._connections.place

    @property
    def engine(self) -> str:
        """The server's name and version, for the log."""
        return f"PostgreSQL {self._connections.version}"

    async def ping(self) -> None:
        await self._connections.run(_ping)

    async def close(self) -> None:
        await self._stop_moving()
        await self._connections.close()


async def _ping(transaction: Transaction) -> None:
    await transaction.execute("UPDATE pings SET count = count + 1 WHERE id = 1")


async def open_ledger(
    url: str,
    *,
    listen_url: str | None = None,
    pooler: bool = False,
    trusts_caller: bool = False,
    entropy: Entropy | None = None,
) -> PostgresLedger:
    """Open the ledger at `url`; bring its schema up to date first.

    With `pooler` a pooler in transaction mode may stand in between; `listen_url` then leads to the
    server itself. `entropy` gives the random bytes of ids. With `trusts_caller` the `now` that the
    verbs are given is the time, not the server's clock: for tests alone.

    Raises SchemaTooNew, StoreError when the server is not fit, StoreUnavailable.
    """
    await migrate(url)
    connections = Connections(
        url, pooled=pooler, missing_partition=partial(make_for, trusts_caller=trusts_caller)
    )
    clock = LedgerClock(trusts_caller=trusts_caller)
    ledger = PostgresLedger(connections, entropy or EntropyPool().take, clock)
    try:
        await connections.open()
        await ledger.ping()
    except BaseException:
        await ledger.close()
        raise
    return ledger
