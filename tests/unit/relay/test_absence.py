"""That the ledger is away is said when it goes, once a minute meanwhile, and when it is back."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from relay.absence import Absence
from tests.support.clock import FakeClock
from tracker.store import StoreUnavailable

AWAY, BACK = "ledger cannot be used", "ledger can be used again"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(1, [AWAY, BACK], id="a moment"),
        pytest.param(59, [AWAY, BACK], id="nearly a minute"),
        pytest.param(185, [AWAY, AWAY, AWAY, AWAY, BACK], id="three minutes"),
    ],
)
def test_several_who_miss_it_say_so_once(seconds: int, expected: list[str]) -> None:
    clock = FakeClock()
    absence = Absence(clock)
    with capture_logs() as events:
        for _ in range(seconds):
            for who in ("claiming", "errands", "rules"):
                absence.missed(who, StoreUnavailable("connection refused"))
            clock.advance(timedelta(seconds=1))
        for who in ("rules", "claiming", "errands"):
            absence.met(who)
            absence.met(who)
    assert [event["event"] for event in events] == expected
    assert events[0]["problem"] == "connection refused"
    assert events[-1]["away"] == f"{seconds} s"


def test_it_is_back_when_everybody_has_met_it() -> None:
    """A ledger that can be read and not be written is met by some, again and again."""
    clock = FakeClock()
    absence = Absence(clock)
    with capture_logs() as events:
        for _ in range(30):
            absence.missed("renewing the lease", StoreUnavailable("disk full"))
            absence.met("claiming")
            clock.advance(timedelta(seconds=1))
    assert [event["event"] for event in events] == [AWAY]


def test_a_second_absence_is_another_one() -> None:
    absence = Absence(FakeClock())
    with capture_logs() as events:
        for _ in range(2):
            absence.missed("claiming", StoreUnavailable("gone"))
            absence.met("claiming")
    assert [event["event"] for event in events] == [AWAY, BACK, AWAY, BACK]
