"""Whatever happens to a ready queue, all jobs that may run do, and none gets lost."""

from collections import Counter, deque

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.relay.test_ready import job_to, queue
from tracker.model import Job

PARALLEL, UNSETTLED = 3, 4
DESTINATIONS = ("a.example", "b.example")


class Life(RuleBasedStateMachine):
    """A ready queue, and what it should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = queue(jobs=1000, parallel=PARALLEL, initial=1, unsettled=UNSETTLED)
        self.waiting: dict[str, deque[str]] = {name: deque() for name in DESTINATIONS}
        self.running: list[Job] = []
        self.settling: list[Job] = []
        self.ended: Counter[str] = Counter()
        self.pushed = 0

    def may_run(self, name: str) -> bool:
        running = Counter(job.destination for job in self.running)[name]
        settling = Counter(job.destination for job in self.settling)[name]
        has_slot = running < min(PARALLEL, 1 + self.ended[name]) and settling < UNSETTLED
        return bool(self.waiting[name]) and has_slot

    @rule(name=st.sampled_from(DESTINATIONS), number=st.integers(1, 8))
    def push(self, name: str, number: int) -> None:
        for _ in range(number):
            self.pushed += 1
            self.ready.push(job_to(name, str(self.pushed)), 0.0)
            self.waiting[name].append(str(self.pushed))

    @rule()
    def pop(self) -> None:
        job = self.ready.pop()
        assert (job is not None) == any(map(self.may_run, DESTINATIONS))
        if job is not None:
            assert self.may_run(job.destination)
            assert self.waiting[job.destination].popleft() == job.message.account
            self.running.append(job)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        job = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.ready.delivered(job)
        self.ended[job.destination] += 1
        self.settling.append(job)

    @precondition(lambda self: self.settling)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        self.ready.done(self.settling.pop(data.draw(st.integers(0, len(self.settling) - 1))), 0.0)

    @rule()
    def drain(self) -> None:
        taken = self.ready.drain()
        waited = [name for jobs in self.waiting.values() for name in jobs]
        assert sorted(job.message.account or "" for job in taken) == sorted(waited)
        for name, jobs in self.waiting.items():
            if jobs and all(job.destination != name for job in self.running + self.settling):
                self.ended[name] = 0  # it begins anew
            jobs.clear()

    @invariant()
    def all_are_held(self) -> None:
        waiting = sum(map(len, self.waiting.values()))
        assert len(self.ready) == waiting + len(self.running) + len(self.settling)


TestLife = Life.TestCase
