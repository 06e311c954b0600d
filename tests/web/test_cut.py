"""A search whose time was over does not look as if it had come to its end."""

import re
from datetime import timedelta

import pytest

from tests.support.panel import Desk
from tests.web.test_track import chips, subjects, text_of
from tracker.views import Patience

NONE = timedelta(0)
CUT = "Not searched to the end in the time that a search has"


@pytest.fixture
def hasty(desk: Desk) -> Desk:
    """Return a panel whose ledger has no time for anybody."""
    desk.ledger.search_patience = Patience(NONE, NONE)
    return desk


async def test_an_empty_page_says_that_there_may_be_more(hasty: Desk) -> None:
    client = await hasty.log_in()
    page = await (await client.get("/?q=subject:order")).text()
    text = await text_of(client, "/?q=subject:order")
    assert CUT in text
    assert "Nothing found so far" in text
    assert "Everything that is kept has been searched" not in text
    assert "Check the spelling" not in text
    assert set(chips(page).values()) == {"0+"}
    older = re.search(r'rel="next" href="([^"]*)"', page)
    assert older
    hasty.ledger.search_patience = Patience()
    rest = await (await client.get(older[1].replace("&amp;", "&"))).text()
    assert len(subjects(rest)) == 3


async def test_it_goes_on_with_newer_where_it_went_that_way(hasty: Desk) -> None:
    client = await hasty.log_in()
    text = await text_of(client, "/?q=&after=01KJQ9CVD0E00AYKCS3YMYPZGJ")
    assert "go on with Newer" in text


async def test_rows_are_counted_at_least(desk: Desk) -> None:
    desk.ledger.search_patience = Patience(counts=NONE)
    text = await text_of(await desk.log_in(), "/?q=subject:order")
    assert CUT not in text
    assert "3+ recipients" in text


async def test_what_is_newer_is_not_said_to_be_none(hasty: Desk) -> None:
    client = await hasty.log_in()
    answer = await (await client.get("/newer?q=&after=01KJQ9CVD0E00AYKCS3YMYPZGJ")).json()
    assert answer == {"count": 0, "words": "0+ new"}


async def test_an_empty_queue_is_not_said_to_be_empty(hasty: Desk) -> None:
    text = await text_of(await hasty.log_in(), "/queue")
    assert CUT in text
    assert "Nothing waits" not in text
    assert "0+ held" in text


async def test_an_act_is_not_done_without_its_exact_number(desk: Desk) -> None:
    client = await desk.log_in()
    page = await (await client.get("/acts/new?act=hold&all=1&q=status:waiting")).text()
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    desk.ledger.search_patience = Patience(counts=NONE)
    text = await text_of(client, "/acts/new?act=hold&all=1&q=status:waiting")
    assert "There was not enough time to count all of them" in text
    assert 'action="/acts"' not in text
    response = await client.post("/acts", data=fields)
    assert response.status == 422
    assert not await desk.ledger.due_acts(desk.clock.now(), 10)
