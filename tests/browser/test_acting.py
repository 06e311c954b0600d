"""The pages of acts, suppressions, repeats and probes: their form, and a way through them."""

from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from msgspec.structs import replace
from playwright.async_api import Browser, Page

from tests.browser.conftest import log_in
from tests.browser.test_form import CUT, SIDEWAYS, SMALL_TARGETS, open_all
from tests.support.hostile import HOSTILE
from tests.support.mail import mint
from tests.support.panel import Desk
from tracker.model import (
    Act,
    ActId,
    ActState,
    Attempt,
    Deed,
    Errand,
    ErrandId,
    ErrandKind,
    ErrandResult,
    Scope,
    Suppression,
)

pytestmark = pytest.mark.browser

ADMIN = "admin@northwind.example"
LUNCH = "Re: Lunch on Thursday?"
REFUSED = "Offer for the harbour office, second draft"
EVERYTHING = Scope()


async def record_acting(desk: Desk) -> list[str]:
    """Put something of each kind on record, hostile texts among it; return where it is seen."""
    now, reason = desk.clock.now(), HOSTILE["one wide word"]
    usual = Act(
        id=ActId(mint(now)),
        key="one",
        deed=Deed.CANCEL,
        actor=ADMIN,
        account=ADMIN,
        scope=EVERYTHING,
        reason=reason,
        query="to:@greycastle.example status:deferred since:2d",
        created_at=now,
        begins_at=now + timedelta(seconds=30),
        expected=4213,
    )
    running = replace(
        usual, id=ActId(mint(now)), key="two", deed=Deed.HOLD, reason="", done=1600, changed=1523
    )
    running = replace(running, state=ActState.RUNNING, begins_at=now)
    over = replace(running, id=ActId(mint(now)), key="three", state=ActState.DONE, ended_at=now)
    for act in (usual, running, over):
        await desk.ledger.plan_act(act)
    await desk.ledger.suppress(
        [
            Suppression(address=f"{'n' * 60}@many.example", reason=reason, actor=ADMIN, since=now),
            Suppression(address="bob@many.example", domain="northwind.example", since=now),
        ]
    )
    probe, refused = await record_errands(desk, (await timeline_attempts(desk, REFUSED))[0])
    recipient = f"{refused.message_id}/{{}}?recipient={refused.recipient_id}"
    return [
        "/acts",
        *(f"/acts/{act.id}?still=1" for act in (usual, running, over)),
        "/acts/new?act=cancel&all=1&q=from:anna",
        "/acts/new?act=retry&all=1&q=status:deferred",
        "/acts/new?act=hold&all=1&q=status:nonsense",
        "/suppressions",
        "/suppressions?q=nothing",
        "/probe",
        f"/errands/{probe.id}?still=1",
        f"/errands/{refused.id}?still=1",
        *(f"/messages/{recipient.format(name)}" for name in ("send-again", "probe")),
        desk.path_of(REFUSED),
        desk.path_of(LUNCH),
    ]


async def timeline_attempts(desk: Desk, subject: str) -> tuple[Attempt, ...]:
    timeline = await desk.ledger.timeline(desk.ids[subject], EVERYTHING)
    assert timeline is not None
    return timeline.attempts


async def record_errands(desk: Desk, attempt: Attempt) -> tuple[Errand, Errand]:
    """Put a probe on record that waits, and one that has been refused."""
    now = desk.clock.now()
    errand = Errand(
        id=ErrandId(mint(now)),
        key="errand",
        kind=ErrandKind.PROBE,
        actor=ADMIN,
        account=ADMIN,
        address="bob@example.net",
        asked_at=now,
    )
    refused = replace(
        errand,
        id=ErrandId(mint(now)),
        key="refused",
        message_id=attempt.message_id,
        recipient_id=attempt.recipient_id,
    )
    for one in (errand, refused):
        await desk.ledger.ask_errand(one)
    await desk.ledger.end_errand(refused, ErrandResult(attempt=attempt), [], now)
    return errand, refused


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(desk: Desk, page: Page, scheme: str) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    problems = []
    for path in await record_acting(desk):
        await page.goto(path)
        await open_all(page)
        results = await Axe().run(page)
        if results.violations_count:
            problems.append(f"{path}\n{results.generate_report()}")
    assert problems == []


@pytest.mark.parametrize("width", [320, 375, 1280])
async def test_everything_is_in_its_place(desk: Desk, page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    for path in await record_acting(desk):
        await page.goto(path)
        await open_all(page)
        assert await page.evaluate(SIDEWAYS) == [], path
        assert await page.evaluate(CUT) == [], path
        assert await page.evaluate(SMALL_TARGETS) == [], path


async def test_mail_is_held_and_released_without_a_script(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(
        base_url=str(desk.server.make_url("")), java_script_enabled=False
    )
    page = await context.new_page()
    await log_in(page, "anna@northwind.example")
    await page.goto(desk.path_of(LUNCH))
    await page.get_by_role("link", name="Hold…").click()
    await page.get_by_label("Why?").fill("until Monday")
    await page.get_by_role("button", name="Hold 1 recipient").click()
    assert await page.get_by_text("1 recipient held.").is_visible()
    await page.get_by_role("button", name="Undo: release 1 recipient").click()
    assert await page.get_by_text("1 recipient released.").is_visible()
    await page.goto(desk.path_of(LUNCH))
    await page.get_by_role("link", name="Cancel…").click()
    await page.get_by_role("button", name="Cancel 1 recipient").click()
    await page.get_by_role("button", name="Undo: call it off").click()
    assert await page.get_by_text("Called off").first.is_visible()
