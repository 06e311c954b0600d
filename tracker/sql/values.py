"""How our values lie in columns: times as integers, evidence as JSON, text that is well-formed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar, overload

import msgspec

from tracker.model import Notify, new_id

T = TypeVar("T")
Word = TypeVar("Word", bound=Enum)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1) // _MICROSECOND


@overload
def stamp(moment: datetime) -> int: ...
@overload
def stamp(moment: None) -> None: ...
def stamp(moment: datetime | None) -> int | None:
    """Return `moment` as microseconds since 1970 UTC."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


@overload
def moment(stamp: int) -> datetime: ...
@overload
def moment(stamp: None) -> None: ...
def moment(stamp: int | None) -> datetime | None:
    """Return the time, UTC, that `stamp` was made of."""
    return None if stamp is None else _EPOCH + timedelta(microseconds=stamp)


def day_of(stamp: int) -> int:
    """Return the UTC day of a stamp, counted in days since 1970."""
    return stamp // _DAY


def day_start(day: int) -> datetime:
    """Return when a day, counted in days since 1970, begins."""
    return _EPOCH + timedelta(days=day)


def first_id(moment: datetime) -> str:
    """Return an id below, or the lowest of, all that are made at `moment` or later."""
    return new_id(moment, bytes(8))


def last_id(moment: datetime) -> str:
    """Return the highest id that is made at `moment`, so one above all that are made before."""
    return new_id(moment, b"\xff" * 8)


def well_formed(text: str) -> str:
    """Return `text`, lone surrogates and NUL written out: not every database can store them.

    They come from octets that a remote side called text, and must not stop a settlement.
    """
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_json(value: Any) -> str:
    """Return `value` as compact JSON."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_well_formed_all(msgspec.to_builtins(value))).decode()


def _well_formed_all(value: Any) -> Any:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {key: _well_formed_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_well_formed_all(item) for item in value]
    return value


def by_value(kind: type[Word]) -> Callable[[str], Word]:
    """Return what finds the member of an enumeration with a value. It raises KeyError.

    To call the enumeration does the same, in many times as long; a list has thousands of them.
    """
    return {str(member.value): member for member in kind}.__getitem__


def json_list(values: Sequence[Any]) -> str:
    """Return values as a JSON array, for `json_each`: one parameter, one constant statement."""
    return msgspec.json.encode(values).decode()


def from_notify(notify: frozenset[Notify] | None) -> str | None:
    """Return NOTIFY as it is written in RCPT (RFC 3461 4.1), its words in a fixed order."""
    return None if notify is None else ",".join(sorted(notify))


def to_notify(text: str | None) -> frozenset[Notify] | None:
    """The inverse of `from_notify`."""
    if text is None:
        return None
    return frozenset(Notify(word) for word in text.split(",") if word)
