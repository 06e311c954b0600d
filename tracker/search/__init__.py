"""The search grammar: one line of text becomes a query. One parser for panel and terminal.

    to:bob@example.org since:2d "quarterly report" -status:delivered

A bare word looks at addresses, subject and ids, and matches any part of them; in quotation marks
the whole value has to be the same; a minus sign excludes. `parse` needs the present time and a
time zone because "today" is the viewer's day.
"""

from tracker.search.parser import QueryError, format_query, parse
from tracker.search.pasted import recognize
from tracker.search.query import STATUS_WORDS, Field, Query, Term
from tracker.search.sought import MAIL, NOT_TAKEN, Sought

__all__ = [
    "MAIL",
    "NOT_TAKEN",
    "STATUS_WORDS",
    "Field",
    "Query",
    "QueryError",
    "Sought",
    "Term",
    "format_query",
    "parse",
    "recognize",
]
