"""Logging in and out."""

import contextlib
import dataclasses
import os
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from config.settings import PanelSettings
from tests.support.panel import PASSWORD, Desk, open_desk, post_log_in, token_for, token_of
from tracker.guard import LogInGuard
from tracker.routing import Routes
from web.app import build

ANNA = "anna@northwind.example"


async def test_a_stranger_is_led_to_the_log_in_and_then_to_the_page(desk: Desk) -> None:
    client = desk.client()
    response = await client.get("/?outcome=all&range=7d")
    assert response.url.path == "/login"
    assert response.url.query["next"] == "/?outcome=all&range=7d"

    response = await post_log_in(client, ANNA, next=response.url.query["next"])
    assert response.url.path == "/"
    assert response.url.query["q"] == "since:7d", "what the older link means"
    assert "Track deliveries" in await response.text()


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        "/%0d%0aSet-Cookie:x\r\nSet-Cookie: x=1",
    ],
)
async def test_next_leads_nowhere_else(desk: Desk, onward: str) -> None:
    client = desk.client()
    token = token_of(await (await client.get("/login", params={"next": onward})).text())
    form = {"csrf": token, "address": ANNA, "password": PASSWORD, "next": onward}
    response = await client.post("/login", data=form, allow_redirects=False)
    assert response.status == 303
    assert response.headers["Location"] == "/"


async def test_wrong_password_and_unknown_account_get_the_same_answer(desk: Desk) -> None:
    pages = []
    for address in (ANNA, "nobody@northwind.example"):
        response = await post_log_in(desk.client(), address, "wrong")
        assert response.status == 403
        page = await response.text()
        pages.append(page.replace(address, "ADDRESS").replace(token_of(page), "TOKEN"))
    assert pages[0] == pages[1]
    assert "not right" in pages[0]


async def test_every_log_in_has_a_session_of_its_own(desk: Desk) -> None:
    client = desk.client()
    client.session.cookie_jar.update_cookies({"sendtrace": "planted"}, desk.server.make_url("/"))
    await post_log_in(client, ANNA)
    first = {cookie.key: cookie.value for cookie in client.session.cookie_jar}["sendtrace"]
    assert first != "planted"
    second = await desk.log_in(ANNA)
    assert {c.key: c.value for c in second.session.cookie_jar}["sendtrace"] != first


async def test_the_address_may_be_written_in_capitals(desk: Desk) -> None:
    response = await post_log_in(desk.client(), " Anna@Northwind.example ")
    assert response.url.path == "/"


async def test_logging_out_ends_the_session_for_every_copy_of_the_cookie(desk: Desk) -> None:
    client = await desk.log_in(ANNA)
    copy = desk.client()
    copy.session.cookie_jar.update_cookies(
        {c.key: c.value for c in client.session.cookie_jar}, desk.server.make_url("/")
    )
    assert (await copy.get("/queue")).url.path == "/queue"

    response = await client.post("/logout", data={"csrf": await token_for(client)})
    assert "You are logged out." in await response.text()
    assert (await client.get("/queue")).url.path == "/login"
    assert (await copy.get("/queue")).url.path == "/login"


async def test_a_session_expires(desk: Desk) -> None:
    client = await desk.log_in(ANNA)
    desk.clock.advance(desk.settings.panel.session_lifetime - timedelta(seconds=1))
    assert (await client.get("/queue")).url.path == "/queue"
    desk.clock.advance(timedelta(seconds=1))
    assert (await client.get("/queue")).url.path == "/login"


async def test_a_log_in_needs_the_token_of_its_form(desk: Desk) -> None:
    client = desk.client()
    await client.get("/login")
    form = {"csrf": "guessed", "address": ANNA, "password": PASSWORD}
    assert (await client.post("/login", data=form)).status == 403
    assert (await client.get("/queue")).url.path == "/login"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://[broken"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({}, 303),
    ],
    ids=["cross-site", "same-site", "foreign origin", "broken origin", "own site", "no browser"],
)
async def test_a_log_in_from_another_site_is_refused(
    desk: Desk, headers: dict[str, str], status: int
) -> None:
    client = desk.client()
    token = token_of(await (await client.get("/login")).text())
    form = {"csrf": token, "address": ANNA, "password": PASSWORD}
    response = await client.post("/login", data=form, headers=headers, allow_redirects=False)
    assert response.status == status


# --- throttling ------------------------------------------------------------------------------

FEW = PanelSettings(
    login_failures=3,
    login_failure_window=timedelta(minutes=10),
    trusted_proxies=("127.0.0.0/8",),
    time_zone="Europe/Berlin",
)


async def fail(desk: Desk, address: str, client_address: str, password: str = "wrong") -> int:
    """Try to log in from `client_address`; return the status."""
    client = desk.client()
    client.session.headers["X-Forwarded-For"] = client_address
    return (await post_log_in(client, address, password)).status


async def test_too_many_failures_pause_a_client_address(tmp_path: Path) -> None:
    async with open_desk(tmp_path, panel=FEW) as desk:
        for name in ("a", "b", "c"):
            assert await fail(desk, f"{name}@northwind.example", "198.51.100.7") == 403
        assert await fail(desk, ANNA, "198.51.100.7", PASSWORD) == 429
        assert await fail(desk, ANNA, "198.51.100.8", PASSWORD) == 200
        desk.clock.advance(timedelta(minutes=10))
        assert await fail(desk, ANNA, "198.51.100.7", PASSWORD) == 200


