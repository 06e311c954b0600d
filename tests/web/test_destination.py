"""The page of a destination: who sees it, and what it answers."""

import re
from html import unescape

import pytest
from yarl import URL

from tests.support.mail import make_submission
from tests.support.panel import Client, Desk
from tests.web.test_track import text_of


async def test_an_unreachable_destination_says_since_when_and_what(admin: Client) -> None:
    text = await text_of(admin, "/destinations/ghostport.example")
    assert "No. ghostport.example cannot be reached since" in text
    assert "No host of ghostport.example could be reached. The next probe is at 15:58." in text
    assert "Not reached or uncertain" in text


async def test_a_destination_in_trouble_shows_the_servers_own_words(admin: Client) -> None:
    text = await text_of(admin, "/destinations/greycastle.example")
    assert "greycastle.example accepted mail" in text
    assert "450 4.2.0 Recipient address rejected: Greylisted" in text
    assert "TLSv1.3, certificate verified by DANE" in text
    assert "of it within" in text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("admin@northwind.example", 200),
        ("help@northwind.example", 200),
        ("it@northwind.example", 200),
        ("anna@northwind.example", 200),
        ("it@elsewhere.example", 404),
        ("zoe@elsewhere.example", 404),
    ],
)
async def test_those_see_it_who_have_mail_for_it(desk: Desk, address: str, status: int) -> None:
    client = await desk.log_in(address)
    assert (await client.get("/destinations/ghostport.example")).status == status
    assert (await client.get("/destinations/nowhere.example")).status == 404


async def test_a_reader_sees_the_answers_to_their_own_mail_only(desk: Desk) -> None:
    mine = await desk.log_in("anna@northwind.example")
    assert "spam by content filter" not in await text_of(mine, "/destinations/greycastle.example")
    theirs = await desk.log_in("news@northwind.example")
    assert "spam by content filter" in await text_of(theirs, "/destinations/greycastle.example")


async def test_the_index_is_for_everybody_and_about_their_mail(desk: Desk) -> None:
    anna = await desk.log_in("anna@northwind.example")
    assert (
        'href="/destinations/ghostport.example"' in await (await anna.get("/destinations")).text()
    )
    zoe = await desk.log_in("zoe@elsewhere.example")
    assert "All clear" in await text_of(zoe, "/destinations")


async def test_a_destination_of_any_name_has_its_page(desk: Desk) -> None:
    name = 'a/b?c#d%2f"e<i>:587'
    now = desk.clock.now()
    submission = make_submission(account="anna@northwind.example", now=now, destinations=[name])
    await desk.ledger.accept(submission, now, None)
    anna = await desk.log_in("anna@northwind.example")
    index = await (await anna.get("/destinations")).text()
    (link,) = [one for one in re.findall(r'href="(/destinations/[^"]+)"', index) if "587" in one]
    response = await anna.get(URL(unescape(link), encoded=True))
    assert response.status == 200
    assert "e&lt;i&gt;:587" in await response.text()
