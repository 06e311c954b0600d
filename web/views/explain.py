"""A refusal that somebody has pasted, in plain words: as a page, and as data."""

from typing import Final

import msgspec
from aiohttp import web

from tracker.explain.answer import Answer, answer
from tracker.model import Phase
from web.panel import Viewer, Visit

LONGEST: Final = 2000
"""Characters of a reply that are read; rules look at no more."""
_LONGEST_HOST: Final = 255
_NONE: Final = (
    "There is no refusal in it: we look for a reply code between 400 and 599, "
    "for example 550 5.1.1 No such user."
)
_PHASES: Final = {
    "": "Not known",
    Phase.GREETING: "The connection",
    Phase.EHLO: "EHLO, our name",
    Phase.STARTTLS: "STARTTLS",
    Phase.AUTH: "AUTH, the log-in",
    Phase.MAIL: "MAIL FROM, the sender",
    Phase.RCPT: "RCPT TO, the recipient",
    Phase.DATA: "DATA",
    Phase.FINAL_DOT: "The message itself",
}
"""What a refusal can be an answer to."""


async def show_page(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the form, and with what the reply in it means."""
    query = visit.request.query
    found = await _answer(visit)
    return visit.page(
        "explain.html",
        found=found,
        reply=query.get("reply", "")[:LONGEST],
        host=query.get("host", "")[:_LONGEST_HOST],
        phase=query.get("phase", ""),
        phases=_PHASES,
        longest=LONGEST,
        problem=_NONE if query.get("reply", "").strip() and found is None else "",
    )


async def tell(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with what a reply means, as JSON."""
    found = await _answer(visit)
    if found is None:
        return _json({"error": _NONE}, 400)
    return _json(found, 200)


async def _answer(visit: Visit) -> Answer | None:
    query = visit.request.query
    phase = query.get("phase", "")
    return answer(
        query.get("reply", "")[:LONGEST],
        phase=Phase(phase) if phase in _PHASES and phase else None,
        host=query.get("host", "")[:_LONGEST_HOST],
        book=await visit.panel.ledger.rule_book(),
    )


def _json(data: object, status: int) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(data), status=status, content_type="application/json"
    )
