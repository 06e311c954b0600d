"""Text from the network, in a real browser: none of it runs, none of it becomes markup."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.async_api import ConsoleMessage, Dialog, Page, Request, ViewportSize

from tests.browser.measures import CUT, SIDEWAYS, SMUGGLED, is_complaint
from tests.support.furnish import furnish
from tests.support.hostile import HOSTILE
from tests.support.pages import TEMPLATES, VISITS, fields_of
from tests.support.panel import Desk

pytestmark = pytest.mark.browser

TEXTS = list(HOSTILE.values())
ASKED = ("q", "to", "from", "until", "outcome", "range", "before", "after", "place", "state")
"""What addresses of pages ask for; each page reads some of it."""
ASKED_AT_MOST = 60
"""Characters in each: an address with all of them has to be one that the server reads."""
PHONE = ViewportSize(width=320, height=800)
LOOK = f"""() => {{
  document.querySelectorAll("details").forEach((one) => one.open = true);
  return {{
    wrong: [...({SMUGGLED})(), ...({SIDEWAYS})(), ...({CUT})()],
    rows: document.querySelectorAll(".entry").length,
    older: document.querySelector("a[rel=next]")?.getAttribute("href"),
  }};
}}"""


class Witness:
    """What a tab did that no page of ours does."""

    def __init__(self, page: Page, desk: Desk) -> None:
        self._page = page
        self._host = urlsplit(str(desk.server.make_url("/"))).netloc
        self.seen: list[str] = []
        page.on("dialog", self._dismiss)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.seen.append(f"error: {error}"))
        page.on("request", self._follow)

    async def _dismiss(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _hear(self, message: ConsoleMessage) -> None:
        """The policy had something to refuse: it got into the markup."""
        if is_complaint(message.text):
            self.seen.append(f"console: {message.text}")

    def _follow(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self._host:
            self.seen.append(f"request: {request.url}")

    async def visit(self, path: str) -> dict[str, Any]:
        """Open a page and everything on it that opens; return its rows and what is next.

        Fails when text did anything there, became markup, or does not fit.
        """
        await self._page.goto(path)
        found: dict[str, Any] = await self._page.evaluate(LOOK)
        assert found["wrong"] == [], path
        assert self.seen == [], path
        return found


def visits(furnished: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Return every page with one of the texts, a different one on each and in its address."""
    texts = cycle(zip(furnished, TEXTS, strict=True))
    for template in (one for one in TEMPLATES if fields_of(one) <= furnished[0].keys()):
        names, text = next(texts)
        path = template.format_map(names)
        also = quote(text[:ASKED_AT_MOST], safe="")
        yield f"{path}{'&' if '?' in path else '?'}{also}={also}"


def place_in(older: str | None) -> str:
    """Return which rows a link to older ones leads to, whatever list it is of."""
    split = urlsplit(older or "")
    return "".join(parse_qs(split.query).get("before", [split.query]))


async def test_nothing_from_the_network_runs(desk: Desk, page: Page) -> None:
    witness = Witness(page, desk)
    furnished = [await furnish(desk, text) for text in TEXTS]
    paths = [*visits(furnished), *(f"/messages/{names['message']}" for names in furnished)]
    await page.set_viewport_size(PHONE)
    rows, followed = 0, {""}
    for path in paths:
        found = await witness.visit(path)
        rows += found["rows"]
        behind = place_in(found["older"])
        if behind not in followed:
            followed.add(behind)
            paths.insert(paths.index(path) + 1, found["older"])
    assert rows >= len(furnished)


async def test_nothing_in_an_address_runs(desk: Desk, page: Page) -> None:
    """Every text in every field that the addresses of the panel have."""
    witness = Witness(page, desk)
    await page.set_viewport_size(PHONE)
    readers = cycle(route for route in VISITS if "{" not in route and route.startswith("/"))
    for text, reader in zip(TEXTS, readers, strict=False):
        fields = "&".join(f"{name}={quote(text[:ASKED_AT_MOST], safe='')}" for name in ASKED)
        await witness.visit(f"{reader}?{fields}")
