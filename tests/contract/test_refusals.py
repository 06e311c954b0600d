"""Submissions that were not taken: kept, shown within their scope, and dropped with age."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.contract.ledger import EVERYTHING, Ledger
from tests.support.clock import START
from tests.support.mail import make_refusal
from tracker.model import Refusal, RefusalId, Scope
from tracker.search import Query

MINUTE = timedelta(minutes=1)


async def record(ledger: Ledger, count: int = 5) -> list[Refusal]:
    """Put refusals on record, a minute apart; return them newest first."""
    made = [make_refusal(now=START + n * MINUTE) for n in range(count)]
    await ledger.record_refusals(made)
    return made[::-1]


async def test_what_was_recorded_is_returned_newest_first(ledger: Ledger) -> None:
    made = await record(ledger)
    assert list((await ledger.refusals(Query(), EVERYTHING, limit=10)).rows) == made
    assert list((await ledger.refusals(Query(), EVERYTHING, limit=2)).rows) == made[:2]


async def test_what_is_repeated_is_there_once(ledger: Ledger) -> None:
    made = await record(ledger)
    await ledger.record_refusals([replace(made[0], reply="451 4.3.0 Another word"), *made])
    assert list((await ledger.refusals(Query(), EVERYTHING, limit=10)).rows) == made


async def test_nothing_may_be_recorded(ledger: Ledger) -> None:
    await ledger.record_refusals([])
    assert list((await ledger.refusals(Query(), EVERYTHING, limit=10)).rows) == []


async def test_pages_go_back_without_a_gap(ledger: Ledger) -> None:
    made, found = await record(ledger), list[Refusal]()
    before: RefusalId | None = None
    while page := (await ledger.refusals(Query(), EVERYTHING, limit=2, before=before)).rows:
        found += page
        before = page[-1].id
    assert found == made


async def test_a_range_has_its_beginning_and_not_its_end(ledger: Ledger) -> None:
    made = await record(ledger)
    since, until = START + MINUTE, START + 3 * MINUTE
    page = await ledger.refusals(Query(since=since, until=until), EVERYTHING, limit=10)
    assert list(page.rows) == made[2:4]


SCOPES = {
    "everything": (EVERYTHING, 3),
    "an account": (Scope(account="alice@example.com"), 1),
    "a domain": (Scope(domain="example.com"), 2),
    "another": (Scope(account="carol@example.net"), 0),
}


@pytest.mark.parametrize(("scope", "seen"), SCOPES.values(), ids=SCOPES.keys())
async def test_only_what_is_in_scope_is_shown(ledger: Ledger, scope: Scope, seen: int) -> None:
    accounts = ("alice@example.com", "bob@example.com", None)
    await ledger.record_refusals([make_refusal(account=account) for account in accounts])
    assert len((await ledger.refusals(Query(), scope, limit=10)).rows) == seen


@pytest.mark.parametrize(("cap", "counted"), [(4, 5), (5, 5), (6, 5), (2, 3)])
async def test_they_are_counted_and_no_further_than_is_wanted(
    ledger: Ledger, cap: int, counted: int
) -> None:
    await record(ledger)
    assert await ledger.count_refusals(Query(), EVERYTHING, cap=cap) == (counted, False)


@pytest.mark.parametrize(("scope", "seen"), SCOPES.values(), ids=SCOPES.keys())
async def test_only_what_is_in_scope_is_counted(ledger: Ledger, scope: Scope, seen: int) -> None:
    accounts = ("alice@example.com", "bob@example.com", None)
    await ledger.record_refusals([make_refusal(account=account) for account in accounts])
    since = Query(since=START)
    assert await ledger.count_refusals(since, scope) == (seen, False)
    assert await ledger.count_refusals(Query(until=START), scope) == (0, False)


async def test_what_is_old_is_dropped_in_steps(ledger: Ledger) -> None:
    made = await record(ledger)
    before = START + 3 * MINUTE
    assert await ledger.prune_refusals(before, 2) == 2
    assert await ledger.prune_refusals(before, 2) == 1
    assert await ledger.prune_refusals(before, 2) == 0
    assert list((await ledger.refusals(Query(), EVERYTHING, limit=10)).rows) == made[:2]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "' OR 1=1 --", "x" * 10_000, ""])
async def test_any_text_may_be_in_it(ledger: Ledger, text: str) -> None:
    refusal = replace(make_refusal(account=text), forward_path=text, reverse_path=text, reply=text)
    await ledger.record_refusals([refusal])
    (found,) = (await ledger.refusals(Query(), EVERYTHING, limit=10, before=None)).rows
    assert found.id == refusal.id
    page = await ledger.refusals(Query(), EVERYTHING, limit=10, before=RefusalId(text))
    assert page.rows in ((), (found,))
