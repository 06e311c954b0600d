"""From one message to others like it: links that carry a search. Pure."""

from typing import NamedTuple
from urllib.parse import urlencode

from tracker.explain import explain
from tracker.model import Attempt, Message, Outcome, Recipient
from tracker.search import Field, Query, Term, format_query


class Onward(NamedTuple):
    """A link to a search."""

    words: str
    url: str


def search_url(*terms: Term) -> str:
    """Return where the list shows everything on record that `terms` select."""
    query = {"outcome": "all", "range": "kept", "q": format_query(Query(terms=terms))}
    return f"/?{urlencode(query)}"


def onward_of(message: Message, recipient: Recipient, last: Attempt | None) -> tuple[Onward, ...]:
    """Return the searches that somebody may want next."""
    to = Term(field=Field.TO, value=recipient.forward_path, exact=True)
    domain = Term(field=Field.TO, value=f"@{recipient.domain}")
    found = [Onward("The same recipient", search_url(to))]
    if not recipient.domain.startswith("["):
        found.append(Onward(f"Everything to {recipient.domain}", search_url(domain)))
    sender = Term(field=Field.FROM, value=message.reverse_path, exact=True)
    found.append(Onward("The same sender", search_url(sender)))
    if message.header.message_id:
        same = Term(field=Field.ID, value=message.header.message_id, exact=True)
        found.append(Onward("The same Message-ID", search_url(same)))
    reason = _reason(last)
    if reason is not None:
        found.append(
            Onward(f"The same reason ({reason.value.replace('-', ' ')})", search_url(reason))
        )
        if not recipient.domain.startswith("["):
            words = f"The same reason at {recipient.domain}"
            found.append(Onward(words, search_url(reason, domain)))
    return tuple(found)


def _reason(last: Attempt | None) -> Term | None:
    """Return what the reason can be searched by; None where nothing has gone wrong."""
    if last is None or last.outcome is Outcome.DELIVERED:
        return None
    category = last.category or explain(last).category.value
    return Term(field=Field.CATEGORY, value=category)
