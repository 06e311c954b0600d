"""Ledgers to be moved, for tests: made, moved, and looked at from outside.

    python -m tests.contract.archives SOURCE TARGET

moves a ledger in a process of its own and says how far it is, a line at a time.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.contract.ledger import EVERYTHING, Ledger, open_by_locator
from tests.support.clock import START
from tests.support.looks import entries
from tests.support.mail import mint
from tracker.archive import Archive
from tracker.archive.comparing import Comparison
from tracker.model import Account
from tracker.postgres import archive as postgres
from tracker.search import Query
from tracker.sqlite import archive as sqlite
from tracker.transfer import Progress, Transfer

LATER = START + timedelta(days=40)


@asynccontextmanager
async def archive_of(locator: str) -> AsyncIterator[Archive]:
    """Open the archive of the ledger that a `locator` names."""
    scheme, _, rest = locator.partition(":")
    archive: Archive
    if scheme == "sqlite":
        archive = await sqlite.open_archive(Path(rest))
    else:
        archive = await postgres.open_archive(locator)
    try:
        yield archive
    finally:
        await archive.close()


def transfer_of(
    source: Archive, target: Archive, report: Callable[[Progress], None] = lambda _: None
) -> Transfer:
    """Return a run of a transfer."""
    return Transfer(source, target, mint=mint, now=lambda: LATER, report=report)


async def move(source: str, target: str) -> Comparison | None:
    """Move the ledger at one locator to another."""
    async with archive_of(source) as one, archive_of(target) as other:
        return await transfer_of(one, other).run()


async def give_back_all(ledger: Ledger) -> None:
    """Close every lease, as workers do that are stopped."""
    for lease in (await ledger.census(START)).leases:
        await ledger.close_lease(lease.token, START)


async def view_of(locator: str) -> dict[str, Any]:
    """Open the ledger, return all that can be seen of it, and close it."""
    ledger = await open_by_locator(locator)
    try:
        return await view(ledger)
    finally:
        await ledger.close()


async def view(ledger: Ledger) -> dict[str, Any]:
    """Return all that can be seen of a ledger through the verbs that look."""
    page = await ledger.search(Query(), EVERYTHING, limit=100_000)
    ids = {row.message.id for row in page.rows}
    names = {row.recipient.destination for row in page.rows}
    return {
        "page": page,
        "counts": await ledger.summarize(Query(), EVERYTHING),
        "timelines": {each: await ledger.timeline(each, EVERYTHING) for each in ids},
        "content": {each: await content(ledger, each) for each in ids},
        "destinations": await ledger.destinations(EVERYTHING, 1000),
        "each destination": {each: await ledger.destination(each) for each in names},
        "balance": await ledger.balance(START - timedelta(days=365)),
        "next due": await ledger.next_due(),
        "accounts": await ledger.accounts(),
        "looks": await entries(ledger, EVERYTHING, limit=1000),
        "saved": [await saved_of(ledger, one) for one in await ledger.accounts()],
        "refusals": (await ledger.refusals(Query(), EVERYTHING, limit=1000)).rows,
    }


async def saved_of(ledger: Ledger, account: Account) -> tuple[Any, ...]:
    """Return what is kept for somebody's panel."""
    address = account.address
    return (
        await ledger.saved_searches(address),
        await ledger.recent_searches(address),
        await ledger.habits(address),
    )


async def content(ledger: Ledger, message_id: Any) -> bytes | None:
    """Return the content of a message, None when it is gone."""
    try:
        return b"".join([chunk async for chunk in ledger.content(message_id)])
    except KeyError:
        return None


def _say(progress: Progress) -> None:
    print(*progress, flush=True)


async def _main(source: str, target: str) -> None:
    async with archive_of(source) as one, archive_of(target) as other:
        comparison = await transfer_of(one, other, _say).run()
    print("complete" if comparison is None or not comparison.differences else "different")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
