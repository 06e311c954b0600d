"""Who holds mail: no lease is used that is not surely held, and nobody living is robbed."""

import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from relay.inflight import InFlight, path_of
from relay.keeper import Keeper
from tests.support.clock import START, FakeClock
from tests.support.disk import disk_full
from tests.support.mail import make_submission, mint
from tracker.model import Census, Lease, LeaseToken, Load, RecipientId, Scope
from tracker.sqlite import SqliteLedger, migrate
from tracker.sqlite.readers import Readers
from tracker.sqlite.writer import Writer
from tracker.store import LeaseLost, StoreUnavailable

LEASE = timedelta(seconds=30)
HEARTBEAT = LEASE / 3
HOUR = timedelta(hours=1)


class SharedLedger(SqliteLedger):
    """A ledger with a clock of its own, as one that nodes share has."""

    clock: FakeClock

    async def open_lease(
        self, node: str, worker: int, now: datetime, lease_for: timedelta
    ) -> Lease:
        return await super().open_lease(node, worker, self.clock.now(), lease_for)

    async def renew(
        self, lease: LeaseToken, now: datetime, lease_for: timedelta, load: Load
    ) -> Census:
        here = self.clock.now()
        census = await super().renew(lease, here, lease_for, load)
        skewed = (
            replace(each, skew=now - here) if each.token == lease else each
            for each in census.leases
        )
        return replace(census, leases=tuple(skewed))

    async def census(self, now: datetime) -> Census:
        return await super().census(self.clock.now())


@pytest.fixture
def clock() -> FakeClock:
    """The ledger's clock, and that of every node unless a test says otherwise."""
    return FakeClock()


@pytest.fixture
async def ledger(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SharedLedger]:
    path = tmp_path / "ledger.db"
    migrate(path)
    readers = Readers()
    opened = SharedLedger(path, Writer(path), readers, os.urandom)
    opened.clock = clock
    await opened.ping()
    await readers.open(path, 2)
    yield opened
    await opened.close()


class Node:
    """A machine of its own: its state directory, and a clock that may be wrong."""

    def __init__(
        self, ledger: SqliteLedger, directory: Path, clock: FakeClock, *, ahead: timedelta
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.ledger = ledger
        self.directory = directory
        self.clock = FakeClock(clock.now() + ahead)

    def keeper(self, worker: int = 0, load: Callable[[], Load] = Load) -> Keeper:
        return Keeper(
            ledger=self.ledger,
            clock=self.clock,
            directory=self.directory,
            node=self.directory.name,
            worker=worker,
            lease_for=LEASE,
            load=load,
        )


class Cluster:
    """Nodes that share a ledger, whose clocks all go on together."""

    def __init__(self, ledger: SharedLedger, directory: Path) -> None:
        self.ledger = ledger
        self._directory = directory
        self._nodes: list[Node] = []

    def node(self, name: str, *, ahead: timedelta = timedelta(0)) -> Node:
        node = Node(self.ledger, self._directory / name, self.ledger.clock, ahead=ahead)
        self._nodes.append(node)
        return node

    def pass_time(self, span: timedelta) -> None:
        for clock in (self.ledger.clock, *(node.clock for node in self._nodes)):
            clock.advance(span)

    async def live(self, span: timedelta, *keepers: Keeper) -> None:
        """Let time pass; `keepers` do at each heartbeat what a worker has them do."""
        end = self.ledger.clock.now() + span
        while self.ledger.clock.now() < end:
            self.pass_time(HEARTBEAT)
            for each in keepers:
                await beat(each)

    async def holders(self) -> set[LeaseToken]:
        """Return who has a lease on record."""
        return {lease.token for lease in (await self.ledger.census(START)).leases}


@pytest.fixture
def cluster(ledger: SharedLedger, tmp_path: Path) -> Cluster:
    return Cluster(ledger, tmp_path)


async def beat(keeper: Keeper) -> bool:
    """Renew, then take over from the dead; say whether the lease was still ours."""
    kept = await keeper.renew()
    await keeper.take_over()
    return kept


def token_of(holder: Keeper) -> LeaseToken:
    assert holder.token is not None
    return holder.token


# --- workers of one machine ------------------------------------------------------------------


@pytest.mark.parametrize(
    "passed",
    [
        pytest.param(timedelta(minutes=5), id="the disk was full"),
        pytest.param(timedelta(days=8), id="the clock was set forward"),
    ],
)
async def test_when_nobody_could_renew_nobody_is_robbed(
    cluster: Cluster, passed: timedelta
) -> None:
    node = cluster.node("mail-1")
    first, second = (node.keeper(worker) for worker in (0, 1))
    await first.begin()
    await second.begin()
    held = second.token
    cluster.pass_time(passed)
    assert await beat(first)
    cluster.pass_time(timedelta(seconds=5))
    assert await second.renew()
    assert second.token == held
    await first.end()
    await second.end()


async def test_a_worker_that_stands_still_is_taken_over_in_the_end(cluster: Cluster) -> None:
    node = cluster.node("mail-1")
    first, second = (node.keeper(worker) for worker in (0, 1))
    await first.begin()
    await second.begin()
    await cluster.live(5 * HEARTBEAT, first)
    assert token_of(second) in await cluster.holders(), "it runs, and gets some time"
    await cluster.live(HEARTBEAT, first)
    assert await cluster.holders() == {first.token}
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
    cluster: Cluster,
) -> None:
    holder = cluster.node("mail-1").keeper()
    await holder.begin()
    cluster.pass_time(LEASE - timedelta(milliseconds=1))
    holder.enter(token_of(holder), [RecipientId(mint())])
    cluster.pass_time(timedelta(milliseconds=1))
    with pytest.raises(LeaseLost):
        holder.enter(token_of(holder), [RecipientId(mint())])
    await holder.make_sure(token_of(holder))
    holder.enter(token_of(holder), [RecipientId(mint())])
    await holder.end()


