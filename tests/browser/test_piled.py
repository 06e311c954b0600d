"""A name that is one letter with very many marks keeps to its own line of the saved searches."""

import math
from datetime import timedelta

import pytest
from playwright.async_api import FloatRect, Locator, Page

from tests.browser.measures import CUT, SIDEWAYS
from tests.support.mail import make_submission
from tests.support.panel import Desk
from tracker.model import SavedSearch

pytestmark = pytest.mark.browser

ADMIN = "admin@northwind.example"
PILES = {
    "marks above": "P" + "\u0301" * 59,
    "marks below": "P" + "\u0323" * 59,
    "Thai": "\u0e14" + "\u0e49\u0e47" * 29,
}
NEIGHBOURS = ("An ordinary one", "\uff3a, another")
"""In their order, every pile lies between them."""
OUTSIDE = """(name) => [...document.querySelectorAll(".named a, .saved th a")]
  .filter((link) => link.title === name)
  .map((link) => link.getBoundingClientRect().right
    - link.parentElement.getBoundingClientRect().right)"""


async def save(desk: Desk, number: int, name: str) -> None:
    search = SavedSearch(
        id=f"01KJQ9CVD0E00AYKCS3YMYPZG{number}",
        owner=ADMIN,
        name=name,
        text="subject:x",
        created_at=desk.clock.now(),
    )
    await desk.ledger.save_search(search)


async def neighbours(page: Page, path: str) -> list[bytes]:
    """Return how the lines above and below the one in the middle look."""
    await page.goto(path)
    await page.evaluate("document.querySelector('#searches')?.setAttribute('open', '')")
    lines = page.locator(".saved tbody tr" if path == "/searches" else ".named >> nth=0 >> li")
    assert await lines.count() == 3
    return [await look(page, lines.nth(number)) for number in (0, 2)]


async def look(page: Page, line: Locator) -> bytes:
    """Return how a line looks, but for its edges, which share pixels with the next."""
    box = await line.bounding_box()
    assert box is not None
    inner = FloatRect(
        x=box["x"], y=box["y"] + 1, width=box["width"], height=math.floor(box["height"]) - 2
    )
    return await page.screenshot(clip=inner, full_page=True)


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", ["/", "/searches"])
@pytest.mark.parametrize("pile", PILES.values(), ids=PILES.keys())
async def test_it_keeps_to_its_line(
    desk: Desk, page: Page, path: str, pile: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    first, last = NEIGHBOURS
    await save(desk, 1, first)
    await save(desk, 2, "P")
    await save(desk, 3, last)
    before = await neighbours(page, path)
    await desk.ledger.remove_search("01KJQ9CVD0E00AYKCS3YMYPZG2", ADMIN)
    await save(desk, 4, pile)
    assert await neighbours(page, path) == before
    outside = await page.evaluate(OUTSIDE, pile)
    assert len(outside) == 1, "its title is the whole name"
    assert outside[0] <= 0
    assert await page.evaluate(SIDEWAYS) == []
    assert await page.evaluate(CUT) == []


async def around(desk: Desk, page: Page, path: str, name: str) -> list[bytes]:
    """Return how it looks around an address: the rows above and below, and the badge beside it."""
    for number, local in enumerate(("above", name, "below")):
        now = desk.clock.now() + timedelta(seconds=number)
        await desk.ledger.accept(make_submission(f"{local}@example.org", now=now), now, None)
    await page.goto(path)
    above, row, below = (page.locator(".rows tbody tr:not(.more)").nth(n) for n in range(3))
    return [await look(page, each) for each in (above, row.locator(".badge"), below)]


@pytest.mark.parametrize("path", ["/?q=", "/queue"])
@pytest.mark.parametrize("pile", PILES.values(), ids=PILES.keys())
async def test_an_address_keeps_to_its_cell(desk: Desk, page: Page, path: str, pile: str) -> None:
    before = await around(desk, page, path, "P")
    desk.clock.advance(timedelta(seconds=10))  # they are newer, and their minute is the same
    assert await around(desk, page, path, pile) == before
    assert await page.evaluate(SIDEWAYS) == []
