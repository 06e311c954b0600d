"""How values lie in columns."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model import Notify, Reply, new_id
from tracker.sql.rows import _decode_reply
from tracker.sql.values import (
    day_of,
    day_start,
    first_id,
    from_notify,
    last_id,
    moment,
    stamp,
    to_json,
    to_notify,
    well_formed,
)

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)


@given(MOMENTS)
def test_a_moment_survives_to_the_microsecond(when: datetime) -> None:
    assert moment(stamp(when)) == when


def test_no_moment_is_no_stamp() -> None:
    assert stamp(None) is None
    assert moment(None) is None


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        stamp(datetime(2026, 3, 2))  # noqa: DTZ001 - the point of the test


@given(MOMENTS)
def test_a_day_contains_its_moments(when: datetime) -> None:
    day = day_of(stamp(when))
    assert day_start(day) <= when < day_start(day + 1)


@given(MOMENTS, st.binary(min_size=8, max_size=8), st.timedeltas(min_value=timedelta(0)))
def test_ids_lie_between_the_bounds_of_their_time(
    when: datetime, entropy: bytes, later: timedelta
) -> None:
    made = new_id(when, entropy)
    assert first_id(when) <= made <= last_id(when)
    after = min(later, timedelta(days=10_000))
    assert last_id(when + after) >= made
    assert first_id(when - min(after, timedelta(hours=1))) <= made


@given(MOMENTS)
def test_no_id_of_a_day_reaches_into_the_next(when: datetime) -> None:
    start = day_start(day_of(stamp(when)))
    last = last_id(start + timedelta(days=1) - timedelta(microseconds=1))
    assert first_id(start) <= new_id(when, bytes(8)) <= last < first_id(start + timedelta(days=1))


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("", ""),
        ("plain", "plain"),
        ("naïve \U0001f4e8", "naïve \U0001f4e8"),
        ("caf\udce9", "caf\\udce9"),
        ("\x00\x1b[31m", "\\x00\x1b[31m"),
    ],
    ids=["empty", "ascii", "unicode", "lone surrogate", "control characters"],
)
def test_text_is_well_formed(text: str, stored: str) -> None:
    assert well_formed(text) == stored
    # As evidence even NUL is kept: JSON has an escape for it.
    evidence = _decode_reply(to_json(Reply(code=250, lines=(text,)))).lines[0]
    assert well_formed(evidence) == stored
    assert ("\0" in evidence) == ("\0" in text)


@pytest.mark.parametrize(
    "notify",
    [None, frozenset(), frozenset({Notify.NEVER}), frozenset(Notify) - {Notify.NEVER}],
    ids=["unsaid", "empty", "never", "several"],
)
def test_notify_survives(notify: frozenset[Notify] | None) -> None:
    assert to_notify(from_notify(notify)) == notify


def test_days_follow_each_other() -> None:
    starts = [day_start(day) for day in range(20_000, 20_100)]
    assert {b - a for a, b in pairwise(starts)} == {timedelta(days=1)}
