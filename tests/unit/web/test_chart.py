"""Charts: columns, shapes and the table beside them; pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from web.insight.chart import HEIGHT, WIDTH, Series, ceiling, draw, steps_of
from web.times import Times

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
BERLIN = Times(ZoneInfo("Europe/Berlin"), NOON)
INDIA = Times(ZoneInfo("Asia/Kolkata"), NOON)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SERIES = (Series("good", "Accepted"), Series("bad", "Refused"))


@pytest.mark.parametrize(
    ("number", "top"), [(0, 1), (1, 1), (3, 3), (7, 8), (9, 10), (11, 20), (190, 200), (801, 1000)]
)
def test_the_upper_edge_is_round(number: int, top: int) -> None:
    assert ceiling(number) == top


def test_a_day_has_hours_and_a_week_has_days() -> None:
    midnight = datetime(2026, 3, 27, 23, tzinfo=UTC)
    hours = steps_of(midnight, midnight + DAY, BERLIN)
    assert [step.label for step in hours][:2] == ["00:00", "01:00"]
    assert len(hours) == 24
    days = steps_of(midnight, midnight + 7 * DAY - HOUR, BERLIN)
    assert [step.label for step in days][:2] == ["28 Mar", "29 Mar"]
    assert len(days) == 7


def test_the_days_on_which_clocks_change_have_23_or_25_hours() -> None:
    spring = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert len(steps_of(spring, spring + 23 * HOUR, BERLIN)) == 23
    autumn = datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert len(steps_of(autumn, autumn + 25 * HOUR, BERLIN)) == 25


def test_a_day_begins_where_the_viewer_is() -> None:
    midnight = datetime(2026, 3, 27, 18, 30, tzinfo=UTC)
    first, second, *_ = steps_of(midnight, midnight + 7 * DAY, INDIA)
    assert (first.at, second.at) == (midnight, midnight + DAY)


def test_columns_are_stacked_and_the_table_has_the_same_numbers() -> None:
    steps = steps_of(NOON, NOON + 2 * HOUR, BERLIN)
    quarter = timedelta(minutes=15)
    found = {(NOON, "good"): 6, (NOON + quarter, "good"): 2, (NOON + HOUR, "bad"): 2}
    found[NOON + quarter, "bad"] = 2
    chart = draw("mail", "Mail", steps, SERIES, found)
    assert [row.numbers for row in chart.rows] == [(8, 2), (0, 2)]
    assert [one.total for one in chart.legend] == [8, 4]
    assert chart.top == 10
    below, above, second = chart.shapes
    assert (below.key, below.height, below.y + below.height) == ("good", HEIGHT * 0.8, HEIGHT)
    assert (above.key, above.y, above.y + above.height) == ("bad", 0, below.y)
    assert (second.key, second.height) == ("bad", HEIGHT * 0.2)
    assert all(one.x >= 0 and one.x + one.width <= WIDTH for one in chart.shapes)
    assert chart.description == (
        "12 in all: 8 accepted, 4 refused. The most, 10, at 28 Mar 2026, 13:00."
    )


def test_a_chart_of_nothing_says_so() -> None:
    chart = draw("mail", "Mail", steps_of(NOON, NOON + HOUR, BERLIN), SERIES, {})
    assert chart.is_empty
    assert chart.description == "Nothing was counted in this time."
    assert [one.total for one in chart.legend] == [0, 0]


@pytest.mark.parametrize(
    ("top", "scale"),
    [
        (1, (1, 0)),
        (2, (2, 1, 0)),
        (3, (3, 2, 1, 0)),
        (5, (5, 4, 3, 2, 1, 0)),
        (6, (6, 4, 2, 0)),
        (8, (8, 6, 4, 2, 0)),
        (10, (10, 8, 6, 4, 2, 0)),
        (300, (300, 225, 150, 75, 0)),
    ],
)
def test_every_line_has_a_whole_number(top: int, scale: tuple[int, ...]) -> None:
    steps = steps_of(NOON, NOON + HOUR, BERLIN)
    chart = draw("mail", "Mail", steps, SERIES, {(NOON, "good"): top})
    assert chart.scale == scale
    assert len(chart.lines) == len(scale) - 1
    assert chart.lines[0] == 0


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        (3, {0: "13:00", 1: "14:00", 2: "15:00"}),
        (24, {0: "13:00", 6: "19:00", 12: "01:00", 18: "08:00"}),
        (25, {0: "13:00", 6: "19:00", 12: "01:00", 18: "08:00", 24: "14:00"}),
    ],
)
def test_a_label_stands_below_its_own_column(columns: int, labels: dict[int, str]) -> None:
    steps = steps_of(NOON, NOON + columns * HOUR, BERLIN)
    chart = draw("mail", "Mail", steps, SERIES, {(NOON, "good"): 1})
    assert len(chart.marks) == columns
    assert {at: mark for at, mark in enumerate(chart.marks) if mark} == labels
