"""The ledger as one object, and how it is opened."""

from functools import partial

from tracker.archive.recorded import MARKS, check_marks
from tracker.entropy import Entropy, EntropyPool
from tracker.postgres.access import Witnessing
from tracker.postgres.ages import Forgetting
from tracker.postgres.astray import Astray
from tracker.postgres.chores import Chores
from tracker.postgres.clock import LedgerClock
from tracker.postgres.connections import Connections, Transaction
from tracker.postgres.deeds import PostgresDeeds
from tracker.postgres.dialling import Dialler
from tracker.postgres.find import Effort
from tracker.postgres.holding import Holding
from tracker.postgres.indexing import Indexing
from tracker.postgres.insight import Insight
from tracker.postgres.listening import Bell
from tracker.postgres.looking import Looking
from tracker.postgres.migrate import migrate
from tracker.postgres.moving import Moving
from tracker.postgres.part import Shared
from tracker.postgres.partitions import make_for
from tracker.postgres.privacy import Erasing
from tracker.postgres.refusals import Refusals
from tracker.postgres.rules import Rules
from tracker.postgres.tending import Tending
from tracker.postgres.text.pen import Sizes
from tracker.postgres.watching import Watching
from tracker.sql.acting import Acting
from tracker.sql.people import People
from tracker.sql.returned import Returns
from tracker.sql.saved import Saving
from tracker.sql.troubles import Troubles


class PostgresLedger(
    Moving,
    Holding,
    Astray,
    Acting,
    Looking,
    Watching,
    Returns,
    Insight,
    Troubles,
    People,
    Rules,
    Tending,
    PostgresDeeds,
    Saving,
    Refusals,
    Witnessing,
    Forgetting,
    Erasing,
    Indexing,
):
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
        await self._bell.close()
        await self._chores.close()
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
    effort: Effort | None = None,
    sizes: Sizes | None = None,
) -> PostgresLedger:
    """Open the ledger at `url`; bring its schema up to date first.

    With `pooler` a pooler in transaction mode may stand in between; `listen_url` then leads to the
    server itself. `entropy` gives the random bytes of ids. With `trusts_caller` the `now` that the
    verbs are given is the time, not the server's clock: for tests alone. `effort` says when a
    search asks the index of the text, and `sizes` how much of it is made at once.

    Raises SchemaTooNew, StoreError when the server is not fit or the ledger is on the move,
    StoreUnavailable.
    """
    await migrate(url)
    connections = Connections(
        url, pooled=pooler, missing_partition=partial(make_for, trusts_caller=trusts_caller)
    )
    draw = entropy or EntropyPool().take
    # What waits for others has a connection of its own, past the pooler where that is possible.
    direct = Dialler(listen_url or url, pooled=pooler and listen_url is None)
    bell = Bell(connections, None if pooler and listen_url is None else direct, draw(8).hex())
    ledger = PostgresLedger(
        Shared(
            connections,
            LedgerClock(trusts_caller=trusts_caller),
            bell,
            Chores(direct),
            draw,
            effort or Effort(),
            sizes or Sizes(),
        )
    )
    try:
        await connections.open()
        check_marks(await connections.rows(MARKS))
        await ledger.ping()
        bell.open()
    except BaseException:
        await ledger.close()
        raise
    return ledger
