"""Whole days of the viewer's calendar, for what is counted by days. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from web.times import Times, in_days
from web.track.form_text import Form, Period

PRESETS: Final = {
    Period.TODAY: (0, 0),
    Period.YESTERDAY: (1, 1),
    Period.WEEK: (6, 0),
    Period.MONTH: (29, 0),
}
"""How many days ago the first and the last day were."""


class Days(NamedTuple):
    """From the beginning of `first` to the end of `last`, by the viewer's clock."""

    period: Period
    first: date
    last: date
    since: datetime
    until: datetime

    @property
    def words(self) -> str:
        """The days in words."""
        first, last = in_days(self.first), in_days(self.last)
        return first if first == last else f"{first} to {last}"

    @property
    def form(self) -> Form:
        """The form for the same days: by name where they have one, else by their dates."""
        if self.first == self.last:
            return Form(period=self.period)
        return Form(period=Period.OWN, first=self.first.isoformat(), last=self.last.isoformat())


def days_of(period: Period, times: Times, kept: timedelta) -> Days:
    """Return the days of a preset, today's where it has none, of those that are kept."""
    known = period if period in PRESETS else Period.TODAY
    today = times.today()
    first, last = (today - timedelta(days=back) for back in PRESETS[known])
    first = max(first, min(times.local(times.now - kept).date(), last))
    since, until = (
        datetime.combine(day, time(), tzinfo=times.zone).astimezone(UTC)
        for day in (first, last + timedelta(days=1))
    )
    return Days(known, first, last, since, until)
