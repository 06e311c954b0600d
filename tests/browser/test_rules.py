"""The pages about rules: accessible, narrow, with large targets, and whole without a script."""

from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page

from tests.browser.conftest import log_in
from tests.browser.test_form import CUT, SIDEWAYS, SMALL_TARGETS
from tests.contract.test_rules import correction, refuse
from tests.support.panel import AFTERNOON, Desk
from tracker.model import Reply

pytestmark = pytest.mark.browser

PATHS = (
    "/explain",
    "/explain?reply=550+5.1.1+No+such+user",
    "/explain?reply=hello",
    "/rules",
    "/rules/new",
    "/rules/new?preview=1&category=policy-refused&words=computer+says",
    "/rules/new?preview=1&category=policy-refused",
)


@pytest.fixture
async def ruled(desk: Desk) -> Desk:
    """A panel with refusals that no rule explains, corrections, and a record half judged anew."""
    for n, words in enumerate(
        ("Computer says no 42", "x" * 300, "see https://a.example/" + "b" * 90)
    ):
        at = AFTERNOON - timedelta(minutes=n + 1)
        await refuse(desk.ledger, Reply(code=550, lines=(words,)), at)
    await desk.ledger.add_correction(correction(1, words="w" * 80, host="*.example.org"))
    await desk.ledger.add_correction(correction(2, words="", code="5xx", expression="a" * 90))
    await desk.ledger.switch_correction(f"{1:026}", on=False, actor="bob", now=AFTERNOON)
    await desk.ledger.begin_reclassifying("bob", AFTERNOON)
    await desk.ledger.reclassify(2, AFTERNOON)
    return desk


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(ruled: Desk, page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    problems = []
    for path in PATHS:
        await page.goto(path)
        results = await Axe().run(page)
        if results.violations_count:
            problems.append(f"{path}\n{results.generate_report()}")
    assert problems == []


@pytest.mark.parametrize("width", [320, 768, 1280])
async def test_it_fits_and_can_be_hit(ruled: Desk, page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    for path in PATHS:
        await page.goto(path)
        assert await page.evaluate(SIDEWAYS) == [], path
        assert await page.evaluate(CUT) == [], path
        assert await page.evaluate(SMALL_TARGETS) == [], path


async def test_from_an_unexplained_reply_to_a_rule_without_a_script(
    browser: Browser, ruled: Desk
) -> None:
    context = await browser.new_context(
        base_url=str(ruled.server.make_url("")), java_script_enabled=False
    )
    page = await context.new_page()
    await log_in(page)
    await page.goto("/rules")
    await page.get_by_role("link", name="550 Computer says no").click()
    assert await page.get_by_label("Words in the reply").input_value() == "Computer says no"
    await page.get_by_label("Category").select_option("policy-refused")
    await page.get_by_role("button", name="Show what it changes").click()
    assert await page.get_by_role("cell", name="policy-refused").is_visible()
    await page.get_by_role("button", name="Save the rule").click()
    assert "The rule is added." in await page.get_by_role("status").first.inner_text()
    assert len(await ruled.ledger.corrections()) == 3
