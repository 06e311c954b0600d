"""Whatever is asked from outside, looking does not raise: it finds nothing."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from tests.contract.ledger import EVERYTHING, Ledger
from tests.support.clock import START
from tests.support.mail import make_submission
from tracker.model import MessageId, RecipientId, Role, Scope
from tracker.search import Field, Query, Term

HOSTILE = {
    "NUL": "a\0b",
    "half a surrogate pair": "\ud800",
    "an octet that was no text": b"\xff".decode("utf-8", "surrogateescape"),
    "huge": "x" * 100_000,
    "placeholders": "?1 $1 %s {0} :a",
    "quotes": "' OR 1=1; -- \\\"",
    "nothing": "",
    "no character": "\U0010ffff",
    "beyond the calendar": "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "before the first id": "00000000000000000000000000",
}
TEXTS = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


@pytest.fixture
async def ledger(ledger: Ledger) -> Ledger:
    await ledger.accept(make_submission(), START, None)
    return ledger


@TEXTS
async def test_a_term_may_be_anything(ledger: Ledger, text: str) -> None:
    for field, exact, negated in product(Field, (False, True), (False, True)):
        term = Term(field=field, value=text, exact=exact, negated=negated)
        page = await ledger.search(Query(terms=(term,)), EVERYTHING, limit=10)
        counts = await ledger.summarize(Query(terms=(term,)), EVERYTHING)
        assert sum(counts.values()) == len(page.rows)
        # Nothing is on record that has it, but for what every text contains.
        assert bool(page.rows) is negated or (text == "" and not exact)


@TEXTS
async def test_the_bounds_of_a_page_may_be_anything(ledger: Ledger, text: str) -> None:
    bound = RecipientId(text)
    older = await ledger.search(Query(), EVERYTHING, limit=10, before=bound)
    newer = await ledger.search(Query(), EVERYTHING, limit=10, after=bound)
    assert len(older.rows) + len(newer.rows) == 1
    both = await ledger.search(Query(), EVERYTHING, limit=10, before=bound, after=bound)
    assert both.rows == ()


@TEXTS
async def test_a_scope_may_be_anything(ledger: Ledger, text: str) -> None:
    for scope in (Scope(account=text), Scope(domain=text)):
        assert (await ledger.search(Query(), scope, limit=10)).rows == ()
        assert await ledger.destinations(scope, 10) == []


@TEXTS
async def test_a_name_may_be_anything(ledger: Ledger, text: str) -> None:
    assert await ledger.timeline(MessageId(text), EVERYTHING) is None
    assert await ledger.destination(text) is None
    assert await ledger.account(text) is None
    assert not await ledger.set_role(text, Role.ADMIN)
    assert not await ledger.set_password_hash(text, "hash")
    assert not await ledger.remove_account(text)
    assert await ledger.session(text, START) is None
    await ledger.remove_session(text)


@TEXTS
async def test_whose_password_is_wrong_may_be_anything(ledger: Ledger, text: str) -> None:
    (times,) = await ledger.record_failure([text], START, timedelta(hours=1))
    assert times == [START]


async def test_a_balance_may_begin_at_any_time(ledger: Ledger) -> None:
    (balance,) = await ledger.balance(datetime.min.replace(tzinfo=UTC))
    assert (balance.accepted, balance.open) == (1, 1)
    assert await ledger.balance(datetime.max.replace(tzinfo=UTC)) == []