async def test_too_many_failures_pause_an_account(tmp_path: Path) -> None:
    async with open_desk(tmp_path, panel=FEW) as desk:
        for number in range(3):
            assert await fail(desk, ANNA, f"198.51.100.{number}") == 403
        assert await fail(desk, ANNA, "198.51.100.99", PASSWORD) == 429
        assert await fail(desk, "it@northwind.example", "198.51.100.99", PASSWORD) == 200


async def test_failures_count_on_the_panels_of_all_nodes(tmp_path: Path) -> None:
    async with open_desk(tmp_path, panel=FEW) as desk:
        app = build(
            desk.settings,
            routes=Routes.of(desk.settings),
            node="mail-2",
            ledger=desk.ledger,
            passwords=desk.passwords,
            now=desk.clock.now,
            entropy=os.urandom,
        )
        server = TestServer(app)
        async with server:
            other = dataclasses.replace(desk, server=server)
            for where, number in ((desk, 1), (other, 2), (other, 3)):
                assert await fail(where, ANNA, f"198.51.100.{number}") == 403
            assert await fail(other, ANNA, "198.51.100.4", PASSWORD) == 429
            assert await fail(desk, ANNA, "198.51.100.5", PASSWORD) == 200, "not heard of yet"
            assert await fail(desk, ANNA, "198.51.100.6") == 403
            assert await fail(desk, ANNA, "198.51.100.7", PASSWORD) == 429


async def test_failures_at_submission_are_counted_apart(tmp_path: Path) -> None:
    async with open_desk(tmp_path, panel=FEW) as desk:
        submission = LogInGuard(
            desk.ledger, limit=3, window=timedelta(minutes=10), now=desk.clock.now
        )

        async def wrong() -> None:
            return None

        for _ in range(3):
            await submission.watch(["smtp client 198.51.100.7"], wrong)
        assert await fail(desk, "a@northwind.example", "198.51.100.7") == 403
        assert await fail(desk, ANNA, "198.51.100.7", PASSWORD) == 200


async def test_log_ins_go_on_when_failures_cannot_be_recorded(tmp_path: Path) -> None:
    async with open_desk(tmp_path, panel=FEW) as desk:
        with contextlib.closing(sqlite3.connect(desk.ledger.place, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # nobody else can write, as on a full disk
            for number in range(3):
                assert await fail(desk, ANNA, f"198.51.100.{number}") == 403
            other.execute("ROLLBACK")
        assert await fail(desk, ANNA, "198.51.100.99", PASSWORD) == 429
        assert await fail(desk, "it@northwind.example", "198.51.100.99", PASSWORD) == 200


async def test_one_who_waits_is_told_until_when(tmp_path: Path) -> None:
    async with open_desk(tmp_path, panel=FEW) as desk:
        client = desk.client()
        for _ in range(3):
            await post_log_in(client, ANNA, "wrong")
        response = await post_log_in(client, ANNA, PASSWORD)
        assert response.status == 429
        assert response.headers["Retry-After"] == "601"
        page = await response.text()
        assert "15:57:00" in page
        assert "in 10 minutes" in page


async def test_success_is_not_counted_as_a_failure(tmp_path: Path) -> None:
    async with open_desk(tmp_path, panel=FEW) as desk:
        for _ in range(5):
            assert await fail(desk, ANNA, "198.51.100.7", PASSWORD) == 200


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy(tmp_path: Path) -> None:
    untrusting = PanelSettings(login_failures=2)
    async with open_desk(tmp_path, panel=untrusting) as desk:
        for name in ("a", "b"):
            assert await fail(desk, f"{name}@northwind.example", f"198.51.100.{ord(name)}") == 403
        assert await fail(desk, ANNA, "203.0.113.5", PASSWORD) == 429


# --- cookies ---------------------------------------------------------------------------------


def cookie_of(response_headers: list[str], name: str) -> str:
    return next(value for value in response_headers if value.startswith(f"{name}="))


async def test_cookies_on_plain_loopback(desk: Desk) -> None:
    client = desk.client()
    token = token_of(await (await client.get("/login")).text())
    form = {"csrf": token, "address": ANNA, "password": PASSWORD}
    response = await client.post("/login", data=form, allow_redirects=False)
    cookie = cookie_of(response.headers.getall("Set-Cookie"), "sendtrace")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


async def test_cookies_behind_a_proxy_that_speaks_tls(tmp_path: Path) -> None:
    async with open_desk(tmp_path, panel=FEW) as desk:
        client = desk.client()
        headers = {"X-Forwarded-Proto": "https"}
        page = await client.get("/login", headers=headers)
        pending = cookie_of(page.headers.getall("Set-Cookie"), "__Host-sendtrace-login")
        form = {"csrf": token_of(await page.text()), "address": ANNA, "password": PASSWORD}
        headers["Cookie"] = pending.partition(";")[0]
        response = await client.post("/login", data=form, headers=headers, allow_redirects=False)
        assert response.status == 303
        cookie = cookie_of(response.headers.getall("Set-Cookie"), "__Host-sendtrace")
        assert "Secure" in cookie
        assert "Domain" not in cookie

        headers["Cookie"] = cookie.partition(";")[0]
        assert (await client.get("/queue", headers=headers)).url.path == "/queue"
        plain = {"Cookie": headers["Cookie"].removeprefix("__Host-")}
        response = await client.get("/queue", headers=plain | {"X-Forwarded-Proto": "https"})
        assert response.url.path == "/login", "a cookie without the prefix may be planted"


async def test_nobody_else_can_claim_tls(desk: Desk) -> None:
    response = await desk.client().get("/login", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" not in cookie_of(response.headers.getall("Set-Cookie"), "sendtrace-login")
