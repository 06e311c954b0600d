"""What people paste into the search box, as a query: an address, a reply, a log line, a bounce.

What the grammar itself reads is none of it. The text is whatever somebody was sent by somebody
else: nothing in it is believed beyond what one may search for.
"""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from tracker.model import Reply, is_id
from tracker.remote_id import remote_id_of
from tracker.search.bounces import ADDRESS, MESSAGE_ID, OUR_ID, read_bounce
from tracker.search.parser import format_query
from tracker.search.query import Field, Query, Term
from tracker.search.refusals import read_refusal
from tracker.search.values import whole_ip

LONGEST: Final = 64 * 1024
"""Characters that are read; headers and reports of a bounce come before what it returns whole."""

_ID: Final = re.compile(rf"[<(\[]?({OUR_ID})[>)\]]?[.,;:]?", re.IGNORECASE)
_URL: Final = re.compile(rf"https?://\S+?/messages/({OUR_ID})(?![A-Z0-9])\S*", re.IGNORECASE)
_FIELD: Final = re.compile(rf"(?:X-)?Message-?ID:\s*<?({MESSAGE_ID})>?", re.IGNORECASE)
_BRACKETED: Final = re.compile(rf"<({MESSAGE_ID})>")
_MAILTO: Final = re.compile(r"<?mailto:([^\s?<>]+)(?:\?\S*)?>?", re.IGNORECASE)
_NAMED: Final = re.compile(rf'(?:"[^"]*" ?|(?!-)[^<>@:"]*)<({ADDRESS})>[,;.]?')
_QUOTED: Final = re.compile(
    r"""<?("(?:[^"\\]|\\.){1,62}"@(?:\[[\w.:]+\]|[^\s<>@"(),:;\[\]\\]{1,253}))>?"""
)
"""An address whose local part is in quotation marks (RFC 5321 4.1.2)."""
_REPLY: Final = re.compile(r"(?:2[0-9]{2}[ -]|Ok: queued as |queued as )", re.IGNORECASE)
_LOG_OF_OURS: Final = re.compile(rf"(?<![\w<@])({OUR_ID})(?![\w@])")
_LOG_PART: Final = re.compile(r"(?<![\w-])(message-id|to|from)=<([^<>\s]*)>")
_REPORT: Final = re.compile(r"(?:-Recipient|Message-ID|-Id|Diagnostic-Code): ", re.IGNORECASE)
_LONG: Final = 200
"""Characters of a line that nobody types."""
_HOST_IP: Final = re.compile(
    r"(?:[\w.-]+)?\[([0-9A-Fa-f.:]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}"
)


def recognize(text: str) -> str | None:
    """Return a query in the words of the grammar; None when `text` is nothing that is pasted."""
    text = _visible(text[:LONGEST]).strip()
    if not text:
        return None
    if "\n" not in text:
        for reader in _READERS:
            if terms := reader(text):
                return _write(terms)
        if len(text) < _LONG and not _REPORT.search(text):
            terms = read_refusal(text)  # else these are words that somebody typed
            return _write(terms) if terms else None
    terms = read_bounce(text) or _lines(text) or read_refusal(text)
    return _write(terms) if terms else None


def _visible(text: str) -> str:
    """Return `text` in lines that end in LF, without what the grammar refuses."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def _write(terms: tuple[Term, ...]) -> str:
    return format_query(Query(terms=terms))


def _exactly(field: Field, value: str) -> Term:
    return Term(field=field, value=value, exact=True)


# --- one line ------------------------------------------------------------------------------------


def _our_id(text: str) -> tuple[Term, ...]:
    match = _ID.fullmatch(text) or _URL.fullmatch(text)
    return _id_terms(match[1]) if match else ()


def _message_id(text: str) -> tuple[Term, ...]:
    """A Message-ID by its name, or one in brackets that looks like no address."""
    if match := _FIELD.fullmatch(text):
        return (_exactly(Field.ID, match[1]),)
    match = _BRACKETED.fullmatch(text)
    if match is None:
        return ()
    return (_exactly(Field.ID if _is_made(match[1]) else Field.ANY, match[1]),)


def _is_made(identifier: str) -> bool:
    """Say whether a program made it up: it is long, and much of it is digits."""
    before = identifier.partition("@")[0]
    return len(before) >= 16 and sum(c.isdigit() for c in before) >= 4


def _address(text: str) -> tuple[Term, ...]:
    if match := _MAILTO.fullmatch(text):
        address = _visible(unquote(match[1]))
        return (_exactly(Field.ANY, address),) if re.fullmatch(ADDRESS, address) else ()
    match = _NAMED.fullmatch(text) or _QUOTED.fullmatch(text)
    return (_exactly(Field.ANY, match[1]),) if match else ()


def _ip(text: str) -> tuple[Term, ...]:
    match = _HOST_IP.fullmatch(text)
    address = whole_ip((match[1] or match[2]) if match else text)
    return (Term(field=Field.IP, value=address),) if address else ()


def _reply(text: str) -> tuple[Term, ...]:
    """The receiver's queue id, or ours, in the reply to the end of data."""
    if not _REPLY.match(text):
        return ()
    words = re.sub(r"2[0-9]{2}[ -]", "", text, count=1) if text[:1] == "2" else text
    identifier = remote_id_of(Reply(code=250, lines=(words,)))
    return _id_terms(identifier) if identifier else ()


def _log_line(text: str) -> tuple[Term, ...]:
    """A line in the manner of Postfix; our own id goes before what another server calls it."""
    parts = {name: value for name, value in _LOG_PART.findall(text)}
    if not parts:
        return ()
    ours = _LOG_OF_OURS.search(text)
    people = tuple(
        _exactly(field, parts[name])
        for name, field in (("from", Field.FROM), ("to", Field.TO))
        if re.fullmatch(ADDRESS, parts.get(name, ""))
    )
    if ours:
        return (*_id_terms(ours[1]), *people)
    if re.fullmatch(MESSAGE_ID, parts.get("message-id", "")):
        return (_exactly(Field.ID, parts["message-id"]),)
    return people


def _id_terms(identifier: str) -> tuple[Term, ...]:
    ours = identifier.upper()
    if is_id(ours):
        return (Term(field=Field.ID, value=ours),)
    return (_exactly(Field.ID, identifier),)


def _lines(text: str) -> tuple[Term, ...]:
    """Of several lines that are no bounce, the first that says something."""
    for line in text.split("\n", _LINES)[:_LINES]:
        for reader in (_log_line, _reply, _message_id, _our_id):
            if terms := reader(line.strip()):
                return terms
    return ()


_LINES: Final = 200
_READERS: Final[tuple[Callable[[str], tuple[Term, ...]], ...]] = (
    _our_id,
    _ip,
    _message_id,
    _address,
    _log_line,
    _reply,
)
