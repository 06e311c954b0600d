"""Sending again to another address, and probes, as the panel asks a worker for them."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.panel import Client, Desk, token_for
from tests.web.test_acts import only, recipients
from tests.web.test_track import text_of
from tracker.model import (
    Errand,
    ErrandKind,
    ErrandResult,
    MessageId,
    Outcome,
    Phase,
    Reply,
    Scope,
    Status,
    Suppression,
)
from tracker.views import Timeline
from web.views.probes import BY_ONE, TO_ONE

EVERYTHING = Scope()
LUNCH = "Re: Lunch on Thursday?"
REFUSED = "Offer for the harbour office, second draft"
KEY = re.compile(r'name="key" value="(\w+)"')
LATER = timedelta(minutes=1)


async def keep(desk: Desk, subject: str) -> None:
    """Have the content of a message on record, as it is for a while after it came back."""
    await desk.ledger._writer.run(  # how it got there is the ledger's business
        lambda connection: connection.execute(
            "INSERT INTO content (message_id, n, data) SELECT id, 0, zeroblob(size)"
            " FROM messages WHERE id = ?",
            (desk.ids[subject],),
        )
    )


async def form_of(client: Client, path: str) -> dict[str, str]:
    page = await (await client.get(path)).text()
    key = KEY.search(page)
    assert key, page
    return {"csrf": await token_for(client), "key": key[1]}


async def errands(desk: Desk) -> list[Errand]:
    """Take everything that has been asked for."""
    found = []
    while errand := await desk.ledger.take_errand(desk.clock.now(), desk.clock.now() + LATER):
        found.append(errand)
    return found


async def test_a_message_is_sent_again_once(desk: Desk, anna: Client) -> None:
    await keep(desk, REFUSED)
    one = await only(desk, REFUSED)
    assert one.status is Status.BOUNCED
    path = f"/messages/{one.message_id}/send-again"
    page = await text_of(anna, desk.path_of(REFUSED))
    assert "Send again to another address…" in page
    form = await form_of(anna, f"{path}?recipient={one.id}")
    form |= {"recipient": one.id, "address": "harbour@greycastle.example"}
    for _ in range(2):
        response = await anna.post(path, data=form)
        assert "It waits for a worker." in await response.text()
        assert response.headers["Refresh"] == "1"
    (errand,) = await errands(desk)
    assert (errand.kind, errand.address) == (ErrandKind.SEND_AGAIN, "harbour@greycastle.example")
    assert (errand.message_id, errand.recipient_id) == (one.message_id, one.id)
    assert (errand.actor, errand.account) == ("anna@northwind.example", "anna@northwind.example")

    result = ErrandResult(message_id=MessageId(desk.ids[LUNCH]))
    await desk.ledger.end_errand(errand, result, [], desk.clock.now())
    page = await (await anna.get(f"/errands/{errand.id}")).text()
    assert f'href="/messages/{desk.ids[LUNCH]}"' in page


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "That is no address"),
        ("a@b@c", "That is no address"),
        ("", "That is no address"),
        ("closed@greycastle.example", "it is on the list of suppressions"),
    ],
)
async def test_an_address_is_checked_first(
    desk: Desk, anna: Client, address: str, words: str
) -> None:
    await keep(desk, REFUSED)
    closed = Suppression(address="closed@greycastle.example", since=desk.clock.now())
    await desk.ledger.suppress([closed])
    one = await only(desk, REFUSED)
    path = f"/messages/{one.message_id}/send-again"
    form = await form_of(anna, f"{path}?recipient={one.id}")
    for written, told in [(address, words), (one.forward_path.upper(), "went to before")]:
        response = await anna.post(path, data={**form, "recipient": one.id, "address": written})
        assert response.status == 422
        assert told in await response.text()
    assert await errands(desk) == []


async def test_it_is_said_when_it_is_too_late(desk: Desk, anna: Client) -> None:
    one = await only(desk, REFUSED)
    page = await text_of(anna, desk.path_of(REFUSED))
    assert "Send again to another address: it is too late" in page
    path = f"/messages/{one.message_id}/send-again?recipient={one.id}"
    assert "It is too late" in await text_of(anna, path)
    waiting = await only(desk, LUNCH)
    path = f"/messages/{waiting.message_id}/send-again?recipient={waiting.id}"
    assert "has not come back" in await text_of(anna, path)


# --- probes --------------------------------------------------------------------------------------


async def ask(client: Client, address: str) -> Any:
    form = {**await form_of(client, "/probe"), "address": address}
    return await client.post("/probe", data=form)


async def timeline_of(desk: Desk, subject: str) -> Timeline:
    timeline = await desk.ledger.timeline(desk.ids[subject], EVERYTHING)
    assert timeline is not None
    return timeline


@pytest.mark.parametrize(
    ("outcome", "words", "sentence"),
    [
        (Outcome.DELIVERED, "2.1.5 Ok", "would take mail for lars@ghostport.example now"),
        (Outcome.FAILED, "5.1.1 No <b>such</b> user", "would be refused for good now"),
        (Outcome.DEFERRED, "4.7.1 Greylisted", "would have to wait"),
    ],
)
async def test_a_probe_is_told_in_plain_words(
    desk: Desk, anna: Client, outcome: Outcome, words: str, sentence: str
) -> None:
    one = await only(desk, LUNCH)
    path = f"/messages/{one.message_id}/probe"
    form = await form_of(anna, f"{path}?recipient={one.id}")
    response = await anna.post(path, data={**form, "recipient": one.id})
    assert response.status == 200
    (errand,) = await errands(desk)
    assert errand.address == one.forward_path
    attempt = (await timeline_of(desk, "Quarterly figures Q1")).attempts[0]
    code = {Outcome.DELIVERED: 250, Outcome.FAILED: 550, Outcome.DEFERRED: 451}[outcome]
    seen = replace(
        attempt, outcome=outcome, phase=Phase.RCPT, reply=Reply(code=code, lines=(words,))
    )
    await desk.ledger.end_errand(errand, ErrandResult(attempt=seen), [], desk.clock.now())
    page = await (await anna.get(f"/errands/{errand.id}")).text()
    assert sentence in page
    assert "<b>such</b>" not in page
    assert "A probe counts as no attempt." in page
    assert f"/errands/{errand.id}" in await (await anna.get(desk.path_of(LUNCH))).text()
    assert (await only(desk, LUNCH)) == one
    for address in ("orders@northwind.example", "it@elsewhere.example"):
        stranger = await desk.log_in(address)
        assert (await stranger.get(f"/errands/{errand.id}")).status == 404


async def test_one_person_asks_so_often_and_no_more(desk: Desk, anna: Client) -> None:
    for number in range(BY_ONE):
        assert (await ask(anna, f"bob@n{number}.example")).status == 200
    response = await ask(anna, "bob@another.example")
    assert response.status == 422
    assert "You have asked 20 times within an hour" in await response.text()
    assert len(await errands(desk)) == BY_ONE


async def test_two_tabs_do_not_ask_once_too_often(desk: Desk, anna: Client) -> None:
    for number in range(BY_ONE - 1):
        await ask(anna, f"bob@n{number}.example")
    forms = [await form_of(anna, "/probe") for _ in range(4)]
    answers = await asyncio.gather(
        *(
            anna.post("/probe", data={**form, "address": f"ada@m{number}.example"})
            for number, form in enumerate(forms)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 422, 422, 422]
    assert len(await errands(desk)) == BY_ONE


async def test_one_domain_is_asked_so_often_by_all_together(desk: Desk, anna: Client) -> None:
    orders = await desk.log_in("orders@northwind.example")
    for number in range(TO_ONE):
        client = anna if number % 2 else orders
        assert (await ask(client, f"n{number}@example.net")).status == 200
    response = await ask(anna, "bob@example.net")
    assert response.status == 422
    assert "example.net has been asked 10 times within an hour" in await response.text()
    desk.clock.advance(timedelta(hours=1, seconds=1))
    assert (await ask(anna, "bob@example.net")).status == 200


async def test_nobody_asks_about_what_they_do_not_see(desk: Desk, anna: Client) -> None:
    mine = {one.id for one in await recipients(desk, Scope(account="anna@northwind.example"))}
    stranger = next(one for one in await recipients(desk) if one.id not in mine)
    form = await form_of(anna, "/probe")
    for path in ("probe", "send-again"):
        url = f"/messages/{stranger.message_id}/{path}"
        assert (await anna.get(f"{url}?recipient={stranger.id}")).status == 404
        data = {**form, "recipient": stranger.id, "address": "x@example.net"}
        assert (await anna.post(url, data=data)).status == 404
        mixed = f"{desk.path_of(LUNCH)}/{path}"
        assert (await anna.post(mixed, data=data)).status == 404
    assert await errands(desk) == []
