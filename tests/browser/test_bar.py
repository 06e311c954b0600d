"""The bar at the top, from a phone to a desk, and a search that was cut."""

from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page, expect

from tests.support.panel import Desk
from tests.web.test_inbox import be_listed
from tracker.views import Patience
from web.unread import FRESH

pytestmark = pytest.mark.browser

LINES = """() => {
  const parts = [".brand", ".me button", ".top nav > ul > li"];
  const middles = parts.flatMap((one) => [...document.querySelectorAll(one)])
    .map((one) => one.getBoundingClientRect())
    .filter((box) => box.width)
    .map((box) => (box.top + box.bottom) / 2)
    .sort((one, other) => one - other);
  return middles.filter((one, n) => n === 0 || one - middles[n - 1] > 12).length;
}"""
"""How many lines the bar takes: what stands beside each other has one middle, nearly."""


@pytest.fixture
async def unread(desk: Desk, page: Page) -> Page:
    """Return a page on which something is unread."""
    for _ in range(3):
        await be_listed(desk)
    desk.clock.advance(FRESH)
    await page.goto("/")
    return page


@pytest.mark.parametrize(
    ("width", "most"), [(320, 2), (360, 2), (400, 2), (768, 1), (1024, 1), (1100, 1), (1280, 1)]
)
async def test_the_bar_takes_few_lines(unread: Page, width: int, most: int) -> None:
    await unread.set_viewport_size({"width": width, "height": 800})
    assert await unread.evaluate(LINES) <= most
    await expect(unread.get_by_role("link", name="Inbox 1 unread")).to_be_visible()


async def test_what_gives_way_on_a_phone_is_behind_more(unread: Page) -> None:
    bar = unread.get_by_role("navigation", name="Main")
    overview = bar.get_by_role("link", name="Overview")
    await unread.set_viewport_size({"width": 320, "height": 800})
    await expect(overview).not_to_be_visible()
    await bar.get_by_text("More").click()
    await expect(bar.get_by_role("link", name="Saved searches")).to_be_visible()
    await overview.click()
    await unread.wait_for_url("**/overview")
    await unread.set_viewport_size({"width": 1280, "height": 800})
    await expect(overview).to_have_count(1)
    await expect(overview).to_be_visible()


@pytest.mark.parametrize("width", [320, 1280])
async def test_a_search_that_was_cut_goes_on_by_its_link(
    desk: Desk, page: Page, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    desk.ledger.search_patience = Patience(timedelta(0), timedelta(0))
    await page.goto("/?q=subject:order")
    notice = page.locator(".unfinished")
    await expect(notice).to_contain_text("Not searched to the end", use_inner_text=True)
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    desk.ledger.search_patience = Patience()
    await notice.get_by_role("link", name="Older").click()
    await expect(page.locator(".entry")).to_have_count(3)
