"""A form that is filled in while its log-in ends: nothing that was typed is lost."""

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import log_in, new_context
from tests.browser.measures import CUT, SIDEWAYS, SMALL_TARGETS
from tests.support.panel import PASSWORD, Desk

pytestmark = pytest.mark.browser

ADMIN = "admin@northwind.example"


async def check(page: Page) -> None:
    """The page fits a phone, can be hit, and axe finds nothing in the light and in the dark."""
    await page.set_viewport_size({"width": 320, "height": 700})
    for measure in (SIDEWAYS, CUT, SMALL_TARGETS):
        assert await page.evaluate(measure) == []
    await page.emulate_media(color_scheme="light")
    light = await Axe().run(page)
    await page.emulate_media(color_scheme="dark")
    dark = await Axe().run(page)
    assert light.violations_count == 0, light.generate_report()
    assert dark.violations_count == 0, dark.generate_report()


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
async def test_what_was_typed_is_sent_after_the_log_in(
    browser: Browser, desk: Desk, has_script: bool
) -> None:
    context = await new_context(browser, desk, has_script=has_script)
    page = await context.new_page()
    await log_in(page, ADMIN)
    await page.goto("/suppressions")
    await page.get_by_label("Recipient's address").fill("typo@example.org")
    await page.get_by_label("All mail of this relay").check()
    await page.get_by_label("Why?").fill("asked on the phone")
    desk.clock.advance(desk.settings.panel.session_lifetime)
    await page.get_by_role("button", name="Suppress it").click()
    await expect(page.locator(".notice")).to_contain_text("what you sent is still here")
    if has_script:
        await check(page)
    await page.get_by_label("E-mail address").fill(ADMIN)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.locator("main")).to_contain_text("asked on the phone")
    if has_script:
        await check(page)
    await page.get_by_role("button", name="Send it again").click()
    await page.wait_for_url("**/suppressions")
    await expect(page.locator("tbody")).to_contain_text("typo@example.org")
