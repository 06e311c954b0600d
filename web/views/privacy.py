"""What is on record about an address, for operators: find, export, erase.

The address never stands in a URL, so that it is not left in histories and in the logs of proxies;
on record is the pseudonym.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
from aiohttp import web

from tracker import erasure
from tracker.erasure import Found, Refused, TooMuch
from tracker.mailbox import MailboxError
from tracker.secret import open_key
from tracker.traces import Address
from web.forms import read_form
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.sessions import set_cookie

_PATIENCE: Final = 20.0
"""Seconds that somebody waits for a page; the command line has more time."""
_NOTICE: Final = timedelta(minutes=1)
_KINDS: Final[Mapping[str, str]] = {
    "accesses": "Looks at mail",
    "acts": "Acts",
    "errands": "Probes and messages sent again",
    "habits": "Choices that were remembered",
    "log_in_failures": "Wrong passwords",
    "recent_searches": "Recent searches",
    "reclassifying": "Runs of new rules",
    "refusals": "Refused submissions",
    "rule_acts": "Changes of rules",
    "rules": "Rules",
    "saved_searches": "Saved searches",
    "setbacks": "Attempts in the counts of failures",
    "statistics": "Numbers in the statistics",
    "statistics_open": "Open numbers in the statistics",
    "suppressions": "Suppressions",
    "trouble_marks": "Marks in the inbox",
}
"""What rows of a table are to people."""
_TOO_MUCH: Final = (
    "The record is too large to be looked through while you wait: use “sendtrace privacy” at the "
    "command line."
)


def _page(
    visit: Visit,
    *,
    status: int = 200,
    problem: str = "",
    written: str = "",
    found: Found | None = None,
) -> web.Response:
    elsewhere = [
        (_KINDS.get(table, f"Rows of {table}"), rows)
        for table, rows in (found.tables if found else {}).items()
    ]
    return visit.page(
        "privacy.html",
        status,
        problem=problem,
        written=written,
        found=found,
        elsewhere=elsewhere,
    )


async def show_privacy(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the form."""
    return _page(visit)


async def _asked(visit: Visit) -> tuple[str, Address | None]:
    """Return what was typed, and the address that it is."""
    written = (await read_form(visit.request)).get("address").strip()
    try:
        return written, Address(written)
    except MailboxError:
        return written, None


async def _key(visit: Visit) -> bytes:
    return await asyncio.to_thread(open_key, visit.panel.settings)


async def _record(visit: Visit, viewer: Viewer, what: str, address: Address) -> None:
    await erasure.record(
        visit.panel.unwatched,
        f"{what} {address.pseudonym(await _key(visit))}",
        actor=viewer.account.address,
        client=visit.client,
        now=visit.now,
        entropy=visit.panel.entropy,
    )


def _not_an_address(visit: Visit, written: str) -> web.Response:
    problem = "Write a full e-mail address, such as alice@example.org."
    return _page(visit, status=422, problem=problem, written=written)


async def find(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with how often an address is on record, and as what."""
    written, address = await _asked(visit)
    if address is None:
        return _not_an_address(visit, written)
    return await _found(visit, viewer, written, address)


async def _found(
    visit: Visit,
    viewer: Viewer,
    written: str,
    address: Address,
    *,
    problem: str = "",
    status: int = 200,
) -> web.Response:
    await _record(visit, viewer, "found", address)
    try:
        found = await erasure.find(visit.panel.unwatched, address, patience=_PATIENCE)
    except TooMuch:
        problem = f"{problem} {_TOO_MUCH}".strip()
        return _page(visit, status=503, problem=problem, written=written)
    return _page(visit, written=written, found=found, problem=problem, status=status)


async def export(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with everything about an address as lines of JSON, to be saved."""
    written, address = await _asked(visit)
    if address is None:
        return _not_an_address(visit, written)
    await _record(visit, viewer, "exported", address)
    ledger = visit.panel.unwatched
    try:
        found = await erasure.find(ledger, address, patience=_PATIENCE)
    except TooMuch:
        return _page(visit, status=503, problem=_TOO_MUCH, written=written)
    lines = [msgspec.json.encode(part) async for part in erasure.export(ledger, address, found)]
    return web.Response(
        body=b"".join(line + b"\n" for line in lines),
        content_type="application/x-ndjson",
        headers={"Content-Disposition": 'attachment; filename="on-record.ndjson"'},
    )


async def erase(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Erase an address that was typed once more."""
    written, address = await _asked(visit)
    form = await read_form(visit.request)
    if address is None:
        return _not_an_address(visit, written)
    if form.get("again").strip().lower() != written.lower():
        problem = "Nothing was erased: type the address once more to confirm it."
        return await _found(visit, viewer, written, address, problem=problem, status=422)
    await visit.panel.access.write()  # whatever waits there may name it
    try:
        await erasure.erase(
            visit.panel.unwatched,
            address,
            await _key(visit),
            actor=viewer.account.address,
            client=visit.client,
            now=visit.now,
            entropy=visit.panel.entropy,
            cancel=form.get("cancel") == "yes",
            patience=_PATIENCE,
        )
    except Refused as refusal:
        problem = f"Nothing was erased. {refusal}"
        return await _found(visit, viewer, written, address, problem=problem, status=409)
    except TooMuch:
        return _page(visit, status=503, problem=_TOO_MUCH, written=written)
    response = see_other("/privacy")
    set_cookie(
        response, NOTICE_COOKIE, write_notice(Act.ERASED), secure=visit.secure, lifetime=_NOTICE
    )
    return response