async def test_a_lease_is_sure_from_when_its_renewal_was_asked_for(cluster: Cluster) -> None:
    node = cluster.node("mail-1")

    def take_long() -> Load:
        """Let the renewal be on its way for a heartbeat."""
        node.clock.advance(HEARTBEAT)
        return Load()

    holder = node.keeper(load=take_long)
    await holder.begin()
    node.clock.advance(LEASE - HEARTBEAT)
    with pytest.raises(LeaseLost):
        holder.enter(token_of(holder), [RecipientId(mint())])
    await holder.end()


async def test_without_its_file_no_lease_is_held(cluster: Cluster) -> None:
    node = cluster.node("mail-1")
    node.directory.rmdir()
    holder = node.keeper()
    with pytest.raises(FileNotFoundError):
        await holder.begin()
    assert holder.token is None
    node.directory.mkdir()
    assert not await holder.renew()
    holder.enter(token_of(holder), [RecipientId(mint())])
    await cluster.live(LEASE, holder)
    assert await cluster.holders() == {holder.token}
    await holder.end()
    assert await cluster.holders() == set()


async def test_a_worker_that_has_just_begun_is_not_taken_for_dead(cluster: Cluster) -> None:
    holder = cluster.node("mail-1").keeper()
    await holder.begin()
    young = await cluster.ledger.open_lease("mail-1", 1, START, LEASE)  # no file yet
    await holder.take_over()
    assert young.token in await cluster.holders()
    await cluster.live(LEASE, holder)
    assert await cluster.holders() == {holder.token}
    await holder.end()


async def test_a_dead_worker_is_known_by_its_file_whatever_the_node_was_called(
    cluster: Cluster,
) -> None:
    node = cluster.node("mail-1")
    dead = await cluster.ledger.open_lease("old-name", 0, START, LEASE)
    InFlight(path_of(node.directory, dead.token)).close(remove=False)
    holder = node.keeper()
    await holder.begin()
    await holder.take_over()
    assert await cluster.holders() == {holder.token}
    await holder.end()


