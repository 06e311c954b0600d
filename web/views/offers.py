"""What the page of a message offers to do, as the ledger stands."""

from collections.abc import Sequence
from typing import Final

from tracker.acting import why_pointless
from tracker.mailbox import comparable
from tracker.model import Errand, MessageId, Recipient, RecipientId, Suppression
from tracker.permissions import Permission
from tracker.views import Row, Timeline
from web.message.offers import Facts, Offer, offers_of
from web.panel import Viewer, Visit

_LISTED: Final = 20


async def pointless(visit: Visit, rows: Sequence[Row]) -> dict[RecipientId, str]:
    """Return whom it is pointless to try now, and why."""
    panel = visit.panel
    return await why_pointless(panel.ledger, rows, panel.settings.retry, visit.now)


async def worth_trying(
    visit: Visit, viewer: Viewer, ids: Sequence[RecipientId]
) -> Sequence[RecipientId]:
    """Return those whom it makes sense to try now."""
    rows = await visit.panel.ledger.chosen(ids, viewer.scope)
    reasons = await pointless(visit, rows)
    return [row.recipient.id for row in rows if row.recipient.id not in reasons]


async def listed(visit: Visit, viewer: Viewer, address: str) -> Suppression | None:
    """Return what keeps this viewer's mail from an address."""
    wanted = comparable(address)
    found = await visit.panel.ledger.suppressions(viewer.scope, search=wanted, limit=_LISTED)
    return next((one for one in found if one.address == wanted and _holds(one, visit)), None)


def _holds(suppression: Suppression, visit: Visit) -> bool:
    return suppression.until is None or suppression.until > visit.now


async def offers_for(
    visit: Visit, viewer: Viewer, timeline: Timeline, recipient: Recipient
) -> list[Offer]:
    """Return what this viewer can do about a recipient; nothing for who may only look."""
    if not viewer.may(Permission.ACT):
        return []
    rows = await visit.panel.ledger.chosen([recipient.id], viewer.scope)
    reasons = await pointless(visit, rows)
    facts = Facts(
        recipient=recipient,
        kind=timeline.message.kind,
        pointless=reasons.get(recipient.id, ""),
        suppressed=await listed(visit, viewer, recipient.forward_path),
        is_kept=await visit.panel.ledger.keeps_content(timeline.message.id),
        here=visit.request.path_qs,
        may_reroute=viewer.may(Permission.OPERATE),
    )
    return offers_of(facts, visit.times)


async def probes_about(visit: Visit, viewer: Viewer, message_id: MessageId) -> list[Errand]:
    """Return the probes and repeats about a message that this viewer may open."""
    about = await visit.panel.ledger.errands_about(message_id)
    seen = [await visit.panel.ledger.errand(one.id, viewer.scope) for one in about]
    return [one for one in seen if one is not None]
