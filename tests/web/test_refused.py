"""The page of submissions that were not taken."""

from datetime import timedelta

import pytest

from relay.closed import reply_to
from tests.support.hostile import HOSTILE
from tests.support.mail import make_refusal
from tests.support.panel import AFTERNOON, Desk
from tests.web.test_track import text_of
from tracker.model import Suppression
from web.views.refused import refused_row

ANNA = "anna@northwind.example"


async def test_a_user_sees_what_was_refused_to_them(desk: Desk) -> None:
    await desk.ledger.record_refusals(
        [
            make_refusal(account=ANNA, now=AFTERNOON, forward_path="mine@example.org"),
            make_refusal(account="zoe@elsewhere.example", forward_path="hers@example.org"),
        ]
    )
    client = await desk.log_in(ANNA)
    text = await text_of(client, "/refused?zone=Europe/Berlin")
    assert "2 Mar 2026, 15:47:00" in text
    assert "mine@ example.org" in text
    assert "More recipients than one message may have." in text
    assert "Refused when this recipient was named." in text
    assert "452 4.5.3 Too many recipients" in text
    assert "Not now" in text
    assert "hers@" not in text


async def test_what_is_suppressed_leads_to_the_list(desk: Desk) -> None:
    listed = Suppression(address="gone@bücher.example", since=AFTERNOON)
    await desk.ledger.record_refusals(
        [
            make_refusal(account=ANNA, forward_path="Gone@bücher.example", reply=reply_to(listed)),
            make_refusal(account=ANNA, forward_path="bob@example.org"),
        ]
    )
    page = await (await (await desk.log_in(ANNA)).get("/refused")).text()
    assert page.count("See it there") == 1
    assert 'href="/suppressions?q=gone%40xn--bcher-kva.example"' in page
    page = await (await (await desk.log_in("help@northwind.example")).get("/refused")).text()
    assert "Gone@" in page
    assert "/suppressions" not in page, "who may not change the list is not sent there"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_was_refused_has_a_row(text: str) -> None:
    row = refused_row(make_refusal(forward_path=text, reply="550 Nothing is sent to this address"))
    assert row.listed.startswith("/suppressions?q=")


async def test_nothing_refused_is_said(desk: Desk) -> None:
    client = await desk.log_in(ANNA)
    assert "Nothing was refused" in await text_of(client, "/refused")
    assert "Nothing was refused" in await text_of(client, "/refused?before=nonsense")


async def test_hostile_words_do_nothing(desk: Desk) -> None:
    evil = "<script>alert(1)</script>\u202e\x1b[31m"
    await desk.ledger.record_refusals([make_refusal(forward_path=evil, reply=f"550 5.7.1 {evil}")])
    client = await desk.log_in()
    response = await client.get("/refused")
    page = await response.text()
    assert response.status == 200
    assert "<script>alert" not in page
    assert "\x1b" not in page


async def test_pages_lead_back_in_time(desk: Desk) -> None:
    await desk.ledger.record_refusals(
        [
            make_refusal(now=AFTERNOON - timedelta(minutes=n), forward_path=f"r{n}@example.org")
            for n in range(60)
        ]
    )
    client = await desk.log_in()
    first = await (await client.get("/refused")).text()
    assert "r49@" in first
    assert "r50@" not in first
    (older,) = [line for line in first.split('"') if line.startswith("/refused?before=")]
    second = await (await client.get(older)).text()
    assert "r49@" not in second
    assert "r50@" in second
    assert "r59@" in second
    assert "Older" not in second
    assert 'href="/refused"' in second
