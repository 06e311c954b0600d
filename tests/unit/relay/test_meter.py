"""Progress: how it reads, and how often it is written."""

import io
from datetime import timedelta

import pytest

from relay.cli.meter import Meter, duration_of, line_of
from tests.support.clock import FakeClock
from tracker.transfer import Progress, Stage


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3540, "59 min"), (11_100, "3 h 5 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration_of(seconds) == said


def test_a_line_of_progress() -> None:
    progress = Progress(Stage.COPYING, 12_500, 20_000)
    assert line_of(progress, 10_000, 4.0) == (
        "copying: 12,500 of 20,000 messages, 2,500/s, 3 s left"
    )
    assert line_of(progress, 0, 4.0) == "copying: 12,500 of 20,000 messages"


def show(stream: io.StringIO, seconds: float, *done: int) -> str:
    """Show these one after the other, with so many seconds between them."""
    clock = FakeClock()
    meter = Meter(stream, clock.monotonic)
    for stage in Stage:
        for number in done:
            meter.show(Progress(stage, number, 100))
            clock.advance(timedelta(seconds=seconds))
    meter.finish()
    return stream.getvalue()


def test_elsewhere_lines_come_every_few_seconds_and_at_the_end() -> None:
    assert show(io.StringIO(), 2, 0, 10, 20, 30, 40, 100).splitlines() == [
        "copying: 30 of 100 messages, 5/s, 14 s left",
        "copying: 100 of 100 messages, 10/s, 0 s left",
        "comparing: 30 of 100 messages, 5/s, 14 s left",
        "comparing: 100 of 100 messages, 10/s, 0 s left",
    ]


def test_on_a_terminal_one_line_for_each_stage_changes() -> None:
    shown = show(Terminal(), 1, 0, 50, 100)
    assert [line.rsplit("\r")[-1] for line in shown.split("\n")] == [
        "copying: 100 of 100 messages, 50/s, 0 s left\x1b[K",
        "comparing: 100 of 100 messages, 50/s, 0 s left\x1b[K",
        "",
    ]
    assert shown.count("\r") == 4  # a stage begins without a line
