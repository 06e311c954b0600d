"""Searches under a name, the last ones, and what the panel remembers of a person."""

import re
from datetime import timedelta

import pytest
from yarl import URL

from tests.support.panel import Client, Desk, token_for
from tests.web.test_track import chips, subjects

ANNA, IT, ADMIN = "anna@northwind.example", "it@northwind.example", "admin@northwind.example"


async def save(client: Client, name: str, text: str, audience: str = "owner") -> str:
    form = {"csrf": await token_for(client), "name": name, "q": text, "audience": audience}
    response = await client.post("/searches", data=form)
    return await response.text()


async def links(client: Client, path: str = "/searches") -> dict[str, str]:
    """Return the named searches of a page and what they look for."""
    page = await (await client.get(path)).text()
    found = re.findall(r'<a href="(/\?q=[^"]*)"[^>]*>([^<]+)</a>', page)
    return {name: URL(url.replace("&amp;", "&")).query["q"] for url, name in found}


async def change_path(client: Client, name: str) -> str:
    page = await (await client.get("/searches")).text()
    row = page.partition(f">{name}</a>")[2]
    found = re.search(r'action="(/searches/\w+)"', row)
    assert found
    return found[1]


async def test_a_search_is_saved_and_run_again(anna: Client) -> None:
    page = await save(anna, "  Late   orders ", "subject:order since:7d")
    assert "The search is saved." in page
    assert "Your order" not in page, "it was saved from the list, and the list is shown again"
    assert 'value="subject:order since:7d"' in page
    for path in ("/", "/searches"):
        assert (await links(anna, path))["Late orders"] == "subject:order since:7d", path
    await save(anna, "All", "")
    assert (await links(anna))["All"] == ""


async def test_everybody_has_the_built_in_ones(desk: Desk) -> None:
    client = await desk.log_in("zoe@elsewhere.example")
    found = await links(client, "/")
    assert found["Waiting longer than 1 hour"] == "status:waiting until:1h"
    assert found["Permanently rejected today"] == "status:permanent since:today"


async def test_the_built_in_ones_find_what_they_say(anna: Client) -> None:
    found = await links(anna)
    late = await (await anna.get("/", params={"q": found["Waiting longer than 1 hour"]})).text()
    assert set(subjects(late)) == {"Contract, signed copy attached", "Re: Lunch on Thursday?"}
    refused = await (await anna.get("/", params={"q": found["Permanently rejected today"]})).text()
    assert subjects(refused) == ["Offer for the harbour office, second draft"]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("", "bob", "Give the search a name."),
        ("Taken", "bob", "There is a search of that name already"),
        ("Odd", "colour:red", "There is no field"),
    ],
)
async def test_what_cannot_be_saved_says_why(
    anna: Client, name: str, text: str, problem: str
) -> None:
    await save(anna, "Taken", "carol")
    page = await save(anna, name, text)
    assert problem in page
    assert 'role="alert"' in page
    assert f'name="q" maxlength="2000" value="{text}"' in page, "nothing has to be typed again"
    assert name in ("", "Taken") or name not in await links(anna)


async def test_a_search_is_renamed_and_removed(anna: Client) -> None:
    await save(anna, "One", "bob")
    await save(anna, "Other", "carol")
    token = await token_for(anna)
    path = await change_path(anna, "One")
    page = await (await anna.post(path, data={"csrf": token, "name": "Mine"})).text()
    assert "The search is changed." in page
    assert {"Mine", "Other"} <= set(await links(anna))
    refused = await anna.post(path, data={"csrf": token, "name": "Other"})
    assert refused.status == 422
    assert (await anna.post(path, data={"csrf": token, "name": " "})).status == 422
    page = await (await anna.post(f"{path}/remove", data={"csrf": token})).text()
    assert "The search is removed." in page
    assert "Mine" not in await links(anna)


@pytest.mark.parametrize(
    ("owner", "audience", "seen_by"),
    [
        (ADMIN, "all", {ADMIN, ANNA, IT, "zoe@elsewhere.example"}),
        (ADMIN, "domain", {ADMIN, ANNA, IT}),
        (IT, "domain", {ADMIN, ANNA, IT}),
        (IT, "all", {IT}),
        (ANNA, "all", {ANNA}),
        (ANNA, "domain", {ANNA}),
        ("help@northwind.example", "all", {"help@northwind.example"}),
    ],
)
async def test_who_may_share_with_whom(
    desk: Desk, owner: str, audience: str, seen_by: set[str]
) -> None:
    """Whoever asks for more than they may keeps the search for themselves."""
    await save(await desk.log_in(owner), "Shared", "bob", audience)
    people = {owner, ADMIN, ANNA, IT, "zoe@elsewhere.example"}
    assert {one for one in people if "Shared" in await links(await desk.log_in(one))} == seen_by


async def test_what_is_shared_only_its_owner_changes(desk: Desk, anna: Client) -> None:
    admin = await desk.log_in(ADMIN)
    await save(admin, "Shared", "bob", "all")
    path = await change_path(admin, "Shared")
    form = {"csrf": await token_for(anna), "name": "Stolen"}
    assert (await anna.post(path, data=form)).status == 404
    assert (await anna.post(f"{path}/remove", data=form)).status == 404
    assert "Shared" in await links(admin)


async def test_a_shared_search_stays_in_the_scope_of_who_runs_it(desk: Desk) -> None:
    await save(await desk.log_in(ADMIN), "Everything", "", "all")
    zoe = await desk.log_in("zoe@elsewhere.example")
    page = await (await zoe.get("/", params={"q": (await links(zoe))["Everything"]})).text()
    assert subjects(page) == []


async def test_the_last_searches_are_kept_by_themselves(desk: Desk, anna: Client) -> None:
    for number in range(12):
        desk.clock.advance(timedelta(seconds=1))
        await anna.get("/", params={"q": f"n{number} since:today"})
    await anna.get("/?q=status:permanent since:today")
    await anna.get("/", params={"q": "colour:red"})
    found = [name for name, text in (await links(anna)).items() if name == text]
    assert found == [f"n{number} since:today" for number in range(11, 1, -1)]


async def test_the_outcome_is_remembered_but_not_of_a_search(desk: Desk, anna: Client) -> None:
    await anna.get("/?q=status:permanent since:today")
    await anna.get("/?q=order status:cancelled")
    await anna.get("/?q=status:held")
    again = await desk.log_in(ANNA)
    page = await (await again.get("/")).text()
    assert '<option value="permanent" selected>' in page
    assert '<option value="today" selected>' in page
    assert subjects(page) == ["Offer for the harbour office, second draft"]
    assert chips(page)["Accepted"] == "6", "what is not shown is counted"


async def test_the_zone_is_remembered_in_another_browser(desk: Desk, anna: Client) -> None:
    await anna.get("/?zone=Asia/Tokyo")
    again = await desk.log_in(ANNA)
    page = await (await again.get("/queue")).text()
    assert "Times are in Asia/Tokyo, JST (UTC+09:00)" in page
    other = await desk.log_in("orders@northwind.example")
    assert "Asia/Tokyo" not in await (await other.get("/queue")).text()
