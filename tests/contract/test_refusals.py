"""Submissions that were not taken: kept, shown within their scope, and dropped with age."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.contract.ledger import EVERYTHING, Ledger
from tests.support.clock import START
from tests.support.mail import make_refusal
from tracker.model import Refusal, RefusalId, Scope
from tracker.search import Field, Query, Term
from tracker.sql.refusals import LOOKED_AT

MINUTE = timedelta(minutes=1)


async def record(ledger: Ledger, count: int = 5) -> list[Refusal]:
    """Put refusals on record, a minute apart; return them newest first."""
    made = [make_refusal(now=START + n * MINUTE) for n in range(count)]
    await ledger.record_refusals(made)
    return made[::-1]


async def test_what_was_recorded_is_returned_newest_first(ledger: Ledger) -> None:
    made = await record(ledger)
    assert list(await ledger.refusals(EVERYTHING, limit=10)) == made
    assert list(await ledger.refusals(EVERYTHING, limit=2)) == made[:2]


async def test_what_is_repeated_is_there_once(ledger: Ledger) -> None:
    made = await record(ledger)
    await ledger.record_refusals([replace(made[0], reply="451 4.3.0 Another word"), *made])
    assert list(await ledger.refusals(EVERYTHING, limit=10)) == made


async def test_nothing_may_be_recorded(ledger: Ledger) -> None:
    await ledger.record_refusals([])
    assert list(await ledger.refusals(EVERYTHING, limit=10)) == []


async def test_pages_go_back_without_a_gap(ledger: Ledger) -> None:
    made, found = await record(ledger), list[Refusal]()
    before: RefusalId | None = None
    while page := await ledger.refusals(EVERYTHING, limit=2, before=before):
        found += page
        before = page[-1].id
    assert found == made


async def test_a_range_has_its_beginning_and_not_its_end(ledger: Ledger) -> None:
    made = await record(ledger)
    since, until = START + MINUTE, START + 3 * MINUTE
    assert list(await ledger.refusals(EVERYTHING, since=since, until=until, limit=10)) == made[2:4]


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
    assert len(await ledger.refusals(scope, limit=10)) == seen


async def test_what_is_old_is_dropped_in_steps(ledger: Ledger) -> None:
    made = await record(ledger)
    before = START + 3 * MINUTE
    assert await ledger.prune_refusals(before, 2) == 2
    assert await ledger.prune_refusals(before, 2) == 1
    assert await ledger.prune_refusals(before, 2) == 0
    assert list(await ledger.refusals(EVERYTHING, limit=10)) == made[:2]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "' OR 1=1 --", "x" * 10_000, ""])
async def test_any_text_may_be_in_it(ledger: Ledger, text: str) -> None:
    refusal = replace(make_refusal(account=text), forward_path=text, reverse_path=text, reply=text)
    await ledger.record_refusals([refusal])
    (found,) = await ledger.refusals(EVERYTHING, limit=10, before=None)
    assert found.id == refusal.id
    assert await ledger.refusals(EVERYTHING, limit=10, before=RefusalId(text)) in ([], [found])


# --- searching ----------------------------------------------------------------------------------

FULL = "550 5.1.1 Nobody like that; see Ünder https://example.com/Help"
POPULATION = [
    make_refusal(),
    make_refusal(forward_path="Bob+100%@EXAMPLE.org", reply="550 5.7.1 Not for this client"),
    replace(
        make_refusal(account="carol@example.net"), reverse_path="", client_address="2001:db8::9"
    ),
    replace(make_refusal(account=None), forward_path="info@bücher.example", reply=FULL),
    replace(make_refusal(account="dave@sub.example.com"), reply="550 5.7.10 Encrypt it"),
    replace(make_refusal(), forward_path="", command="MAIL", reply="421"),
]
SEARCHES: list[tuple[Field, str, bool, set[int]]] = [
    (Field.ANY, "bob", False, {0, 1, 2, 4}),
    (Field.ANY, "carol", False, {2}),
    (Field.ANY, "192.0.2", False, {0, 1, 3, 4, 5}),
    (Field.ANY, "encrypt", False, {4}),
    (Field.ANY, "@example.org", False, {0, 1, 2, 4}),
    (Field.TO, "bob@example.org", True, {0, 2, 4}),
    (Field.TO, "100%", False, {1}),
    (Field.TO, "100_", False, set()),
    (Field.TO, "@bücher.example", False, {3}),
    (Field.TO, "@xn--bcher-kva.example", False, {3}),
    (Field.TO, "@ample.org", False, set()),
    (Field.FROM, "ALICE", False, {0, 1, 3, 4, 5}),
    (Field.FROM, "", True, {2}),
    (Field.IP, "2001:DB8:0::9", False, {2}),
    (Field.IP, "192.0.2.7", False, {0, 1, 3, 4, 5}),
    (Field.IP, "2.0.2", False, {0, 1, 3, 4, 5}),
    (Field.CODE, "5", False, {1, 3, 4}),
    (Field.CODE, "421", True, {5}),
    (Field.CODE, "42", True, set()),
    (Field.CODE, "5.7.1", False, {1}),
    (Field.CODE, "5.7", False, {1, 4}),
    (Field.CODE, "5.7", True, set()),
    (Field.TEXT, "ünder", False, {3}),
    (Field.TEXT, "550 5.7.10 encrypt it", True, {4}),
    (Field.TEXT, "' OR 1=1 --", False, set()),
    (Field.ACCOUNT, "alice", False, {0, 1, 5}),
    (Field.ACCOUNT, "@example.com", False, {0, 1, 5}),
    (Field.ACCOUNT, "@*.example.com", False, {0, 1, 4, 5}),
]


@pytest.mark.parametrize("negated", [False, True], ids=["with", "without"])
async def test_a_search_finds_what_a_term_asks_for_and_without_it_the_rest(
    ledger: Ledger, negated: bool
) -> None:
    await ledger.record_refusals(POPULATION)
    for field, value, exact, numbers in SEARCHES:
        wanted = set(range(len(POPULATION))) - numbers if negated else numbers
        term = Term(field=field, value=value, exact=exact, negated=negated)
        page = await ledger.search_refusals(Query(terms=(term,)), EVERYTHING, limit=10)
        assert set(page.refusals) == {POPULATION[n] for n in wanted}, term
        assert (page.older, page.cut) == (None, False)


async def test_all_terms_of_a_search_hold_and_so_does_its_range(ledger: Ledger) -> None:
    made = await record(ledger)
    terms = (Term(field=Field.TO, value="bob"), Term(field=Field.CODE, value="5", negated=True))
    query = Query(terms=terms, since=START + MINUTE, until=START + 3 * MINUTE)
    page = await ledger.search_refusals(query, EVERYTHING, limit=10)
    assert list(page.refusals) == made[2:4]


async def test_pages_of_a_search_go_back_without_a_gap(ledger: Ledger) -> None:
    made, found = await record(ledger), list[Refusal]()
    query = Query(terms=(Term(field=Field.FROM, value="alice"),))
    page = await ledger.search_refusals(query, EVERYTHING, limit=2)
    found += page.refusals
    while page.older is not None:
        assert len(page.refusals) == 2
        page = await ledger.search_refusals(query, EVERYTHING, limit=2, before=page.older)
        found += page.refusals
    assert found == made


async def test_a_search_among_masses_ends_and_says_where_it_goes_on(ledger: Ledger) -> None:
    wanted = make_refusal(now=START, forward_path="needle@example.org")
    await ledger.record_refusals([wanted])
    later = START + MINUTE
    await ledger.record_refusals([make_refusal(now=later) for _ in range(LOOKED_AT)])
    query = Query(terms=(Term(field=Field.TO, value="needle"),))
    page = await ledger.search_refusals(query, EVERYTHING, limit=10)
    assert (page.refusals, page.cut) == ((), True)
    rest = await ledger.search_refusals(query, EVERYTHING, limit=10, before=page.older)
    assert (rest.refusals, rest.older, rest.cut) == ((wanted,), None, False)
