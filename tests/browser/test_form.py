"""Ways through the panel: by keyboard, without a script, with what the script adds, on paper."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import log_in, new_context
from tests.support.panel import Desk

pytestmark = pytest.mark.browser


async def test_the_keyboard_alone_gets_from_the_address_to_the_answer(page: Page) -> None:
    await page.goto("/")
    await page.keyboard.press("Tab")
    focused = page.locator(":focus")
    await expect(focused).to_have_text("Skip to the content", use_inner_text=True)
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(focused).to_have_id("q")
    await page.keyboard.type("family.okafor")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**q=family.okafor**")
    spoken = page.locator(".spoken")
    await expect(spoken).to_be_visible()
    await expect(spoken).to_have_text(
        re.compile(r"^\s*Yes\. gmail-smtp-in\.l\.google\.com accepted")
    )

    summary = page.locator(".entry summary")
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await summary.evaluate("node => node === document.activeElement"):
            break
    outline = await summary.evaluate("node => getComputedStyle(node, '::after').outlineStyle")
    assert outline == "solid", "the focus is visible"
    await page.keyboard.press("Enter")
    await expect(spoken).not_to_be_visible()
    await page.keyboard.press("Enter")
    await expect(spoken).to_be_visible()


async def test_everything_works_without_a_script(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(
        base_url=str(desk.server.make_url("")), java_script_enabled=False
    )
    page = await context.new_page()
    await log_in(page, "anna@northwind.example")
    await page.get_by_role("link", name="Temporarily rejected").click()
    await page.locator("summary", has_text="Re: Lunch on Thursday?").click()
    detail = page.locator(".entry", has_text="Re: Lunch on Thursday?").locator(".detail")
    await expect(detail).to_contain_text("Connection timed out after 30 s", use_inner_text=True)
    await detail.get_by_role("link", name="The whole story").click()
    await page.get_by_role("button", name="Retry now").click()
    await expect(page.get_by_role("status")).to_contain_text(
        "1 recipient will be tried now.", use_inner_text=True
    )
    await page.get_by_role("link", name="Cancel").click()
    await page.get_by_role("button", name="Cancel 1 recipient").click()
    await expect(page.get_by_role("button", name="Undo")).to_be_visible()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_the_own_range_shows_its_days_only_when_chosen(page: Page) -> None:
    await page.goto("/")
    first = page.get_by_label("First day")
    await expect(first).not_to_be_visible()
    await page.get_by_label("Date", exact=True).select_option("own")
    await expect(first).to_be_visible()
    await first.fill("2026-02-20")
    await page.get_by_label("Outcome", exact=True).select_option("permanent")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_text("Are you still there?").first).to_be_visible()
    await page.wait_for_url("**since%3A2026-02-20**")


async def test_a_whole_row_closes_and_opens_it(page: Page) -> None:
    await page.goto("/?to=family.okafor")
    await expect(page.locator(".detail")).to_be_visible()
    box = await page.locator("td[data-label='Status']").bounding_box()
    assert box is not None
    place = box["x"] + box["width"] - 5, box["y"] + box["height"] / 2
    await page.mouse.click(*place)
    await expect(page.locator(".detail")).not_to_be_visible()
    await page.mouse.click(*place)
    await expect(page.locator(".detail")).to_be_visible()


async def test_the_script_adds_copy_buttons_and_the_policy_lets_it(desk: Desk, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(desk.path_of("Thank you for your visit"))
    await page.get_by_role("button", name="Copy").first.click()
    await page.get_by_text("Copied").wait_for()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Yes. gmail-smtp-in.l.google.com accepted the message")
    when = page.locator("time[data-relative]").first
    await expect(when).to_have_attribute("data-ago", "12 minutes ago")
    assert complaints == []


async def test_print_leaves_the_controls_out(desk: Desk, page: Page) -> None:
    await page.goto(desk.path_of("Re: Lunch on Thursday?"))
    await page.emulate_media(media="print")
    await expect(page.get_by_role("button", name="Retry now")).not_to_be_visible()
    await expect(page.locator(".spoken")).to_be_visible()


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
async def test_on_a_phone_the_fields_make_room_for_what_was_found(
    browser: Browser, desk: Desk, has_script: bool
) -> None:
    context = await new_context(browser, desk, has_script=has_script)
    page = await context.new_page()
    await page.set_viewport_size({"width": 375, "height": 800})
    await log_in(page)
    outcome = page.get_by_label("Outcome", exact=True)
    await expect(outcome).to_be_visible(visible=not has_script)
    if has_script:
        await page.get_by_text("Outcome, date and more").click()
        await expect(outcome).to_be_visible()
    await outcome.select_option("permanent")
    await page.get_by_role("button", name="Search", exact=True).click()
    await expect(page.locator("#q")).to_have_value("status:permanent since:today")
    await page.get_by_role("link", name="Change").click()
    await expect(page.locator("#zone"), "a link leads to it").to_be_visible()


async def test_on_a_phone_the_answer_is_on_the_first_screen(page: Page) -> None:
    await page.set_viewport_size({"width": 375, "height": 812})
    await page.goto("/?q=to:hanna")
    chips = page.locator(".chips li:visible")
    await expect(chips).to_have_text(["All 1", "Cancelled 1"], use_inner_text=True)
    row = await page.locator(".entry .head").bounding_box()
    assert row is not None
    assert row["y"] + row["height"] <= 812
    await page.set_viewport_size({"width": 1280, "height": 800})
    await expect(chips.filter(has_text="Accepted")).to_be_visible()
