"""What the script adds to the list: keys, newer rows, selection, a place that is kept."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import log_in
from tests.support.mail import make_refusal, make_submission
from tests.support.panel import Desk

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement.closest('.entry')?.id ?? document.activeElement.id"


async def test_rows_are_walked_and_opened_by_key(page: Page) -> None:
    await page.goto("/?q=status:accepted since:today")
    rows = page.locator(".entry")
    first, second = await rows.nth(0).get_attribute("id"), await rows.nth(1).get_attribute("id")
    for key, expected in (("j", first), ("j", second), ("k", first), ("k", first)):
        await page.keyboard.press(key)
        assert await page.evaluate(FOCUSED) == expected, key
    await page.keyboard.press("o")
    await expect(rows.nth(0).locator(".detail")).to_be_visible()
    await page.keyboard.press("o")
    await expect(rows.nth(0).locator(".detail")).not_to_be_visible()
    await page.keyboard.press("/")
    assert await page.evaluate(FOCUSED) == "q"


async def test_keys_do_nothing_while_typing(page: Page) -> None:
    await page.goto("/?q=")
    await page.locator("#q").focus()
    await page.keyboard.type("j/o?k")
    await expect(page.locator("#q")).to_have_value("j/o?k")
    assert await page.evaluate(FOCUSED) == "q"
    await page.locator("#outcome").focus()
    await page.keyboard.press("j")
    assert await page.evaluate(FOCUSED) == "outcome"


async def test_a_key_leads_to_the_help_page_where_keys_are_switched_off(page: Page) -> None:
    await page.goto("/?q=")
    await page.keyboard.press("?")
    await page.wait_for_url("**/help#keys")
    await page.get_by_role("button", name="Switch the keys off").click()
    await expect(page.get_by_role("status").first).to_contain_text(
        "The keys are off.", use_inner_text=True
    )
    await page.goto("/?q=")
    await page.keyboard.press("j")
    assert await page.evaluate(FOCUSED) == ""


async def test_newer_rows_are_counted_and_the_list_stays(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=str(desk.server.make_url("")))
    page = await context.new_page()
    await page.clock.install(time=desk.clock.now())
    await log_in(page)
    await page.goto("/?q=")
    rows = await page.locator(".entry").count()
    again = page.locator("#again")
    await expect(again).to_have_text("Look again", use_inner_text=True)

    desk.clock.advance(timedelta(minutes=1))
    now = desk.clock.now()
    for _ in range(2):
        submission = make_submission("new@example.org", account="anna@northwind.example", now=now)
        await desk.ledger.accept(submission, now, None)
    await page.clock.run_for(16_000)
    await page.get_by_text("2 new: show").wait_for()
    await expect(page.locator(".entry")).to_have_count(rows)
    await expect(page.locator("#found")).to_have_text("2 new", use_inner_text=True)
    await again.click()
    await page.locator(".entry", has_text="new@example.org").first.wait_for()


async def test_how_many_were_found_is_told(desk: Desk, page: Page) -> None:
    await page.clock.install(time=desk.clock.now())
    await page.clock.pause_at(desk.clock.now() + timedelta(seconds=1))
    await page.goto("/?q=status:cancelled")
    found = page.locator("#found")
    why = "a live region that is full from the beginning is silent"
    await expect(found, why).to_have_text("", use_inner_text=True)
    await page.clock.run_for(1000)
    await expect(found).to_have_text(re.compile("^1 recipient, cancelled"), use_inner_text=True)


async def test_a_chip_keeps_the_focus(page: Page) -> None:
    await page.goto("/?q=since:today")
    await page.locator("#chip-permanent").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**permanent**")
    await page.wait_for_function("document.activeElement.id === 'chip-permanent'")
    await page.locator("#q").fill("order")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**q=order**")
    await page.wait_for_function("document.activeElement.id === 'q'")


async def test_one_box_selects_the_page(page: Page) -> None:
    await page.goto("/?q=status:deferred")
    picks = page.locator(".pick input")
    whole = page.get_by_label("Select this page")
    await whole.check()
    assert await picks.evaluate_all("all => all.every((one) => one.checked)")
    await picks.first.uncheck()
    assert await whole.evaluate("one => one.indeterminate")
    number = await picks.count()
    async with page.expect_request("**/acts/new?**") as asked:
        await page.get_by_role("button", name="with the selected").click()
    query = (await asked.value).url
    assert query.count("recipient=") == number - 1
    assert "act=retry" in query
    assert "all=" not in query


async def test_selecting_works_without_a_script(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(
        base_url=str(desk.server.make_url("")), java_script_enabled=False
    )
    page = await context.new_page()
    await log_in(page)
    await page.goto("/?q=status:deferred")
    await expect(page.get_by_label("Select this page")).not_to_be_visible()
    await page.locator(".pick input").first.check()
    async with page.expect_request("**/acts/new?**") as asked:
        await page.get_by_role("button", name="with all").click()
    assert "all=1" in (await asked.value).url


async def test_saving_a_search_without_a_script(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(
        base_url=str(desk.server.make_url("")), java_script_enabled=False
    )
    page = await context.new_page()
    await log_in(page)
    await page.goto("/?q=code:550")
    await page.locator("#searches > summary").click()
    await page.get_by_label("Save this search as").fill("Refusals")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#q")).to_have_value("code:550")
    await page.goto("/searches")
    await page.get_by_text("Change…").click()
    await page.get_by_label("Name of Refusals").fill("All refusals")
    await page.get_by_role("button", name="Save the changes").click()
    await expect(page.get_by_role("link", name="All refusals")).to_be_visible()
    await page.get_by_text("Change…").click()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("status")).to_contain_text(
        "The search is removed.", use_inner_text=True
    )


@pytest.mark.parametrize("padding", [0, 20_000], ids=["short", "long"])
async def test_a_pasted_bounce_leads_to_its_message(page: Page, padding: int) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto("/")
    text = (
        "Undelivered Mail Returned to Sender\n\n" + "é" * padding + "\n"
        "Final-Recipient: rfc822; h.bauer@northharbour.example\n"
        "Diagnostic-Code: smtp; 550 5.4.1 Recipient address rejected\n"
    )
    await page.evaluate("text => navigator.clipboard.writeText(text)", text)
    await page.locator("#q").focus()
    await page.keyboard.press("Control+V")
    await page.get_by_text("Understood as").wait_for()
    await expect(page.locator("#q")).to_have_value('to:"h.bauer@northharbour.example"')
    await expect(page.locator(".entry")).to_have_count(1)


async def test_a_refusal_is_pasted_where_refusals_are_searched(desk: Desk, page: Page) -> None:
    await desk.ledger.record_refusals(
        [make_refusal(now=desk.clock.now(), reply="552 5.3.4 At most 100 octets are taken")]
    )
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto("/refused")
    text = "552 5.3.4 At most 100 octets\nare taken"
    await page.evaluate("text => navigator.clipboard.writeText(text)", text)
    await page.locator("#q").focus()
    await page.keyboard.press("Control+V")
    await page.get_by_text("Understood as").wait_for()
    await page.wait_for_url(re.compile(r"/refused\?"))
    await expect(page.locator(".refused tbody tr")).to_have_count(1)


async def test_no_subject_runs_under_its_box_on_a_phone(desk: Desk, page: Page) -> None:
    subject = "Minutes of the meeting of the board of the harbour office in February"
    now = desk.clock.now()
    await desk.ledger.accept(make_submission(subject=subject, now=now), now, None)
    await page.set_viewport_size({"width": 375, "height": 800})
    await page.goto("/?q=subject:harbour")
    (text,) = await page.locator(".subject", has_text=subject).evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().right)"
    )
    box = await page.get_by_label(f"Select {subject}").bounding_box()
    assert box is not None
    assert text <= box["x"]


async def test_a_very_long_subject_is_whole_when_its_row_is_open(desk: Desk, page: Page) -> None:
    now = desk.clock.now()
    await desk.ledger.accept(make_submission(subject="minutes " * 60, now=now), now, None)
    await page.goto("/?q=since:today")
    subject = page.locator(".subject").first
    closed = await subject.bounding_box()
    await page.locator("summary", has_text="minutes minutes").click()
    opened = await subject.bounding_box()
    assert closed is not None
    assert opened is not None
    assert closed["height"] < 100 < opened["height"]
