"""A page that is open follows its message, and whoever reads it is not disturbed."""

import pytest
from playwright.async_api import Page, expect

from tests.support.deliver import try_again
from tests.support.letters import GREYLISTED
from tests.support.panel import Desk
from tests.support.unusual import LONG_REPLY, record_refused_at_length

pytestmark = pytest.mark.browser

GREY = "Quarterly figures Q1"


async def open_live(page: Page, desk: Desk, subject: str = GREY) -> None:
    await page.goto(desk.path_of(subject))
    await expect(page.locator(".live.on")).to_be_visible()


async def test_a_page_changes_when_the_second_attempt_delivers(desk: Desk, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await open_live(page, desk)
    await expect(page.locator("#verdict")).to_contain_text("Temporarily rejected")
    await try_again(desk, GREY)
    await expect(page.locator("#verdict")).to_contain_text("Accepted")
    await expect(page.get_by_role("heading", name="Attempt 2")).to_be_visible()
    await expect(page.get_by_role("heading", name="Planned tries")).to_have_count(0)
    await expect(page.locator(".live")).to_have_count(0)
    spoken = page.locator("[role=status][aria-live=polite]")
    await expect(spoken).to_contain_text("Yes. Mx1.greycastle.example accepted", ignore_case=True)
    await expect(page.locator(".spoken + .copier")).to_have_count(1)
    assert complaints == []


async def test_what_is_open_and_focused_stays_so(desk: Desk, page: Page) -> None:
    await open_live(page, desk)
    summary = page.locator(".try summary").first
    await summary.click()
    await summary.focus()
    await page.evaluate("window.scrollTo(0, 300)")
    before = await summary.evaluate("node => node.getBoundingClientRect().top")
    await try_again(desk, GREY, GREYLISTED)
    await expect(page.get_by_role("heading", name="Attempt 2")).to_be_visible()
    await expect(page.locator(".live.on")).to_be_visible()
    opened = page.locator("details.try[open]")
    await expect(opened).to_have_count(1)
    await expect(opened.locator("summary")).to_be_focused()
    after = await opened.locator("summary").evaluate("node => node.getBoundingClientRect().top")
    assert abs(after - before) <= 2, "it has not moved under the reader's eyes"


async def test_a_long_reply_is_copied_octet_for_octet(desk: Desk, page: Page) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(desk.path_of(await record_refused_at_length(desk)))
    await page.locator("pre.words + .copier").first.click()
    await page.get_by_text("Copied").wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == LONG_REPLY
    await page.get_by_role("button", name="Copy the proof").click()
    await page.locator("#proof + .copier", has_text="Copied").wait_for()
    assert LONG_REPLY in await page.evaluate("navigator.clipboard.readText()")


async def test_a_page_in_the_background_lets_go_and_comes_back(desk: Desk, page: Page) -> None:
    await open_live(page, desk)
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    await expect(page.locator(".live.on")).to_have_count(0)
    await try_again(desk, GREY)
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: false, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    await expect(page.locator("#verdict")).to_contain_text("Accepted")
