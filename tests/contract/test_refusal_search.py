"""The search among what was not taken: against a filter in plain Python, and to its end in time."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contract.ledger import EVERYTHING, Ledger
from tests.contract.reference import find_refused
from tests.contract.test_search import DOMAINS, ODD, SCOPES, pieces, term
from tests.support.clock import START
from tests.support.mail import make_refusal
from tracker.model import Refusal, RefusalId, Scope
from tracker.search import Field, Query, Term
from tracker.sql.refusal_search import STEP
from tracker.views import Patience

HOUR = timedelta(hours=1)
ACCOUNTS = ["alice@example.com", "carol@example.net", None, "dave@example.com", "a@bücher.example"]
SENDERS = ["alice@example.com", "", "Bob.Smith@Sub.Example.com", "jürgen@Bücher.example"]
RECIPIENTS = ["bob@example.org", "", "Info@post.XN--BCHER-KVA.example", "x_y@sub.example.org", "a%"]
REPLIES = [
    "452 4.5.3 Too many recipients, send the rest in another transaction",
    "550 5.7.1 alice@example.com may not send as ÜBER@example.com",
    "553 5.1.7",
    "451",
    "550 5.7.10 Encryption",
]
CLIENTS = ["192.0.2.7", "192.0.2.70", "2001:db8::25"]
CODES = ["4", "45", "550", "5.7.1", "5.7", "4.", "9", "4.5.3", "5.", "2.0", "451"]


def _made() -> list[Refusal]:
    """Return refusals of every kind, oldest first, an hour apart."""
    kinds = list(product(ACCOUNTS, SENDERS, RECIPIENTS))
    return [
        replace(
            make_refusal(account=account, now=START + n * HOUR, forward_path=recipient),
            reverse_path=sender,
            reply=REPLIES[n % len(REPLIES)],
            client_address=CLIENTS[n % len(CLIENTS)],
        )
        for n, (account, sender, recipient) in enumerate(kinds)
    ]


@pytest.fixture
async def made(ledger: Ledger) -> list[Refusal]:
    made = _made()
    await ledger.record_refusals(made)
    return made


VALUES = st.one_of(
    pieces(),
    st.sampled_from([*SENDERS, *RECIPIENTS, *REPLIES, *CLIENTS, *ODD, *CODES, *DOMAINS]),
)
FIELDS = [Field.ANY, Field.TO, Field.FROM, Field.ACCOUNT, Field.TEXT, Field.IP, Field.CODE]
TERMS = st.builds(
    lambda field, value, exact, negated: Term(
        field=field, value=value, exact=exact, negated=negated
    ),
    st.sampled_from([*FIELDS, *Field]),
    VALUES,
    st.booleans(),
    st.booleans(),
)
MOMENTS = st.none() | st.integers(-1, 101).map(lambda n: START + n * HOUR)
QUERIES = st.builds(
    lambda terms, since, until: Query(terms=tuple(terms), since=since, until=until),
    st.lists(TERMS, max_size=3),
    MOMENTS,
    MOMENTS,
)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=QUERIES, scope=SCOPES, limit=st.sampled_from([1, 7, 1000]))
async def test_a_search_finds_what_a_plain_filter_finds(
    ledger: Ledger, made: list[Refusal], query: Query, scope: Scope, limit: int
) -> None:
    expected = find_refused(made, query, scope)
    page = await ledger.refusals(query, scope, limit=limit)
    assert [each.id for each in page.rows] == expected[:limit]
    assert (page.older is not None, page.cut) == (len(expected) > limit, False)
    count = await ledger.count_refusals(query, scope, cap=limit)
    assert count == (min(len(expected), limit + 1), False)


FINDS = {
    "part of an address": (term(Field.TO, "OB@exa"), True),
    "part is not the whole": (term(Field.TO, "bob@example", exact=True), False),
    "no sender": (term(Field.FROM, "", exact=True), True),
    "a domain in its other form": (term(Field.FROM, "@xn--bcher-kva.example"), True),
    "what lies below a domain": (term(Field.TO, "@*.bücher.example"), True),
    "a domain is whole": (term(Field.TO, "@xample.org"), False),
    "whose it was": (term(Field.ACCOUNT, "@example.net"), True),
    "an address anywhere": (term(Field.ANY, "dave"), True),
    "no words of the reply": (term(Field.ANY, "encryption"), False),
    "words of the reply": (term(Field.TEXT, "RECIPIENTS, send"), True),
    "beyond ASCII": (term(Field.TEXT, "über@"), True),
    "wildcards are characters": (term(Field.TO, "%@"), False),
    "a class of codes": (term(Field.CODE, "4"), True),
    "a whole enhanced code": (term(Field.CODE, "5.7.10"), True),
    "a class of enhanced codes": (term(Field.CODE, "5.7"), True),
    "not a part of a number": (term(Field.CODE, "5.7.10", exact=True), True),
    "nothing of success": (term(Field.CODE, "2"), False),
    "a whole client": (term(Field.IP, "2001:DB8:0::25"), True),
    "a part of a client": (term(Field.IP, "192.0.2."), True),
    "what it does not have": (term(Field.STATUS, "held"), False),
    "not what it does not have": (term(Field.STATUS, "held", negated=True), True),
}


@pytest.mark.parametrize(("query", "found"), FINDS.values(), ids=FINDS.keys())
async def test_what_is_found(
    ledger: Ledger, made: list[Refusal], query: Query, found: bool
) -> None:
    page = await ledger.refusals(query, EVERYTHING, limit=1000)
    assert [each.id for each in page.rows] == find_refused(made, query, EVERYTHING)
    assert bool(page.rows) is found


async def test_pages_of_a_search_leave_no_gap(ledger: Ledger, made: list[Refusal]) -> None:
    query, found = term(Field.CODE, "5"), list[str]()
    before: RefusalId | None = None
    while True:
        page = await ledger.refusals(query, EVERYTHING, limit=9, before=before)
        found += [each.id for each in page.rows]
        before = page.older
        if before is None:
            break
    assert found == find_refused(made, query, EVERYTHING)


@pytest.mark.parametrize("more", [0, 1], ids=["whole steps", "a step begun"])
async def test_what_lies_far_back_is_found(ledger: Ledger, more: int) -> None:
    """It takes several steps, and none of the rows at their ends is left out."""
    second = timedelta(seconds=1)
    made = [
        make_refusal(now=START + n * second, forward_path=f"{n % STEP in (0, STEP - 1)}@x.example")
        for n in range(2 * STEP + more)
    ]
    await ledger.record_refusals(made)
    query = term(Field.TO, "True")
    page = await ledger.refusals(query, EVERYTHING, limit=100)
    assert [each.id for each in page.rows] == find_refused(made, query, EVERYTHING)
    assert len(page.rows) == 4 + more
    assert not page.cut


async def test_a_search_goes_on_where_its_time_was_over(
    ledger: Ledger, made: list[Refusal]
) -> None:
    patience = ledger.search_patience
    query = term(Field.CODE, "5")
    ledger.search_patience = Patience(timedelta(0), timedelta(0))
    page = await ledger.refusals(query, EVERYTHING, limit=1000)
    assert (page.rows, page.cut) == ((), True)
    assert page.older is not None
    assert await ledger.count_refusals(query, EVERYTHING) == (0, True)
    further = await ledger.refusals(query, EVERYTHING, limit=1000, before=made[50].id)
    assert (further.older, further.cut) == (made[50].id, True)
    ledger.search_patience = patience
    rest = await ledger.refusals(query, EVERYTHING, limit=1000, before=page.older)
    assert [each.id for each in rest.rows] == find_refused(made, query, EVERYTHING)
