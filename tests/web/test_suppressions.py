"""The page of suppressed addresses: who sees, adds and removes which."""

from typing import Any

import pytest

from tests.support.panel import Client, Desk, token_for
from tests.web.test_acts import acts_of, carry_on, only, recipients
from tests.web.test_track import text_of
from tracker.model import Scope, Status, Suppression

EVERYTHING = Scope()
LUNCH = "Re: Lunch on Thursday?"
LARS = "lars@ghostport.example"


async def listed(desk: Desk) -> list[Suppression]:
    return list(await desk.ledger.suppressions(EVERYTHING, limit=100))


async def add(client: Client, address: str, whose: str, **more: str) -> Any:
    form = {"csrf": await token_for(client), "address": address, "whose": whose, **more}
    return await client.post("/suppressions", data=form)


async def test_an_address_is_put_on_the_list_and_taken_off(desk: Desk, anna: Client) -> None:
    response = await add(anna, "New@Example.org", "account", reason="asked <b>us</b>", days="7")
    page = await response.text()
    assert "The address is on the list." in page
    assert "asked &lt;b&gt;us&lt;/b&gt;" in page
    (one,) = await listed(desk)
    assert (one.address, one.account) == ("new@example.org", "anna@northwind.example")
    assert one.until is not None
    form = {
        "csrf": await token_for(anna),
        "address": one.address,
        "domain": one.domain,
        "account": one.account,
    }
    response = await anna.post("/suppressions/remove", data=form)
    assert "The address is open again." in await response.text()
    assert await listed(desk) == []
    assert (await anna.post("/suppressions/remove", data=form)).status == 404


async def test_what_waits_for_it_is_cancelled_after_a_moment(desk: Desk, anna: Client) -> None:
    response = await add(anna, LARS, "account", reason="wrong person")
    assert "Undo: call it off" in await response.text()
    (act,) = await acts_of(desk)
    desk.clock.advance(desk.settings.tracking.undo_window)
    await carry_on(desk)
    assert (await only(desk, LUNCH)).status is Status.CANCELLED
    others = [one for one in await recipients(desk) if one.forward_path != LARS]
    assert act.expected == sum(
        one.forward_path == LARS for one in await recipients(desk, Scope(account=act.actor))
    )
    assert any(one.status is Status.DEFERRED for one in others)
    page = await text_of(anna, desk.path_of(LUNCH))
    assert "Suppress this address: it has been on the list since" in page


@pytest.mark.parametrize(
    ("address", "whose", "status"),
    [
        ("anna@northwind.example", "account", 200),
        ("anna@northwind.example", "domain", 422),
        ("anna@northwind.example", "relay", 422),
        ("it@northwind.example", "domain", 200),
        ("it@northwind.example", "relay", 422),
        ("admin@northwind.example", "relay", 200),
    ],
)
async def test_nobody_closes_an_address_for_more_than_they_look_after(
    desk: Desk, address: str, whose: str, status: int
) -> None:
    client = await desk.log_in(address)
    assert (await add(client, "new@example.org", whose)).status == status
    assert bool(await listed(desk)) == (status == 200)


async def test_a_list_shows_what_ones_mail_meets_and_removes_ones_own(
    desk: Desk, anna: Client
) -> None:
    admin, it = await desk.log_in(), await desk.log_in("it@northwind.example")
    await add(admin, "all@example.org", "relay")
    await add(it, "domain@example.org", "domain")
    for client, removable in [(anna, 0), (it, 1), (admin, 2)]:
        page = await (await client.get("/suppressions")).text()
        assert "all@<wbr>example.org" in page
        assert "domain@<wbr>example.org" in page
        assert page.count('action="/suppressions/remove"') == removable
    relay = next(one for one in await listed(desk) if not one.domain)
    form = {"csrf": await token_for(it), "address": relay.address, "domain": "", "account": ""}
    assert (await it.post("/suppressions/remove", data=form)).status == 404
    elsewhere = await desk.log_in("it@elsewhere.example")
    assert "domain@<wbr>" not in await (await elsewhere.get("/suppressions")).text()
    assert len(await listed(desk)) == 2


async def test_a_list_is_searched_and_paged(desk: Desk, admin: Client) -> None:
    now = desk.clock.now()
    every = [Suppression(address=f"n{n:03}@x.example", since=now) for n in range(101)]
    await desk.ledger.suppress(every)
    page = await (await admin.get("/suppressions")).text()
    assert "n099@" in page
    assert "n100@" not in page
    older = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    page = await (await admin.get(older)).text()
    assert "n100@" in page
    assert "n099@" not in page
    found = await text_of(admin, "/suppressions?q=N042")
    assert "n042@" in found
    assert "n041@" not in found


@pytest.mark.parametrize("written", ["", "no address", "a@b@c", "x" * 300 + "@example.org"])
async def test_what_is_no_address_is_not_listed(desk: Desk, anna: Client, written: str) -> None:
    response = await add(anna, written, "account")
    assert response.status == 422
    assert "Write a full e-mail address" in await response.text()
    assert await listed(desk) == []
