"""Managing accounts."""

import re
from html import unescape

from aiohttp import ClientResponse
from yarl import URL

from tests.support.panel import PASSWORD, PEOPLE, Client, Desk, post_log_in, token_for
from tests.web.test_track import text_of
from tracker.model import Account, Role

NEW = "new.person@northwind.example"
ANNA = "anna@northwind.example"
LONG = "a password of some length"


async def post(client: Client, path: str, **form: str) -> ClientResponse:
    return await client.post(path, data={"csrf": await token_for(client), **form})


async def test_everybody_is_listed(admin: Client) -> None:
    text = await text_of(admin, "/accounts")
    assert f"{len(PEOPLE)} accounts" in text
    assert "it@northwind.example Domain administrator" in text
    assert "admin@northwind.example (you)" in text


async def test_an_account_is_found_by_a_part_of_its_address(admin: Client) -> None:
    text = await text_of(admin, "/accounts?q=ELSEWHERE")
    assert "2 accounts with elsewhere" in text.lower()
    assert "zoe@elsewhere.example" in text
    assert ANNA not in text
    assert f"None of {len(PEOPLE)} accounts" in await text_of(admin, "/accounts?q=nobody-here")


async def test_many_accounts_come_in_pages(desk: Desk, admin: Client) -> None:
    created_at = desk.clock.now()
    for number in range(110):
        address = f"box{number:03}@northwind.example"
        account = Account(address=address, role=Role.USER, password_hash="", created_at=created_at)
        assert await desk.ledger.add_account(account)
    seen: list[str] = []
    path = "/accounts?q=northwind"
    while path:
        page = await (await admin.get(path)).text()
        seen += re.findall(r'<th scope="row"><a href="/accounts/([^"]+)"', page)
        path = unescape("".join(re.findall(r'rel="next" href="([^"]+)"', page)))
    assert seen == [
        one.address for one in await desk.ledger.accounts() if "northwind" in one.address
    ]


async def test_a_new_account_can_log_in(desk: Desk, admin: Client) -> None:
    response = await post(
        admin, "/accounts", address="New.Person@Northwind.example", password=LONG, role="user"
    )
    assert "The account is added." in await response.text()
    assert (await post_log_in(desk.client(), NEW, LONG)).url.path == "/"
    account = await desk.ledger.account(NEW)
    assert account is not None
    assert account.role is Role.USER
    assert account.password_hash.startswith("$argon2id$")


async def test_an_address_has_one_account(admin: Client) -> None:
    response = await post(admin, "/accounts", address=ANNA, password=LONG, role="admin")
    assert response.status == 422
    page = await response.text()
    assert f"There is an account {ANNA} already." in page
    assert LONG not in page


async def test_mistakes_are_explained_and_what_was_written_stays(admin: Client) -> None:
    response = await post(admin, "/accounts", address="no address", password=LONG, role="admin")
    assert response.status == 422
    page = await response.text()
    assert "Write a full e-mail address" in page
    assert 'value="no address"' in page
    assert 'value="admin" checked' in page
    response = await post(admin, "/accounts", address=NEW, password="short", role="user")
    assert "12 characters at least" in await response.text()


async def test_a_new_password_ends_every_log_in(desk: Desk, admin: Client, anna: Client) -> None:
    response = await post(admin, f"/accounts/{ANNA}/password", password=LONG)
    assert "The password is changed" in await response.text()
    assert (await anna.get("/queue")).url.path == "/login"
    assert (await post_log_in(desk.client(), ANNA, PASSWORD)).status == 403
    assert (await post_log_in(desk.client(), ANNA, LONG)).status == 200


async def test_a_short_password_is_refused(desk: Desk, admin: Client) -> None:
    response = await post(admin, f"/accounts/{ANNA}/password", password="short")
    assert response.status == 422
    assert (await post_log_in(desk.client(), ANNA, PASSWORD)).status == 200


async def test_a_role_is_changed(desk: Desk, admin: Client) -> None:
    response = await post(admin, f"/accounts/{ANNA}/role", role="domain-admin")
    assert "The role is changed." in await response.text()
    account = await desk.ledger.account(ANNA)
    assert account is not None
    assert account.role is Role.DOMAIN_ADMIN
    assert (await post(admin, f"/accounts/{ANNA}/role", role="emperor")).status == 422


async def test_removing_asks_once_more(desk: Desk, admin: Client) -> None:
    assert "Remove anna@ northwind.example ?" in await text_of(admin, f"/accounts/{ANNA}/remove")
    assert await desk.ledger.account(ANNA) is not None
    response = await post(admin, f"/accounts/{ANNA}/remove")
    assert "The account is removed. Its mail stays on record." in await response.text()
    assert await desk.ledger.account(ANNA) is None


async def test_nobody_locks_themselves_out(desk: Desk, admin: Client) -> None:
    me = "admin@northwind.example"
    assert (await post(admin, f"/accounts/{me}/role", role="user")).status == 422
    assert (await post(admin, f"/accounts/{me}/remove")).status == 422
    account = await desk.ledger.account(me)
    assert account is not None
    assert account.role is Role.ADMIN


async def test_an_unknown_account_is_a_404(admin: Client) -> None:
    for verb in ("", "/remove"):
        assert (await admin.get(f"/accounts/nobody@northwind.example{verb}")).status == 404
    for verb in ("/password", "/role", "/remove"):
        response = await post(
            admin, f"/accounts/nobody@northwind.example{verb}", password=LONG, role="user"
        )
        assert response.status == 404


async def test_an_address_with_a_slash_has_a_page(desk: Desk, admin: Client) -> None:
    odd = "a/b+c@northwind.example"
    await post(admin, "/accounts", address=odd, password=LONG, role="user")
    page = await (await admin.get("/accounts")).text()
    assert 'href="/accounts/a%2Fb%2Bc@northwind.example"' in page
    path = URL("/accounts/a%2Fb%2Bc@northwind.example/remove", encoded=True)
    response = await admin.post(path, data={"csrf": await token_for(admin)})
    assert "The account is removed." in await response.text()


async def test_an_account_leads_to_its_mail(desk: Desk, admin: Client) -> None:
    page = await (await admin.get(f"/accounts/{ANNA}")).text()
    card = page.partition("Its mail</h2>")[2].partition("</section>")[0]
    every, waiting, cancel, refused = (unescape(url) for url in re.findall(r'href="([^"]+)"', card))
    listed = await text_of(admin, every)
    assert ANNA.replace("@", "@ ") in listed
    assert "orders@" not in listed.partition("newest first")[2]
    assert "It is not sent" not in await text_of(admin, waiting)
    asked = await text_of(admin, cancel)
    assert re.match(r".*Cancel \d+ recipients\? Everything that matches", asked)
    assert "Not taken" in await text_of(admin, refused)
