"""What can be measured of the panel's form: accessibility, reflow, targets, keyboard, no script."""

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page

from tests.browser.conftest import log_in
from tests.support.hostile import HOSTILE
from tests.support.panel import Desk
from tests.web.test_surface import record_hostile

pytestmark = pytest.mark.browser

SUBJECTS = (
    "Re: Lunch on Thursday?",
    "Northwind im Frühling: fünf neue Röstungen",
    "Contract, signed copy attached",
    "Offer for the harbour office, second draft",
)
PATHS = (
    "/",
    "/?outcome=all&range=own&from=2026-02-20",
    "/?q=colour:red",
    "/?to=nobody",
    "/?q=",
    "/help",
    "/searches",
    "/queue",
    "/refused",
    "/destinations",
    "/destinations/greycastle.example",
    "/destinations/ghostport.example",
    "/overview",
    "/overview?range=7d",
    "/inbox",
    "/nodes",
    "/balance",
    "/access",
    "/privacy",
    "/access?whose=all",
    "/accounts",
    "/accounts/anna@northwind.example",
    "/accounts/anna@northwind.example/remove",
    "/no/such/page",
)

SMALL_TARGETS = """() => {
  const found = [];
  const inline = (node) => getComputedStyle(node).display === "inline";
  for (const node of document.querySelectorAll("a, button, input, select, textarea, summary")) {
    const box = node.getBoundingClientRect();
    if (node.type === "hidden" || box.width === 0 || node.closest(".skip")) continue;
    if (inline(node) && node.closest("p, th, td, dd")) continue;  // the exception for text
    if (node.type === "radio" && node.closest("label")) continue;
    if (box.width < 24 || box.height < 24) found.push(node.outerHTML.slice(0, 120));
  }
  return found;
}"""

SIDEWAYS = """() => {
  const wide = document.documentElement;
  return wide.scrollWidth > wide.clientWidth
    ? [...document.querySelectorAll("body *")]
        .filter((node) => node.getBoundingClientRect().right > wide.clientWidth + 1)
        .map((node) => node.outerHTML.slice(0, 100)).slice(0, 5)
    : [];
}"""

CUT = """() => {
  const found = [];
  const scrolls = (node) => ["auto", "scroll"].includes(getComputedStyle(node).overflowX);
  for (const node of document.querySelectorAll("main *")) {
    if (!node.innerText || node.closest(".gone, thead, select, textarea")) continue;
    for (let box = node.parentElement; box && !scrolls(box); box = box.parentElement) {
      if (getComputedStyle(box).overflowX === "visible") continue;
      if (node.getBoundingClientRect().right > box.getBoundingClientRect().right + 1)
        found.push(`${node.outerHTML.slice(0, 90)} in ${box.className}`);
    }
  }
  return found.slice(0, 5);
}"""


def all_paths(desk: Desk) -> list[str]:
    messages = [desk.path_of(subject) for subject in SUBJECTS]
    return [*PATHS, *messages]


