"""How many somebody has sent of late: what is asked next on the phone."""

import re
from datetime import timedelta
from typing import Final, NamedTuple

from tracker.model import Scope, Status
from tracker.search import Field, Query, Term
from tracker.store import Store
from web.panel import Viewer, Visit
from web.track.counts import COUNTED, Number, number_of, refused_number
from web.track.form_text import Form

_LATELY: Final = timedelta(hours=24)
_ADDRESS: Final = re.compile(r'"?([^\s"@]+@[^\s"@]+)"?')
_NO_REPORT: Final = Term(field=Field.FROM, value="", exact=True, negated=True)
"""Reports of this server carry the account that they go to."""


class Sent(NamedTuple):
    """Recipients of one sender in the last 24 hours."""

    who: str
    """Empty for the viewer's own."""
    number: Number


async def sent_lately(visit: Visit, viewer: Viewer, form: Form) -> Sent | None:
    """Count for the viewer whose own mail it is, else for the one sender that is asked for."""
    ledger = visit.panel.ledger
    since = visit.now - _LATELY
    if viewer.scope.account is not None:
        query = Query(terms=(_NO_REPORT,), since=since)
        return Sent("", await _count(ledger, query, viewer.scope))
    whole = _ADDRESS.fullmatch(form.sender)
    if whole is None:
        return None
    query = Query(terms=(Term(field=Field.FROM, value=whole[1], exact=True),), since=since)
    return Sent(whole[1], await _count(ledger, query, viewer.scope))


async def not_taken_today(visit: Visit, viewer: Viewer) -> Number:
    """Count what was refused at once on the viewer's day: no search finds it."""
    midnight = visit.times.local(visit.now).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Query(since=midnight)
    count = await visit.panel.ledger.count_refusals(today, viewer.scope, cap=COUNTED)
    return refused_number(count)


async def _count(ledger: Store, query: Query, scope: Scope) -> Number:
    counts = await ledger.summarize(query, scope, cap=COUNTED)
    return number_of(counts, frozenset(Status))
