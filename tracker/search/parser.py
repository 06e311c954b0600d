"""From a line of text to a query, and back."""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import msgspec

from tracker.printing import printable
from tracker.search.moments import FORMS, read_moment
from tracker.search.query import Field, Query, Term
from tracker.search.sought import MAIL, Sought
from tracker.search.values import read_value

_MOST_TERMS = 30
_SHOWN = 60
"""Characters of a faulty term that an error message repeats."""
_SINCE, _UNTIL = "since", "until"
_NAMES = [*(field.value for field in Field if field is not Field.ANY), _SINCE, _UNTIL]
_MEANT: Mapping[str, str] = MappingProxyType(
    {
        "recipient": "to",
        "rcpt": "to",
        "domain": "to",
        "sender": "from",
        "user": "account",
        "date": "since",
        "after": "since",
        "newer": "since",
        "before": "until",
        "older": "until",
        "message-id": "id",
        "msgid": "id",
        "queue": "id",
        "host": "mx",
        "server": "mx",
        "reply": "text",
        "error": "text",
        "is": "status",
        "state": "status",
        "outcome": "status",
        "reason": "category",
        "why": "category",
        "fault": "side",
        "whose": "side",
        "bytes": "size",
        "larger": "size",
        "smaller": "size",
        "encryption": "tls",
        "tries": "attempts",
        "client": "ip",
        "address": "ip",
    }
)
_BRACKETED = (Field.ANY, Field.TO, Field.FROM, Field.ID)
"""What people paste in angle brackets."""
_NAMED = re.compile(r"([A-Za-z][A-Za-z-]*):(.*)", re.DOTALL)
_IPV6 = re.compile(r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PREFIX = re.compile(r"-?(?:[A-Za-z][A-Za-z-]*:)?")
_JOINS = ("AND", "OR", "NOT")


class QueryError(ValueError):
    """The text is no query; the message names the term and how to mend it."""


class _Word(msgspec.Struct, frozen=True):
    """One term as written, taken apart."""

    written: str
    negated: bool
    name: str
    """The field, in lower case; empty for a bare word."""
    value: str
    quoted: bool


def parse(text: str, *, now: datetime, zone: ZoneInfo, sought: Sought = MAIL) -> Query:
    """Read `text` as a query for what is `sought`. Raises QueryError, and nothing else."""
    terms: list[Term] = []
    since: datetime | None = None
    until: datetime | None = None
    for number, word in enumerate(_words(text, sought), start=1):
        if number > _MOST_TERMS:
            raise QueryError(f"A search has at most {_MOST_TERMS} terms; leave some out.")
        if word.name == _SINCE:
            moment = _moment(word, now, zone)
            since = moment if since is None else max(since, moment)
        elif word.name == _UNTIL:
            moment = _moment(word, now, zone)
            until = moment if until is None else min(until, moment)
        else:
            terms.append(_term(word))
    if since is not None and until is not None and since >= until:
        raise QueryError(
            "Nothing can match: since: is not before until:. Exchange them, or move one."
        )
    return Query(terms=tuple(terms), since=since, until=until)


def format_query(query: Query) -> str:
    """Return text that `parse` reads as `query`, whatever the time and zone.

    A value that no bare word can hold, such as one with spaces, is put in quotation marks.
    """
    words = [_format_term(term) for term in query.terms]
    for name, moment in ((_SINCE, query.since), (_UNTIL, query.until)):
        if moment is not None:
            stamp = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
            words.append(f"{name}:{stamp}Z")
    return " ".join(words)


# --- reading ------------------------------------------------------------------------------------


def _words(text: str, sought: Sought) -> Iterator[_Word]:
    names = [name for name in _NAMES if name not in sought.lacks]
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            return
        word, position = _next_word(text, position, names)
        if word.name and word.name not in names:
            raise QueryError(
                f"{_show(word.written)} cannot be asked for: {sought.name} has no"
                f" {sought.lacks[Field(word.name)]}. Search by {_list(names)}."
            )
        yield word


def _next_word(text: str, start: int, names: Sequence[str]) -> tuple[_Word, int]:
    prefix = _PREFIX.match(text, start)
    value_at = prefix.end() if prefix else start
    if text[value_at : value_at + 1] == '"':
        return _quoted_word(text, start, value_at, names)
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    written = text[start:end]
    _refuse_invisible(written)
    negated, rest = written.startswith("-"), written.removeprefix("-")
    named = None if _IPV6.fullmatch(rest) else _NAMED.fullmatch(rest)
    name, value = (_name(written, named[1], names), named[2]) if named else ("", rest)
    if not value:
        raise QueryError(f"{_show(written)} needs something behind it, without a space between.")
    return _Word(written, negated, name, value, False), end


def _quoted_word(text: str, start: int, value_at: int, names: Sequence[str]) -> tuple[_Word, int]:
    match = _QUOTED.match(text, value_at)
    if match is None:
        raise QueryError(f"The quotation mark of {_show(text[start:])} is not closed; add one.")
    written = text[start : match.end()]
    _refuse_invisible(written)
    if match.end() < len(text) and not text[match.end()].isspace():
        raise QueryError(f"Put a space behind {_show(written)}.")
    prefix = text[start:value_at]
    negated, name = prefix.startswith("-"), prefix.removeprefix("-").removesuffix(":")
    value = re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL)
    named = _name(written, name, names) if name else ""
    return _Word(written, negated, named, value, True), match.end()


