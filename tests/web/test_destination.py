"""The page of a destination: who sees it, and what it answers."""

import re
from datetime import timedelta
from html import unescape

import pytest
from msgspec.structs import replace
from yarl import URL

from tests.support.mail import make_attempt, make_settlement, make_submission
from tests.support.panel import Client, Desk
from tests.web.test_track import text_of
from tracker.model import Outcome, Reply, Scope

EVERYTHING = Scope()


async def test_an_unreachable_destination_says_since_when_and_what(admin: Client) -> None:
    text = await text_of(admin, "/destinations/ghostport.example")
    assert "No. ghostport.example cannot be reached since" in text
    assert "No host of ghostport.example could be reached. The next probe is at 15:58." in text
    assert "Not reached or uncertain" in text


async def test_of_many_answers_the_most_frequent_are_shown(desk: Desk, admin: Client) -> None:
    now = desk.clock.now()
    lease = (await desk.ledger.open_lease("mail-1", 0, now, timedelta(minutes=1))).token
    words = ["No such user", "Mailbox full", "Looks like spam", "Too large", "Blocked", "Closed"]
    for number, word in enumerate([*words, "Rare", "Rare too"]):
        for _ in range(1 + (number < len(words))):
            (job,) = (await desk.ledger.accept(make_submission(now=now), now, lease)).jobs
            said = Reply(code=550, lines=(word,))
            attempt = make_attempt(job.recipients[0], Outcome.FAILED, now=now, reply=said)
            settlement = make_settlement(job, Outcome.FAILED, now=now)
            await desk.ledger.settle(replace(settlement, attempts=(attempt,)))
    text = await text_of(admin, "/destinations/example.org")
    assert "These 6 came most often; there were others." in text
    assert "550 Rare" not in text
    few = await text_of(admin, "/destinations/greycastle.example")
    assert "came most often" not in few


async def test_what_no_server_said_is_not_shown_as_its_words(admin: Client) -> None:
    page = await (await admin.get("/destinations/ghostport.example")).text()
    assert "No server said anything" in page
    assert "The server's words" not in unescape(page)


async def test_a_destination_in_trouble_shows_the_servers_own_words(admin: Client) -> None:
    text = await text_of(admin, "/destinations/greycastle.example")
    assert "greycastle.example accepted mail" in text
    assert "450 4.2.0 Recipient address rejected: Greylisted" in text
    assert "TLSv1.3, certificate verified by DANE" in text
    assert "One message, within" in text


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


async def test_an_address_of_ipv6_has_its_page_and_is_found(desk: Desk) -> None:
    name = "[IPv6:2001:db8::1]"
    now = desk.clock.now()
    submission = make_submission(account="anna@northwind.example", now=now, destinations=[name])
    await desk.ledger.accept(submission, now, None)
    anna = await desk.log_in("anna@northwind.example")
    index = await text_of(anna, "/destinations?q=ipv6:2001")
    assert name in index
    for written in (name, "b@[ipv6:2001:DB8::1]"):
        response = await anna.get("/destinations", params={"q": written})
        assert (response.status, response.url.path) == (200, f"/destinations/{name}")


# --- the index ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["ghostport.example", "GhostPort.example ", "lars@ghostport.example"]
)
async def test_a_name_in_full_leads_to_its_page(anna: Client, written: str) -> None:
    response = await anna.get("/destinations", params={"q": written})
    assert response.url.path == "/destinations/ghostport.example"
    assert response.status == 200


async def test_nobody_is_led_to_what_they_do_not_see(desk: Desk) -> None:
    zoe = await desk.log_in("zoe@elsewhere.example")
    known, unknown = [
        await (await zoe.get("/destinations", params={"q": name})).text()
        for name in ("ghostport.example", "nowhere-yet.example")
    ]
    assert "No such destination" in known
    assert known.replace("ghostport", "nowhere-yet") == unknown


async def test_a_part_of_a_name_finds_what_waits(admin: Client) -> None:
    text = await text_of(admin, "/destinations?q=GHOST")
    assert "ghostport.example" in text
    assert "gmail.example" not in text
    assert "No mail waits for a name with xyz in it" in await text_of(admin, "/destinations?q=xyz")


async def test_a_name_in_letters_is_shown_and_found(desk: Desk, admin: Client) -> None:
    name, letters = "xn--mnchen-3ya.example", "münchen.example"
    now = desk.clock.now()
    await desk.ledger.accept(make_submission(f"a@{letters}", now=now), now, None)
    assert f"{name} {letters}" in await text_of(admin, "/destinations?q=nchen")
    assert name in await text_of(admin, "/destinations?q=mün")
    response = await admin.get("/destinations", params={"q": letters})
    assert response.url.path == f"/destinations/{name}"
    assert letters in await response.text()


async def test_many_destinations_come_in_pages_unreachable_ones_first(
    desk: Desk, admin: Client
) -> None:
    now = desk.clock.now()
    paths = [f"{n}@d{number:03}.example" for number in range(120) for n in range(2)]
    await desk.ledger.accept(make_submission(*paths, now=now), now, None)
    seen: list[str] = []
    path = "/destinations"
    for _ in range(3):
        page = await (await admin.get(path)).text()
        seen += re.findall(r'<th scope="row"><a href="/destinations/([^"]+)"', page)
        path = unescape("".join(re.findall(r'rel="next" href="([^"]+)"', page)))
    assert path == ""
    assert seen[0] == "ghostport.example"
    assert len(seen) == len(set(seen)) == len(await desk.ledger.destinations(EVERYTHING, 500))


@pytest.mark.parametrize("start", ["-1", "x", "9999", "99999999999999", "²"])
async def test_a_place_that_is_not_in_the_list_is_its_beginning(admin: Client, start: str) -> None:
    response = await admin.get("/destinations", params={"from": start})
    assert response.status == 200
    assert "ghostport.example" in await response.text()
