"""What an index of text can be asked for: texts that whatever matches a query must have in it.

An index only says where to look, so that each of them may be less than what a term asks, but
nothing that matches may be without it (`tracker.sql.selection`).
"""

from collections.abc import Iterator

from tracker.model import is_id
from tracker.search import Field, Query, Term
from tracker.search.spellings import spellings
from tracker.search.values import whole_ip
from tracker.sql.values import well_formed

MARK = "="
"""Stands before what is no text but a code or a category, in the index and in what it is asked."""


def needles_of(query: Query) -> list[str]:
    """Return such texts, the longest first; none where no term tells any."""
    found = {needle for term in query.terms if not term.negated for needle in _of(term)}
    return sorted(found, key=lambda needle: (-len(needle), needle))


def _of(term: Term) -> Iterator[str]:
    value = well_formed(term.value)
    if term.field in _NAMES:
        name = value.removeprefix("@").removeprefix("*.")
        # A name that may stand in the text in several forms tells nothing that all of them have.
        if len(set(spellings(value))) == 1 and len(set(spellings(name))) == 1:
            yield name
    elif term.field is Field.ID:
        # Ours are looked up by their key, and ENVID may have these characters in another form.
        if not is_id(value.upper()) and not set(value) & set("+="):
            yield value.removeprefix("<").removesuffix(">")
    elif term.field is Field.IP:
        yield whole_ip(value) or value
    elif term.field is Field.CODE:
        if value[:1] in ("4", "5"):
            yield MARK + value.removesuffix(".")
    elif term.field in _PLAIN:
        yield value


_NAMES = frozenset({Field.ANY, Field.TO, Field.FROM, Field.ACCOUNT, Field.MX})
_PLAIN = frozenset({Field.SUBJECT, Field.TEXT})
"""The term's value stands in the text as it is."""
