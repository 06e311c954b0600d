"""The retry curve, as a list."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import RetrySettings
from tests.support.clock import START
from tracker.schedule import ladder, next_attempt_at, probe_at, stated_wait

RETRY = RetrySettings()
DEADLINE = START + timedelta(days=7)
MINUTE = timedelta(minutes=1)


def curve(retry: RetrySettings, jitter: float) -> list[timedelta]:
    """Live a recipient's whole life: the age of each try after the first."""
    ages: list[timedelta] = []
    now, attempts = START, 1
    expires_at = START + retry.lifetime
    while True:
        following = next_attempt_at(
            retry, expires_at=expires_at, attempts=attempts, now=now, jitter=jitter
        )
        if following is None:
            return ages
        ages.append(following - START)
        now, attempts = following, attempts + 1


def test_the_whole_curve() -> None:
    hours = [4 * step for step in range(1, 42)]
    minutes = [5, 15, 30, 60, 120, *(60 * hour for hour in hours), 60 * 168]
    assert curve(RETRY, 0.5) == [minute * MINUTE for minute in minutes]


@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.999])
def test_the_last_try_is_exactly_at_the_deadline(jitter: float) -> None:
    assert curve(RETRY, jitter)[-1] == RETRY.lifetime


@pytest.mark.parametrize(
    ("jitter", "wait"),
    [(0.0, timedelta(minutes=9)), (0.5, timedelta(minutes=10)), (1.0, timedelta(minutes=11))],
)
def test_jitter_spreads_by_a_tenth(jitter: float, wait: timedelta) -> None:
    found = next_attempt_at(RETRY, expires_at=DEADLINE, attempts=2, now=START, jitter=jitter)
    assert found == START + wait


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=8)], ids=["at", "long after"])
def test_it_expires_when_the_deadline_has_come(late: timedelta) -> None:
    now = DEADLINE + late
    assert next_attempt_at(RETRY, expires_at=DEADLINE, attempts=3, now=now, jitter=0.5) is None


def test_a_clock_that_jumps_back_neither_expires_nor_bursts() -> None:
    for hours in (1, 24, 1000):
        now = START - timedelta(hours=hours)
        found = next_attempt_at(RETRY, expires_at=DEADLINE, attempts=1, now=now, jitter=0.5)
        assert found == now + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("stated", "attempts", "wait"),
    [
        pytest.param(timedelta(minutes=20), 1, timedelta(minutes=20), id="lengthens"),
        pytest.param(timedelta(minutes=1), 1, timedelta(minutes=1), id="shortens"),
        pytest.param(timedelta(minutes=1), 3, timedelta(minutes=1), id="shortens thrice"),
        pytest.param(timedelta(minutes=1), 4, timedelta(minutes=30), id="shortens no more"),
        pytest.param(timedelta(minutes=50), 4, timedelta(minutes=50), id="lengthens always"),
    ],
)
def test_a_stated_wait(stated: timedelta, attempts: int, wait: timedelta) -> None:
    found = next_attempt_at(
        RETRY,
        expires_at=DEADLINE,
        attempts=attempts,
        now=START,
        jitter=0.0 if attempts <= 3 else 0.5,
        stated=stated,
    )
    assert found is not None
    assert wait <= found - START <= wait * 1.05


def test_jitter_never_comes_before_a_stated_time() -> None:
    found = next_attempt_at(
        RETRY, expires_at=DEADLINE, attempts=1, now=START, jitter=0.0, stated=7 * MINUTE
    )
    assert found == START + 7 * MINUTE


@given(
    attempts=st.integers(0, 10_000),
    age=st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
    jitter=st.floats(0, 1, exclude_max=True),
    stated=st.none() | st.timedeltas(MINUTE, 60 * MINUTE),
)
def test_the_next_try_is_ahead_and_not_past_the_deadline(
    attempts: int, age: timedelta, jitter: float, stated: timedelta | None
) -> None:
    now = START + age
    found = next_attempt_at(
        RETRY, expires_at=DEADLINE, attempts=attempts, now=now, jitter=jitter, stated=stated
    )
    if now >= DEADLINE:
        assert found is None
    else:
        assert found is not None
        assert now < found <= DEADLINE


def test_the_ladder_is_the_curve() -> None:
    first = START + timedelta(minutes=5)
    planned = ladder(RETRY, expires_at=DEADLINE, attempts=1, next_attempt=first)
    assert [moment - START for moment in planned] == curve(RETRY, 0.5)


def test_a_long_ladder_still_ends_with_the_deadline() -> None:
    retry = RetrySettings(schedule=(timedelta(seconds=1),))
    planned = ladder(retry, expires_at=DEADLINE, attempts=1, next_attempt=START, limit=4)
    seconds = [0, 1, 2, 7 * 24 * 3600]
    assert planned == [START + timedelta(seconds=second) for second in seconds]


def test_the_ladder_of_a_last_try_is_the_deadline() -> None:
    late = DEADLINE + timedelta(days=1)
    assert ladder(RETRY, expires_at=DEADLINE, attempts=47, next_attempt=late) == [DEADLINE]


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 10), (5, 15), (99, 15)]
)
def test_probes_of_a_dead_destination(failures: int, minutes: int) -> None:
    found = probe_at(RETRY, failures=failures, now=START, jitter=0.5)
    assert found == START + minutes * MINUTE


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("450 4.2.0 Greylisted, please try again in 300 seconds", 5 * MINUTE),
        ("451 4.7.1 Greylisting in action, please come back in 00:14:59", timedelta(seconds=899)),
        ("451 4.7.1 Greylisting in action, come back in 05:00", 5 * MINUTE),
        ("451 4.7.1 Please retry after 5 minutes", 5 * MINUTE),
        ("450 Greylisted for 5 minutes", 5 * MINUTE),
        ("451 please try again in 10m", 10 * MINUTE),
        ("450 4.7.1 wait at least 120 sec before retry", 2 * MINUTE),
        ("421 retry=90", timedelta(seconds=90)),
        ("451 temporary failure, Retry-After: 15 min", 15 * MINUTE),
        ("451-4.7.1 Greylisted\n451 4.7.1 Try again in 2 minutes", 2 * MINUTE),
        ("451 try again in 5 seconds", MINUTE),
        ("451 try again in 99999 hours", 60 * MINUTE),
        ("451 4.7.1 Greylisted, try again later", None),
        ("450 4.2.2 Mailbox full for 3 days", None),
        ("550 5.1.1 No such user in 300 seconds", None),
        ("452 4.3.1 Insufficient storage", None),
        ("421 4.7.0 retry in 12:34:56:78", None),
        ("", None),
    ],
)
def test_stated_waits(text: str, wait: timedelta | None) -> None:
    assert stated_wait(text) == wait


@given(st.text(max_size=400))
def test_any_text_may_be_asked_for_a_wait(text: str) -> None:
    found = stated_wait(text)
    assert found is None or MINUTE <= found <= 60 * MINUTE
