"""A search goes back a few days at a time: each look plans and locks only their partitions."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec.structs import replace

from tracker.search import Query

_LONGEST = 8
"""Days: what is rare is looked for in great steps, but no look locks more partitions."""


def windows(query: Query, begin: datetime, end: datetime, *, newest_first: bool) -> Iterator[Query]:
    """Yield `query` for one part after the other of the time from `begin` until `end`.

    Parts are 1, 2, 4, 8, 8, … days long: most pages are full after the first one.
    """
    begin = max(begin, query.since or begin)
    end = min(end, query.until or end)
    bounds = pairwise(_bounds(begin, end, newest_first=newest_first))
    for one, other in bounds:
        yield replace(query, since=min(one, other), until=max(one, other))


def _bounds(begin: datetime, end: datetime, *, newest_first: bool) -> Iterator[datetime]:
    at, stop = (end, begin) if newest_first else (begin, end)
    if begin >= end:
        return
    yield at
    days = 1
    while at != stop:
        step = timedelta(days=days)
        at = max(at - step, stop) if newest_first else min(at + step, stop)
        yield at
        days = min(days * 2, _LONGEST)
