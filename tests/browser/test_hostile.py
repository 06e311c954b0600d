"""Text from the network, in a real browser: none of it runs."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Dialog, Page

from tests.browser.measures import CUT, SIDEWAYS, is_complaint, open_all
from tests.support.furnish import furnish
from tests.support.hostile import HOSTILE
from tests.support.pages import paths as pages_of
from tests.support.panel import Desk

pytestmark = pytest.mark.browser


@pytest.mark.timeout(300)
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
    furnished = [await furnish(desk, text) for text in HOSTILE.values()]
    details = [f"/messages/{names['message']}" for names in furnished]
    paths = list(dict.fromkeys([*pages_of(furnished[0]), *details]))
    await page.set_viewport_size({"width": 320, "height": 800})
    rows = 0
    for path in paths:
        await page.goto(path)
        await open_all(page)
        assert await page.evaluate(SIDEWAYS) == [], path
        assert await page.evaluate(CUT) == [], path
        rows += await page.locator(".entry").count()
        older = page.locator('a[rel="next"]')
        if await older.count():
            paths.insert(paths.index(path) + 1, await older.get_attribute("href") or "")
    assert rows >= len(furnished)
    assert ran == []
    assert asked == {urlsplit(str(desk.server.make_url("/"))).netloc}
    assert not any(map(is_complaint, refused)), (
        "the policy had nothing to refuse: nothing got into the markup"
    )
