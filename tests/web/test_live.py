"""What an open page listens to: server-sent events, as a browser reads them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import ClientResponse

from tests.support.deliver import try_again
from tests.support.letters import GREYLISTED
from tests.support.panel import Client, Desk, Record, open_desk, token_for
from tests.support.waiting import wait_until
from tracker.model import MessageId, Role
from tracker.store import StoreUnavailable, Version
from web.message.live import MOST_OF_ONE, Live, TooManyWatches
from web.panel import PANEL
from web.views import live

GREY = "Quarterly figures Q1"
PATIENCE = 90
"""Seconds that something may take on a busy machine."""


class Told(NamedTuple):
    """One event, as a browser reads it."""

    name: str
    data: str


@asynccontextmanager
async def listening(client: Client, path: str) -> AsyncIterator[ClientResponse]:
    async with asyncio.timeout(PATIENCE):
        response = await client.get(path, headers={"Accept": "text/event-stream"})
        try:
            yield response
        finally:
            response.close()


async def blocks(response: ClientResponse) -> AsyncIterator[str]:
    """Yield what stands between blank lines."""
    found: list[str] = []
    async for octets in response.content:
        line = octets.decode().rstrip("\n")
        if line:
            found.append(line)
        elif found:
            yield "\n".join(found)
            found = []


async def events(response: ClientResponse) -> AsyncIterator[Told]:
    async for block in blocks(response):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line[0] != ":")
        if "event" in fields:
            yield Told(fields["event"], fields["data"])


def live_path(desk: Desk, subject: str) -> str:
    return f"{desk.path_of(subject)}/live"


async def test_a_page_hears_of_every_change_and_of_the_end(desk: Desk, anna: Client) -> None:
    async with listening(anna, live_path(desk, GREY)) as response:
        heard = events(response)
        first = await anext(heard)
        assert first.name == "version"
        assert f'data-version="{first.data}"' in await (await anna.get(desk.path_of(GREY))).text()

        await try_again(desk, GREY, GREYLISTED)
        second = await anext(heard)
        assert second.name == "version"
        assert second.data != first.data

        await try_again(desk, GREY)
        assert (await anext(heard)).name in ("version", "final")
        async for told in heard:
            assert told.name in ("version", "final")
        assert response.content.at_eof(), "nothing is kept open for what is final"


async def test_the_head_is_one_that_nobody_keeps_back(desk: Desk, anna: Client) -> None:
    async with listening(anna, live_path(desk, GREY)) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert await anext(blocks(response)) == "retry: 2000"


async def test_of_what_is_final_there_is_one_word_and_the_end(desk: Desk, anna: Client) -> None:
    async with listening(anna, live_path(desk, "Thank you for your visit")) as response:
        told = [one async for one in events(response)]
    assert [one.name for one in told] == ["final"]


async def test_a_page_of_what_is_final_does_not_listen(desk: Desk, anna: Client) -> None:
    page = await (await anna.get(desk.path_of("Thank you for your visit"))).text()
    assert "data-live" not in page
    page = await (await anna.get(desk.path_of(GREY))).text()
    assert f'data-live="{live_path(desk, GREY)}"' in page
    assert ">Look again</a>" in page


@pytest.mark.parametrize("address", ["orders@northwind.example", "zoe@elsewhere.example"])
async def test_nobody_listens_outside_the_scope(desk: Desk, address: str) -> None:
    client = await desk.log_in(address)
    forbidden = await client.get(live_path(desk, GREY))
    unknown = await client.get("/messages/01KJQ9CVD0E00AYKCS3YMYPZGJ/live")
    assert (forbidden.status, unknown.status) == (404, 404)
    assert await forbidden.text() == await unknown.text()


async def test_silence_is_filled(desk: Desk, anna: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", timedelta())
    async with listening(anna, live_path(desk, GREY)) as response:
        heard = blocks(response)
        found = [await anext(heard) for _ in range(4)]
    assert ": still here" in found


async def test_after_some_time_the_browser_has_to_come_again(
    desk: Desk, anna: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LASTS", timedelta())
    async with listening(anna, live_path(desk, GREY)) as response:
        assert [one async for one in blocks(response)] == ["retry: 2000"]


async def log_out(desk: Desk, client: Client) -> None:
    token = await token_for(client)
    await client.post("/logout", data={"csrf": token})


async def give_another_role(desk: Desk, client: Client) -> None:
    assert await desk.ledger.set_role("anna@northwind.example", Role.DOMAIN_ADMIN)


async def remove_account(desk: Desk, client: Client) -> None:
    assert await desk.ledger.remove_account("anna@northwind.example")


async def let_the_log_in_run_out(desk: Desk, client: Client) -> None:
    desk.clock.advance(desk.settings.panel.session_lifetime)


@pytest.mark.parametrize(
    "act", [log_out, give_another_role, remove_account, let_the_log_in_run_out]
)
async def test_a_page_hears_nothing_more_once_its_viewer_is_out(
    desk: Desk, anna: Client, act: Callable[[Desk, Client], Awaitable[None]]
) -> None:
    async with listening(anna, live_path(desk, GREY)) as response:
        heard = events(response)
        assert (await anext(heard)).name == "version"
        await act(desk, anna)
        assert [one async for one in heard] == []


async def test_whoever_stays_in_goes_on_hearing(
    desk: Desk, anna: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_CHECK", timedelta())
    async with listening(anna, live_path(desk, GREY)) as response:
        heard = events(response)
        first = await anext(heard)
        other = await desk.log_in("anna@northwind.example")
        await log_out(desk, other)
        await try_again(desk, GREY, GREYLISTED)
        assert (await anext(heard)).data != first.data


async def test_one_person_has_only_so_many(desk: Desk, anna: Client) -> None:
    path = live_path(desk, GREY)
    watches = desk.server.app[PANEL].live
    opened = [await anna.get(path) for _ in range(MOST_OF_ONE)]
    assert [one.status for one in opened] == [200] * MOST_OF_ONE
    refused = await anna.get(path)
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "30"
    admin = await desk.log_in()
    async with listening(admin, path) as response:
        assert response.status == 200, "of others there may be more"

    for one in opened:
        one.close()
    await asyncio.to_thread(wait_until, lambda: watches.count == 0, "the pages to be let go")
    async with listening(anna, path) as response:
        assert response.status == 200, "whoever has closed pages may open others"


async def test_open_pages_do_not_keep_the_panel_from_ending(tmp_path: Path, record: Record) -> None:
    async with asyncio.timeout(PATIENCE), open_desk(tmp_path, record=record) as desk:
        anna = await desk.log_in("anna@northwind.example")
        response = await anna.get(live_path(desk, GREY))
        heard = events(response)
        assert (await anext(heard)).name == "version"
        await desk.server.close()
        assert [one async for one in heard] == []


# --- all watches together ---------------------------------------------------------------------


ONE, TWO = MessageId("one"), MessageId("two")
SOON = timedelta(milliseconds=1)
LONG = timedelta(seconds=PATIENCE)


def version(text: str) -> Version:
    return Version(text=text, is_final=False)


async def test_the_ledger_is_asked_once_for_all_who_watch() -> None:
    asked: list[set[MessageId]] = []

    async def look(messages: object) -> dict[MessageId, Version]:
        assert isinstance(messages, set)
        asked.append(set(messages))
        return {ONE: version("a"), TWO: version("b")}

    watches = Live(look, every=SOON)
    with (
        watches.watch("anna", ONE) as first,
        watches.watch("bert", ONE) as second,
        watches.watch("anna", TWO) as third,
    ):
        for one in (first, second, third):
            assert await one.wait(LONG)
        assert asked[0] == {ONE, TWO}
    assert watches.count == 0
    await watches.close()


async def test_a_ledger_that_cannot_answer_ends_nothing() -> None:
    answers = [StoreUnavailable("gone"), StoreUnavailable("gone")]

    async def look(messages: object) -> dict[MessageId, Version]:
        if answers:
            raise answers.pop()
        return {ONE: version("a")}

    watches = Live(look, every=SOON)
    with watches.watch("anna", ONE) as watch:
        assert await watch.wait(LONG)
        assert watch.version == version("a")
        assert not watch.is_over
    await watches.close()


async def test_a_message_that_is_gone_ends_its_watch() -> None:
    async def look(messages: object) -> dict[MessageId, Version]:
        return {}

    watches = Live(look, every=SOON)
    with watches.watch("anna", ONE) as watch:
        assert await watch.wait(LONG)
        assert watch.is_over
    await watches.close()


async def test_in_all_there_are_only_so_many() -> None:
    async def look(messages: object) -> dict[MessageId, Version]:
        return {}

    watches = Live(look, every=SOON, most=2)
    with (
        watches.watch("anna", ONE),
        watches.watch("bert", ONE),
        pytest.raises(TooManyWatches),
        watches.watch("cleo", ONE),
    ):
        pass
    with watches.watch("cleo", ONE):
        assert watches.count == 1
    await watches.close()
    with pytest.raises(TooManyWatches), watches.watch("cleo", ONE):
        pass