async def test_only_what_a_dead_worker_had_handed_over_is_uncertain(cluster: Cluster) -> None:
    node = cluster.node("mail-1")
    dead = await cluster.ledger.open_lease("mail-1", 0, START, LEASE)
    submission = make_submission("sent@one.example", "unsent@two.example")
    jobs = (await cluster.ledger.accept(submission, START, dead.token)).jobs
    (sent,) = (job.recipients[0].id for job in jobs if job.destination == "one.example")
    left = InFlight(path_of(node.directory, dead.token))
    left.enter([sent])
    left.close(remove=False)
    holder = node.keeper()
    await holder.begin()
    assert await holder.take_over() == 2
    timeline = await cluster.ledger.timeline(submission.id, Scope())
    assert timeline is not None
    assert [attempt.recipient_id for attempt in timeline.attempts] == [sent]
    await holder.end()


# --- several machines ------------------------------------------------------------------------


async def test_another_node_takes_over_when_the_lease_has_run_out(cluster: Cluster) -> None:
    here, there = cluster.node("mail-1").keeper(), cluster.node("mail-2").keeper()
    await here.begin()
    await there.begin()
    (job,) = (await cluster.ledger.accept(make_submission(), START, there.token)).jobs
    await cluster.live(LEASE - HEARTBEAT, here)
    assert await cluster.holders() == {here.token, there.token}
    await cluster.live(HEARTBEAT, here)
    assert await cluster.holders() == {here.token}
    timeline = await cluster.ledger.timeline(job.message.id, Scope())
    assert timeline is not None
    assert [attempt.node for attempt in timeline.attempts] == ["mail-2"], "it may have been sent"
    await here.end()


async def test_a_node_that_was_paused_finds_its_lease_gone_and_sends_nothing(
    cluster: Cluster,
) -> None:
    here, there = cluster.node("mail-1").keeper(), cluster.node("mail-2").keeper()
    await here.begin()
    await there.begin()
    stale = token_of(there)
    await cluster.live(2 * LEASE, here)
    assert await cluster.holders() == {here.token}
    with pytest.raises(LeaseLost):
        there.enter(stale, [RecipientId(mint())])
    with pytest.raises(LeaseLost):
        await there.make_sure(stale)
    await there.take_over()
    assert await cluster.holders() == {here.token, there.token}, "it has a new one"
    assert there.token != stale
    there.enter(token_of(there), [RecipientId(mint())])
    await here.end()
    await there.end()


