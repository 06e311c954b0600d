"""The dashboard: how the mail in the viewer's scope is doing."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

from aiohttp import web

from tracker.insight import Dimension, Figure, Measure
from tracker.model import Role
from tracker.nodes import nodes_of
from tracker.permissions import Permission
from tracker.search import Field, Query, Term, format_query
from web.insight.chart import draw, steps_of
from web.insight.days import Days, days_of
from web.insight.destination import destination_url
from web.insight.overview import (
    SERIES,
    WORDS,
    Sums,
    most_sent,
    most_troubled,
    paces_of,
    reasons_of,
    series_by_slot,
    sums_of,
    title_of,
    total_of,
)
from web.panel import Viewer, Visit
from web.track.filters import Asked, link
from web.track.form_text import Choice, Period, write_text
from web.unread import RECENT

PERIODS: Final[Mapping[Period, str]] = {
    Period.TODAY: "Today",
    Period.YESTERDAY: "Yesterday",
    Period.WEEK: "Last 7 days",
    Period.MONTH: "Last 30 days",
}
_TONES: Final = {
    Choice.ALL: "",
    Choice.ACCEPTED: "good",
    Choice.TEMPORARY: "warn",
    Choice.PERMANENT: "bad",
    Choice.WAITING: "wait",
    Choice.CANCELLED: "off",
}


class Tile(NamedTuple):
    """One number, and where its mail is listed."""

    words: str
    number: int
    tone: str
    url: str


class Preset(NamedTuple):
    """One range that may be chosen."""

    words: str
    url: str
    current: bool


class Health(NamedTuple):
    """What an operator sees at once."""

    nodes: int
    silent: int
    unread: int


class _Figures(NamedTuple):
    by_time: Sequence[Figure]
    by_reason: Sequence[Figure]
    by_destination: Sequence[Figure]
    by_speed: Sequence[Figure]
    by_whose: Sequence[Figure]


async def show_overview(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with numbers and charts of a range of days, today by default."""
    wanted = visit.request.query.get("range", "")
    period = next((one for one in PERIODS if one.value == wanted), Period.TODAY)
    days = days_of(period, visit.times, visit.panel.settings.tracking.statistics_retention)
    whose = _whose(viewer)
    found = await _count(visit, viewer, days, whose)
    destinations = sums_of(found.by_destination)
    total = total_of(destinations)
    chart = draw(
        "mail",
        f"Mail by the {'hour' if _is_short(days) else 'day'} in which it was sent",
        steps_of(days.since, days.until, visit.times),
        SERIES,
        series_by_slot(found.by_time),
    )
    reasons = reasons_of(found.by_reason)
    by_whose = sums_of(found.by_whose) if whose else []
    return visit.page(
        "overview.html",
        title=title_of(viewer.account.role, viewer.account.domain),
        days=days,
        presets=_presets(days),
        tiles=_tiles(total, days, visit.times.zone.key),
        total=total,
        chart=chart,
        unit="Hour" if _is_short(days) else "Day",
        reasons=reasons,
        list_of=partial(_list_of, days, visit.times.zone.key),
        other_reasons=total.troubled - sum(one.number for one in reasons),
        troubled=most_troubled(destinations),
        paces=paces_of(found.by_speed),
        whose=most_sent(by_whose),
        whose_in_all=len(by_whose),
        whose_word="Account" if whose is Dimension.ACCOUNT else "Domain",
        place_of=destination_url,
        mail_of=partial(_mail_of, days, visit.times.zone.key, whose),
        health=await _health(visit) if viewer.may(Permission.SEE_RELAY) else None,
    )


def _is_short(days: Days) -> bool:
    return days.until - days.since <= timedelta(days=1, hours=1)


def _whose(viewer: Viewer) -> Dimension | None:
    """Return by whose mail the numbers are told apart: a user has only their own."""
    match viewer.account.role:
        case Role.USER:
            return None
        case Role.DOMAIN_ADMIN:
            return Dimension.ACCOUNT
        case _:
            return Dimension.ACCOUNT_DOMAIN


async def _count(visit: Visit, viewer: Viewer, days: Days, whose: Dimension | None) -> _Figures:
    ways = [
        (Dimension.SLOT, Dimension.RESULT),
        (Dimension.RESULT, Dimension.CATEGORY, Dimension.ORIGIN),
        (Dimension.DESTINATION, Dimension.RESULT),
        (Dimension.SPEED,),
    ]
    if whose is not None:
        ways.append((whose, Dimension.RESULT))
    found = await asyncio.gather(
        *(
            visit.panel.ledger.figures(Measure.RECIPIENT, way, viewer.scope, days.since, days.until)
            for way in ways
        )
    )
    by_time, by_reason, by_destination, by_speed, *by_whose = found
    return _Figures(by_time, by_reason, by_destination, by_speed, [*chain(*by_whose)])


def _tiles(total: Sums, days: Days, zone: str) -> list[Tile]:
    tiles = []
    for choice, words in WORDS.items():
        url = link(Asked(text=write_text(days.form.but(choice=choice)), zone=zone))
        tiles.append(Tile(words, total.of(choice), _TONES[choice], url))
    return tiles


def _list_of(days: Days, zone: str, words: str) -> str:
    """Return the list of what these words find in the range of the page."""
    return link(Asked(text=write_text(days.form.but(choice=Choice.ALL, words=words)), zone=zone))


def _mail_of(days: Days, zone: str, whose: Dimension | None, name: str) -> str:
    """Return the list of the mail of one account, or of all accounts of one domain."""
    value = f"@{name}" if whose is Dimension.ACCOUNT_DOMAIN else name
    words = format_query(Query(terms=(Term(field=Field.ACCOUNT, value=value),)))
    return _list_of(days, zone, words)


def _presets(days: Days) -> list[Preset]:
    return [
        Preset(words, f"/overview?range={period.value}", period is days.period)
        for period, words in PERIODS.items()
    ]


async def _health(visit: Visit) -> Health:
    ledger = visit.panel.ledger
    census, unread = await asyncio.gather(
        ledger.census(visit.now), ledger.unread_troubles(visit.now - RECENT)
    )
    nodes = nodes_of(census)
    return Health(len(nodes), sum(not node.serves for node in nodes), unread)
