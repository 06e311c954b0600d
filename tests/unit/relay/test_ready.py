"""The ready queue: turns, bounds, slots."""

import msgspec

from relay.ready import ReadyQueue
from tests.support.jobs import make_job, make_message, make_recipient
from tests.support.mail import BytesContent
from tracker.model import Job


def job_to(destination: str, name: str = "") -> Job:
    message = msgspec.structs.replace(make_message(), account=name)
    job = make_job(message, make_recipient(message))
    return msgspec.structs.replace(job, destination=destination)


def queue(
    jobs: int = 100,
    octets: int = 1000,
    parallel: int = 2,
    initial: int | None = None,
    unsettled: int = 100,
) -> ReadyQueue:
    return ReadyQueue(
        jobs=jobs,
        octets=octets,
        parallel=parallel,
        initial=parallel if initial is None else initial,
        unsettled=unsettled,
    )


def end(ready: ReadyQueue, job: Job) -> bool:
    """Deliver and settle `job`; say whether it is time to fetch more."""
    is_short = ready.delivered(job)
    return ready.done(job, 0.0) or is_short


def popped(ready: ReadyQueue) -> list[Job]:
    found = []
    while (job := ready.pop()) is not None:
        found.append(job)
    return found


def test_destinations_take_turns() -> None:
    ready = queue(parallel=3)
    for destination in ("a.example", "a.example", "a.example", "b.example"):
        ready.push(job_to(destination), 0.0)
    order = [job.destination for job in popped(ready)]
    assert order == ["a.example", "b.example", "a.example", "a.example"]


def test_a_destination_runs_no_more_than_its_share_and_goes_on_when_one_is_done() -> None:
    ready = queue(parallel=2)
    for name in "1234":
        ready.push(job_to("a.example", name), 0.0)
    running = popped(ready)
    assert [job.message.account for job in running] == ["1", "2"]
    end(ready, running[0])
    assert [job.message.account for job in popped(ready)] == ["3"]
    assert ready.pop() is None


def test_a_job_that_is_delivered_lets_the_next_one_run_before_it_is_settled() -> None:
    ready = queue(parallel=2)
    for name in "1234":
        ready.push(job_to("a.example", name), 0.0)
    first, second = popped(ready)
    ready.delivered(first)
    (third,) = popped(ready)
    assert third.message.account == "3"
    assert len(ready) == 4, "what is being settled is still held"
    for job in (second, third):
        ready.delivered(job)
    for job in (second, first, third):
        ready.done(job, 0.0)
    assert len(ready) == 1


def test_no_more_jobs_run_while_too_many_wait_to_be_settled() -> None:
    ready = queue(parallel=2, unsettled=3)
    for name in "123456":
        ready.push(job_to("a.example", name), 0.0)
    settling = []
    while (job := ready.pop()) is not None:
        ready.delivered(job)
        settling.append(job)
    assert [job.message.account for job in settling] == ["1", "2", "3"]
    ready.push(job_to("a.example", "7"), 0.0)
    ready.push(job_to("b.example", "other"), 0.0)
    assert [job.message.account for job in popped(ready)] == ["other"]
    ready.done(settling[1], 0.0)
    assert [job.message.account for job in popped(ready)] == ["4", "5"]
    for job in settling[::2]:
        ready.done(job, 0.0)
    assert ready.pop() is None, "two run"


def test_a_destination_whose_mail_is_only_settled_keeps_what_it_has_earned() -> None:
    ready = queue(parallel=4, initial=1)
    for _ in range(5):
        ready.push(job_to("a.example"), 0.0)
    (first,) = popped(ready)
    ready.delivered(first)
    assert len(ready.drain()) == 4
    ready.done(first, 1.0)
    for _ in range(5):
        ready.push(job_to("a.example"), 2.0)
    assert len(popped(ready)) == 2
    assert len(ready.drain(9.0)) == 3