@pytest.mark.parametrize("away", [2 * HEARTBEAT, LEASE, timedelta(minutes=10)], ids=str)
async def test_when_the_ledger_was_away_everybody_may_renew_first(
    cluster: Cluster, away: timedelta
) -> None:
    here, there = cluster.node("mail-1").keeper(), cluster.node("mail-2").keeper()
    await there.begin()
    await here.begin()
    await cluster.live(HEARTBEAT, here)  # so that the lease of the other one runs out first
    with disk_full(cluster.ledger.path):
        for _ in range(away // HEARTBEAT):
            cluster.pass_time(HEARTBEAT)
            with pytest.raises(StoreUnavailable):
                await beat(here)
            await here.take_over()
    cluster.pass_time(HEARTBEAT)
    before = await cluster.holders()
    assert await beat(here)
    assert await cluster.holders() == before
    assert await beat(there)
    assert await cluster.holders() == before
    await cluster.live(LEASE, here)
    assert await cluster.holders() == {here.token}, "the other one has died since"
    await here.end()


async def test_whoever_died_while_the_ledger_was_away_is_taken_over_in_the_end(
    cluster: Cluster,
) -> None:
    here, there = cluster.node("mail-1").keeper(), cluster.node("mail-2").keeper()
    await there.begin()
    await here.begin()
    cluster.pass_time(timedelta(minutes=10))
    assert await beat(here)
    await cluster.live(LEASE - HEARTBEAT, here)
    assert token_of(there) in await cluster.holders()
    await cluster.live(HEARTBEAT, here)
    assert await cluster.holders() == {here.token}
    await here.end()


async def test_a_node_that_begins_lets_the_others_renew_first(cluster: Cluster) -> None:
    there = cluster.node("mail-2").keeper()
    await there.begin()
    cluster.pass_time(timedelta(minutes=10))
    here = cluster.node("mail-1").keeper()
    await here.begin()
    await here.take_over()
    assert await there.renew()
    assert await cluster.holders() == {here.token, there.token}
    await here.end()
    await there.end()


@pytest.mark.parametrize("ahead", [-7 * HOUR, -LEASE, LEASE, 7 * HOUR], ids=str)
async def test_clocks_that_are_hours_apart_change_nothing(
    cluster: Cluster, ahead: timedelta
) -> None:
    here = cluster.node("mail-1", ahead=ahead).keeper()
    there = cluster.node("mail-2", ahead=-ahead).keeper()
    await here.begin()
    await there.begin()
    both = {here.token, there.token}
    await cluster.live(3 * LEASE, here, there)
    assert await cluster.holders() == both
    await cluster.live(LEASE - HEARTBEAT, here)
    assert await cluster.holders() == both
    await cluster.live(HEARTBEAT, here)
    assert await cluster.holders() == {here.token}
    await here.end()


async def test_a_clock_that_is_set_on_one_node_changes_nothing(cluster: Cluster) -> None:
    node, other = cluster.node("mail-1"), cluster.node("mail-2")
    here, there = node.keeper(), other.keeper()
    await here.begin()
    await there.begin()
    both = {here.token, there.token}
    for step in (7 * HOUR, -14 * HOUR):
        node.clock.set(node.clock.now() + step)
        assert await beat(here)
        await cluster.live(LEASE, here, there)
        assert await cluster.holders() == both
    here.enter(token_of(here), [RecipientId(mint())])
    await here.end()
    await there.end()


# --- who else is there -----------------------------------------------------------------------


async def test_each_renewal_tells_who_shares_the_ledger(cluster: Cluster) -> None:
    told: list[tuple[Census, LeaseToken]] = []
    here = cluster.node("mail-1").keeper(load=lambda: Load(jobs=5, clients=2))
    here.watch(lambda census, token: told.append((census, token)))
    before = here.census
    assert before is None
    await here.begin()
    ((census, token),) = told
    assert (here.census, token) == (census, here.token)
    (lease,) = census.leases
    assert (lease.token, lease.load) == (here.token, Load(jobs=5, clients=2))
    there = cluster.node("mail-2").keeper()
    cluster.pass_time(timedelta(seconds=1))
    await there.begin()
    assert there.census is not None
    assert [each.node for each in there.census.alive] == ["mail-1", "mail-2"]
    assert await here.renew()
    assert [each.node for each in told[-1][0].alive] == ["mail-1", "mail-2"]
    await there.end()
    await here.renew()
    assert [each.node for each in told[-1][0].alive] == ["mail-1"]
    assert len(told) == 3
    await here.end()


async def test_who_lost_its_lease_is_told_of_the_new_one(cluster: Cluster) -> None:
    told: list[LeaseToken] = []
    here = cluster.node("mail-1").keeper()
    here.watch(lambda _, token: told.append(token))
    await here.begin()
    old = token_of(here)
    await cluster.ledger.recover(old, [], START)
    assert not await here.renew()
    assert told == [old, here.token]
    await here.end()


async def test_a_clock_that_is_set_between_renewal_and_census_robs_nobody(
    cluster: Cluster,
) -> None:
    here, there = cluster.node("mail-1").keeper(), cluster.node("mail-2").keeper()
    await there.begin()
    await cluster.live(2 * LEASE, here, there)
    assert await here.renew()
    cluster.ledger.clock.set(cluster.ledger.clock.now() + HOUR)
    assert await here.take_over() == 0
    assert await cluster.holders() == {here.token, there.token}
    assert await there.renew(), "it still has its lease"
    await here.end()
    await there.end()
