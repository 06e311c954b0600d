"""Times in words, in the viewer's time zone. Pure: the present time is an argument."""

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_LONG_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MONTHS: Final = tuple(name[:3] for name in _LONG_MONTHS)
_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_SAME_YEAR: Final = timedelta(days=300)
"""A day that is nearer than this needs no year."""
_MOMENT: Final = timedelta(seconds=1)
_UNITS: Final = (
    ("second", _MOMENT, 60),
    ("minute", timedelta(minutes=1), 60),
    ("hour", timedelta(hours=1), 24),
)
"""Each with how many of it make the next one."""


def in_days(day: date) -> str:
    """Return "2 Mar 2026"."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def count(number: int, noun: str) -> str:
    """Return "1 hour", "2 hours"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def length(span: timedelta) -> str:
    """Return a span in its largest unit, rounded: "12 minutes", "7 days", "0 seconds"."""
    for noun, unit, most in _UNITS:
        number = round(span / unit)
        if number < most:
            return count(number, noun)
    return count(round(span / timedelta(days=1)), "day")


class Times(NamedTuple):
    """Says times to one viewer at one moment."""

    zone: ZoneInfo
    now: datetime

    def local(self, when: datetime) -> datetime:
        """Return `when` on the viewer's clock."""
        return when.astimezone(self.zone)

    def today(self) -> date:
        """Return the viewer's day."""
        return self.local(self.now).date()

    def iso(self, when: datetime) -> str:
        """Return what programs read: RFC 3339, UTC, to the second."""
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def stamp(self, when: datetime) -> str:
        """Return "2 Mar 2026, 10:14:05"."""
        return f"{in_days(self.local(when).date())}, {self.local(when):%H:%M:%S}"

    def full(self, when: datetime) -> str:
        """Return "2 Mar 2026, 10:14:05 CET (UTC+01:00)": a time that means the same elsewhere."""
        return f"{self.stamp(when)} {self.offset(when)}"

    def offset(self, when: datetime) -> str:
        """Return "CET (UTC+01:00)"; only the offset where the zone has no letters for itself."""
        local = self.local(when)
        offset = f"UTC{local:%z}"
        offset = "UTC" if offset == "UTC+0000" else f"{offset[:6]}:{offset[6:8]}"
        name = local.tzname() or ""
        return f"{name} ({offset})" if name.isalpha() and name != "UTC" else offset

    def name(self) -> str:
        """Return the zone's name and what it means now: "Europe/Berlin, CET (UTC+01:00)"."""
        offset = self.offset(self.now)
        return self.zone.key if self.zone.key == offset else f"{self.zone.key}, {offset}"

    def clock(self, when: datetime) -> str:
        """Return the shortest that is clear: "14:32" today, "tomorrow 14:32", "5 Mar 14:32"."""
        local = self.local(when)
        day = self._day(local.date())
        return f"{day} {local:%H:%M}" if day else f"{local:%H:%M}"

    def compact(self, when: datetime) -> str:
        """Return what fits a narrow column: "15:46" today, "1 Mar 14:47", "1 Mar 2025"."""
        local = self.local(when)
        day = local.date()
        if day == self.today():
            return f"{local:%H:%M}"
        if abs(self.today() - day) > _SAME_YEAR:
            return in_days(day)
        return f"{day.day} {_MONTHS[day.month - 1]} {local:%H:%M}"

    def at(self, when: datetime) -> str:
        """Return "at 14:32", "tomorrow at 14:32" or "on 5 Mar at 14:32", for half a line."""
        local = self.local(when)
        day = self._named(local.date())
        if day is None:
            day = f"on {self._day(local.date())}"
        return f"at {local:%H:%M}" if day == "today" else f"{day} at {local:%H:%M}"

    def spoken(self, when: datetime) -> str:
        """Return what one says on the phone: "today at 14:32", "on Monday, 2 March, at 14:32"."""
        local = self.local(when)
        day = self._named(local.date())
        if day is None:
            month = _LONG_MONTHS[local.month - 1]
            day = f"on {_DAYS[local.weekday()]}, {local.day} {month}"
            if local.year != self.today().year:
                day += f" {local.year}"
            day += ","
        return f"{day} at {local:%H:%M}"

    def ago(self, when: datetime) -> str:
        """Return how long ago something happened: "3 hours ago", "just now".

        What has happened is never to come, even by a clock that is ahead of ours. The script of
        the panel (20-ticking.js) says the same in the same words, as `ahead` too.
        """
        span = self.now - when
        return "just now" if span < _MOMENT else f"{length(span)} ago"

    def ahead(self, when: datetime) -> str:
        """Return when something is to happen: "in 12 minutes", "due now" when its time has come."""
        span = when - self.now
        return "due now" if span < _MOMENT else f"in {length(span)}"

    def _named(self, day: date) -> str | None:
        names = {-1: "yesterday", 0: "today", 1: "tomorrow"}
        return names.get((day - self.today()).days)

    def _day(self, day: date) -> str:
        named = self._named(day)
        if named is not None:
            return "" if named == "today" else named
        short = f"{day.day} {_MONTHS[day.month - 1]}"
        return short if day.year == self.today().year else f"{short} {day.year}"
