"""A search that takes too long tells what it has found, and where to go on."""

from datetime import timedelta

import pytest

from tests.contract.ledger import EVERYTHING, Ledger
from tests.contract.population import populate
from tests.contract.reference import Record, find
from tests.contract.test_search import term
from tracker.model import RecipientId, Status
from tracker.search import Field, Query
from tracker.views import Patience

NONE = Patience(timedelta(0), timedelta(0))

QUERIES = {
    "everything": Query(),
    "a text": term(Field.ANY, "example"),
    "a status": term(Field.STATUS, "waiting"),
}


@pytest.fixture
async def records(ledger: Ledger) -> list[Record]:
    return await populate(ledger)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
async def test_a_search_goes_on_where_it_was_cut(
    ledger: Ledger, records: list[Record], query: Query
) -> None:
    patient, ledger.search_patience = ledger.search_patience, NONE
    page = await ledger.search(query, EVERYTHING, limit=1000)
    assert (page.rows, page.cut, page.newer) == ((), True, None)
    assert page.older is not None
    ids = await ledger.search_ids(query, EVERYTHING, limit=1000)
    assert (ids.ids, ids.older, ids.cut) == ((), page.older, True)
    ledger.search_patience = patient
    rest = await ledger.search(query, EVERYTHING, limit=1000, before=page.older)
    assert [row.recipient.id for row in rest.rows] == find(records, query, EVERYTHING)
    assert not rest.cut


async def test_a_search_towards_the_newest_goes_on_where_it_was_cut(
    ledger: Ledger, records: list[Record]
) -> None:
    ids = find(records, Query(), EVERYTHING)
    after = RecipientId(ids[9])
    patient, ledger.search_patience = ledger.search_patience, NONE
    page = await ledger.search(Query(), EVERYTHING, limit=1000, after=after)
    assert (page.rows, page.cut) == ((), True)
    assert page.newer is not None
    ledger.search_patience = patient
    rest = await ledger.search(Query(), EVERYTHING, limit=1000, after=page.newer)
    assert [row.recipient.id for row in rest.rows] == ids[:9]


@pytest.mark.parametrize(("query", "word"), [(Query(), None), (QUERIES["a status"], "waiting")])
async def test_counts_that_are_not_complete_say_so(
    ledger: Ledger, records: list[Record], query: Query, word: str | None
) -> None:
    ledger.search_patience = NONE
    counts = await ledger.summarize(query, EVERYTHING)
    assert counts == dict.fromkeys(Status, 0)
    waiting = {Status.QUEUED, Status.DEFERRED, Status.HELD}
    assert counts.cut == (waiting if word else set(Status))


async def test_what_is_found_in_time_is_not_cut(ledger: Ledger, records: list[Record]) -> None:
    assert not (await ledger.search(Query(), EVERYTHING, limit=3)).cut
    assert (await ledger.summarize(Query(), EVERYTHING)).cut == set()
