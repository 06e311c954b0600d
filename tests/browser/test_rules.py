"""The pages about rules: accessible, narrow, with large targets, and whole without a script."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import log_in
from tests.contract.test_rules import correction, refuse
from tests.support.panel import AFTERNOON, Desk
from tracker.model import Reply

pytestmark = pytest.mark.browser


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
    await expect(page.get_by_label("Words in the reply")).to_have_value("Computer says no")
    await page.get_by_label("Category").select_option("policy-refused")
    await page.get_by_role("button", name="Show what it changes").click()
    await expect(page.get_by_role("cell", name="policy-refused")).to_be_visible()
    await page.get_by_role("button", name="Save the rule").click()
    await expect(page.get_by_role("status").first).to_contain_text(
        "The rule is added.", use_inner_text=True
    )
    assert len(await ruled.ledger.corrections()) == 3
