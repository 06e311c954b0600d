"""The page of one message, and what people may do about it."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from aiohttp import web

from tracker.model import MessageId, Recipient, RecipientId, Status, is_id
from tracker.permissions import Permission
from tracker.states import OPEN
from tracker.store import Version
from tracker.views import Timeline
from web.forms import read_form
from web.message.story import focus_of, tell
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.security import local_path
from web.sessions import set_cookie
from web.views.cohort import cohort_of
from web.views.offers import offers_for, probes_about, worth_trying

SHOWN: Final = 100
"""Recipients of a message in the table; the rest is found by searching."""
_RELATED: Final = 20
"""Other messages that are looked up to see whether they may be linked."""
_NOTICE: Final = timedelta(minutes=1)


async def find(visit: Visit, viewer: Viewer) -> Timeline:
    """Return the timeline that the path names; unknown and forbidden are the same 404."""
    identifier = visit.request.match_info["id"].upper()
    if not is_id(identifier):
        raise web.HTTPNotFound
    timeline = await visit.panel.ledger.timeline(MessageId(identifier), viewer.scope)
    if timeline is None or not timeline.recipients:
        raise web.HTTPNotFound
    return timeline


async def _visible(visit: Visit, viewer: Viewer, timeline: Timeline) -> frozenset[MessageId]:
    """Return those of the messages that a timeline mentions which the viewer may see."""
    mentioned = [event.related_message_id for event in timeline.events]
    mentioned.append(timeline.message.reports_on)
    found = set()
    for one in list(dict.fromkeys(filter(None, mentioned)))[:_RELATED]:
        if await visit.panel.ledger.timeline(one, viewer.scope) is not None:
            found.add(one)
    return frozenset(found)


async def show_message(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the whole story of a message."""
    # Before the timeline is read, so that what comes in between is shown and told once more.
    version = await _version(visit)
    timeline = await find(visit, viewer)
    story = tell(
        timeline,
        focus_of(timeline, visit.request.query.get("recipient")),
        retry=visit.panel.settings.retry,
        times=visit.times,
        visible=await _visible(visit, viewer, timeline),
        hostname=visit.panel.settings.hostname,
    )
    return visit.page(
        "message.html",
        list_path=visit.list_path,
        story=story,
        shown=SHOWN,
        version=version.text if version is not None else "",
        cohort=await cohort_of(visit, viewer, timeline, story.recipient),
        offers=await offers_for(visit, viewer, timeline, story.recipient),
        errands=await probes_about(visit, viewer, timeline.message.id),
        here=visit.request.path_qs,
    )


async def _version(visit: Visit) -> Version | None:
    """Return the version of the message that the path names."""
    identifier = MessageId(visit.request.match_info["id"].upper())
    return (await visit.panel.ledger.versions([identifier])).get(identifier)


def acts_for(viewer: Viewer, recipients: Collection[Recipient]) -> list[Act]:
    """Return what the viewer may do about at least one of `recipients`."""
    if not viewer.may(Permission.ACT):
        return []
    free = [one for one in recipients if one.status in OPEN and not one.leased]
    acts = []
    if any(one.status is not Status.HELD for one in free):
        acts.append(Act.RETRY)
    if any(one.status is Status.HELD for one in free):
        acts.append(Act.RELEASE)
    if free:
        acts.append(Act.CANCEL)
    return acts


def chosen(timeline: Timeline, asked: Sequence[str]) -> list[Recipient]:
    """Return the recipients that are named, or all when none is. Raises HTTPNotFound."""
    if not asked:
        return list(timeline.recipients)
    found = [one for one in timeline.recipients if one.id in asked]
    if len(found) != len(set(asked)):
        raise web.HTTPNotFound
    return found


async def _act(visit: Visit, viewer: Viewer, act: Act) -> web.StreamResponse:
    """Do `act` and tell honestly what it came to."""
    timeline = await find(visit, viewer)
    form = await read_form(visit.request)
    named = chosen(timeline, form.getall("recipient"))
    ids = [one.id for one in named]
    changed = await _change(visit, viewer, act, ids, form.get("reason").strip()[:200])
    after = await visit.panel.ledger.timeline(timeline.message.id, viewer.scope)
    now = {one.id: one for one in after.recipients} if after is not None else {}
    rest = [now.get(one.id, one) for one in named]
    finished = sum(one.status not in OPEN for one in named)
    # What we made due may be under way already: it is counted as changed, not as busy.
    busy = max(0, min(sum(one.leased for one in rest), len(named) - changed - finished))
    if act is Act.RETRY and not changed + busy + finished:
        act = Act.POINTLESS
    visit.log.info(act.value, account=viewer.account.address, message=timeline.message.id)
    back = local_path(form.get("back")) if form.get("back") else None
    response = see_other(back or f"/messages/{timeline.message.id}")
    set_cookie(
        response,
        NOTICE_COOKIE,
        write_notice(act, changed, busy, finished),
        secure=visit.secure,
        lifetime=_NOTICE,
    )
    return response


async def _change(
    visit: Visit, viewer: Viewer, act: Act, ids: Sequence[RecipientId], reason: str
) -> int:
    """Change the ledger; return how many recipients changed."""
    ledger, actor = visit.panel.ledger, viewer.account.address
    if act is Act.RETRY:
        ids = await worth_trying(visit, viewer, ids)
        return await ledger.retry_now(ids, scope=viewer.scope, actor=actor, now=visit.now)
    return await ledger.change_status(
        ids,
        Status.QUEUED,
        scope=viewer.scope,
        actor=actor,
        reason=reason or "in the panel",
        now=visit.now,
    )


async def retry(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Make recipients due now."""
    return await _act(visit, viewer, Act.RETRY)


async def release(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Let held recipients go on."""
    return await _act(visit, viewer, Act.RELEASE)
