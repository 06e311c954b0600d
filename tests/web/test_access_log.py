"""Whoever looks at other people's mail is on record, and those may read it."""

from datetime import timedelta

import pytest

from tests.support.panel import Client, Desk, token_for
from tests.web.test_access import LUNCH
from tests.web.test_story import only
from tests.web.test_track import text_of
from tracker.model import Access, AccessKind, Scope
from web.access import SAME

ADMIN = "admin@northwind.example"
ANNA = "anna@northwind.example"


async def looks(desk: Desk, account: str = ANNA) -> list[Access]:
    """Return the looks at somebody's mail, oldest first, but not the list after the log-in."""
    reader = await desk.log_in("zoe@elsewhere.example")
    assert (await reader.get("/access")).status == 200  # writes whatever waits
    found = await desk.ledger.accesses(Scope(account=account), limit=100)
    return [look for look in reversed(found) if look.page != "/"]


async def test_opening_a_message_is_on_record(desk: Desk, admin: Client) -> None:
    await admin.get(desk.path_of(LUNCH))
    (look,) = await looks(desk)
    assert (look.actor, look.client, look.kind) == (ADMIN, "127.0.0.1", AccessKind.MESSAGE)
    assert (look.page, look.account, look.at) == (desk.path_of(LUNCH), ANNA, desk.clock.now())


async def test_a_list_is_one_look_for_each_account_with_what_was_searched(
    desk: Desk, admin: Client
) -> None:
    await admin.get("/?outcome=all&range=kept&from=northwind.example")
    for account in (ANNA, "orders@northwind.example"):
        (look,) = await looks(desk, account)
        assert look.kind is AccessKind.LIST
        assert look.page == "/?outcome=all&range=kept&from=northwind.example"
    assert await looks(desk, "zoe@elsewhere.example") == []


async def test_an_act_is_on_record(desk: Desk, admin: Client) -> None:
    recipient = await only(desk, LUNCH)
    form = {"csrf": await token_for(admin), "recipient": recipient.id}
    await admin.post(f"{desk.path_of(LUNCH)}/retry", data=form, allow_redirects=False)
    acts = [look for look in await looks(desk) if look.kind is AccessKind.ACT]
    assert [(look.actor, look.page) for look in acts] == [(ADMIN, f"{desk.path_of(LUNCH)}/retry")]


async def test_ones_own_mail_is_nobodys_business(desk: Desk, anna: Client) -> None:
    await anna.get("/?outcome=all&range=kept")
    await anna.get(desk.path_of(LUNCH))
    assert await looks(desk) == []


async def test_what_is_not_shown_is_not_looked_at(desk: Desk) -> None:
    client = await desk.log_in("zoe@elsewhere.example")
    await client.get(desk.path_of(LUNCH))
    assert await looks(desk) == []


async def test_the_same_look_counts_once_for_a_while(desk: Desk, admin: Client) -> None:
    for _ in range(3):
        await admin.get(desk.path_of(LUNCH))
    assert len(await looks(desk)) == 1
    desk.clock.advance(SAME + timedelta(seconds=1))
    await admin.get(desk.path_of(LUNCH))
    assert len(await looks(desk)) == 2


async def test_the_person_can_read_it(desk: Desk, admin: Client, anna: Client) -> None:
    await admin.get(desk.path_of(LUNCH))
    text = await text_of(anna, "/access")
    assert "admin@ northwind.example from 127.0.0.1" in text
    assert f"Opened the message {desk.path_of(LUNCH)}" in text
    assert "Nobody else has looked" in await text_of(
        await desk.log_in("zoe@elsewhere.example"), "/access"
    )


@pytest.mark.parametrize(
    ("address", "sees"),
    [
        ("admin@northwind.example", True),
        ("it@northwind.example", True),
        ("it@elsewhere.example", False),
        ("help@northwind.example", False),
        ("orders@northwind.example", False),
    ],
)
async def test_who_sees_the_looks_at_others(
    desk: Desk, admin: Client, address: str, sees: bool
) -> None:
    await admin.get(desk.path_of(LUNCH))
    text = await text_of(await desk.log_in(address), "/access?whose=all")
    assert (desk.path_of(LUNCH) in text) == sees


async def test_it_is_read_page_by_page(desk: Desk, admin: Client, anna: Client) -> None:
    for n in range(60):
        await admin.get(f"/?outcome=all&range=kept&q=lunch+{n:02}+-nothing")
        await admin.get(f"/?outcome=all&range=kept&q=-x{n:02}")
    first = await (await anna.get("/access")).text()
    assert first.count("Saw it in a list") == 50
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await (await anna.get(older)).text()
    assert 'rel="prev"' in second
    assert 'rel="next"' not in second
    newer = second.partition('rel="prev" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert (await (await anna.get(newer)).text()).count("Saw it in a list") == 50
