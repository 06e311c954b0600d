"""Acts on many recipients: how many it is about, doing it, watching it, and who did what."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web
from msgspec.structs import replace

from tracker.acting import FEW, LIMITS, Part, Runner, parts_of, query_of, within_limit
from tracker.model import (
    Act,
    ActId,
    ActState,
    Deed,
    RecipientId,
    Status,
    is_id,
    new_id,
)
from tracker.permissions import Permission
from tracker.search import QueryError
from tracker.store import Ledger
from tracker.views import Row
from web.acts import (
    BECOME,
    FINAL_DEEDS,
    MEANS,
    NOUNS,
    OPPOSITE,
    VERBS,
    badge_of,
    chosen_by,
    problem_of,
    reason_for_undoing,
    result_of,
    undoing,
    way_of,
    whose,
    why_skipped,
)
from web.errors import excuse
from web.forms import read_form
from web.panel import Viewer, Visit, see_other
from web.rerouting import CONFIGURED, LONGEST, Way, as_configured, next_hop_in, offered
from web.security import local_path
from web.track.filters import is_zone
from web.views.offers import pointless

PAGE: Final = 50
LARGEST_SELECTION: Final = 500
_NAMED: Final = 20
"""Recipients of a selection that are named before it is done."""
_UNBOUNDED: Final = 10_000_000
_FRESH: Final = timedelta(hours=1)
"""How long a count may have stood on somebody's screen."""
_WATCH: Final = "2"
"""Seconds after which the page of an act that goes on asks again."""


class Asked(NamedTuple):
    """What somebody wants to act on."""

    deed: Deed
    query: str
    zone: str
    chosen: tuple[RecipientId, ...]
    counted_at: datetime
    back: str
    reason: str
    way: Way
    """Of a reroute: what is filled in."""


class Counted(NamedTuple):
    """How many it is about."""

    parts: Sequence[Part]
    rows: Sequence[Row]
    """Of a selection."""
    cut: bool = False
    """True when there was no time to count to the end: there may be more."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(part.number for part in self.parts)

    @property
    def changing(self) -> int:
        """Those that can be changed."""
        return sum(part.number for part in self.parts if not part.why_not)


def _may(viewer: Viewer, deed: Deed) -> bool:
    """Say whether a viewer may do this, and see that others did: which way mail goes is the
    relay's own matter."""
    return deed is not Deed.REROUTE or viewer.may(Permission.OPERATE)


def _read(
    visit: Visit, viewer: Viewer, fields: Mapping[str, Sequence[str]], counted_at: datetime
) -> Asked:
    """Return what was asked for; 404 for a deed or an id that is none."""

    def first(name: str) -> str:
        return next(iter(fields.get(name, ())), "")

    deed = next((one for one in Deed if one == first("act")), None)
    everything = first("all") == "1"
    ids = () if everything else fields.get("recipient", ())
    if deed is None or not _may(viewer, deed):
        raise web.HTTPNotFound
    if not (everything or ids) or not all(map(is_id, ids)):
        raise web.HTTPNotFound
    if len(ids) > LARGEST_SELECTION:
        raise web.HTTPRequestEntityTooLarge(LARGEST_SELECTION, len(ids))
    zone = first("zone")
    return Asked(
        deed=deed,
        query="" if ids else first("q").strip(),
        zone=zone if is_zone(zone) else visit.times.zone.key,
        chosen=tuple(dict.fromkeys(map(RecipientId, ids))),
        counted_at=counted_at,
        back=local_path(first("back")),
        reason=first("reason").strip()[:200],
        way=Way(first("next_hop").strip()[:LONGEST], is_configured=first("way") == CONFIGURED),
    )


async def _count(ledger: Ledger, asked: Asked, viewer: Viewer) -> Counted:
    """Count, exactly as far as this person's limit reaches. Raises QueryError."""
    if asked.chosen:
        rows = await ledger.chosen(asked.chosen, viewer.scope)
        if len(rows) != len(asked.chosen):
            raise web.HTTPNotFound
        counts: dict[Status, int] = {}
        for row in rows:
            counts[row.recipient.status] = counts.get(row.recipient.status, 0) + 1
        return Counted(parts_of(asked.deed, counts), rows)
    query = query_of(asked.query, asked.zone, asked.counted_at)
    limit = LIMITS[viewer.account.role]
    cap = _UNBOUNDED if limit is None else limit
    counts = await ledger.summarize(query, viewer.scope, cap=cap)
    return Counted(parts_of(asked.deed, counts), (), cut=bool(counts.cut))


