"""From one row of the list to others like it: links, each a search of the same grammar. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from tracker.model import Attempt, Outcome
from tracker.search import Field, Query, Term, format_query
from tracker.views import Row
from web.track.filters import Asked, link


class Alike(NamedTuple):
    """A link to others."""

    words: str
    url: str


def alike(row: Row, zone: str) -> tuple[Alike, ...]:
    """Return what a row has in common with others: addresses, domain, message, reason."""
    return tuple(
        Alike(words, link(Asked(text=format_query(Query(terms=terms)), zone=zone)))
        for words, terms in _alike(row)
    )


def _alike(row: Row) -> Iterator[tuple[str, tuple[Term, ...]]]:
    recipient, message = row.recipient, row.message
    yield "Same recipient", (_exactly(Field.TO, recipient.forward_path),)
    yield "Same sender", (_exactly(Field.FROM, message.reverse_path),)
    domain = _exactly(Field.TO, f"@{recipient.domain}")
    yield "Same domain", (domain,)
    if row.recipients_of_message > 1:
        yield "Same message", (Term(field=Field.ID, value=message.id),)
    if row.last_attempt is not None and (reason := _reason(row.last_attempt)):
        yield "Same reason", (reason,)
        yield "Same reason at this domain", (reason, domain)


def _reason(last: Attempt) -> Term | None:
    """Return what says why; None for what was accepted, and where nobody gave a reason."""
    if last.outcome is Outcome.DELIVERED:
        return None
    if last.category:
        return Term(field=Field.CATEGORY, value=last.category)
    if last.reply is None:
        return None
    return Term(field=Field.CODE, value=last.reply.enhanced_status_code or str(last.reply.code))


def _exactly(field: Field, value: str) -> Term:
    return Term(field=field, value=value, exact=True)
