"""What the panel says when it cannot show a page: what is wrong, and what to do."""

from typing import Final

from aiohttp import web

from web.panel import Visit
from web.security import local_path

_TEXTS: Final = {
    400: ("We could not read that request", "Go back and try again."),
    403: (
        "That form is no longer valid",
        "It was open for too long, or it did not come from this panel. Nothing was changed. "
        "Go back, reload the page, and try again.",
    ),
    404: (
        "There is no such page",
        "Either it never existed, it is older than what is kept, or it belongs to somebody else. "
        "Check the address, or search for the message.",
    ),
    405: ("That cannot be done here", "Nothing was changed. Go back and try again."),
    413: ("That is too much at once", "Nothing was changed. Send less and try again."),
    429: (
        "That is too much at once",
        "So many pages are open already. Close some of them, or look again in a minute.",
    ),
    500: (
        "Something went wrong on our side",
        "The fault is in the log. Mail is not affected: try again in a moment, and tell the "
        "operators if it stays like this.",
    ),
    503: (
        "The panel cannot answer at the moment",
        "The record cannot be read or written, or too many people are logging in at once. Try "
        "again in a minute: mail waits safely until then.",
    ),
}

_UNSURE: Final = (
    "We do not know whether that was done",
    "The answer of the record got lost: it may have been done all the same. Look at the message "
    "or the list before you do it again. Mail waits safely until then.",
)


def error_page(visit: Visit, status: int, *, unsure: bool = False) -> web.Response:
    """Return the page for an HTTP status of 400 and above; `unsure`: it may have happened."""
    title, advice = _TEXTS.get(status, _TEXTS[500] if status >= 500 else _TEXTS[400])
    if unsure:
        title, advice = _UNSURE
    return excuse(visit, status, title, advice)


def excuse(visit: Visit, status: int, title: str, advice: str) -> web.Response:
    """Return such a page in words of its own; what may pass can be tried again by a button."""
    is_passing = visit.request.method == "GET" and status in (429, 503)
    again = local_path(visit.request.path_qs) if is_passing else ""
    return visit.page("error.html", status, code=status, title=title, advice=advice, again=again)
