"""Behind PgBouncer in transaction mode every transaction may run on another connection."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest

from tests.contract.conftest import NewLocator, Opener, name_databases
from tests.contract.ledger import EVERYTHING, Ledger, assert_balanced, hold, recipients
from tests.contract.test_acts import (
    test_acts_stay_within_their_scope,
    test_retry_now_ends_the_back_off,
)
from tests.contract.test_chores import test_a_chore_is_held_by_one_at_a_time
from tests.contract.test_claiming import test_a_probe_that_fails_sets_the_next_one
from tests.contract.test_leases import test_recover_records_the_doubtful_as_uncertain
from tests.contract.test_looking import test_a_timeline_tells_everything_in_order
from tests.contract.test_moving import test_content_goes_with_the_last_open_recipient
from tests.contract.test_processes import (
    test_a_bad_step_does_not_harm_its_neighbours,
    test_two_ledgers_never_lease_the_same_recipient,
)
from tests.contract.test_prune import test_days_are_pruned_whole_and_end_at_midnight_utc
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tests.support.pooler import Pooler, pooling
from tests.support.postgres import Server
from tracker.model import Status
from tracker.postgres import open_ledger
from tracker.store import StoreUnavailable

__all__ = [
    "test_a_bad_step_does_not_harm_its_neighbours",
    "test_a_chore_is_held_by_one_at_a_time",
    "test_a_probe_that_fails_sets_the_next_one",
    "test_a_timeline_tells_everything_in_order",
    "test_acts_stay_within_their_scope",
    "test_content_goes_with_the_last_open_recipient",
    "test_days_are_pruned_whole_and_end_at_midnight_utc",
    "test_recover_records_the_doubtful_as_uncertain",
    "test_retry_now_ends_the_back_off",
    "test_two_ledgers_never_lease_the_same_recipient",
]

CONNECTIONS = 2


@pytest.fixture(scope="module")
def pooler(migrated_postgres: Server) -> Iterator[Pooler]:
    with pooling(migrated_postgres, CONNECTIONS) as pooler:
        yield pooler


@pytest.fixture
def new_locator(migrated_postgres: Server) -> Iterator[NewLocator]:
    yield from name_databases(migrated_postgres)


@pytest.fixture
async def opener(locator: str, pooler: Pooler) -> AsyncIterator[Opener]:
    """Opens the ledger through the pooler; it listens past it."""
    opened: list[Ledger] = []
    database = urlsplit(locator).path.lstrip("/")

    async def open_once_more() -> Ledger:
        ledger = await open_ledger(
            pooler.url(database), listen_url=locator, pooler=True, trusts_caller=True
        )
        opened.append(ledger)
        return ledger

    yield open_once_more
    for ledger in opened:
        await ledger.close()


async def test_several_ledgers_share_two_connections(
    opener: Opener, migrated_postgres: Server, locator: str
) -> None:
    ledgers = [await opener() for _ in range(4)]

    async def work(n: int, ledger: Ledger) -> None:
        await asyncio.gather(
            *(
                ledger.accept(make_submission(f"u{k}@d{k % 5}.example"), START, None)
                for k in range(25)
            )
        )
        lease = await hold(ledger, worker=n)
        while jobs := await ledger.claim(lease, START, 7):
            await asyncio.gather(*(ledger.settle(make_settlement(job)) for job in jobs))

    await asyncio.gather(*(work(n, ledger) for n, ledger in enumerate(ledgers)))
    left = await hold(ledgers[0])
    while jobs := await ledgers[0].claim(left, START, 100):  # what was accepted behind a claim
        await asyncio.gather(*(ledgers[0].settle(make_settlement(job)) for job in jobs))
    found = await recipients(ledgers[1])
    assert len(found) == 100
    assert {(each.status, each.attempts) for each in found} == {(Status.DELIVERED, 1)}
    await assert_balanced(ledgers[2])
    assert await ledgers[3].destinations(EVERYTHING, 10) == []
    database = urlsplit(locator).path.lstrip("/")
    direct = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"
    ((connections,),) = migrated_postgres.query(direct)
    # Besides those of the pooler there is one for each ledger that listens.
    assert int(connections) <= CONNECTIONS + len(ledgers)


async def test_a_pooler_that_the_settings_know_nothing_of_is_recognized(
    locator: str, pooler: Pooler
) -> None:
    database = urlsplit(locator).path.lstrip("/")
    with pytest.raises(StoreUnavailable, match=r"set store\.pooler = true"):
        await open_ledger(pooler.url(database))
