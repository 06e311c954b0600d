"""Text from the network, in a real browser: none of it runs."""

import pytest
from playwright.async_api import Dialog, Page

from tests.support.panel import Desk
from tests.web.test_surface import HOSTILE, record_hostile

pytestmark = pytest.mark.browser


async def test_nothing_from_the_network_runs(desk: Desk, page: Page) -> None:
    ran: list[str] = []

    async def note(dialog: Dialog) -> None:
        ran.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", note)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    ids = [await record_hostile(desk, text) for text in HOSTILE]
    for path in ("/?outcome=all", "/queue", "/destinations", *(f"/messages/{one}" for one in ids)):
        await page.goto(path)
        await page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert ran == []
    assert refused == [], "the policy had nothing to refuse: nothing got into the markup"
