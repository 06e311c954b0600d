"""The form of the tracking page and the text in its box: two views of one search. Pure.

Text becomes a form as far as the form can say it; what it cannot say stays in `words`. A form
becomes the text that says the same, and that text becomes the same form again. Relative dates
stay relative: "yesterday" is a word of the grammar, and means another day tomorrow.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec


class Choice(StrEnum):
    """What the recipients in the list have in common."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    WAITING = "waiting"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    ALL = "all"
    WRITTEN = "written"
    """What the box says in words that the form does not have."""


class Period(StrEnum):
    """When the messages were accepted."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    THIS_MONTH = "this-month"
    LAST_MONTH = "last-month"
    KEPT = "kept"
    """Everything that is still on record."""
    OWN = "own"
    WRITTEN = "written"
    """What the box says in words that the form does not have."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What the fields say; of addresses and subject a part will do."""

    choice: Choice = Choice.ALL
    period: Period = Period.KEPT
    first: str = ""
    """First day of an own range, "2026-03-02"; may be empty, and so may the following."""
    first_time: str = ""
    """When it begins, "14:30"."""
    last: str = ""
    """Last day of an own range; it counts in, unless `last_time` says when it ends."""
    last_time: str = ""
    to: str = ""
    sender: str = ""
    subject: str = ""
    words: str = ""
    """Everything else that is in the box."""

    def but(self, **changes: object) -> "Form":
        """Return this with `changes`; a new choice or range replaces what the words said of it."""
        words = split(self.words)
        if "choice" in changes:
            words = [word for word in words if _name(word) != "status"]
        if "period" in changes:
            words = [word for word in words if _name(word) not in _ENDS]
        fresh = dict.fromkeys(OWN_RANGE, "") if "period" in changes else {}
        kept = {"words": " ".join(words)}
        return msgspec.structs.replace(self, **(fresh | kept | changes))


OPENING: Final = Form(choice=Choice.ACCEPTED, period=Period.TODAY)
"""What the page opens on, as people know it."""

OWN_RANGE: Final = ("first", "first_time", "last", "last_time")

CHOICE_WORDS: Final[Mapping[Choice, tuple[str, ...]]] = {
    Choice.ACCEPTED: ("status:accepted",),
    Choice.TEMPORARY: ("status:deferred",),
    Choice.PERMANENT: ("status:permanent",),
    Choice.WAITING: ("status:waiting", "-status:deferred"),
    Choice.UNCERTAIN: ("status:uncertain",),
    Choice.CANCELLED: ("status:cancelled",),
    Choice.RETURNED: ("status:returned",),
}
_SAME: Final = {"status:delivered": "status:accepted"}
_PERIOD_WORDS: Final[Mapping[Period, tuple[str, ...]]] = {
    Period.TODAY: ("since:today",),
    Period.YESTERDAY: ("since:yesterday", "until:yesterday"),
    Period.DAY: ("since:24h",),
    Period.WEEK: ("since:7d",),
    Period.MONTH: ("since:30d",),
    Period.THIS_MONTH: ("since:this-month",),
    Period.LAST_MONTH: ("since:last-month", "until:last-month"),
}
_ALSO: Final[Mapping[frozenset[str], Period]] = {
    frozenset({"since:today", "until:today"}): Period.TODAY,
    frozenset({"since:this-month", "until:this-month"}): Period.THIS_MONTH,
    frozenset({"since:1d"}): Period.DAY,
    frozenset({"since:1w"}): Period.WEEK,
}
_CHOICES: Final = {frozenset(words): choice for choice, words in CHOICE_WORDS.items()}
_PERIODS: Final[Mapping[frozenset[str], Period]] = {
    **{frozenset(words): period for period, words in _PERIOD_WORDS.items()},
    **_ALSO,
}
_FIELDS: Final = {"to": "to", "from": "sender", "subject": "subject"}
_ENDS: Final = ("since", "until")

_WORD: Final = re.compile(r'-?(?:[A-Za-z][A-Za-z-]*:)?"(?:[^"\\]|\\.)*"(?!\S)|\S+', re.DOTALL)
_NAMED: Final = re.compile(r"-?([A-Za-z][A-Za-z-]*):.", re.DOTALL)
_DAY_AND_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2}))?", re.I)


def split(text: str) -> list[str]:
    """Return the words of `text` as the grammar takes them apart, quotation marks included."""
    return _WORD.findall(text)


def read_text(text: str) -> Form:
    """Return the form that says what `text` says."""
    words = split(text)
    choice, words = _read_choice(words)
    chosen, words = _read_range(words)
    fields: dict[str, list[str]] = {name: [] for name in _FIELDS.values()}
    others = []
    for word in words:
        name = _FIELDS.get(_name(word)) if not word.startswith("-") else None
        if name is None:
            others.append(word)
        else:
            fields[name].append(word.partition(":")[2])
    return Form(
        choice=choice,
        period=chosen.period,
        first=chosen.first,
        first_time=chosen.first_time,
        last=chosen.last,
        last_time=chosen.last_time,
        words=" ".join(others),
        **{name: " ".join(values) for name, values in fields.items()},
    )


def write_text(form: Form) -> str:
    """Return the text that says what `form` says: `read_text` reads it as the same form."""
    words = split(form.words)
    for name, field in _FIELDS.items():
        words += [f"{name}:{value}" for value in split(getattr(form, field))]
    words += CHOICE_WORDS.get(form.choice, ())
    words += _PERIOD_WORDS.get(form.period, ())
    if form.period is Period.OWN:
        words += _write_range(form)
    return " ".join(words)


class _Range(NamedTuple):
    period: Period
    first: str = ""
    first_time: str = ""
    last: str = ""
    last_time: str = ""


def _read_choice(words: list[str]) -> tuple[Choice, list[str]]:
    """Take the outcome out of the words, when the form has it."""
    said = [word for word in words if _name(word) == "status"]
    if not said:
        return Choice.ALL, words
    meant = frozenset(_SAME.get(word.lower(), word.lower()) for word in said)
    choice = _CHOICES.get(meant)
    if choice is None:
        return Choice.WRITTEN, words
    return choice, [word for word in words if word not in said]


def _read_range(words: list[str]) -> tuple[_Range, list[str]]:
    """Take the dates out of the words, when the form has them."""
    said = [word for word in words if _name(word) in _ENDS]
    if not said:
        return _Range(Period.KEPT), words
    period = _PERIODS.get(frozenset(word.lower() for word in said))
    chosen = _Range(period) if period else _read_own_range(said)
    if chosen is None:
        return _Range(Period.WRITTEN), words
    return chosen, [word for word in words if word not in said]


def _read_own_range(said: Iterable[str]) -> _Range | None:
    ends: dict[str, tuple[str, str]] = {}
    for word in said:
        value = _DAY_AND_TIME.fullmatch(word.partition(":")[2])
        name = _name(word)
        if value is None or name in ends or word.startswith("-"):
            return None
        ends[name] = (value[1], value[2] or "")
    return _Range(Period.OWN, *ends.get("since", ("", "")), *ends.get("until", ("", "")))


def _write_range(form: Form) -> Iterable[str]:
    for name, day, clock in (
        ("since", form.first, form.first_time),
        ("until", form.last, form.last_time),
    ):
        if day:
            yield f"{name}:{day}T{clock}" if clock else f"{name}:{day}"


def _name(word: str) -> str:
    """Return the field that a word names, in lower case; empty for a bare one."""
    named = _NAMED.match(word)
    return named[1].lower() if named else ""
