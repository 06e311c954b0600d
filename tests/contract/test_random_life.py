"""Random sequences of verbs beside a model in plain Python: nothing is lost, nothing invented."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from tests.contract.conftest import NewLocator
from tests.contract.ledger import EVERYTHING, Ledger, assert_balanced, open_by_locator, recipients
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.acting import reroute_of
from tracker.model import (
    DestinationChange,
    Gate,
    Job,
    LeaseToken,
    MessageId,
    Outcome,
    Postponement,
    RecipientId,
    Status,
    Trigger,
)
from tracker.routing import Routes
from tracker.states import FINAL, OPEN
from tracker.store import LeaseLost

DOMAINS = ("one.example", "two.example", "three.example")
MINUTE = timedelta(minutes=1)


class Expected(Struct):
    """What the model believes of one recipient."""

    expires_at: datetime
    status: Status = Status.QUEUED
    attempts: int = 0
    lease: LeaseToken | None = None
    next_hop: str = ""


class Life:
    """A ledger and the model beside it. Every method is a step; `which` chooses, modulo."""

    def __init__(self, locator: str, ledger: Ledger) -> None:
        self.locator = locator
        self.ledger = ledger
        self.now: datetime = START
        self.expected: dict[RecipientId, Expected] = {}
        self.leases: list[LeaseToken] = []
        self.jobs: list[Job] = []

    # --- what workers do -----------------------------------------------------------------------

    async def open_lease(self) -> None:
        lease = await self.ledger.open_lease("node", 1, self.now, MINUTE)
        self.leases.append(lease.token)

    async def accept(self, domains: Sequence[str], leased: bool, hours: int) -> None:
        # No two at the same moment, for ids of one moment are in no order that could be repeated.
        self.now += timedelta(milliseconds=1)
        lease = self.leases[-1] if leased and self.leases else None
        names = [f"u{n}@{domain}" for n, domain in enumerate(domains)]
        lifetime = timedelta(hours=hours)
        submission = make_submission(*names, now=self.now, lifetime=lifetime)
        accepted = await self.ledger.accept(submission, self.now, lease)
        self.jobs += accepted.jobs
        assert await self.learn_of(submission.id, lease) == names

    async def learn_of(self, message_id: MessageId, lease: LeaseToken | None) -> list[str]:
        timeline = await self.ledger.timeline(message_id, EVERYTHING)
        assert timeline is not None
        for recipient in timeline.recipients:
            self.expected[recipient.id] = Expected(recipient.expires_at, lease=lease)
        return [recipient.forward_path for recipient in timeline.recipients]

    async def claim(self, limit: int, busy: set[str]) -> None:
        if not self.leases:
            return
        jobs = await self.ledger.claim(self.leases[-1], self.now, limit, busy)
        assert sum(len(job.recipients) for job in jobs) <= limit
        for job in jobs:
            assert job.destination not in busy
            for recipient in job.recipients:
                expected = self.expected[recipient.id]
                assert expected.lease is None
                assert recipient.status is expected.status
                assert recipient.attempts == expected.attempts
                assert recipient.next_hop == expected.next_hop
                assert job.destination == recipient.destination
                expected.lease = job.lease
        self.jobs += sorted(jobs, key=lambda job: job.recipients[0].id)

    async def settle(
        self, which: int, outcome: Outcome, wait: int, reachable: bool | None, bounce: bool
    ) -> None:
        if not self.jobs:
            return
        job = self.jobs.pop(which % len(self.jobs))
        self.now += timedelta(seconds=1)
        dsn = make_submission("alice@two.example", reverse_path="", now=self.now)
        reports = (dsn,) if bounce else ()
        settlement = make_settlement(
            job, outcome, now=self.now, wait=wait * MINUTE, reports=reports
        )
        if reachable is not None:
            change = DestinationChange(
                destination=job.destination,
                at=self.now,
                reachable=reachable,
                failures=0 if reachable else 1,
                next_probe_at=None if reachable else self.now + wait * MINUTE,
            )
            settlement = replace(settlement, destination=change)
        if not await self.happens(job, self.ledger.settle(settlement)):
            return
        for made in settlement.changes:
            expected = self.expected[made.recipient_id]
            expected.status, expected.attempts = made.status, made.attempts
        for report in reports:
            await self.learn_of(report.id, None)

    async def postpone(self, which: int, wait: int) -> None:
        if not self.jobs:
            return
        job = self.jobs.pop(which % len(self.jobs))
        why = Postponement(gate=Gate.DNS, until=self.now + wait * MINUTE, detail="silent")
        ids = [recipient.id for recipient in job.recipients]
        await self.happens(job, self.ledger.postpone(job.lease, ids, why))

    async def happens(self, job: Job, step: Awaitable[None]) -> bool:
        """Check that `step` ends the lease of `job`, or that it is refused where it must be."""
        held = [self.expected[recipient.id] for recipient in job.recipients]
        if any(each.lease != job.lease for each in held):
            with pytest.raises(LeaseLost):
                await step
            return False
        await step
        for each in held:
            each.lease = None
        return True

    async def end_lease(self, which: int, clean: bool, doubt: int) -> None:
        """Close a lease, or take over a dead worker's; its jobs stay with it, stale."""
        if not self.leases:
            return
        lease = self.leases.pop(which % len(self.leases))
        held = [rid for rid, each in self.expected.items() if each.lease == lease]
        uncertain = set() if clean else {rid for n, rid in enumerate(held) if doubt >> n & 1}
        if clean:
            await self.ledger.close_lease(lease, self.now)
        else:
            assert await self.ledger.recover(lease, uncertain, self.now) == len(held)
        for rid in held:
            self.expected[rid].lease = None
        for rid in uncertain:
            self.expected[rid].attempts += 1
            self.expected[rid].status = Status.DEFERRED

    # --- what people do, and time --------------------------------------------------------------

    async def meddle(self, which: set[int], to: Status | None) -> None:
        """Hold, release, cancel or, for None, try now."""
        known = list(self.expected)
        ids = {known[n % len(known)] for n in which if known}
        if to is None:
            await self.ledger.retry_now(ids, scope=EVERYTHING, actor="", now=self.now)
            return
        changed = await self.ledger.change_status(
            ids, to, scope=EVERYTHING, actor="", reason="", now=self.now
        )
        assert changed == sum(change(self.expected[each], to) for each in ids)

    async def reroute(self, which: set[int], next_hop: str) -> None:
        """Send whoever waits or is held another way, or as configured again."""
        shown = await recipients(self.ledger)
        chosen = [shown[n] for n in {n % len(shown) for n in which}] if shown else []
        ways = [way for each in chosen if (way := reroute_of(each, next_hop, Routes(())))]
        going = [
            each.id
            for each in chosen
            if each.next_hop != next_hop
            and each.status in OPEN
            and not each.leased
            and each.trigger is not Trigger.DEADLINE
        ]
        changed = await self.ledger.reroute(
            ways, scope=EVERYTHING, actor="", reason="", now=self.now
        )
        assert changed == len(going)
        for each in going:
            self.expected[each].next_hop = next_hop

    async def give_up_held(self) -> None:
        overdue = [
            each
            for each in self.expected.values()
            if each.status is Status.HELD and each.expires_at <= self.now
        ]
        assert await self.ledger.give_up_held(self.now, 1000) == len(overdue)
        assert all(change(each, Status.QUEUED) for each in overdue)

    async def pass_time(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    async def reopen(self) -> None:
        await self.ledger.close()
        self.ledger = await open_by_locator(self.locator)

    # --- what must hold ------------------------------------------------------------------------

    async def check(self) -> None:
        shown = await recipients(self.ledger)
        assert {
            each.id: (each.status, each.attempts, each.leased, each.next_hop) for each in shown
        } == {
            rid: (each.status, each.attempts, each.lease is not None, each.next_hop)
            for rid, each in self.expected.items()
        }
        assert all(each.destination == (each.next_hop or each.domain) for each in shown)
        waits = [
            min(each.next_attempt_at, each.expires_at)
            if each.gate is Gate.DESTINATION
            else each.next_attempt_at
            for each in shown
            if each.next_attempt_at is not None and not each.leased
        ]
        next_due = await self.ledger.next_due()
        if waits:
            assert next_due is not None
            assert next_due <= max(self.now, min(waits))
        balances = await assert_balanced(self.ledger)
        assert sum(each.accepted for each in balances) == len(self.expected)
        is_open = [each.status not in FINAL for each in self.expected.values()]
        assert sum(each.open for each in balances) == sum(is_open)

    async def finish(self) -> None:
        """Whatever was done before, all that is open can be claimed and delivered in the end."""
        for lease in self.leases:
            await self.ledger.recover(lease, [], self.now)
        self.now += timedelta(days=30)
        await self.ledger.give_up_held(self.now, 1000)
        lease = (await self.ledger.open_lease("node", 9, self.now, MINUTE)).token
        finished = 0
        while jobs := await self.ledger.claim(lease, self.now, 1000):
            for job in jobs:
                alive = DestinationChange(destination=job.destination, at=self.now, reachable=True)
                settlement = make_settlement(job, now=self.now)
                await self.ledger.settle(replace(settlement, destination=alive))
                finished += len(job.recipients)
        assert finished == sum(each.status not in FINAL for each in self.expected.values())
        assert await self.ledger.next_due() is None
        assert {each.open for each in await assert_balanced(self.ledger)} <= {0}


def change(expected: Expected, to: Status) -> bool:
    """Apply an act to the model; False when it does not apply."""
    waiting = expected.status in (Status.QUEUED, Status.DEFERRED)
    is_held = expected.status is Status.HELD
    may = {Status.HELD: waiting, Status.QUEUED: is_held, Status.CANCELLED: waiting or is_held}
    if expected.lease is not None or not may[to]:
        return False
    if to is Status.QUEUED and expected.attempts:
        to = Status.DEFERRED
    expected.status = to
    return True


Step = Callable[[Life], Awaitable[None]]

WHICH = st.integers(0, 30)
MINUTES = st.integers(0, 90)
TARGETS = st.sampled_from([Status.HELD, Status.QUEUED, Status.CANCELLED, None])


def steps(
    step: Callable[..., Awaitable[None]], **arguments: st.SearchStrategy[object]
) -> st.SearchStrategy[Step]:
    """Return calls of one method of `Life`."""
    return st.fixed_dictionaries(arguments).map(lambda drawn: lambda life: step(life, **drawn))


ACCEPT = steps(
    Life.accept,
    domains=st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=4),
    leased=st.booleans(),
    hours=st.integers(1, 200),
)
CLAIM = steps(Life.claim, limit=st.integers(1, 5), busy=st.sets(st.sampled_from(DOMAINS)))
SETTLE = steps(
    Life.settle,
    which=WHICH,
    outcome=st.sampled_from(Outcome),
    wait=MINUTES,
    reachable=st.sampled_from([True, False, None]),
    bounce=st.booleans(),
)
REST = [
    steps(Life.postpone, which=WHICH, wait=MINUTES),
    steps(Life.open_lease),
    steps(Life.end_lease, which=WHICH, clean=st.booleans(), doubt=st.integers(0, 255)),
    steps(Life.meddle, which=st.sets(WHICH, max_size=4), to=TARGETS),
    steps(
        Life.reroute,
        which=st.sets(WHICH, max_size=4),
        next_hop=st.sampled_from(["", "hop.example:25", "other.example:25"]),
    ),
    steps(Life.give_up_held),
    steps(Life.pass_time, minutes=st.integers(0, 300)),
    steps(Life.reopen),
]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    life=st.lists(
        st.one_of(ACCEPT, ACCEPT, CLAIM, CLAIM, SETTLE, SETTLE, SETTLE, *REST),
        min_size=20,
        max_size=60,
    )
)
async def test_random_lives(new_locator: NewLocator, life: list[Step]) -> None:
    locator = new_locator()
    lived = Life(locator, await open_by_locator(locator))
    try:
        await lived.open_lease()
        for step in life:
            await step(lived)
            await lived.check()
        await lived.finish()
    finally:
        await lived.ledger.close()
