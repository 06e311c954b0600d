"""The help page, and switching the keys off."""

import re
from html import unescape

from tests.support.panel import Client, Desk, token_for
from tests.web.test_track import text_of
from tracker.search import Field
from web.help import STANDINGS, TERMS


async def test_it_says_that_accepted_is_not_the_inbox(anna: Client) -> None:
    text = await text_of(anna, "/help")
    assert "whether the message is in the inbox, in the spam folder" in text
    assert "Everything that is kept is searched: 60 days." in text


def test_every_field_of_the_grammar_is_told() -> None:
    told = {term.field for term in TERMS}
    assert told == {*(field.value for field in Field), "since", "until"}


async def test_every_example_is_a_search(anna: Client) -> None:
    for term in TERMS:
        response = await anna.get("/", params={"q": term.example})
        assert response.status == 200, term


async def test_every_standing_leads_to_its_words(admin: Client) -> None:
    page = await (await admin.get("/?q=")).text()
    anchors = {unescape(one) for one in re.findall(r'href="/help#([\w-]+)"', page)}
    help_page = await (await admin.get("/help")).text()
    assert {one.anchor for one in STANDINGS} >= anchors - {"standings", "search", "keys"}
    assert {"accepted", "temporarily-rejected", "held", "uncertain"} <= anchors
    for anchor in anchors:
        assert f'id="{anchor}"' in help_page, anchor


async def test_the_keys_are_switched_off_for_good(desk: Desk, anna: Client) -> None:
    assert "data-keys" in await (await anna.get("/")).text()
    await anna.get("/?zone=Asia/Tokyo")
    form = {"csrf": await token_for(anna), "keys": "off"}
    page = await (await anna.post("/help/keys", data=form)).text()
    assert "The keys are off." in page
    assert "Switch the keys on" in page
    again = await desk.log_in("anna@northwind.example")
    page = await (await again.get("/")).text()
    assert "data-keys" not in page
    assert "Times are in Asia/Tokyo" in page, "nothing else was forgotten"
    form |= {"csrf": await token_for(again), "keys": "on"}
    assert "The keys are on." in await (await again.post("/help/keys", data=form)).text()
