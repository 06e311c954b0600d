"""The pages of acts, suppressions, repeats and probes: their form, and a way through them."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import log_in
from tests.support.panel import Desk

pytestmark = pytest.mark.browser

LUNCH = "Re: Lunch on Thursday?"


async def test_mail_is_held_and_released_without_a_script(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(
        base_url=str(desk.server.make_url("")), java_script_enabled=False
    )
    page = await context.new_page()
    await log_in(page, "anna@northwind.example")
    await page.goto(desk.path_of(LUNCH))
    await page.get_by_role("link", name="Hold…").click()
    await page.get_by_label("Why?").fill("until Monday")
    await page.get_by_role("button", name="Hold 1 recipient").click()
    await expect(page.get_by_text("1 recipient held.")).to_be_visible()
    await page.get_by_role("button", name="Undo: release 1 recipient").click()
    await expect(page.get_by_text("1 recipient released.")).to_be_visible()
    await page.goto(desk.path_of(LUNCH))
    await page.get_by_role("link", name="Cancel…").click()
    await page.get_by_role("button", name="Cancel 1 recipient").click()
    await page.get_by_role("button", name="Undo: call it off").click()
    await expect(page.get_by_text("Called off").first).to_be_visible()
