"""Who holds mail: no lease is used that is not surely held, and nobody living is robbed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from relay.inflight import InFlight, path_of
from relay.keeper import Keeper
from tests.support.clock import FakeClock
from tests.support.mail import mint
from tracker.model import LeaseToken, RecipientId
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.store import LeaseLost

LEASE = timedelta(seconds=30)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    opened = await open_ledger(tmp_path / "ledger.db")
    yield opened
    await opened.close()


def keeper(ledger: SqliteLedger, clock: FakeClock, directory: Path, worker: int = 0) -> Keeper:
    return Keeper(
        ledger=ledger,
        clock=clock,
        directory=directory,
        node="relay.example.org",
        worker=worker,
        lease_for=LEASE,
    )


def token_of(holder: Keeper) -> LeaseToken:
    assert holder.token is not None
    return holder.token


@pytest.mark.parametrize(
    "passed",
    [
        pytest.param(timedelta(minutes=5), id="the disk was full"),
        pytest.param(timedelta(days=8), id="the clock was set forward"),
    ],
)
async def test_when_nobody_could_renew_nobody_is_robbed(
    ledger: SqliteLedger, tmp_path: Path, passed: timedelta
) -> None:
    clock = FakeClock()
    first, second = (keeper(ledger, clock, tmp_path, worker) for worker in (0, 1))
    await first.begin()
    await second.begin()
    held = second.token
    clock.advance(passed)
    assert await first.renew()
    await first.take_over()
    clock.advance(timedelta(seconds=5))
    assert await second.renew()
    assert second.token == held
    await first.end()
    await second.end()


async def test_a_worker_that_stands_still_is_taken_over_in_the_end(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    clock = FakeClock()
    first, second = (keeper(ledger, clock, tmp_path, worker) for worker in (0, 1))
    await first.begin()
    await second.begin()
    for _ in range(6):
        clock.advance(LEASE / 3)
        assert await first.renew()
        await first.take_over()
    assert {lease.token for lease in await ledger.leases()} == {first.token}
    stale = token_of(second)
    assert not await second.renew()
    with pytest.raises(LeaseLost):
        second.enter(stale, [RecipientId(mint())])
    with pytest.raises(LeaseLost):
        await second.make_sure(stale)
    second.enter(token_of(second), [RecipientId(mint())])
    await first.end()
    await second.end()


async def test_nothing_is_sent_on_a_lease_that_others_may_have_taken_over(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    clock = FakeClock()
    holder = keeper(ledger, clock, tmp_path)
    await holder.begin()
    clock.advance(2 * LEASE)
    with pytest.raises(LeaseLost):
        holder.enter(token_of(holder), [RecipientId(mint())])
    await holder.make_sure(token_of(holder))
    holder.enter(token_of(holder), [RecipientId(mint())])
    await holder.end()


async def test_without_its_file_no_lease_is_held(ledger: SqliteLedger, tmp_path: Path) -> None:
    clock = FakeClock()
    holder = keeper(ledger, clock, tmp_path / "state")
    with pytest.raises(FileNotFoundError):
        await holder.begin()
    assert holder.token is None
    (tmp_path / "state").mkdir()
    assert not await holder.renew()
    holder.enter(token_of(holder), [RecipientId(mint())])
    await holder.end()
    clock.advance(LEASE)
    await holder.take_over()
    assert await ledger.leases() == []


async def test_a_worker_that_has_just_begun_is_not_taken_for_dead(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    clock = FakeClock()
    holder = keeper(ledger, clock, tmp_path)
    await holder.begin()
    young = await ledger.open_lease("relay.example.org", 1, clock.now(), LEASE)  # no file yet
    await holder.take_over()
    assert young in await ledger.leases()
    clock.advance(LEASE)
    assert await holder.renew()
    await holder.take_over()
    assert [lease.token for lease in await ledger.leases()] == [holder.token]
    await holder.end()


async def test_a_dead_worker_is_known_by_its_file_whatever_the_relay_was_called(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    clock = FakeClock()
    dead = await ledger.open_lease("old-name.example.org", 0, clock.now(), LEASE)
    InFlight(path_of(tmp_path, dead.token)).close(remove=False)
    holder = keeper(ledger, clock, tmp_path)
    await holder.begin()
    await holder.take_over()
    assert [lease.token for lease in await ledger.leases()] == [holder.token]
    await holder.end()


async def test_a_lease_renewed_since_it_was_seen_is_left_alone(ledger: SqliteLedger) -> None:
    clock = FakeClock()
    seen = await ledger.open_lease("relay.example.org", 0, clock.now(), LEASE)
    await ledger.renew(seen.token, seen.until + LEASE)
    later = seen.until + 2 * LEASE
    assert await ledger.recover(seen.token, (), later, seen_until=seen.until) == 0
    assert [lease.token for lease in await ledger.leases()] == [seen.token]
    await ledger.recover(seen.token, (), later, seen_until=seen.until + LEASE)
    assert await ledger.leases() == []
