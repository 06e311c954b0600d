"""The dashboard: its numbers are those of the list, in everybody's scope and time zone."""

import re
from datetime import timedelta
from html import unescape

import pytest

from tests.support.mail import make_submission
from tests.support.panel import Client, Desk
from tests.web.test_track import text_of

TILE = re.compile(r'<a href="(/\?[^"]+)"><strong>([\d,]+)</strong> ([^<]+)</a>')
CHIP = re.compile(r'<a class="chip [^>]*aria-current="true">.*?<strong>([\d,]+)</strong>')
WORDS = ["Sent", "Accepted", "Temporarily rejected", "Permanently rejected", "Waiting", "Cancelled"]


async def tiles(client: Client, path: str) -> dict[str, tuple[str, int]]:
    page = await (await client.get(path)).text()
    found = {word: (url, int(number)) for url, number, word in TILE.findall(page)}
    assert list(found) == WORDS
    return found


@pytest.mark.parametrize("address", ["admin", "help", "it", "anna", "orders"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("rolled_up", [False, True], ids=["live", "rolled up"])
async def test_the_numbers_are_those_of_the_list(
    desk: Desk, address: str, zone: str, rolled_up: bool
) -> None:
    if rolled_up:
        while await desk.ledger.roll_up(desk.clock.now() - timedelta(hours=2), 7):
            pass
    client = await desk.log_in(f"{address}@northwind.example")
    for period in ("today", "yesterday", "7d"):
        for word, (url, number) in (
            await tiles(client, f"/overview?range={period}&zone={zone}")
        ).items():
            page = await (await client.get(url.replace("&amp;", "&"))).text()
            chip = CHIP.search(page)
            assert chip is not None
            assert int(chip[1]) == number, f"{word} in {period}"


async def test_a_dashboard_is_about_ones_own_mail(desk: Desk) -> None:
    anna = await text_of(await desk.log_in("anna@northwind.example"), "/overview")
    assert "Your mail" in anna
    assert "By account" not in anna
    assert "orders@northwind.example" not in anna
    domain = await text_of(await desk.log_in("it@northwind.example"), "/overview?range=7d")
    assert "Mail of northwind.example" in domain
    assert "By account" in domain
    assert "orders@northwind.example" in domain
    assert "on our side" not in domain
    admin = await text_of(await desk.log_in(), "/overview?range=7d")
    assert "All mail" in admin
    assert "By domain" in admin
    elsewhere = await text_of(await desk.log_in("it@elsewhere.example"), "/overview?range=7d")
    assert "Nothing in this time." in elsewhere


async def test_a_dashboard_names_reasons_and_destinations(admin: Client) -> None:
    text = await text_of(admin, "/overview")
    assert "Who can act: The receiving side" in text
    assert "Destinations that refuse the most" in text
    assert "within 1 minute" in text


@pytest.mark.parametrize("name", ["help", "it", "anna"])
async def test_every_reason_and_every_owner_leads_to_their_mail(desk: Desk, name: str) -> None:
    client = await desk.log_in(f"{name}@northwind.example")
    page = await (await client.get("/overview?range=7d&zone=UTC")).text()
    links = [unescape(one) for one in re.findall(r'href="(/\?q=[^"]+)"', page)]
    reasons = [one for one in links if "category" in one]
    assert len(reasons) > 3
    assert any("account" in one for one in links) is (name != "anna")
    for one in links[-2:] + reasons[:2]:
        listed = await text_of(client, one)
        assert re.search(r"\d recipients?, 24 Feb 2026 to 2 Mar 2026", listed), one


async def test_what_is_not_listed_is_counted(desk: Desk, admin: Client) -> None:
    now = desk.clock.now()
    for number in range(12):
        whom = f"ada@customer{number}.example"
        submission = make_submission(account=whom, reverse_path=whom, now=now)
        await desk.ledger.accept(submission, now, None)
    text = await text_of(admin, "/overview")
    assert "the 10 with the most mail of 13" in text


async def test_a_chart_has_its_numbers_in_a_table(admin: Client) -> None:
    page = await (await admin.get("/overview?range=7d")).text()
    assert '<svg viewBox="0 0 960 200"' in page
    assert "The numbers in a table" in page
    assert re.search(r"<title[^>]*>Mail by the day in which it was sent</title>", page)
