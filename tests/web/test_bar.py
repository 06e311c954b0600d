"""The bar at the top: what is unread, and what was not taken beside the list."""

import re
from datetime import timedelta

from tests.support.mail import make_refusal
from tests.support.panel import Client, Desk
from tests.web.test_inbox import be_listed, mark
from tests.web.test_track import text_of
from web.unread import FRESH

TALLY = re.compile(r'aria-hidden="true">(\d+)</span><span class="gone"> (\d+) unread</span></a>')


async def tally(client: Client) -> str:
    """Return what the bar says is unread; empty where it says nothing."""
    found = TALLY.search(await (await client.get("/explain")).text())
    if found is None:
        return ""
    assert found[1] == found[2], "what is seen and what is heard"
    return found[1]


async def test_what_is_unread_is_told_on_every_page_and_goes_away_when_read(desk: Desk) -> None:
    admin = await desk.log_in()
    await mark(desk, admin)
    assert await tally(admin) == ""
    await be_listed(desk)
    assert await tally(admin) == "", "the ledger is asked now and then only"
    desk.clock.advance(FRESH)
    assert await tally(admin) == "1"
    await mark(desk, admin)
    assert await tally(admin) == ""


async def test_an_error_page_has_the_same_bar(desk: Desk) -> None:
    admin = await desk.log_in()
    await be_listed(desk)
    desk.clock.advance(FRESH)
    expected = TALLY.search(await (await admin.get("/explain")).text())
    assert expected is not None
    for answer in (
        await admin.get("/no/such/page"),
        await admin.get("/messages/nope"),
        await admin.post("/suppressions", data={"csrf": "not ours"}),
    ):
        assert answer.status in (403, 404)
        found = TALLY.search(await answer.text())
        assert found is not None
        assert found.groups() == expected.groups()


async def test_who_has_no_inbox_is_told_nothing(desk: Desk) -> None:
    await be_listed(desk)
    user = await desk.log_in("anna@northwind.example")
    assert await tally(user) == ""
    assert "/inbox" not in await (await user.get("/")).text()


async def test_what_was_not_taken_today_is_told_beside_the_list(desk: Desk, anna: Client) -> None:
    assert "not taken today" not in await text_of(anna, "/")
    now = desk.clock.now()
    await desk.ledger.record_refusals(
        [
            make_refusal(account="anna@northwind.example", now=now - timedelta(hours=1)),
            make_refusal(account="anna@northwind.example", now=now - timedelta(hours=2)),
            make_refusal(account="anna@northwind.example", now=now - timedelta(days=1)),
            make_refusal(account="orders@northwind.example", now=now - timedelta(hours=1)),
        ]
    )
    assert "2 not taken today" in await text_of(anna, "/")
    assert "3 not taken today" in await text_of(await desk.log_in(), "/")
