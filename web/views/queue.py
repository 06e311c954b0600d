"""What waits, and why."""

import asyncio
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from tracker.model import Recipient, RecipientId, Status, is_id
from tracker.permissions import Permission
from tracker.views import Row
from web.message.verdict import why_it_waits
from web.notices import Act
from web.panel import Viewer, Visit
from web.standing import Standing, standing_of, upcoming
from web.times import Times
from web.track.counts import COUNTED, Number, number_of
from web.track.filters import OPEN_QUERY, Asked, link
from web.track.listing import way_on
from web.track.rows import sender_of, story_url, subject_of
from web.views.offers import pointless
from web.views.story import acts_for

PAGE: Final = 25
_WORDS: Final = {
    Status.QUEUED: "not tried yet",
    Status.DEFERRED: "temporarily rejected",
    Status.HELD: "held",
}


class Tile(NamedTuple):
    """How many wait in one way, and where they are listed."""

    words: str
    number: Number
    url: str


class WaitingRow(NamedTuple):
    """One recipient that waits."""

    recipient: Recipient
    subject: str
    sent_from: str
    standing: Standing
    why: str
    pointless: str
    """Why a try now would be; empty where it would not."""
    upcoming: str
    acts: list[Act]
    url: str


def waiting_row(viewer: Viewer, row: Row, times: Times, pointless: str) -> WaitingRow:
    """Return one row of the queue."""
    acts = [
        act for act in acts_for(viewer, [row.recipient]) if act is not Act.RETRY or not pointless
    ]
    due = (row.recipient.next_attempt_at or times.now) <= times.now
    return WaitingRow(
        recipient=row.recipient,
        subject=subject_of(row.message),
        sent_from=sender_of(row.message),
        standing=standing_of(row.recipient, row.last_attempt),
        why=why_it_waits(row.recipient, row.last_attempt, times.now),
        pointless="" if due else pointless,  # that it is due says it
        upcoming=upcoming(row.recipient, times),
        acts=acts,
        url=story_url(row.recipient),
    )


def _page_id(visit: Visit, name: str) -> RecipientId | None:
    text = visit.request.query.get(name, "")
    return RecipientId(text) if is_id(text) else None


async def show_queue(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with what waits in the viewer's scope, newest first."""
    ledger, query = visit.panel.ledger, OPEN_QUERY
    before, after = _page_id(visit, "before"), _page_id(visit, "after")
    page, counts = await asyncio.gather(
        ledger.search(query, viewer.scope, limit=PAGE, before=before, after=after),
        ledger.summarize(query, viewer.scope, cap=COUNTED),
    )
    list_of = Asked(text="", zone=visit.times.zone.key)
    reasons = await pointless(visit, page.rows) if viewer.may(Permission.ACT) else {}
    return visit.page(
        "queue.html",
        rows=[
            waiting_row(viewer, row, visit.times, reasons.get(row.recipient.id, ""))
            for row in page.rows
        ],
        tiles=[
            Tile(words, number_of(counts, {status}), link(list_of.but(text=f"status:{status}")))
            for status, words in _WORDS.items()
        ],
        may_act=viewer.may(Permission.ACT),
        way_on=way_on(page, before, after),
        older=page.older and f"/queue?{urlencode({'before': page.older})}",
        newer=page.newer and f"/queue?{urlencode({'after': page.newer})}",
        here=visit.request.path_qs,
    )