async def open_all(page: Page) -> None:
    """Open every row and every disclosure of a page."""
    await page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(desk: Desk, page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    problems = []
    for path in all_paths(desk):
        await page.goto(path)
        await open_all(page)
        results = await Axe().run(page)
        if results.violations_count:
            problems.append(f"{path}\n{results.generate_report()}")
    assert problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_at_the_log_in(browser: Browser, desk: Desk, scheme: str) -> None:
    context = await browser.new_context(
        base_url=str(desk.server.make_url("")),
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = await context.new_page()
    await page.goto("/login")
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
async def test_nothing_needs_scrolling_sideways(desk: Desk, page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    for path in all_paths(desk):
        await page.goto(path)
        await open_all(page)
        assert await page.evaluate(SIDEWAYS) == [], path


async def test_nothing_is_cut_off(desk: Desk, page: Page) -> None:
    """What hides its overflow does not scroll, so that the test above would not notice."""
    texts = ["see https://block.example/" + "a" * 150, HOSTILE["piles"], HOSTILE["one wide word"]]
    messages = [await record_hostile(desk, text, is_held=True) for text in texts]
    paths = [
        "/?outcome=all",
        *(f"/messages/{one}" for one in messages),
        "/queue",
        "/destinations",
        "/overview",
        "/inbox",
        "/nodes",
    ]
    for width in (320, 375, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        for path in paths:
            await page.goto(path)
            await open_all(page)
            assert await page.evaluate(CUT) == [], f"{path} at {width}"
            assert await page.evaluate(SIDEWAYS) == [], f"{path} at {width}"


async def test_targets_are_large_enough(desk: Desk, page: Page) -> None:
    for width in (320, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        for path in all_paths(desk):
            await page.goto(path)
            await open_all(page)
            assert await page.evaluate(SMALL_TARGETS) == [], f"{path} at {width}"


async def test_the_keyboard_alone_gets_from_the_address_to_the_answer(page: Page) -> None:
    await page.goto("/")
    await page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert await focused.inner_text() == "Skip to the content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await focused.get_attribute("id") == "q"
    await page.keyboard.type("family.okafor")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**q=family.okafor**")

    summary = page.locator(".entry summary")
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await summary.evaluate("node => node === document.activeElement"):
            break
    outline = await summary.evaluate("node => getComputedStyle(node, '::after').outlineStyle")
    assert outline == "solid", "the focus is visible"
    await page.keyboard.press("Enter")
    spoken = page.locator(".spoken")
    assert await spoken.is_visible()
    assert (await spoken.inner_text()).startswith("Yes. gmail-smtp-in.l.google.com accepted")


async def test_everything_works_without_a_script(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(
        base_url=str(desk.server.make_url("")), java_script_enabled=False
    )
    page = await context.new_page()
    await log_in(page, "anna@northwind.example")
    await page.get_by_role("link", name="Temporarily rejected").click()
    await page.locator("summary", has_text="Re: Lunch on Thursday?").click()
    detail = page.locator(".entry", has_text="Re: Lunch on Thursday?").locator(".detail")
    assert "Connection timed out after 30 s" in await detail.inner_text()
    await detail.get_by_role("link", name="The whole story").click()
    await page.get_by_role("button", name="Retry now").click()
    assert "1 recipient will be tried now." in await page.get_by_role("status").inner_text()
    await page.get_by_role("link", name="Cancel").click()
    await page.get_by_role("button", name="Cancel 1 recipient").click()
    assert await page.get_by_role("button", name="Undo").is_visible()
    await page.get_by_role("button", name="Log out").click()
    assert await page.get_by_role("heading", name="Log in").is_visible()


async def test_the_own_range_shows_its_days_only_when_chosen(page: Page) -> None:
    await page.goto("/")
    first = page.get_by_label("First day")
    assert not await first.is_visible()
    await page.get_by_label("Date", exact=True).select_option("own")
    assert await first.is_visible()
    await first.fill("2026-02-20")
    await page.get_by_label("Outcome", exact=True).select_option("permanent")
    await page.get_by_role("button", name="Search").click()
    assert await page.get_by_text("Are you still there?").first.is_visible()
    await page.wait_for_url("**since%3A2026-02-20**")


async def test_a_whole_row_opens_it(page: Page) -> None:
    await page.goto("/?to=family.okafor")
    box = await page.locator("td[data-label='Status']").bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] - 5, box["y"] + box["height"] / 2)
    assert await page.locator(".detail").is_visible()


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
    ago = await page.locator("time[data-relative]").first.get_attribute("data-ago")
    assert ago == "12 minutes ago"
    assert complaints == []


async def test_print_leaves_the_controls_out(desk: Desk, page: Page) -> None:
    await page.goto(desk.path_of("Re: Lunch on Thursday?"))
    await page.emulate_media(media="print")
    assert not await page.get_by_role("button", name="Retry now").is_visible()
    assert await page.locator(".spoken").is_visible()