def test_a_destination_earns_its_share_by_jobs_that_end() -> None:
    ready = queue(parallel=4, initial=1)
    for _ in range(20):
        ready.push(job_to("a.example"), 0.0)
    running = popped(ready)
    shares = [len(running)]
    for _ in range(5):
        end(ready, running.pop(0))
        running += popped(ready)
        shares.append(len(running))
    assert shares == [1, 2, 3, 4, 4, 4]


def test_a_destination_that_has_been_idle_begins_anew() -> None:
    ready = queue(parallel=4, initial=1)
    for _ in range(3):
        ready.push(job_to("a.example"), 0.0)
        (job,) = popped(ready)
        end(ready, job)
    for _ in range(3):
        ready.push(job_to("a.example"), 60.0)
    assert len(popped(ready)) == 1


def test_a_destination_that_was_idle_for_a_moment_goes_on_as_before() -> None:
    ready = queue(parallel=4, initial=1)
    for _ in range(3):
        ready.push(job_to("a.example"), 0.0)
        (job,) = popped(ready)
        end(ready, job)
    for _ in range(5):
        ready.push(job_to("a.example"), 59.0)
    assert len(popped(ready)) == 4


def test_of_idle_destinations_only_so_many_are_remembered() -> None:
    ready = queue(parallel=4, initial=1)
    for name in ("first", *(f"d{number}" for number in range(10_000))):
        ready.push(job_to(name), 0.0)
        (job,) = popped(ready)
        end(ready, job)
    for name in ("first", "d0"):
        for _ in range(3):
            ready.push(job_to(name), 0.0)
    assert sorted(job.destination for job in popped(ready)) == ["d0", "d0", "first"]


def test_the_order_within_a_destination_is_kept() -> None:
    ready = queue(parallel=1)
    names = [str(number) for number in range(20)]
    for name in names:
        ready.push(job_to("a.example", name), 0.0)
    seen = []
    while (job := ready.pop()) is not None:
        seen.append(job.message.account)
        end(ready, job)
    assert seen == names
    assert len(ready) == 0


def test_room_counts_jobs_that_run() -> None:
    ready = queue(jobs=2)
    ready.push(job_to("a.example"), 0.0)
    ready.push(job_to("b.example"), 0.0)
    assert ready.room == 0
    assert not ready.has_room(1)
    job = ready.pop()
    assert job is not None
    assert ready.room == 0
    end(ready, job)
    assert ready.room == 1


def test_room_counts_octets_but_lets_a_single_large_message_in() -> None:
    ready = queue(octets=1000)
    assert ready.has_room(5000)
    ready.push(msgspec.structs.replace(job_to("a.example"), content=BytesContent(bytes(900))), 0.0)
    assert ready.has_room(100)
    assert not ready.has_room(101)


def test_busy_names_destinations_without_a_free_slot_for_which_enough_waits() -> None:
    ready = queue(parallel=2)
    for _ in range(10):
        ready.push(job_to("a.example"), 0.0)
    ready.push(job_to("b.example"), 0.0)
    first, *others = popped(ready)
    assert ready.busy == {"a.example"}
    end(ready, first)
    assert ready.busy == frozenset()
    assert len(others) == 2


def test_a_destination_for_which_little_waits_is_not_busy() -> None:
    ready = queue(parallel=2)
    for _ in range(9):
        ready.push(job_to("a.example"), 0.0)
    assert len(popped(ready)) == 2
    assert ready.busy == frozenset()


def test_a_destination_from_which_was_taken_is_busy_until_something_ends() -> None:
    ready = queue(parallel=2)
    for _ in range(4):
        ready.push(job_to("a.example"), 0.0)
    first, *_ = popped(ready)
    assert len(ready.drain(1.0)) == 2
    assert ready.busy == {"a.example"}
    assert end(ready, first), "what was taken out is to be fetched again"
    ready.push(job_to("a.example"), 2.0)
    assert len(popped(ready)) == 1
    assert ready.busy == frozenset()


