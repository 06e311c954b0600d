"""Durations and sizes as people write them: `"1h30m"`, `"25MiB"`.

Only text in, `timedelta` or bytes out, and back. A number without a unit is refused on
purpose: whether `timeout = 5` means seconds or minutes is a guess nobody should have to make.
"""

import re
from datetime import timedelta
from typing import Final

_MILLISECOND: Final = timedelta(milliseconds=1)

DURATION_UNITS: Final[dict[str, timedelta]] = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": _MILLISECOND,
}
SIZE_UNITS: Final[dict[str, int]] = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_LONGEST: Final = timedelta(days=36500)
_PART: Final = re.compile(r"([0-9]+)\s*([a-zA-Zµ]+)\s*", re.ASCII)
_SIZE: Final = re.compile(r"([0-9]+)\s*([a-zA-Z]+)", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Return the length of time that `text` names, such as `"7d"`, `"1h30m"` or `"500ms"`.

    Units are d, h, m, s and ms, each used once and from large to small, up to 100 years.
    Raises ValueError, whose text says what is wrong.
    """
    total, position, last = timedelta(), 0, timedelta.max
    stripped = text.strip()
    while position < len(stripped):
        part = _PART.match(stripped, position)
        if part is None:
            raise ValueError(f"cannot read a number and a unit at {stripped[position:]!r}")
        number, name = part.groups()
        unit = DURATION_UNITS.get(name)
        if unit is None:
            raise ValueError(f"unknown unit {name!r}, the units are {', '.join(DURATION_UNITS)}")
        if unit >= last:
            raise ValueError("units go from large to small and each is used once")
        total, position, last = _add(total, number, unit), part.end(), unit
    if not stripped:
        raise ValueError("a duration cannot be empty")
    return total


def _add(total: timedelta, number: str, unit: timedelta) -> timedelta:
    """Add `number` units to `total`; ValueError beyond the longest duration we accept."""
    if len(number) > 15 or int(number) * (unit // _MILLISECOND) > _LONGEST // _MILLISECOND:
        raise ValueError("longer than 100 years")
    return total + int(number) * unit


def format_duration(value: timedelta) -> str:
    """Return `value` in the form `parse_duration` reads, e.g. `"1h30m"`; zero is `"0s"`.

    Raises ValueError for negative values and for fractions of a millisecond.
    """
    if value < timedelta():
        raise ValueError(f"a duration cannot be negative: {value}")
    if value % _MILLISECOND:
        raise ValueError(f"a duration is a whole number of milliseconds: {value}")
    text, rest = "", value
    for name, unit in DURATION_UNITS.items():
        count, rest = divmod(rest, unit)
        text += f"{count}{name}" if count else ""
    return text or "0s"


def parse_size(text: str) -> int:
    """Return the number of bytes that `text` names, such as `"25MiB"`, `"10MB"` or `"1000 B"`.

    KiB, MiB, GiB and TiB are powers of 1024; kB (or KB), MB, GB and TB are powers of 1000.
    Raises ValueError, whose text says what is wrong.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("a size is a whole number and a unit")
    number, name = match.groups()
    if name not in SIZE_UNITS:
        raise ValueError(f"unknown unit {name!r}, the units are {', '.join(SIZE_UNITS)}")
    if len(number) > 15:
        raise ValueError("too large")
    return int(number) * SIZE_UNITS[name]


def format_size(value: int) -> str:
    """Return `value` bytes in the largest unit that divides it, e.g. `"25MiB"` or `"1001B"`.

    Raises ValueError for negative values.
    """
    if value < 0:
        raise ValueError(f"a size cannot be negative: {value}")
    fitting = [name for name, unit in SIZE_UNITS.items() if value and value % unit == 0]
    name = max(fitting, key=SIZE_UNITS.__getitem__, default="B")
    return f"{value // SIZE_UNITS[name]}{name}"
