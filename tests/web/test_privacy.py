"""What is on record about an address: found, exported and erased by operators."""

import json

from aiohttp import ClientResponse

from tests.support.looks import entries
from tests.support.panel import Client, Desk, token_for
from tests.web.test_access import LUNCH
from tests.web.test_story import only
from tracker.model import AccessKind, Scope, Suppression
from tracker.states import OPEN

LARS = "lars@ghostport.example"
"""Waits for a message of Anna's."""
AMY = "amy.chen@gmail.example"
"""Has got one."""


async def send(client: Client, path: str, **form: str) -> ClientResponse:
    data = {"csrf": await token_for(client), **form}
    return await client.post(path, data=data, allow_redirects=False)


async def said(response: ClientResponse) -> str:
    return " ".join((await response.text()).split())


async def test_an_address_is_found(admin: Client) -> None:
    response = await send(admin, "/privacy", address=AMY.upper())
    text = await said(response)
    assert response.status == 200
    assert "<dt>Messages sent to it</dt><dd>1</dd>" in text
    assert "<dt>Recipients that still wait</dt><dd>0</dd>" in text


async def test_an_address_that_is_not_there(admin: Client) -> None:
    assert "Nothing is on record" in await said(
        await send(admin, "/privacy", address="nobody@nowhere.example")
    )


async def test_an_export_is_lines_of_json(admin: Client) -> None:
    response = await send(admin, "/privacy/export", address=AMY)
    assert response.content_type == "application/x-ndjson"
    assert response.headers["Content-Disposition"].startswith("attachment")
    (part,) = [json.loads(line) for line in (await response.text()).splitlines()]
    assert part["as"] == "received"
    assert [one["forward_path"] for one in part["recipients"]] == [AMY]


async def test_it_is_erased_when_it_was_typed_twice(desk: Desk, admin: Client) -> None:
    wrong = await send(admin, "/privacy/erase", address=AMY, again="amy@gmail.example")
    assert wrong.status == 422
    assert "type the address once more" in await said(wrong)
    assert (await send(admin, "/privacy/erase", address=AMY, again=AMY)).status == 303
    assert "The address is erased" in await said(await admin.get("/privacy"))
    assert "Nothing is on record" in await said(await send(admin, "/privacy", address=AMY))


async def test_after_a_mistake_it_can_be_typed_again(desk: Desk, admin: Client) -> None:
    page = await said(await send(admin, "/privacy/erase", address=AMY, again="amy"))
    assert "Nothing was erased" in page
    assert "<dt>Messages sent to it</dt><dd>1</dd>" in page
    assert 'action="/privacy/erase"' in page
    page = await said(await send(admin, "/privacy/erase", address=LARS, again=LARS))
    assert "Cancel its mail that still waits" in page


async def test_what_is_elsewhere_is_named_in_words(desk: Desk, admin: Client) -> None:
    now = desk.clock.now()
    await desk.ledger.suppress([Suppression(address=AMY, reason="gone", since=now)])
    await desk.ledger.note_search("admin@northwind.example", f"to:{AMY}", now)
    page = await said(await send(admin, "/privacy", address=AMY))
    assert "<dt>Suppressions</dt><dd>1</dd>" in page
    assert "<dt>Recent searches</dt><dd>1</dd>" in page


async def test_what_waits_is_not_erased_unless_it_is_cancelled(desk: Desk, admin: Client) -> None:
    refused = await send(admin, "/privacy/erase", address=LARS, again=LARS)
    assert refused.status == 409
    assert "still waits for 1 of its recipients" in await said(refused)
    assert (await only(desk, LUNCH)).forward_path == LARS
    done = await send(admin, "/privacy/erase", address=LARS, again=LARS, cancel="yes")
    assert done.status == 303
    recipient = await only(desk, LUNCH)
    assert recipient.status not in OPEN
    assert recipient.forward_path.endswith("@invalid")


async def test_who_asked_is_on_record_without_the_address(desk: Desk, admin: Client) -> None:
    for path in ("/privacy", "/privacy/export", "/privacy/erase"):
        await send(admin, path, address=AMY, again=AMY)
    looks = [
        look
        for look in await entries(desk.ledger, Scope(), limit=100)
        if look.kind is AccessKind.PRIVACY
    ]
    assert {look.page.split()[0] for look in looks} == {"found", "exported", "erased"}
    assert all(AMY not in look.page for look in looks)
    assert {look.actor for look in looks} == {"admin@northwind.example"}


async def test_looks_that_name_the_address_are_erased_with_it(desk: Desk, admin: Client) -> None:
    await admin.get(f"/?outcome=all&range=kept&to={AMY}")
    await admin.get("/access")  # writes what waits
    looks = await entries(desk.ledger, Scope(), limit=100)
    assert any(AMY in look.page for look in looks)
    await send(admin, "/privacy/erase", address=AMY, again=AMY)
    assert all(
        "amy.chen" not in look.page for look in await entries(desk.ledger, Scope(), limit=100)
    )
