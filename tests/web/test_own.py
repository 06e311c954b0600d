"""One's own account."""

import pytest
from aiohttp import ClientResponse

from tests.support.panel import PASSWORD, Client, Desk, post_log_in, token_for
from tests.web.test_track import text_of

ANNA = "anna@northwind.example"
NEW = "another long password"


async def change(client: Client, present: str, password: str) -> ClientResponse:
    form = {"csrf": await token_for(client), "present": present, "password": password}
    return await client.post("/me/password", data=form)


async def test_people_see_their_own_account(anna: Client) -> None:
    text = await text_of(anna, "/me")
    assert "anna@ northwind.example" in text
    assert "User : sees the mail of this account." in text


async def test_people_change_their_own_password_and_stay_logged_in(
    desk: Desk, anna: Client
) -> None:
    elsewhere = await desk.log_in(ANNA)
    response = await change(anna, PASSWORD, NEW)
    assert response.url.path == "/me"
    assert "The password is changed" in await response.text()
    assert (await anna.get("/queue")).url.path == "/queue"
    assert (await elsewhere.get("/queue")).url.path == "/login"
    assert (await post_log_in(desk.client(), ANNA)).status == 403
    assert (await post_log_in(desk.client(), ANNA, NEW)).url.path == "/"


@pytest.mark.parametrize(
    ("present", "password", "problem"),
    [
        ("not mine at all", NEW, "The present password is not right."),
        ("x" * 5000, NEW, "The present password is not right."),
        ("", NEW, "The present password is not right."),
        (PASSWORD, "short", "12 characters at least"),
    ],
)
async def test_a_mistake_changes_nothing(
    desk: Desk, anna: Client, present: str, password: str, problem: str
) -> None:
    response = await change(anna, present, password)
    assert response.status == 422
    page = await response.text()
    assert problem in page
    assert password not in page.replace("shortest", "")
    assert (await post_log_in(desk.client(), ANNA)).url.path == "/"


async def test_a_browser_left_open_is_no_place_to_guess(desk: Desk, anna: Client) -> None:
    for _ in range(desk.settings.panel.login_failures):
        assert (await change(anna, "not mine at all", NEW)).status == 422
    response = await change(anna, PASSWORD, NEW)
    assert response.status == 429
    assert "Retry-After" in response.headers
    assert (await post_log_in(desk.client(), ANNA)).status == 429
