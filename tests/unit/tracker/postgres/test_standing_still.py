"""A process that is stopped in the middle of a transaction keeps nobody from the ledger."""

import asyncio
from contextlib import suppress

import pytest

from tracker.postgres.connections import Connections, Transaction
from tracker.store import StoreUnavailable

COUNT = "UPDATE pings SET count = count + 1 WHERE id = 1"


@pytest.mark.parametrize("pooled", [False, True], ids=["direct", "pooled"])
async def test_the_server_ends_a_transaction_that_stands_still(url: str, pooled: bool) -> None:
    one, two = Connections(url, pooled=pooled), Connections(url)
    locked, goes_on = asyncio.Event(), asyncio.Event()

    async def stand_still(transaction: Transaction) -> None:
        await transaction.execute(COUNT)
        locked.set()
        await goes_on.wait()

    standing = asyncio.create_task(one.run(stand_still))
    try:
        await locked.wait()
        # Raises StoreUnavailable when it waits too long for the row.
        await two.run(lambda transaction: transaction.execute(COUNT))
    finally:
        goes_on.set()
        with suppress(StoreUnavailable):
            await standing
        await one.close()
        await two.close()
