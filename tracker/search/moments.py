"""What may stand behind `since:` and `until:`, in the viewer's time zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FORMS = (
    "2d, 3h, today, yesterday, this-month, last-month, 14:30, 2026-11-01, 2026-11 or "
    "2026-11-01T14:30"
)

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"(?:[0-9]{1,6}[smhdw]){1,5}")
_AMOUNT = re.compile(r"([0-9]+)([smhdw])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")
_DATE_AND_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:z|[+-][0-9]{2}:[0-9]{2})?"
)


def read_moment(text: str, *, now: datetime, zone: ZoneInfo, is_end: bool) -> datetime:
    """Return the moment that `text` names, UTC.

    A day or a month begins at its local midnight; with `is_end` it counts in, so the moment is
    the midnight after it. Raises ValueError or OverflowError when it names none.
    """
    text = text.lower()
    if text == "now":
        return now.astimezone(UTC)
    if _DURATION.fullmatch(text):
        amounts = _AMOUNT.findall(text)
        return now.astimezone(UTC) - sum(
            (int(number) * _UNITS[unit] for number, unit in amounts), timedelta()
        )
    if _DATE_AND_TIME.fullmatch(text):
        return _localize(datetime.fromisoformat(text.upper()), zone)
    if _TIME.fullmatch(text):
        clock = time.fromisoformat(
            text.rjust(5, "0") if text.count(":") == 1 else text.rjust(8, "0")
        )
        return _localize(datetime.combine(_today(now, zone), clock), zone)
    first, after = _days(text, _today(now, zone))
    return _localize(datetime.combine(after if is_end else first, time()), zone)


def _days(text: str, today: date) -> tuple[date, date]:
    """Return the first day that `text` names, and the day after the last."""
    day = timedelta(days=1)
    if text == "today":
        return today, today + day
    if text == "yesterday":
        return today - day, today
    if _DATE.fullmatch(text):
        first = date.fromisoformat(text)
        return first, first + day
    if text == "this-month":
        return _month(today)
    if text == "last-month":
        return _month(today.replace(day=1) - day)
    if match := _MONTH.fullmatch(text):
        return _month(date(int(match[1]), int(match[2]), 1))
    raise ValueError(text)


def _month(day: date) -> tuple[date, date]:
    """Return the first day of the month of `day`, and that of the month after it."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _today(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


def _localize(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return `moment` in UTC. A time that the clocks skip is taken as if they had not changed."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)
