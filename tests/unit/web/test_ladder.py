"""The ladder of tries, and why it waits."""

from datetime import timedelta
from itertools import pairwise

import pytest

from config.settings import RetrySettings
from tests.unit.web.test_standing import NOW, TIMES, recipient
from tracker.model import Gate, Status
from tracker.states import FINAL
from web.message.ladder import rungs_of, tries_so_far, wait_of


def test_the_ladder_begins_with_what_is_on_record_and_ends_at_the_deadline() -> None:
    one = recipient(Status.DEFERRED, attempts=2, next_attempt_at=NOW + timedelta(minutes=3))
    rungs = rungs_of(one, RetrySettings())
    waits = [second.at - first.at for first, second in pairwise(rungs[:6])]
    assert rungs[0].at == NOW + timedelta(minutes=3)
    assert [wait / timedelta(minutes=1) for wait in waits] == [15, 30, 60, 120, 240]
    assert rungs[-1].at == one.expires_at
    assert [rung.is_last for rung in rungs].count(True) == 1
    assert rungs[0].is_next


@pytest.mark.parametrize("status", [Status.HELD, Status.DELIVERED, Status.BOUNCED])
def test_without_a_next_try_there_is_no_ladder(status: Status) -> None:
    assert rungs_of(recipient(status, next_attempt_at=None), RetrySettings()) == ()


@pytest.mark.parametrize(
    ("made", "words"), [(0, "no try so far"), (1, "1 try so far"), (3, "3 tries so far")]
)
def test_tries_so_far(made: int, words: str) -> None:
    assert tries_so_far(recipient(Status.DEFERRED, attempts=made)) == words


SOON = NOW + timedelta(minutes=12)


@pytest.mark.parametrize(
    ("gate", "ends"),
    [
        (Gate.NONE, "It goes out as soon as a worker takes it up, usually within seconds."),
        (Gate.BACK_OFF, "The next try is at 15:59, or earlier when somebody asks for it."),
        (
            Gate.DESTINATION,
            "The next probe is at 15:59; if it answers, all mail for it goes on at once.",
        ),
        (
            Gate.CONCURRENCY,
            "It goes on when one of our connections is free. This uses up no try.",
        ),
        (
            Gate.RATE,
            "It goes on when the limit has room again. The next try is at 15:59. "
            "This uses up no try.",
        ),
        (
            Gate.DNS,
            "It goes on when the resolver answers again. The next try is at 15:59. "
            "This uses up no try.",
        ),
        (
            Gate.LOCAL,
            "Our operators have to mend it. The next try is at 15:59. This uses up no try.",
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Gate) else None,
)
def test_every_gate_says_what_would_end_it(gate: Gate, ends: str) -> None:
    upcoming = NOW if gate is Gate.NONE else SOON
    wait = wait_of(recipient(Status.DEFERRED, gate=gate, next_attempt_at=upcoming), None, TIMES)
    assert wait is not None
    assert wait.ends == ends


def test_what_is_held_needs_somebody() -> None:
    wait = wait_of(recipient(Status.HELD, gate=Gate.HOLD, gate_detail="check"), None, TIMES)
    assert wait is not None
    assert wait.why == "It is held: check."
    assert wait.ends == "Somebody has to release it or cancel it. It is given up on 9 Mar at 14:47."


def test_a_try_that_is_under_way_ends_with_its_answer() -> None:
    wait = wait_of(recipient(Status.QUEUED, leased=True, next_attempt_at=NOW), None, TIMES)
    assert wait is not None
    assert wait.ends == "It ends with the answer of the other server."


@pytest.mark.parametrize("status", sorted(FINAL))
def test_what_is_final_waits_for_nothing(status: Status) -> None:
    assert wait_of(recipient(status), None, TIMES) is None
