"""The operator's inbox: failures on our side, unread until somebody has read them."""

import re
from datetime import timedelta
from html import unescape

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from tests.support.mail import make_attempt, make_settlement, make_submission
from tests.support.panel import Client, Desk, token_for
from tests.web.test_track import text_of
from tracker.model import Outcome, Reply
from web.views.inbox import PAGE, SHOWN

LISTED = "5.7.1 Client host 192.0.2.25 blocked using zen.spamhaus.org"
KIND = re.compile(r'name="kind" value="([^"]+)"')
BACK = re.compile(r'name="back" value="([^"]+)"')
OLDER = re.compile(r'rel="next" href="([^"]+)"')
PLACE = re.compile(r'<th scope="row"><a href="[^"]+"><bdi>([^<]+)</bdi>')
PAGE_OF_IT = "/inbox/ip-blocklisted"


async def be_listed(desk: Desk, *places: str) -> None:
    """Have a message refused because of our address, at each of these places."""
    now = desk.clock.now()
    lease = (await desk.ledger.open_lease("mail-1", 0, now, timedelta(minutes=1))).token
    paths = [f"bob@{place}" for place in places or ("example.org",)]
    said = Reply(code=554, lines=(LISTED,))
    for job in (await desk.ledger.accept(make_submission(*paths, now=now), now, lease)).jobs:
        host = f"mx.{job.destination}"
        attempt = make_attempt(job.recipients[0], Outcome.FAILED, now=now, reply=said, host=host)
        settlement = make_settlement(job, Outcome.FAILED, now=now)
        await desk.ledger.settle(replace(settlement, attempts=(attempt,)))


async def unread(desk: Desk) -> tuple[float, int]:
    """Return what the metrics and the readiness say."""
    client = desk.client()
    metrics = await (await client.get("/metrics")).text()
    (gauge,) = [
        sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "sendtrace_operator_inbox_unread"
    ]
    ready = await (await client.get("/readyz")).json()
    return gauge, ready["unread_failures"]


async def mark(desk: Desk, client: Client) -> str:
    page = await (await client.get("/inbox")).text()
    kinds = list(dict.fromkeys(KIND.findall(page)))
    form = [("csrf", await token_for(client)), *(("kind", kind) for kind in kinds)]
    return await (await client.post("/inbox/read", data=form)).text()


async def test_a_failure_on_our_side_is_unread_until_somebody_reads_it(desk: Desk) -> None:
    admin = await desk.log_in()
    await mark(desk, admin)
    assert await unread(desk) == (0, 0)
    await be_listed(desk)
    assert await unread(desk) == (1, 1)
    text = await text_of(admin, "/inbox")
    assert "One kind of failure on our side has come up" in text
    assert LISTED in text
    assert "What to do: Find out who sent what" in text
    page = await mark(desk, admin)
    assert "Marked as read." in page
    assert "Read by admin@northwind.example" in page
    assert await unread(desk) == (0, 0)


async def test_a_list_of_addresses_leads_to_whose_mail_it_may_have_been(desk: Desk) -> None:
    for address in ("admin@northwind.example", "help@northwind.example"):
        client = await desk.log_in(address)
        assert "Whose mail" not in await text_of(client, PAGE_OF_IT)
    await be_listed(desk)
    await desk.ledger.roll_up(desk.clock.now() - timedelta(hours=3), 7)
    for address in ("admin@northwind.example", "help@northwind.example"):
        client = await desk.log_in(address)
        page = await (await client.get(PAGE_OF_IT)).text()
        senders = page.partition('id="senders"')[2].replace("<wbr>", "")
        named = re.findall(r"<bdi>([^<]+)</bdi>", senders)
        assert "news@northwind.example" in named
        listed = re.findall(r'href="(/\?q=account[^"]+)"', senders)
        assert re.search(r"\d recipients?, 1 Mar 2026", await text_of(client, unescape(listed[0])))
    anna = await desk.log_in("anna@northwind.example")
    assert (await anna.get(PAGE_OF_IT)).status == 404


async def test_what_happens_again_is_unread_again(desk: Desk) -> None:
    admin = await desk.log_in()
    await be_listed(desk)
    await mark(desk, admin)
    desk.clock.advance(timedelta(minutes=5))
    await be_listed(desk)
    assert await unread(desk) == (1, 1)
    assert "Read before by admin@northwind.example" in await text_of(admin, "/inbox")


async def test_what_came_after_the_page_was_shown_stays_unread(desk: Desk) -> None:
    admin = await desk.log_in()
    await be_listed(desk)
    page = await (await admin.get("/inbox")).text()
    desk.clock.advance(timedelta(minutes=5))
    await be_listed(desk)
    kinds = [("kind", kind) for kind in dict.fromkeys(KIND.findall(page))]
    await admin.post("/inbox/read", data=[("csrf", await token_for(admin)), *kinds])
    assert (await unread(desk))[1] == 1


