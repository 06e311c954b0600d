"""Rows that came while somebody looked at a list."""

import re
from datetime import timedelta

from tests.support.mail import make_submission
from tests.support.panel import Client, Desk

ASK = re.compile(r'data-newer="([^"]+)"')


def ask_of(page: str) -> str:
    found = ASK.search(page)
    assert found, "the page does not ask for newer rows"
    return found[1].replace("&amp;", "&")


async def send(desk: Desk, number: int, account: str = "anna@northwind.example") -> None:
    for _ in range(number):
        now = desk.clock.now()
        submission = make_submission("new@example.org", account=account, now=now)
        await desk.ledger.accept(submission, now, None)


async def answer(client: Client, path: str) -> dict[str, object]:
    response = await client.get(path)
    assert response.status == 200
    assert response.headers["Cache-Control"] == "no-store"
    found: dict[str, object] = await response.json()
    return found


async def test_what_is_newer_than_the_first_row_is_counted(desk: Desk, anna: Client) -> None:
    ask = ask_of(await (await anna.get("/?q=")).text())
    assert await answer(anna, ask) == {"count": 0, "words": "0 new"}
    desk.clock.advance(timedelta(minutes=1))
    await send(desk, 3)
    assert await answer(anna, ask) == {"count": 3, "words": "3 new"}


async def test_only_what_the_search_finds_in_scope_is_counted(desk: Desk, anna: Client) -> None:
    accepted = ask_of(await (await anna.get("/?q=status:accepted")).text())
    everything = ask_of(await (await anna.get("/?q=")).text())
    desk.clock.advance(timedelta(minutes=1))
    await send(desk, 1)
    await send(desk, 5, account="orders@northwind.example")
    assert (await answer(anna, accepted))["count"] == 0
    assert (await answer(anna, everything))["count"] == 1


async def test_an_empty_list_waits_for_its_first_row(empty_desk: Desk) -> None:
    client = await empty_desk.log_in("anna@northwind.example")
    ask = ask_of(await (await client.get("/?q=")).text())
    assert (await answer(client, ask))["count"] == 0
    await send(empty_desk, 1)
    assert (await answer(client, ask))["count"] == 1


async def test_many_are_not_counted_to_the_end(empty_desk: Desk) -> None:
    client = await empty_desk.log_in("anna@northwind.example")
    many = [f"r{number}@example.org" for number in range(150)]
    now = empty_desk.clock.now()
    submission = make_submission(*many, account="anna@northwind.example", now=now)
    await empty_desk.ledger.accept(submission, now, None)
    assert await answer(client, "/newer?q=") == {"count": 100, "words": "99+ new"}


async def test_a_search_that_cannot_be_read_has_nothing_newer(anna: Client) -> None:
    assert (await anna.get("/newer", params={"q": "colour:red"})).status == 404


async def test_older_pages_stay_where_they_are(anna: Client) -> None:
    page = await (await anna.get("/?q=&before=01KJQ9CVD0E00AYKCS3YMYPZGJ")).text()
    assert "data-newer" not in page
    assert "Look again" in page
