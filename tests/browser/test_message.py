"""The page of one message in the states that no ordinary day has; and on paper."""

from io import BytesIO

import pytest
from playwright.async_api import Browser, Page, expect
from pypdf import PdfReader

from tests.browser.conftest import log_in
from tests.support.panel import Desk

pytestmark = pytest.mark.browser


async def print_out(page: Page, path: str) -> PdfReader:
    await page.goto(path)
    return PdfReader(BytesIO(await page.pdf(format="A4", prefer_css_page_size=True)))


def text_of(paper: PdfReader) -> str:
    text = " ".join(page.extract_text() for page in paper.pages)
    return " ".join(text.replace("ﬁ", "fi").replace("ﬀ", "ff").replace("ﬃ", "ffi").split())


@pytest.mark.parametrize(
    "subject",
    [
        "Thank you for your visit",
        "Re: Lunch on Thursday?",
        "Offer for the harbour office, second draft",
        "Contract, signed copy attached",
        "Are you still there?",
    ],
)
async def test_a_message_is_a_page_or_two_of_paper(desk: Desk, page: Page, subject: str) -> None:
    paper = await print_out(page, desk.path_of(subject))
    assert len(paper.pages) <= 2


async def test_the_paper_has_the_proof_and_no_controls(desk: Desk, page: Page) -> None:
    told = text_of(await print_out(page, desk.path_of("Quarterly figures Q1")))
    for words in (
        "Not yet: the message to archive@greycastle.example is still with us.",
        "450 4.2.0 Recipient address rejected: Greylisted",
        "Proof for the other side",
        "Your server: mx1.greycastle.example [198.51.100.25]:25 (MX preference 10)",
        "STARTTLS 220 2.0.0 Ready to start TLS",
        "Total 214",
        "We give up at 9 Mar 2026",
    ):
        assert words in told
    for control in ("Retry now", "Log out", "Destinations", "Look again", "Copy the proof", "PDF"):
        assert control not in told
    assert not await page.locator("details.try").first.evaluate("one => one.open")


async def test_without_a_script_the_newest_attempt_is_open_on_paper(
    browser: Browser, desk: Desk
) -> None:
    context = await browser.new_context(
        base_url=str(desk.server.make_url("")), java_script_enabled=False
    )
    page = await context.new_page()
    await log_in(page, "anna@northwind.example")
    told = text_of(await print_out(page, desk.path_of("Quarterly figures Q1")))
    assert "STARTTLS 220 2.0.0 Ready to start TLS" in told
    await page.goto(desk.path_of("Quarterly figures Q1"))
    await page.get_by_role("link", name="Look again").click()
    await expect(page.get_by_role("heading", name="Quarterly figures Q1")).to_be_visible()
