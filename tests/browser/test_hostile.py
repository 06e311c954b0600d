"""Text from the network, in a real browser: none of it runs."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Dialog, Page

from tests.support.hostile import HOSTILE
from tests.support.panel import Desk
from tests.web.test_surface import record_hostile

pytestmark = pytest.mark.browser


async def test_nothing_from_the_network_runs(desk: Desk, page: Page) -> None:
    ran: list[str] = []

    async def note(dialog: Dialog) -> None:
        ran.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", note)
    refused: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: refused.append(message.text))
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    ids = [
        await record_hostile(desk, text, is_held=is_held)
        for text in HOSTILE.values()
        for is_held in (False, True)
    ]
    rows = 0
    paths = [
        "/?outcome=all",
        "/queue",
        "/destinations",
        "/overview",
        "/inbox",
        "/nodes",
        *(f"/messages/{one}" for one in ids),
    ]
    for path in paths:
        await page.goto(path)
        await page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        rows += await page.locator(".entry").count()
        older = page.locator('a[rel="next"]')
        if await older.count():
            paths.insert(paths.index(path) + 1, await older.get_attribute("href") or "")
    assert rows >= len(ids)
    assert ran == []
    assert asked == {urlsplit(str(desk.server.make_url("/"))).netloc}
    assert refused == [], "the policy had nothing to refuse: nothing got into the markup"
