"""Chromium, and a panel for it to look at."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    async_playwright,
    expect,
)

from tests.support.panel import PASSWORD, Desk, Record, make_record, open_desk

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = timedelta(seconds=90) / timedelta(milliseconds=1)
"""Milliseconds in which a page is to show what is waited for, on a busy machine."""

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Return a ledger with an ordinary day in it, which tests copy."""
    return asyncio.run(make_record(tmp_path_factory.mktemp("record")))


@pytest.fixture
async def desk(tmp_path: Path, record: Record) -> AsyncIterator[Desk]:
    """Return a panel with an ordinary day on record."""
    async with open_desk(tmp_path, record=record) as opened:
        yield opened


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Return Chromium without a window; skip where it is not installed."""
    async with async_playwright() as playwright:
        opened = await launch(playwright)
        yield opened
        await opened.close()


@pytest.fixture
async def context(browser: Browser, desk: Desk) -> BrowserContext:
    """Return a fresh profile at the panel, at the panel's time."""
    return await new_context(browser, desk)


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """Return a tab in which an administrator is logged in."""
    opened = await context.new_page()
    await log_in(opened)
    return opened


async def launch(playwright: Playwright) -> Browser:
    """Start Chromium without a window; skip where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    # As root, in a container, Chromium's own sandbox cannot be set up.
    return await playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE
    )


async def new_context(browser: Browser, desk: Desk, *, has_script: bool = True) -> BrowserContext:
    """Return a fresh profile at a panel, at the panel's time."""
    opened = await browser.new_context(
        base_url=str(desk.server.make_url("")),
        viewport={"width": 1280, "height": 900},
        java_script_enabled=has_script,
    )
    opened.set_default_timeout(PATIENCE)
    if has_script:
        await opened.clock.set_fixed_time(desk.clock.now())
    return opened


async def log_in(page: Page, address: str = "admin@northwind.example") -> None:
    """Log in as people do."""
    page.set_default_timeout(PATIENCE)
    await page.goto("/login")
    await page.get_by_label("E-mail address").fill(address)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url("**/")
