"""What somebody sent with the form of the tracking page, as one text of the grammar. Pure.

The box and the fields are in one form, and either may have been changed, or both. What the page
showed before comes along with it: so whatever was changed counts, and what was not gives way. An
older link has the fields alone, and what it does not say is the classic opening.
"""

from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from typing import Final, TypeVar

from web.track.form_text import (
    OPENING,
    OWN_RANGE,
    Choice,
    Form,
    Period,
    read_text,
    write_text,
)

_Member = TypeVar("_Member", bound=StrEnum)

LONGEST_TEXT: Final = 2000
"""Characters of a search that are read."""
WAS: Final = "was"
"""The name of the field with the text that the page showed."""
FRESH: Final = "fresh"
"""The name of the field that says that the box was empty because nothing had been asked yet."""
_TEXTS: Final = {"to": "to", "sender": "sender", "subject": "subject"}
_ENDS: Final = {
    "from": "first",
    "from-time": "first_time",
    "until": "last",
    "until-time": "last_time",
}
_NAMES: Final = frozenset({"outcome", "range", WAS, *_TEXTS, *_ENDS})


def is_submitted(params: Mapping[str, str]) -> bool:
    """Say whether a URL comes from the form, or is one of the old kind."""
    return not _NAMES.isdisjoint(params)


def read_submitted(params: Mapping[str, str]) -> str:
    """Return the text that says what the form says; what it says wrongly counts as not said."""
    box = read_box(params)
    if WAS not in params:
        return write_text(_from_old_link(params, read_text(box)))
    was = params[WAS].strip()[:LONGEST_TEXT]
    shown = "" if FRESH in params else was
    before = read_text(was)
    changes = _changes(params, before)
    if not changes and box != shown:
        return box
    return write_text((before if box == shown else read_text(box)).but(**changes))


def read_box(params: Mapping[str, str]) -> str:
    """Return what is in the box."""
    return params.get("q", "").strip()[:LONGEST_TEXT]


def _changes(params: Mapping[str, str], before: Form) -> dict[str, object]:
    """Return the fields that do not say any more what they said `before`."""
    fields: dict[str, object] = {
        name: " ".join(_text(params, sent).split())
        for sent, name in _TEXTS.items()
        if sent in params
    }
    fields["choice"] = _one_of(Choice, params.get("outcome"), before.choice)
    changes = {name: value for name, value in fields.items() if value != getattr(before, name)}
    period = _one_of(Period, params.get("range"), before.period)
    ends = _own_range(params) if period is Period.OWN else dict.fromkeys(OWN_RANGE, "")
    if period is not before.period or any(
        value != getattr(before, name) for name, value in ends.items()
    ):
        changes |= {"period": period, **ends}
    return changes


def _from_old_link(params: Mapping[str, str], box: Form) -> Form:
    """Outcome and range in the box go before those of the fields, or they would find nothing."""
    form = box
    if box.choice is Choice.ALL:
        form = form.but(choice=_one_of(Choice, params.get("outcome"), OPENING.choice))
    if box.period is Period.KEPT:
        period = _one_of(Period, params.get("range"), OPENING.period)
        ends = _own_range(params) if period is Period.OWN else {}
        if period is Period.OWN and not ends["first"]:
            ends |= {"first": ends["last"]}
            period = period if ends["last"] else Period.TODAY
        form = form.but(period=period, **ends)
    joined = {
        name: f"{getattr(box, name)} {_text(params, sent)}".strip() for sent, name in _TEXTS.items()
    }
    return form.but(**joined)


def _own_range(params: Mapping[str, str]) -> dict[str, str]:
    """Return the days of an own range, the earlier one first."""
    first, last = _day(params.get("from")), _day(params.get("until"))
    begins = _clock(params.get("from-time")) if first else ""
    ends = _clock(params.get("until-time")) if last else ""
    if first and last and first > last:
        first, begins, last, ends = last, ends, first, begins
    return {"first": first, "first_time": begins, "last": last, "last_time": ends}


def _text(params: Mapping[str, str], name: str) -> str:
    return params.get(name, "").strip()[:LONGEST_TEXT]


def _one_of(kind: type[_Member], text: str | None, default: _Member) -> _Member:
    return next((member for member in kind if member.value == text), default)


def _day(text: str | None) -> str:
    try:
        return date.fromisoformat(text or "").isoformat()
    except ValueError:
        return ""


def _clock(text: str | None) -> str:
    try:
        return f"{time.fromisoformat(text or ''):%H:%M}"
    except ValueError:
        return ""