def test_more_is_asked_for_once_before_a_slot_is_idle() -> None:
    ready = queue(parallel=2)
    for _ in range(12):
        ready.push(job_to("a.example"), 0.0)
    running = popped(ready)
    asked = []
    while running:
        asked.append(end(ready, running.pop(0)))
        running += popped(ready)
    assert asked == [False, False, True, *[False] * 7, True, False]


def test_done_tells_when_a_slot_is_free_and_nobody_waits_for_it() -> None:
    ready = queue(parallel=2)
    for _ in range(3):
        ready.push(job_to("a.example"), 0.0)
    first, second = popped(ready)
    assert end(ready, first) is False
    (third,) = popped(ready)
    assert end(ready, second) is True
    assert end(ready, third) is False


def test_done_tells_when_there_is_room_for_more() -> None:
    ready = queue(jobs=20)
    for number in range(20):
        ready.push(job_to(f"d{number}.example"), 0.0)
    running = popped(ready)
    assert not ready.is_worth_filling
    assert [end(ready, job) for job in running[:4]] == [False, True, False, False]
    assert ready.is_worth_filling


def test_who_ran_out_of_jobs_is_claimed_for_first_the_quickest_before_all() -> None:
    ready = queue(parallel=4, initial=1)
    for name, count in (("slow.example", 1), ("quick.example", 2), ("waits.example", 2)):
        for _ in range(count):
            ready.push(job_to(name), 0.0)
    running = popped(ready)
    while running:
        job = running.pop()
        if job.destination == "waits.example":
            continue
        end(ready, job)
        running += popped(ready)
    # Each wants what may run side by side by now and as much to follow as it has earned.
    assert list(ready.take_hungry(100).items()) == [("quick.example", 5), ("slow.example", 3)]
    assert ready.take_hungry(100) == {}


def test_those_that_are_hungry_share_what_they_may_have() -> None:
    ready = queue(parallel=4, initial=1)
    for _ in range(4):
        ready.push(job_to("quick.example"), 0.0)
        (job,) = popped(ready)
        end(ready, job)
    ready.push(job_to("slow.example"), 0.0)
    (job,) = popped(ready)
    end(ready, job)
    assert ready.take_hungry(8) == {"quick.example": 7, "slow.example": 1}


def test_who_has_jobs_again_is_hungry_no_more() -> None:
    ready = queue()
    for _ in range(2):
        ready.push(job_to("a.example"), 0.0)
        (job,) = popped(ready)
        end(ready, job)
        ready.push(job_to("a.example"), 0.0)
        assert ready.take_hungry(10) == {}
        popped(ready)


def test_drain_takes_only_what_has_waited_long_when_told_so() -> None:
    ready = queue(parallel=1)
    for at, name in ((0.0, "runs"), (1.0, "old"), (5.0, "young")):
        ready.push(job_to("a.example", name), at)
    ready.push(job_to("b.example", "old"), 2.0)
    running = ready.pop()
    assert running is not None
    assert [job.message.account for job in ready.drain(3.0)] == ["old", "old"]
    end(ready, running)
    assert [job.message.account for job in popped(ready)] == ["young"]
    assert len(ready) == 1


def test_drain_takes_what_waits_and_leaves_what_runs() -> None:
    ready = queue(parallel=1)
    ready.push(job_to("a.example", "runs"), 0.0)
    ready.push(job_to("a.example", "waits"), 0.0)
    ready.push(job_to("b.example", "waits"), 0.0)
    running = ready.pop()
    assert running is not None
    assert [job.message.account for job in ready.drain()] == ["waits", "waits"]
    assert len(ready) == 1
    end(ready, running)
    assert len(ready) == 0
    assert ready.pop() is None
    ready.push(job_to("a.example", "later"), 0.0)
    assert [job.message.account for job in popped(ready)] == ["later"]