def _name(written: str, name: str, names: Sequence[str]) -> str:
    """Return the name of a field; where there is none such, one of `names` may be meant."""
    name = name.lower()
    if name in _NAMES:
        return name
    meant = {name: name for name in names}
    meant |= {other: name for other, name in _MEANT.items() if name in names}
    close = difflib.get_close_matches(name[:_SHOWN], meant, n=1, cutoff=0.6)
    hint = f"Did you mean {meant[close[0]]}:? " if close else ""
    raise QueryError(
        f"There is no field {_show(name + ':')} in {_show(written)}. {hint}Fields are "
        f"{_list(names)}. To search for these characters themselves, put them in quotation marks."
    )


def _list(names: Sequence[str]) -> str:
    return f"{', '.join(f'{known}:' for known in names[:-1])} and {names[-1]}:"


def _term(word: _Word) -> Term:
    if word.written in _JOINS:
        raise QueryError(
            f"{_show(word.written)} joins nothing: all terms of a search must hold, and a minus "
            "sign before one excludes it. Leave the word out, or write it in small letters."
        )
    field = Field(word.name) if word.name else Field.ANY
    # Of a reply nobody knows the whole: what stands in quotation marks is a part of it, in a row.
    value, exact = word.value, word.quoted and field is not Field.TEXT
    if not exact and field in _BRACKETED:
        value = _unbracket(value)
    if not value:
        # from:<> asks for the null reverse-path; nothing else is ever empty.
        if field is not Field.FROM:
            raise QueryError(f"{_show(word.written)} has nothing to search for.")
        exact = True
    try:
        value = read_value(field, value, exact=exact) if value else value
    except ValueError as error:
        raise QueryError(f"{_show(word.written)} {error}") from None
    return Term(field=field, value=value, exact=exact, negated=word.negated)


def _unbracket(value: str) -> str:
    return value[1:-1] if value.startswith("<") and value.endswith(">") else value


def _moment(word: _Word, now: datetime, zone: ZoneInfo) -> datetime:
    if word.negated:
        other = _UNTIL if word.name == _SINCE else _SINCE
        raise QueryError(f"{_show(word.written)} cannot be negated; use {other}: instead.")
    try:
        return read_moment(word.value, now=now, zone=zone, is_end=word.name == _UNTIL)
    except (ValueError, OverflowError):
        raise QueryError(f"{_show(word.written)} names no time. Write {FORMS}.") from None


def _refuse_invisible(written: str) -> None:
    """No database has to take control characters or half a surrogate pair."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in written):
        raise QueryError(f"{_show(written)} has an invisible character in it; type it again.")


def _show(written: str) -> str:
    cut = written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
    return f"“{printable(cut)}”"


# --- writing ------------------------------------------------------------------------------------


def _format_term(term: Term) -> str:
    prefix = "-" * term.negated + (f"{term.field}:" if term.field is not Field.ANY else "")
    value = term.value
    if term.exact or not _is_bare(term):
        escaped = re.sub(r'(["\\])', r"\\\1", value)
        return f'{prefix}"{escaped}"'
    if term.field in _BRACKETED and value != _unbracket(value):
        return f"{prefix}<{value}>"
    return prefix + value


def _is_bare(term: Term) -> bool:
    """Say whether the value reads the same without quotation marks."""
    value = term.value
    if not value or value[0] == '"' or any(character.isspace() for character in value):
        return False
    if term.field is not Field.ANY:
        return True
    named = _NAMED.fullmatch(value) is not None and _IPV6.fullmatch(value) is None
    return (term.negated or value[0] != "-") and not named
