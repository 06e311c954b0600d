"""Who sees what: role by route by object. Outside the scope it is the 404 of the unknown."""

import pytest

from tests.support.panel import PEOPLE, Desk, token_for
from tests.web.test_story import only
from tracker.model import Role, Scope
from tracker.permissions import Permission, permissions_of
from web.routes import PRIVATE, PUBLIC, PrivateRoute

LUNCH = "Re: Lunch on Thursday?"
UNKNOWN = "01KJQ9CVD0E00AYKCS3YMYPZGJ"
MAY_SEE = {
    "admin@northwind.example",
    "it@northwind.example",
    "help@northwind.example",
    "anna@northwind.example",
}
"""Who may see a message of anna@northwind.example."""
ACCOUNT = "zoe@elsewhere.example"
KIND = "ip-blocklisted"


@pytest.mark.parametrize("address", PEOPLE)
async def test_a_message_is_shown_to_those_in_scope(desk: Desk, address: str) -> None:
    client = await desk.log_in(address)
    response = await client.get(desk.path_of(LUNCH))
    assert response.status == (200 if address in MAY_SEE else 404)


async def test_support_sees_all_and_changes_nothing(desk: Desk) -> None:
    before = await only(desk, LUNCH)
    client = await desk.log_in("help@northwind.example")
    message, queue = await client.get(desk.path_of(LUNCH)), await client.get("/queue")
    for page in (await message.text(), await queue.text()):
        assert "Lunch on Thursday" in page
        assert "Retry now" not in page
        assert "Cancel…" not in page
    form = {"csrf": await token_for(client), "recipient": before.id}
    assert (await client.post(f"{desk.path_of(LUNCH)}/retry", data=form)).status == 404
    assert await only(desk, LUNCH) == before


@pytest.mark.parametrize("address", sorted(set(PEOPLE) - MAY_SEE))
async def test_forbidden_and_unknown_look_the_same(desk: Desk, address: str) -> None:
    client = await desk.log_in(address)
    forbidden = await client.get(desk.path_of(LUNCH))
    unknown = await client.get(f"/messages/{UNKNOWN}")
    assert (forbidden.status, unknown.status) == (404, 404)
    assert await forbidden.text() == await unknown.text()


MESSAGE_ROUTES = [route for route in PRIVATE if "{id}" in route.path]


@pytest.mark.parametrize("address", sorted(set(PEOPLE) - MAY_SEE))
@pytest.mark.parametrize("route", MESSAGE_ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_nobody_looks_or_acts_outside_the_scope(
    desk: Desk, address: str, route: PrivateRoute
) -> None:
    """Also not by naming the recipient, or by going through a page that does not exist."""
    before = await only(desk, LUNCH)
    client = await desk.log_in(address)
    form = {"csrf": await token_for(client), "recipient": before.id}
    params = {"recipient": before.id}
    for identifier in (desk.ids[LUNCH], desk.ids[LUNCH].lower(), UNKNOWN):
        path = route.path.format(id=identifier)
        if route.method == "POST":
            response = await client.post(path, data=form)
        else:
            response = await client.get(path, params=params)
        assert response.status == 404
        assert LUNCH not in await response.text()
    assert await only(desk, LUNCH) == before


async def test_a_recipient_of_somebody_else_is_not_reached_through_a_message_of_ones_own(
    desk: Desk,
) -> None:
    theirs = await only(desk, LUNCH)
    client = await desk.log_in("orders@northwind.example")
    page = await (await client.get("/?outcome=all&range=kept")).text()
    mine = page.partition('href="/messages/')[2].partition("?")[0]
    form = {"csrf": await token_for(client), "recipient": theirs.id}
    for verb in ("retry", "cancel", "release"):
        assert (await client.post(f"/messages/{mine}/{verb}", data=form)).status == 404
    assert await only(desk, LUNCH) == theirs


@pytest.mark.parametrize(
    ("address", "all_of_today"),
    [
        ("admin@northwind.example", "24"),
        ("it@northwind.example", "24"),
        ("help@northwind.example", "24"),
        ("anna@northwind.example", "13"),
        ("it@elsewhere.example", "0"),
        ("zoe@elsewhere.example", "0"),
    ],
)
async def test_lists_and_counts_stay_in_scope(desk: Desk, address: str, all_of_today: str) -> None:
    client = await desk.log_in(address)
    page = await (await client.get("/?outcome=all")).text()
    assert f"All <strong>{all_of_today}</strong>" in page
    queue = await (await client.get("/queue")).text()
    assert ("Lunch on Thursday" in queue) == (address in MAY_SEE)


GATED = [
    route for route in PRIVATE if route.needs is not None and route.needs is not Permission.ACT
]


@pytest.mark.parametrize("address", PEOPLE)
@pytest.mark.parametrize("route", GATED, ids=lambda route: f"{route.method} {route.path}")
async def test_administration_is_for_administrators(
    desk: Desk, address: str, route: PrivateRoute
) -> None:
    method, path = route.method, route.path.format(address=ACCOUNT, kind=KIND)
    client = await desk.log_in(address)
    data = {"csrf": await token_for(client)} if method == "POST" else None
    response = await client.request(method, path, data=data, allow_redirects=False)
    if route.needs in permissions_of(PEOPLE[address]):
        assert response.status in (200, 303, 422)
    else:
        assert response.status == 404
        assert "There is no such page" in await response.text()
        account = await desk.ledger.account(ACCOUNT)
        assert account is not None


@pytest.mark.parametrize("route", PRIVATE, ids=lambda route: f"{route.method} {route.path}")
async def test_a_stranger_gets_nothing(desk: Desk, route: PrivateRoute) -> None:
    before = await desk.ledger.timeline(desk.ids[LUNCH], Scope())
    path = route.path.format(
        id=desk.ids[LUNCH], address=ACCOUNT, search=UNKNOWN, name="gmail.example", kind=KIND
    )
    response = await desk.client().request(route.method, path, allow_redirects=False)
    if path.startswith("/api/"):
        assert response.status == 401
    else:
        assert response.status == 303
        assert response.headers["Location"].partition("?")[0] == "/login"
    assert await desk.ledger.timeline(desk.ids[LUNCH], Scope()) == before


def test_what_is_open_to_all_is_a_short_list() -> None:
    assert {route.path for route in PUBLIC} == {
        "/login",
        "/healthz",
        "/readyz",
        "/handover-key",
        "/metrics",
    }


async def test_an_account_that_is_removed_is_logged_out(desk: Desk) -> None:
    client = await desk.log_in("anna@northwind.example")
    await desk.ledger.remove_account("anna@northwind.example")
    assert (await client.get("/queue")).url.path == "/login"


async def test_a_role_that_is_taken_away_counts_at_once(desk: Desk) -> None:
    client = await desk.log_in("it@northwind.example")
    assert (await client.get(desk.path_of(LUNCH))).status == 200
    await desk.ledger.set_role("it@northwind.example", Role.USER)
    assert (await client.get(desk.path_of(LUNCH))).status == 404