def _chooses_nothing(viewer: Viewer, fields: Mapping[str, Sequence[str]]) -> bool:
    """Say whether somebody pressed the button of a list with no row selected."""
    words = fields.get("act", ())
    known = any(one in words and _may(viewer, one) for one in Deed)
    return known and fields.keys().isdisjoint(("recipient", "all"))


async def ask(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with how many an act is about, and the form that does it."""
    fields = _fields(visit.request)
    if _chooses_nothing(viewer, fields):
        return excuse(
            visit, 400, "Nothing is chosen", "Go back and tick the boxes of the rows that you mean."
        )
    asked = _read(visit, viewer, fields, visit.now)
    return await _form(visit, viewer, asked)


def _fields(request: web.Request) -> dict[str, Sequence[str]]:
    return {name: request.query.getall(name) for name in request.query}


async def _form(
    visit: Visit,
    viewer: Viewer,
    asked: Asked,
    *,
    problem: str = "",
    wrong: str = "",
    status: int = 200,
) -> web.Response:
    """Return the page that asks; `wrong` names the field that the problem is about."""
    try:
        counted = await _count(visit.panel.ledger, asked, viewer)
    except QueryError as error:
        counted, problem, status = Counted((), ()), problem_of(error), 400
    limit = LIMITS[viewer.account.role]
    return visit.page(
        "act_new.html",
        status,
        asked=asked,
        counted=counted,
        named=counted.rows[:_NAMED],
        pointless=await pointless(visit, counted.rows) if asked.deed is Deed.RETRY else {},
        too_many=not within_limit(viewer.account.role, counted.total),
        limit=limit,
        problem=problem,
        wrong=wrong,
        verb=VERBS[asked.deed],
        done=BECOME[asked.deed],
        means=MEANS[asked.deed],
        whose=whose(viewer.scope),
        waits=visit.panel.settings.tracking.undo_window if asked.deed in FINAL_DEEDS else None,
        key=visit.panel.entropy(16).hex(),
        counted_at=_to_number(asked.counted_at),
        **_ways(visit, asked, counted),
    )


def _ways(visit: Visit, asked: Asked, counted: Counted) -> dict[str, object]:
    """Return what the form of a reroute offers."""
    if asked.deed is not Deed.REROUTE:
        return {}
    routes = visit.panel.routes
    domains = [row.recipient.domain for row in counted.rows]
    return {"hops": offered(routes), "configured": as_configured(domains, routes)}


async def plan(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Put an act on record; do it at once when it is about a few and can be undone."""
    form = await read_form(visit.request)
    counted_at = _to_time(form.get("counted_at"))
    names = ("act", "q", "zone", "all", "back", "recipient", "reason", "way", "next_hop")
    fields = {name: form.getall(name) for name in names}
    is_fresh = counted_at is not None and visit.now - _FRESH <= counted_at <= visit.now
    asked = _read(visit, viewer, fields, counted_at if counted_at and is_fresh else visit.now)
    if not is_fresh or not form.get("key"):
        problem = "The count was too old: this is what there is now."
        return await _form(visit, viewer, asked, problem=problem, status=422)
    try:
        counted = await _count(visit.panel.ledger, asked, viewer)
        next_hop = _next_hop(visit, asked)
    except QueryError as error:
        return await _form(visit, viewer, asked, problem=problem_of(error), status=422)
    except ValueError as error:
        return await _form(visit, viewer, asked, problem=str(error), wrong="next_hop", status=422)
    if counted.cut or not within_limit(viewer.account.role, counted.total):
        return await _form(visit, viewer, asked, status=422)
    act = replace(
        _make(visit, viewer, asked, form.get("key"), counted.total),
        reason=asked.reason,
        tells_sender=asked.deed is Deed.CANCEL and form.get("tell") == "1",
        next_hop=next_hop,
    )
    return await _begin(visit, act, asked.back)


def _next_hop(visit: Visit, asked: Asked) -> str:
    """Return where a reroute leads; empty for other deeds. Raises ValueError."""
    return next_hop_in(asked.way, visit.panel.routes) if asked.deed is Deed.REROUTE else ""


def _make(visit: Visit, viewer: Viewer, asked: Asked, key: str, expected: int) -> Act:
    waits = visit.panel.settings.tracking.undo_window
    return Act(
        id=ActId(new_id(visit.now, visit.panel.entropy(8))),
        key=f"{viewer.account.address} {key[:64]}",
        deed=asked.deed,
        actor=viewer.account.address,
        account=viewer.account.address,
        scope=viewer.scope,
        query=asked.query,
        zone=asked.zone,
        chosen=asked.chosen,
        created_at=asked.counted_at,
        begins_at=visit.now + waits if asked.deed in FINAL_DEEDS else visit.now,
        expected=expected,
    )


async def _begin(visit: Visit, act: Act, back: str) -> web.StreamResponse:
    """Plan an act; the same form sent twice leads to the same act."""
    act = await visit.panel.ledger.plan_act(act)
    visit.log.info("act planned", act=act.id, deed=act.deed, by=act.actor, recipients=act.expected)
    if act.state is ActState.PLANNED and act.begins_at <= visit.now and act.expected <= FEW:
        await _runner(visit).finish(act)
    return see_other(_path(act, back))


def _runner(visit: Visit) -> Runner:
    panel = visit.panel
    return Runner(panel.ledger, panel.settings.retry, panel.routes, panel.now)


def _path(act: Act, back: str = "/") -> str:
    return f"/acts/{act.id}" + (f"?{urlencode({'back': back})}" if back != "/" else "")


async def _find(visit: Visit, viewer: Viewer) -> Act:
    identifier = visit.request.match_info["id"].upper()
    act = None
    if is_id(identifier):
        act = await visit.panel.ledger.act(ActId(identifier), viewer.scope)
    if act is None or not _may(viewer, act.deed):
        raise web.HTTPNotFound
    return act


async def show(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with one act: how far it has come, and how to stop or undo it."""
    act = await _find(visit, viewer)
    still = visit.request.query.get("still") == "1"
    back = local_path(visit.request.query.get("back"))
    goes_on = act.state in (ActState.PLANNED, ActState.RUNNING)
    response = visit.page(
        "act.html",
        act=act,
        noun=NOUNS[act.deed],
        standing=badge_of(act),
        result=result_of(act),
        why_skipped=why_skipped(act),
        about=chosen_by(act),
        whose=whose(act.scope),
        undo=undoing(act),
        way=way_of(act) if act.deed is Deed.REROUTE else "",
        back=back,
        goes_on=goes_on,
        still=still,
        same=_path(act, back),
    )
    if goes_on and not still:
        response.headers["Refresh"] = _WATCH
    return response


async def show_all(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with who did what to how many, newest first."""
    text = visit.request.query.get("before", "").upper()
    before = ActId(text) if is_id(text) else None
    found = await visit.panel.ledger.acts(viewer.scope, limit=PAGE + 1, before=before)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return visit.page(
        "acts.html",
        acts=[
            (act, badge_of(act), chosen_by(act), result_of(act))
            for act in found[:PAGE]
            if _may(viewer, act.deed)
        ],
        nouns=NOUNS,
        newer="/acts" if before else None,
        older=more and f"/acts?{urlencode({'before': more})}",
    )


# --- stopping and undoing --------------------------------------------------------------------


async def _turn(
    visit: Visit, viewer: Viewer, among: frozenset[ActState], to: ActState
) -> web.StreamResponse:
    act = await _find(visit, viewer)
    after = await visit.panel.ledger.turn_act(act.id, among, to, visit.now)
    if after is not None:
        visit.log.info("act turned", act=act.id, to=to, by=viewer.account.address)
    back = local_path((await read_form(visit.request)).get("back"))
    return see_other(_path(act, back))


_GOES_ON: Final = frozenset({ActState.PLANNED, ActState.RUNNING, ActState.PAUSED})


async def call_off(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Stop an act for good; what it has changed by then stays so."""
    return await _turn(visit, viewer, _GOES_ON, ActState.CALLED_OFF)


async def pause(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Stop an act that may go on later."""
    return await _turn(visit, viewer, frozenset({ActState.RUNNING}), ActState.PAUSED)


async def resume(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Let it go on."""
    return await _turn(visit, viewer, frozenset({ActState.PAUSED}), ActState.RUNNING)


async def undo(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Do the opposite to exactly those that an act has changed."""
    act = await _find(visit, viewer)
    if not undoing(act):
        return see_other(_path(act))
    opposite = Act(
        id=ActId(new_id(visit.now, visit.panel.entropy(8))),
        key=f"undo {act.id}",
        deed=OPPOSITE[act.deed],
        actor=viewer.account.address,
        account=viewer.account.address,
        scope=viewer.scope,
        reason=reason_for_undoing(act),
        undoes=act.id,
        created_at=visit.now,
        begins_at=visit.now,
        expected=act.changed,
    )
    return await _begin(visit, opposite, local_path((await read_form(visit.request)).get("back")))


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


def _to_number(at: datetime) -> int:
    return (at - _EPOCH) // _TICK


def _to_time(text: str) -> datetime | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 17):
        return None
    return _EPOCH + int(text) * _TICK
