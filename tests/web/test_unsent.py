"""What was written in a form is not lost when its log-in has ended meanwhile."""

import html
import re
from datetime import timedelta

import pytest

from tests.support.panel import PASSWORD, Client, Desk, post_log_in, token_for, token_of
from tracker.model import Scope

ADMIN = "admin@northwind.example"
OURS = {"Sec-Fetch-Site": "same-origin"}
WRITTEN = {"address": "bob@example.org", "whose": "relay", "days": "7", "reason": "He <b>asked</b>"}


def hidden(page: str, name: str) -> str:
    """Return the value of a hidden field, as a browser sends it."""
    found = re.search(rf'type="hidden" name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no {name}"
    return html.unescape(found[1])


async def fill_in(client: Client, **fields: str) -> dict[str, str]:
    return {"csrf": await token_for(client), **WRITTEN, **fields}


async def suppressed(desk: Desk) -> list[str]:
    found = await desk.ledger.suppressions(Scope(), search="bob@", limit=10)
    return [one.address for one in found]


async def test_it_is_sent_again_after_the_log_in(desk: Desk) -> None:
    client = await desk.log_in(ADMIN)
    form = await fill_in(client)
    desk.clock.advance(desk.settings.panel.session_lifetime)
    response = await client.post("/suppressions", data=form, headers=OURS)
    page = await response.text()
    assert response.status == 403
    assert "nothing was changed" in page
    assert await suppressed(desk) == []

    carried = {"unsent": hidden(page, "unsent"), "next": hidden(page, "next")}
    wrong = {"csrf": token_of(page), "address": ADMIN, "password": "wrong", **carried}
    page = await (await client.post("/login", data=wrong, headers=OURS)).text()
    assert hidden(page, "unsent") == carried["unsent"], "a slip costs nothing"

    right = {**wrong, "csrf": token_of(page), "password": PASSWORD}
    page = await (await client.post("/login", data=right, headers=OURS)).text()
    assert "Suppress an address" in page
    assert "He &lt;b&gt;asked&lt;/b&gt;" in page
    assert await suppressed(desk) == [], "nothing is done by itself"

    again = {name: hidden(page, name) for name in form}
    assert again.items() >= WRITTEN.items()
    await client.post("/suppressions", data=again, headers=OURS)
    assert await suppressed(desk) == ["bob@example.org"]


async def test_a_form_of_an_earlier_log_in_is_shown_to_be_sent_again(desk: Desk) -> None:
    client = await desk.log_in(ADMIN)
    form = await fill_in(client)
    await client.post("/logout", data={"csrf": form["csrf"]})
    await post_log_in(client, ADMIN)
    response = await client.post("/suppressions", data=form, headers=OURS)
    page = await response.text()
    assert response.status == 403
    assert hidden(page, "reason") == "He <b>asked</b>"
    assert hidden(page, "csrf") == await token_for(client)
    assert await suppressed(desk) == []


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({"Sec-Fetch-Site": "none"}, {}),
        (OURS, {"password": "secret"}),
        (OURS, {"reason": "x" * 20_000}),
    ],
    ids=["a browser that says nothing", "another site", "the address bar", "a password", "a book"],
)
async def test_what_is_not_carried_along(
    desk: Desk, headers: dict[str, str], fields: dict[str, str]
) -> None:
    client = await desk.log_in(ADMIN)
    form = await fill_in(client, **fields)
    late = await client.post("/suppressions", data={**form, "csrf": "old"}, headers=headers)
    assert late.status == 403
    assert "bob@example.org" not in await late.text()
    desk.clock.advance(desk.settings.panel.session_lifetime)
    page = await (await client.post("/suppressions", data=form, headers=headers)).text()
    assert "bob@example.org" not in page
    assert "Log in" in page


@pytest.mark.parametrize(
    "unsent",
    [
        "nonsense",
        "[]",
        '["//evil.example", []]',
        '["https://evil.example/", []]',
        '["/a", [["b"]]]',
    ],
)
async def test_what_no_page_of_ours_carried_along_is_nothing(desk: Desk, unsent: str) -> None:
    client = desk.client()
    token = token_of(await (await client.get("/login")).text())
    form = {"csrf": token, "address": ADMIN, "password": PASSWORD, "unsent": unsent}
    response = await client.post("/login", data=form, headers=OURS)
    assert response.url.path == "/"


async def test_another_site_cannot_lay_a_form_before_somebody(desk: Desk) -> None:
    """A browser that does not say where a form comes from carries none along."""
    laid = '["/suppressions", [["address", "bob@example.org"], ["reason", "laid"]]]'
    client = desk.client()
    page = await (await client.post("/login", data={"unsent": laid})).text()
    assert "Log in" in page
    assert "bob@example.org" not in page
    response = await post_log_in(client, ADMIN, unsent=laid)
    assert response.url.path == "/"


async def test_the_log_in_page_says_that_a_log_in_has_ended(desk: Desk) -> None:
    assert "has ended" not in await (await desk.client().get("/login")).text()
    client = await desk.log_in(ADMIN)
    desk.clock.advance(desk.settings.panel.session_lifetime + timedelta(seconds=1))
    response = await client.get("/queue")
    assert response.url.path == "/login"
    assert "Your log-in has ended" in await response.text()
