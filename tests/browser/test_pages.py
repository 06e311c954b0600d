"""Every page there is, in a browser: what holds for all of them is looked at once on each."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import BrowserContext, Page, async_playwright

from tests.browser.conftest import launch, log_in, new_context
from tests.browser.measures import (
    CUT,
    HIDDEN_FOCUS,
    SIDEWAYS,
    SMALL_TARGETS,
    STOP,
    WORDS,
    is_complaint,
    open_all,
)
from tests.support.furnish import furnish_whole
from tests.support.hostile import HOSTILE
from tests.support.pages import TEMPLATES
from tests.support.panel import Record, open_desk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

WIDTHS = (320, 375, 768, 1280)
MOST_STOPS = 250
PARTS_OF_A_DATE = 4
"""Stops within one field: day, month, year, and the calendar."""
LONG = f"see https://block.example/{'a' * 150} {HOSTILE['one wide word']} {HOSTILE['piles']}"


class Tour(NamedTuple):
    """A panel with everything on record, and those who look at it."""

    names: dict[str, str]
    host: str
    admin: BrowserContext
    plain: BrowserContext
    """The same without a script."""
    stranger: BrowserContext

    def visitor(self, template: str) -> BrowserContext:
        """Return who gets to see this page."""
        return self.stranger if template.startswith("/login") else self.admin


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tour(tmp_path_factory: pytest.TempPathFactory, record: Record) -> AsyncIterator[Tour]:
    """Log in once for all pages."""
    async with (
        open_desk(tmp_path_factory.mktemp("tour"), record=record) as desk,
        async_playwright() as playwright,
    ):
        names = await furnish_whole(desk, LONG)
        browser = await launch(playwright)
        admin, stranger = await new_context(browser, desk), await new_context(browser, desk)
        plain = await new_context(browser, desk, has_script=False)
        for context in (admin, plain):
            page = await context.new_page()
            await log_in(page)
            await page.close()
        host = urlsplit(str(desk.server.make_url("/"))).netloc
        yield Tour(names, host, admin, plain, stranger)
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def complaints() -> list[str]:
    """What a browser has said about a page."""
    return []


async def visit(tour: Tour, template: str, complaints: list[str]) -> Page:
    """Open a page in a tab of its own; note what the policy refuses and what is asked elsewhere."""

    def note(text: str) -> None:
        if is_complaint(text):
            complaints.append(text)

    page = await tour.visitor(template).new_page()
    page.on("console", lambda message: note(message.text))
    page.on("pageerror", lambda error: note(str(error)))
    page.on("request", lambda one: note(one.url) if urlsplit(one.url).netloc != tour.host else None)
    page.on("dialog", lambda dialog: note(dialog.message))
    assert await page.goto(template.format_map(tour.names))
    return page


@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_page_suits_everybody(tour: Tour, template: str, complaints: list[str]) -> None:
    """At every width it fits and can be hit; axe finds nothing; nothing comes from elsewhere."""
    page = await visit(tour, template, complaints)
    await open_all(page)
    problems = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        for measure in (SIDEWAYS, CUT, SMALL_TARGETS):
            problems += [f"{one} at {width}" for one in await page.evaluate(measure)]
    await page.emulate_media(color_scheme="light")
    light = await Axe().run(page)
    await page.emulate_media(color_scheme="dark")
    dark = await Axe().run(page)
    await page.close()
    assert problems == []
    assert light.violations_count == 0, light.generate_report()
    assert dark.violations_count == 0, dark.generate_report()
    assert complaints == []


@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_page_is_walked_by_keyboard(
    tour: Tour, template: str, complaints: list[str]
) -> None:
    """The focus is always seen, is never caught, and comes to an end; the first stop skips."""
    page = await visit(tour, template, complaints)
    await page.evaluate("document.activeElement.blur()")
    seen: list[int] = []
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(STOP)
        if stop < 0 or stop in seen[:1]:
            break
        assert await page.evaluate(HIDDEN_FOCUS) == ""
        assert seen[-PARTS_OF_A_DATE:] != [stop] * PARTS_OF_A_DATE, "the focus is caught"
        seen.append(stop)
    assert seen
    await page.locator(".skip").focus()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.close()


@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_page_is_whole_without_a_script(
    tour: Tour, template: str, complaints: list[str]
) -> None:
    page = await visit(tour, template, complaints)
    told = await page.evaluate(WORDS)
    await page.close()
    context = tour.plain if tour.visitor(template) is tour.admin else tour.stranger
    page = await context.new_page()
    await page.goto(template.format_map(tour.names))
    assert set(told) - set(await page.evaluate(WORDS)) == set()
    await page.close()
