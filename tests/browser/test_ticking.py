"""Times that go on while a page is open."""

from datetime import datetime, timedelta

import pytest
from playwright.async_api import Page

from tests.support.looks import make_access
from tests.support.panel import Desk

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-180, "just now"),
        (-0.6, "just now"),
        (0, "just now"),
        (0.6, "just now"),
        (1, "1 second ago"),
        (59.7, "1 minute ago"),
        (3 * 3600, "3 hours ago"),
        (2000 * 86400, "2,000 days ago"),
    ],
)
async def test_what_has_happened_is_never_to_come(
    desk: Desk, page: Page, seconds: float, told: str
) -> None:
    """Whatever the clock of the browser says."""
    now = desk.clock.now()
    await desk.ledger.record_accesses([make_access("anna@northwind.example", at=now)])
    await page.clock.set_fixed_time(now + timedelta(seconds=seconds))
    await page.goto("/access?whose=all")
    times = page.locator("time[data-relative]")
    assert await times.last.get_attribute("data-ago") == told


@pytest.mark.parametrize(
    ("ahead", "told"),
    [(90, "in 2 minutes"), (1, "in 1 second"), (0.6, "due now"), (0, "due now"), (-300, "due now")],
)
async def test_what_is_to_come_is_due_when_its_time_has_come(
    desk: Desk, page: Page, ahead: float, told: str
) -> None:
    await page.goto(desk.path_of("Quarterly figures Q1"))
    first = page.locator("[data-until]").first
    until = datetime.fromisoformat(await first.get_attribute("data-until") or "")
    await page.clock.set_fixed_time(until - timedelta(seconds=ahead))
    await page.reload()
    assert await first.inner_text() == told