async def test_one_failure_at_many_places_is_one_thing_to_read(desk: Desk) -> None:
    admin = await desk.log_in()
    await mark(desk, admin)
    await be_listed(desk, *(f"{'long' * 12}{number}.example" for number in range(501)))
    page = await (await admin.get("/inbox")).text()
    assert page.count("What to do:") <= 2
    assert "501 places" in page
    assert page.count("The latest message") <= 2 * SHOWN
    assert f'<a href="{PAGE_OF_IT}">All ' in page
    assert await unread(desk) == (501, 501)
    assert "Marked as read." in await mark(desk, admin)
    assert await unread(desk) == (0, 0)


async def test_a_kind_with_one_place_leads_to_its_page_as_well(desk: Desk) -> None:
    admin = await desk.log_in()
    await be_listed(desk)
    page = await (await admin.get("/inbox")).text()
    title = page.partition(f'<h3><a href="{PAGE_OF_IT}">')[2].partition("</a></h3>")[0]
    assert title
    assert f"<h1>{title}</h1>" in await (await admin.get(PAGE_OF_IT)).text()


async def places_of(client: Client, path: str) -> list[list[str]]:
    """Return the places that the pages of a kind list, following their links."""
    pages = list[list[str]]()
    while path:
        page = await (await client.get(path)).text()
        pages.append([unescape(one) for one in PLACE.findall(page)])
        path = next((unescape(one) for one in OLDER.findall(page)), "")
    return pages


async def test_every_place_of_a_kind_can_be_reached(desk: Desk) -> None:
    admin = await desk.log_in()
    await mark(desk, admin)
    names = [f"place{number}.example" for number in range(2 * PAGE + 3)]
    await be_listed(desk, *names)
    pages = await places_of(admin, f"{PAGE_OF_IT}?state=unread")
    assert [len(page) for page in pages] == [PAGE, PAGE, 3]
    assert sorted(place for page in pages for place in page) == sorted(names)
    every = [place for page in await places_of(admin, PAGE_OF_IT) for place in page]
    assert set(every) >= set(names)
    assert len(set(every)) == len(every)
    text = await text_of(admin, PAGE_OF_IT)
    assert f"All {len(every)} places" in text
    assert f"{len(names)} unread" in text


async def test_a_page_of_a_kind_keeps_its_place_and_marks_what_it_showed(desk: Desk) -> None:
    admin = await desk.log_in()
    await mark(desk, admin)
    await be_listed(desk, *(f"place{number}.example" for number in range(PAGE + 2)))
    first = await (await admin.get(PAGE_OF_IT)).text()
    (older,) = map(unescape, OLDER.findall(first))
    before = await places_of(admin, older)
    page = await (await admin.get(older)).text()
    desk.clock.advance(timedelta(minutes=5))
    await be_listed(desk, "new.example", "place1.example")
    (kind,), (back,) = KIND.findall(page), map(unescape, BACK.findall(page))
    assert URL(back) == URL(older)
    form = {"csrf": await token_for(admin), "kind": kind, "back": back}
    response = await admin.post("/inbox/read", data=form, allow_redirects=False)
    assert (response.status, response.headers["Location"]) == (303, back)
    assert await places_of(admin, older) == before
    assert await unread(desk) == (2, 2)
    unread_ones = await places_of(admin, f"{PAGE_OF_IT}?state=unread")
    assert [sorted(found) for found in unread_ones] == [["new.example", "place1.example"]]


async def test_a_kind_without_failures_says_so(desk: Desk) -> None:
    admin = await desk.log_in()
    assert "No such failure within 30 days" in await text_of(admin, "/inbox/dns-failure")
    assert (await admin.get("/inbox/nonsense")).status == 404


@pytest.mark.parametrize(
    "before", ["nonsense", "0001-01-01T00:00:00%2B14:00", "2026-02-29", "2026-02-20", ""]
)
async def test_what_is_no_place_in_the_list_is_its_beginning(desk: Desk, before: str) -> None:
    admin = await desk.log_in()
    await be_listed(desk)
    assert await places_of(admin, f"{PAGE_OF_IT}?before={before}") == await places_of(
        admin, PAGE_OF_IT
    )


async def test_support_reads_and_marks_nothing(desk: Desk) -> None:
    await be_listed(desk)
    help_desk = await desk.log_in("help@northwind.example")
    page = await (await help_desk.get("/inbox")).text()
    assert LISTED in page
    assert "Mark as read" not in page
    of_kind = await (await help_desk.get(PAGE_OF_IT)).text()
    assert LISTED in of_kind
    assert "as read" not in of_kind
    form = {"csrf": await token_for(help_desk), "kind": "ip-blocklisted"}
    assert (await help_desk.post("/inbox/read", data=form)).status == 404


async def test_only_processes_of_this_machine_are_told_how_many(desk: Desk) -> None:
    response = await desk.client().get("/readyz", headers={"X-Forwarded-For": "192.0.2.1"})
    assert "unread_failures" not in await response.json()
