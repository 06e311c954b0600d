"""*Help*: words, standings, the grammar and the keys; and whether there are keys."""

import msgspec
from aiohttp import web

from web.forms import read_form
from web.help import KEYS, STANDINGS, TERMS
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.sessions import set_cookie


async def show_help(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the help page."""
    habits = await visit.panel.ledger.habits(viewer.account.address)
    return visit.page(
        "help.html",
        standings=STANDINGS,
        terms=TERMS,
        keys=KEYS,
        has_keys=habits.has_keys,
        settings=visit.panel.settings,
    )


async def switch_keys(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Switch the keys on or off for this account, in every browser."""
    wanted = (await read_form(visit.request)).get("keys") == "on"
    ledger, address = visit.panel.ledger, viewer.account.address
    habits = await ledger.habits(address)
    await ledger.keep_habits(address, msgspec.structs.replace(habits, has_keys=wanted))
    response = see_other("/help#keys")
    notice = write_notice(Act.KEYS_ON if wanted else Act.KEYS_OFF)
    set_cookie(response, NOTICE_COOKIE, notice, secure=visit.secure)
    return response
