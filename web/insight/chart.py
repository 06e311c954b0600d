"""Charts: columns of numbers over time as shapes, which need no script and no library. Pure.

A shape is told from another by its pattern and by a label, not by its colour alone; the same
numbers are in a table beside it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from tracker.insight import SLOT
from web.times import Times, in_days

WIDTH: Final = 960
HEIGHT: Final = 200
_GAP: Final = 0.22
"""The part of a column's room that stays empty."""
_MARKS: Final = 5
"""Times that are written below a chart, at most."""
_STRIDES: Final = (1, 2, 3, 4, 6, 7, 12, 24, 30)
"""From one such time to the next, in columns."""
_DIGITS: Final = (1, 2, 3, 4, 5, 6, 8)


class Series(NamedTuple):
    """One kind of thing that is counted."""

    key: str
    """Names its colour and pattern: good, warn, bad, wait or off."""
    label: str


class Step(NamedTuple):
    """One column: an hour or a day."""

    at: datetime
    label: str
    """On the axis."""
    words: str
    """In the table."""


class Shape(NamedTuple):
    """A rectangle of a chart."""

    key: str
    x: float
    y: float
    width: float
    height: float


class Row(NamedTuple):
    """One line of the table."""

    at: datetime
    words: str
    numbers: tuple[int, ...]


class Legend(NamedTuple):
    """One kind, with its sum."""

    key: str
    label: str
    total: int


class Chart(NamedTuple):
    """Everything that the template draws."""

    name: str
    """Tells its parts from those of other charts on the page."""
    title: str
    description: str
    top: int
    """The number at the upper edge."""
    shapes: tuple[Shape, ...]
    legend: tuple[Legend, ...]
    marks: tuple[str, ...]
    """Below each column; most are empty."""
    rows: tuple[Row, ...]

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to see."""
        return not self.shapes

    @property
    def scale(self) -> tuple[int, ...]:
        """The numbers at its lines, from the upper edge to nought at equal distances."""
        parts = next((one for one in (4, 3, 5, 2) if self.top % one == 0), 1)
        return tuple(self.top // parts * number for number in range(parts, -1, -1))

    @property
    def lines(self) -> tuple[float, ...]:
        """How far below the upper edge its lines are, but for the lowest."""
        return tuple(round(HEIGHT - HEIGHT * one / self.top, 1) for one in self.scale[:-1])


def steps_of(since: datetime, until: datetime, times: Times) -> tuple[Step, ...]:
    """Return the columns of a range: hours of up to two days, else days, on the viewer's clock."""
    if until - since <= timedelta(days=2, hours=1):
        return _hours(since, until, times)
    return _days(since, until, times)


def _hours(since: datetime, until: datetime, times: Times) -> tuple[Step, ...]:
    steps, at = [], since
    while at < until:
        local = times.local(at)
        words = f"{in_days(local.date())}, {local:%H:%M}"
        steps.append(Step(at, f"{local:%H:%M}", words))
        at += timedelta(hours=1)
    return tuple(steps)


def _days(since: datetime, until: datetime, times: Times) -> tuple[Step, ...]:
    steps: dict[date, Step] = {}
    at = since
    while at < until:
        day = times.local(at).date()
        if day not in steps:
            steps[day] = Step(at, in_days(day).rpartition(" ")[0], in_days(day))
        at += SLOT
    return tuple(steps.values())


def counted(
    steps: Sequence[Step], series: Sequence[Series], found: Mapping[tuple[datetime, str], int]
) -> list[tuple[int, ...]]:
    """Return the numbers of each column: of every series those from its time to the next one's.

    `found` are counts by the beginning of a slot and the key of a series.
    """
    numbers = [dict.fromkeys((each.key for each in series), 0) for _ in steps]
    position = 0
    for (at, key), number in sorted(found.items()):
        while position + 1 < len(steps) and steps[position + 1].at <= at:
            position += 1
        if key in numbers[position]:
            numbers[position][key] += number
    return [tuple(each.values()) for each in numbers]


def draw(
    name: str,
    title: str,
    steps: Sequence[Step],
    series: Sequence[Series],
    found: Mapping[tuple[datetime, str], int],
) -> Chart:
    """Return a chart of stacked columns."""
    numbers = counted(steps, series, found) if steps else []
    sums = [sum(each) for each in numbers]
    top = ceiling(max(sums, default=0))
    totals = [sum(column) for column in zip(*numbers, strict=True)] or [0] * len(series)
    legend = tuple(
        Legend(one.key, one.label, total) for one, total in zip(series, totals, strict=True)
    )
    return Chart(
        name=name,
        title=title,
        description=_describe(steps, sums, legend),
        top=top,
        shapes=tuple(_shapes(numbers, series, top)),
        legend=legend,
        marks=_marks(steps),
        rows=tuple(Row(one.at, one.words, each) for one, each in zip(steps, numbers, strict=True)),
    )


def ceiling(number: int) -> int:
    """Return a round number that is not below `number`: one digit and noughts."""
    power = 1
    while True:
        for digit in _DIGITS:
            if digit * power >= number:
                return digit * power
        power *= 10


def _shapes(numbers: Sequence[tuple[int, ...]], series: Sequence[Series], top: int) -> list[Shape]:
    room = WIDTH / max(1, len(numbers))
    shapes = []
    for position, column in enumerate(numbers):
        below = 0
        for one, number in zip(series, column, strict=True):
            if number:
                height = number / top * HEIGHT
                y = HEIGHT - (below + number) / top * HEIGHT
                x = (position + _GAP / 2) * room
                shapes.append(
                    Shape(
                        one.key,
                        round(x, 2),
                        round(y, 2),
                        round(room * (1 - _GAP), 2),
                        round(height, 2),
                    )
                )
            below += number
    return shapes


def _describe(steps: Sequence[Step], sums: Sequence[int], legend: Sequence[Legend]) -> str:
    total = sum(sums)
    if not total:
        return "Nothing was counted in this time."
    parts = ", ".join(f"{one.total:,} {one.label.lower()}" for one in legend if one.total)
    most = max(range(len(sums)), key=sums.__getitem__)
    return f"{total:,} in all: {parts}. The most, {sums[most]:,}, at {steps[most].words}."


def _marks(steps: Sequence[Step]) -> tuple[str, ...]:
    """Return what is written below each column: a label below some of them."""
    every = next((one for one in _STRIDES if one * _MARKS >= len(steps)), len(steps))
    return tuple("" if number % every else step.label for number, step in enumerate(steps))
