"""Which searches can be made among submissions that were not taken. Pure."""

from typing import Final

from tracker.search.parser import QueryError
from tracker.search.query import Field, Query

FIELDS: Final = (
    Field.TO,
    Field.FROM,
    Field.IP,
    Field.CODE,
    Field.TEXT,
    Field.ACCOUNT,
)
"""What is on record of them; a bare word looks at addresses, the client and the reply."""


def check_untaken(query: Query) -> Query:
    """Return `query`. Raises QueryError when it asks for what such a submission does not have."""
    for term in query.terms:
        if term.field not in (*FIELDS, Field.ANY):
            names = ", ".join(f"{field}:" for field in FIELDS)
            raise QueryError(
                f"What was not taken has no {term.field}:, for nothing of it was kept. "
                f"Ask for {names}, since: or until:."
            )
    return query
