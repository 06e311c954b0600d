"""Random sequences of verbs beside a model in plain Python: nothing is lost, nothing invented."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.contract.conftest import NewLocator
from tests.contract.ledger import EVERYTHING, Ledger, assert_balanced, open_by_locator, recipients
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import (
    DestinationChange,
    Gate,
    Job,
    LeaseToken,
    Outcome,
    Postponement,
    RecipientId,
    Status,
)
from tracker.states import FINAL
from tracker.store import LeaseLost

DOMAINS = ("one.example", "two.example", "three.example")
MINUTE = timedelta(minutes=1)


class Expected(msgspec.Struct):
    """What the model believes of one recipient."""

    status: Status = Status.QUEUED
    attempts: int = 0
    lease: LeaseToken | None = None


class Life(RuleBasedStateMachine):
    """Accepts, claims, settles, crashes and meddles."""

    new_locator: NewLocator

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.locator = self.new_locator()
        self.ledger: Ledger = self.runner.run(open_by_locator(self.locator))
        self.now: datetime = START
        self.expected: dict[RecipientId, Expected] = {}
        self.leases: list[LeaseToken] = []
        self.jobs: list[Job] = []

    def teardown(self) -> None:
        self.runner.run(self.drain())
        self.runner.run(self.ledger.close())
        self.runner.close()

    async def drain(self) -> None:
        """Whatever was done before, all that is open can be claimed and finished in the end."""
        for lease in self.leases:
            await self.ledger.recover(lease, [], self.now)
        held = [rid for rid, each in self.expected.items() if each.status is Status.HELD]
        await self.ledger.change_status(
            held, Status.QUEUED, scope=EVERYTHING, actor="", reason="", now=self.now
        )
        self.now += timedelta(days=30)
        lease = (await self.ledger.open_lease("node", 9, self.now, MINUTE)).token
        finished = 0
        while jobs := await self.ledger.claim(lease, self.now, 1000):
            for job in jobs:
                alive = DestinationChange(destination=job.destination, at=self.now, reachable=True)
                settlement = make_settlement(job, now=self.now)
                await self.ledger.settle(msgspec.structs.replace(settlement, destination=alive))
                finished += len(job.recipients)
        assert finished == sum(each.status not in FINAL for each in self.expected.values())
        assert await self.ledger.next_due() is None
        for balance in await assert_balanced(self.ledger):
            assert balance.open == 0

    # --- what workers do -----------------------------------------------------------------------

    @rule(
        domains=st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=4),
        leased=st.booleans(),
        hours=st.integers(1, 200),
    )
    def accept(self, domains: list[str], leased: bool, hours: int) -> None:
        lease = self.leases[-1] if leased and self.leases else None
        names = [f"u{n}@{domain}" for n, domain in enumerate(domains)]
        lifetime = timedelta(hours=hours)
        submission = make_submission(*names, now=self.now, lifetime=lifetime)
        accepted = self.runner.run(self.ledger.accept(submission, self.now, lease))
        self.jobs += accepted.jobs
        timeline = self.runner.run(self.ledger.timeline(submission.id, EVERYTHING))
        assert timeline is not None
        assert [each.forward_path for each in timeline.recipients] == names
        for recipient in timeline.recipients:
            self.expected[recipient.id] = Expected(lease=lease)

    @rule()
    def open_lease(self) -> None:
        lease = self.runner.run(self.ledger.open_lease("node", 1, self.now, MINUTE))
        self.leases.append(lease.token)

    @rule(limit=st.integers(1, 5), busy=st.sets(st.sampled_from(DOMAINS)))
    def claim(self, limit: int, busy: set[str]) -> None:
        if not self.leases:
            return
        lease = self.leases[-1]
        jobs = self.runner.run(self.ledger.claim(lease, self.now, limit, busy))
        assert sum(len(job.recipients) for job in jobs) <= limit
        for job in jobs:
            assert job.destination not in busy
            for recipient in job.recipients:
                expected = self.expected[recipient.id]
                assert expected.lease is None
                assert recipient.status is expected.status
                assert recipient.attempts == expected.attempts
                expected.lease = lease
        self.jobs += jobs

    @rule(
        data=st.data(),
        outcome=st.sampled_from(Outcome),
        wait=st.integers(0, 90),
        reachable=st.sampled_from([True, False, None]),
        bounce=st.booleans(),
    )
    def settle(
        self, data: Any, outcome: Outcome, wait: int, reachable: bool | None, bounce: bool
    ) -> None:
        if not self.jobs:
            return
        job = data.draw(st.sampled_from(self.jobs))
        self.jobs.remove(job)
        reports = (make_submission("alice@two.example", reverse_path=""),) if bounce else ()
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
            settlement = msgspec.structs.replace(settlement, destination=change)
        held = all(self.expected[each.id].lease == job.lease for each in job.recipients)
        if not held:
            with pytest.raises(LeaseLost):
                self.runner.run(self.ledger.settle(settlement))
            return
        self.runner.run(self.ledger.settle(settlement))
        for made in settlement.changes:
            self.expected[made.recipient_id] = Expected(status=made.status, attempts=made.attempts)
        self.learn_of_reports(reports)

    def learn_of_reports(self, reports: tuple[Any, ...]) -> None:
        for report in reports:
            timeline = self.runner.run(self.ledger.timeline(report.id, EVERYTHING))
            assert timeline is not None
            for recipient in timeline.recipients:
                self.expected[recipient.id] = Expected()

    @rule(data=st.data(), wait=st.integers(0, 90))
    def postpone(self, data: Any, wait: int) -> None:
        if not self.jobs:
            return
        job = data.draw(st.sampled_from(self.jobs))
        self.jobs.remove(job)
        why = Postponement(gate=Gate.DNS, until=self.now + wait * MINUTE, detail="silent")
        ids = [recipient.id for recipient in job.recipients]
        if all(self.expected[each].lease == job.lease for each in ids):
            self.runner.run(self.ledger.postpone(job.lease, ids, why))
            for each in ids:
                self.expected[each].lease = None
        else:
            with pytest.raises(LeaseLost):
                self.runner.run(self.ledger.postpone(job.lease, ids, why))

    @rule(data=st.data(), clean=st.booleans())
    def end_lease(self, data: Any, clean: bool) -> None:
        """Close a lease, or take over a dead worker's; its jobs stay with it, stale."""
        if not self.leases:
            return
        lease = data.draw(st.sampled_from(self.leases))
        self.leases.remove(lease)
        held = [rid for rid, each in self.expected.items() if each.lease == lease]
        uncertain = data.draw(st.sets(st.sampled_from(held))) if held and not clean else set()
        if clean:
            self.runner.run(self.ledger.close_lease(lease, self.now))
        else:
            taken = self.runner.run(self.ledger.recover(lease, uncertain, self.now))
            assert taken == len(held)
        for each in held:
            self.expected[each].lease = None
        for each in uncertain:
            self.expected[each].attempts += 1
            self.expected[each].status = Status.DEFERRED

    # --- what people do ------------------------------------------------------------------------

    @rule(data=st.data(), to=st.sampled_from([Status.HELD, Status.QUEUED, Status.CANCELLED, None]))
    def meddle(self, data: Any, to: Status | None) -> None:
        """Hold, release, cancel or, for None, try now."""
        if not self.expected:
            return
        ids = data.draw(st.sets(st.sampled_from(sorted(self.expected)), max_size=4))
        if to is None:
            self.runner.run(self.ledger.retry_now(ids, scope=EVERYTHING, actor="", now=self.now))
            return
        changed = self.runner.run(
            self.ledger.change_status(ids, to, scope=EVERYTHING, actor="", reason="", now=self.now)
        )
        assert changed == sum(self.change(self.expected[each], to) for each in ids)

    @staticmethod
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

    @rule(minutes=st.integers(0, 300))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule()
    def reopen(self) -> None:
        self.runner.run(self.ledger.close())
        self.ledger = self.runner.run(open_by_locator(self.locator))

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def the_ledger_is_what_the_model_says(self) -> None:
        shown = self.runner.run(recipients(self.ledger))
        assert {each.id: (each.status, each.attempts, each.leased) for each in shown} == {
            rid: (each.status, each.attempts, each.lease is not None)
            for rid, each in self.expected.items()
        }

    @invariant()
    def nobody_is_overslept(self) -> None:
        waits = [
            min(each.next_attempt_at, each.expires_at)
            if each.gate is Gate.DESTINATION
            else each.next_attempt_at
            for each in self.runner.run(recipients(self.ledger))
            if each.next_attempt_at is not None and not each.leased
        ]
        next_due = self.runner.run(self.ledger.next_due())
        if waits:
            assert next_due is not None
            assert next_due <= max(self.now, min(waits))

    @invariant()
    def the_balance_closes(self) -> None:
        total: Counter[str] = Counter()
        for balance in self.runner.run(assert_balanced(self.ledger)):
            total["accepted"] += balance.accepted
            total["open"] += balance.open
        assert total["accepted"] == len(self.expected)
        assert total["open"] == sum(each.status not in FINAL for each in self.expected.values())


def test_random_lives(new_locator: NewLocator) -> None:
    class LifeOfThisBackend(Life):
        pass

    LifeOfThisBackend.new_locator = staticmethod(new_locator)
    run_state_machine_as_test(
        LifeOfThisBackend,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
