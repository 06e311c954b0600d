"""Sizes and counts with a comparison: what may stand behind `size:` and `attempts:`."""

import re
from decimal import Decimal
from typing import Final, NamedTuple

from config.units import SIZE_UNITS

SIZE_FORMS: Final = "size:>1MB, size:<=10KB or size:1MB..5MB"
COUNT_FORMS: Final = "attempts:3, attempts:>=3 or attempts:1..3"

MOST: Final = 2**62
"""Every database can compare with it, and nothing is larger."""
_UNITS: Final = {name.lower(): octets for name, octets in SIZE_UNITS.items()}
_COMPARED: Final = re.compile(r"(>=|<=|>|<|=|)(.*)", re.DOTALL)
_SIZE: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)([a-z]*)")
_COUNT: Final = re.compile(r"[0-9]{1,9}")


class Amounts(NamedTuple):
    """What lies between two whole numbers, both included."""

    least: int
    most: int


def read_sizes(text: str) -> Amounts:
    """Return the sizes, in octets, that `text` names: `>1MB`, `<=10KB`, `1MB..5MB`.

    Units are those of the configuration, in any case. Raises ValueError.
    """
    first, dots, last = text.lower().partition("..")
    if dots:
        unit = _size_parts(last)[1] if last else ""
        return _between(
            _octets(first, unit) if first else 0, _octets(last) if last else MOST, first or last
        )
    compared = _COMPARED.fullmatch(text.lower())
    if compared is None or not compared[1]:
        # Nobody knows a size to the octet: "size:1MB" would find nothing, without a word.
        raise ValueError(text)
    return _compare(compared[1], _octets(compared[2]))


def read_counts(text: str) -> Amounts:
    """Return the counts that `text` names: `3`, `>=3`, `1..3`. Raises ValueError."""
    first, dots, last = text.partition("..")
    if dots:
        return _between(
            _count(first) if first else 0, _count(last) if last else MOST, first or last
        )
    compared = _COMPARED.fullmatch(text)
    if compared is None:
        raise ValueError(text)
    return _compare(compared[1], _count(compared[2]))


def _compare(operator: str, number: int) -> Amounts:
    match operator:
        case ">":
            return Amounts(number + 1, MOST)
        case ">=":
            return Amounts(number, MOST)
        case "<":
            return Amounts(0, number - 1)
        case "<=":
            return Amounts(0, number)
        case _:
            return Amounts(number, number)


def _between(least: int, most: int, written: str) -> Amounts:
    if not written or least > most:
        raise ValueError(written)
    return Amounts(least, most)


def _octets(text: str, otherwise: str = "") -> int:
    """Return the octets of one size; `otherwise` is its unit where it names none."""
    number, unit = _size_parts(text)
    if not (unit or otherwise):
        raise ValueError(text)
    return min(int(Decimal(number) * _UNITS[unit or otherwise]), MOST - 1)


def _size_parts(text: str) -> tuple[str, str]:
    match = _SIZE.fullmatch(text)
    if match is None or match[2] not in ("", *_UNITS):
        raise ValueError(text)
    return match[1], match[2]


def _count(text: str) -> int:
    if _COUNT.fullmatch(text) is None:
        raise ValueError(text)
    return int(text)
