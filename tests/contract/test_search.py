"""Search: against a filter in plain Python, within scopes, page by page."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract import population
from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    ids_of,
    pages_there_and_back,
    recipients,
)
from tests.contract.population import populate
from tests.contract.reference import Record, find
from tests.support.clock import START
from tests.support.mail import make_submission
from tracker.explain import Side
from tracker.model import RecipientId, Scope, Status
from tracker.search import STATUS_WORDS, Field, Query, Term
from tracker.search.query import TLS_WORDS

Records = list[Record]

PATIENT = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
async def records(ledger: Ledger) -> Records:
    return await populate(ledger)


# --- which values may stand in a term ----------------------------------------------------------

WORDS = [
    *population.SUBJECTS,
    *population.REVERSE_PATHS,
    *population.HEADER_FROMS,
    *population.FORWARD_PATHS,
    *population.HOSTS,
    *population.ADDRESSES,
    *(account for account in population.ACCOUNTS if account),
    *(queue_id for queue_id in population.QUEUE_IDS if queue_id),
    *(reply.text for reply in population.REPLIES),
    "<004.Serial@client0.example.com>",
    "192.0.2.1",
    "2001:DB8:0::25",
    "info@xn--bcher-kva.example",
    "INFO@post.bücher.example",
    "xn--hxajbheg2az3al",
    "MX.BÜCHER.EXAMPLE",
]
AMOUNTS = [
    ">=1KB",
    "<1KIB",
    ">1000B",
    "1KB..1001B",
    "=62B",
    "1KB",
    "0",
    ">1",
    "<=2",
    "1..2",
    "9..1",
]
ODD = ["%", "_", "'", '"', "\\", "*", "?", "' OR 1=1 --", "@", "é", "\x00", "😀", "x" * 60_000]
CODES = ["4", "45", "550", "5.7.1", "5.7", "4.", "9", "4.7.0", "25", "2.0"]
CATEGORIES = ["accepted", "greylisted", "Content-Spam", "uncertain", "no-reason", "", "nothing"]
DOMAINS = [
    "@example.org",
    "@EXAMPLE.net",
    "@sub.example.com",
    "@ample.org",
    "@",
    "@other.example",
    "@*.Example.org",
    "@*.example",
    "@*.",
    "@Bücher.example",
    "@*.xn--bcher-kva.example",
]


@st.composite
def pieces(draw: st.DrawFn) -> str:
    """Return a part of something that is on record, in any case, or something odd."""
    word = draw(st.sampled_from(WORDS))
    start = draw(st.integers(0, max(0, len(word) - 1)))
    end = draw(st.integers(start, len(word)))
    piece = draw(st.sampled_from([word, word[start:end]]))
    return draw(st.sampled_from([piece, piece.upper(), piece.lower()]))


def terms() -> st.SearchStrategy[Term]:
    values = st.one_of(pieces(), st.sampled_from(ODD + CODES + DOMAINS))
    texts = st.tuples(st.sampled_from(sorted(set(Field) - {Field.STATUS})), values)
    amounts = st.tuples(st.sampled_from([Field.SIZE, Field.ATTEMPTS]), st.sampled_from(AMOUNTS))
    categories = st.tuples(st.just(Field.CATEGORY), st.sampled_from(CATEGORIES))
    sides = st.tuples(st.just(Field.SIDE), st.sampled_from([*Side, "Sender", "nobody"]))
    tls = st.tuples(st.just(Field.TLS), st.sampled_from([*TLS_WORDS, "Verified", "no"]))
    codes = st.tuples(st.just(Field.CODE), st.sampled_from(CODES))
    statuses = st.tuples(
        st.just(Field.STATUS), st.sampled_from([*STATUS_WORDS, "Delivered", "", "no status"])
    )
    return st.builds(
        lambda pair, exact, negated: Term(
            field=pair[0], value=pair[1], exact=exact, negated=negated
        ),
        st.one_of(texts, codes, statuses, amounts, tls, sides, categories),
        st.booleans(),
        st.booleans(),
    )


MOMENTS = st.none() | st.integers(-1, population.MESSAGES).map(
    lambda n: START + n * population.SPACING
)

QUERIES = st.builds(
    lambda terms, since, until: Query(terms=tuple(terms), since=since, until=until),
    st.lists(terms(), max_size=3),
    MOMENTS,
    MOMENTS,
)

SCOPES = st.sampled_from(
    [
        EVERYTHING,
        Scope(account="alice@example.com"),
        Scope(domain="example.com"),
        Scope(domain="example.net"),
        Scope(account="nobody@example.com"),
    ]
)


# --- the whole grammar -------------------------------------------------------------------------


@PATIENT
@given(query=QUERIES, scope=SCOPES)
async def test_a_search_finds_what_a_plain_filter_finds(
    ledger: Ledger, records: Records, query: Query, scope: Scope
) -> None:
    page = await ledger.search(query, scope, limit=1000)
    assert [row.recipient.id for row in page.rows] == find(records, query, scope)
    assert (page.older, page.newer) == (None, None)


@PATIENT
@given(query=QUERIES, scope=SCOPES, cap=st.sampled_from([1, 3, 1000]))
async def test_a_summary_counts_what_a_search_finds(
    ledger: Ledger, records: Records, query: Query, scope: Scope, cap: int
) -> None:
    found = set(find(records, query, scope))
    counted = Counter(each.recipient.status for each in records if each.recipient.id in found)
    expected = {status: min(counted[status], cap + 1) for status in Status}
    assert await ledger.summarize(query, scope, cap=cap) == expected


def test_the_population_has_every_status() -> None:
    assert set(population.FATES) == set(Status)


def term(field: Field, value: str, *, exact: bool = False, negated: bool = False) -> Query:
    return Query(terms=(Term(field=field, value=value, exact=exact, negated=negated),))


FINDS = {
    "part of an address": (term(Field.TO, "ann@example"), True),
    "any case": (term(Field.TO, "ANN@EXAMPLE.NET"), True),
    "part is not the whole": (term(Field.TO, "ann", exact=True), False),
    "the whole in any case": (term(Field.TO, "ann@example.net", exact=True), True),
    "wildcards are characters": (term(Field.SUBJECT, "h%o"), False),
    "one wildcard is a character": (term(Field.SUBJECT, "hell_"), False),
    "beyond ASCII": (term(Field.SUBJECT, "ÜBERGR"), True),
    "Message-ID in brackets": (term(Field.ID, "<007.serial@client1.example.com>"), True),
    "the receiver's queue id": (term(Field.ID, "4bxyz12q"), True),
    "the client's own id": (term(Field.ID, "qq+1", exact=True), True),
    "a class of enhanced codes": (term(Field.CODE, "4.7"), True),
    "not a prefix of digits": (term(Field.CODE, "4.7.", exact=True), False),
    "the first digit of a code": (term(Field.CODE, "5"), True),
    "a second line of the reply": (term(Field.TEXT, "connections_%"), True),
    "a domain of the sender": (term(Field.FROM, "@sub.example.com"), True),
    "a domain is whole": (term(Field.FROM, "@ub.example.com"), False),
    "a whole domain with what lies below": (term(Field.TO, "@*.bücher.example"), True),
    "not only its last label": (term(Field.TO, "@*.cher.example"), False),
    "senders and recipients of a domain": (term(Field.ANY, "@bücher.example"), True),
    "accounts of a domain": (term(Field.ACCOUNT, "@example.net"), True),
    "a whole IP address": (term(Field.IP, "192.0.2.2"), True),
    "an IP address in another form": (term(Field.IP, "2001:DB8:0:0::25"), True),
    "a part of IP addresses": (term(Field.IP, "192.0.2."), True),
    "no part of a number": (term(Field.IP, "92.0.2.2"), False),
    "large": (term(Field.SIZE, ">=20KB"), True),
    "larger than all": (term(Field.SIZE, ">20KB"), False),
    "between two sizes": (term(Field.SIZE, "1001B..10KiB"), True),
    "beyond every number": (term(Field.SIZE, ">999999999999999TB"), False),
    "never tried": (term(Field.ATTEMPTS, "0"), True),
    "tried again and again": (term(Field.ATTEMPTS, ">=3"), True),
    "in clear text": (term(Field.TLS, "none"), True),
    "encrypted only": (term(Field.TLS, "unverified"), True),
    "verified": (term(Field.TLS, "verified"), True),
    "nobody knows": (term(Field.STATUS, "uncertain"), True),
    "a reason": (term(Field.CATEGORY, "greylisted"), True),
    "another reason": (term(Field.CATEGORY, "mailbox-full"), False),
    "somebody's fault": (term(Field.SIDE, "recipient"), True),
    "our fault": (term(Field.SIDE, "operator"), True),
    "nobody's side": (term(Field.SIDE, "them"), False),
    "what came back": (term(Field.STATUS, "returned"), True),
    "an unknown status": (term(Field.STATUS, "lost"), False),
    "two statuses at once": (
        Query(
            terms=(
                *term(Field.STATUS, "held").terms,
                *term(Field.STATUS, "bounced").terms,
                *term(Field.FROM, "alice").terms,
            )
        ),
        False,
    ),
}


@pytest.mark.parametrize(("query", "found"), FINDS.values(), ids=FINDS.keys())
async def test_what_is_found(ledger: Ledger, records: Records, query: Query, found: bool) -> None:
    page = await ledger.search(query, EVERYTHING, limit=1000)
    assert [row.recipient.id for row in page.rows] == find(records, query, EVERYTHING)
    assert bool(page.rows) is found


async def test_our_ids_are_found_within_their_scope_only(ledger: Ledger, records: Records) -> None:
    hers = next(each for each in records if each.message.account == "alice@example.com")
    for value in (hers.recipient.id, hers.message.id, hers.message.id.lower()):
        for scope, seen in (
            (EVERYTHING, True),
            (Scope(account="alice@example.com"), True),
            (Scope(account="carol@example.net"), False),
            (Scope(domain="example.net"), False),
        ):
            page = await ledger.search(term(Field.ID, value), scope, limit=10)
            found = [row.recipient.id for row in page.rows]
            assert (hers.recipient.id in found) is seen


async def test_a_row_has_its_message_and_its_last_attempt(ledger: Ledger, records: Records) -> None:
    page = await ledger.search(Query(), EVERYTHING, limit=1000)
    by_id = {each.recipient.id: each for each in records}
    sizes = Counter(each.message.id for each in records)
    assert len(page.rows) == len(by_id)
    for row in page.rows:
        record = by_id[row.recipient.id]
        assert row.recipient == record.recipient
        assert row.message == record.message
        assert row.last_attempt == (record.attempts[-1] if record.attempts else None)
        assert row.recipients_of_message == sizes[record.message.id]


# --- paging ------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize(
    "query",
    [Query(), term(Field.STATUS, "waiting"), term(Field.STATUS, "waiting", negated=True)],
    ids=["everything", "some statuses", "the other statuses"],
)
async def test_pages_there_and_back_are_the_whole(
    ledger: Ledger, records: Records, limit: int, query: Query
) -> None:
    expected = find(records, query, EVERYTHING)
    there, back = await pages_there_and_back(ledger, query, limit)
    assert there[0].newer is None
    assert ids_of(there) == expected
    assert [len(each.rows) for each in there[:-1]] == [limit] * (len(there) - 1)
    assert ids_of(reversed(back)) == expected

    ids = await ledger.search_ids(query, EVERYTHING, limit=limit)
    of_pages = [ids]
    while ids.older is not None:
        ids = await ledger.search_ids(query, EVERYTHING, limit=limit, before=ids.older)
        of_pages.append(ids)
    assert [each.ids for each in of_pages] == [
        tuple(row.recipient.id for row in each.rows) for each in there
    ]


async def test_mail_that_arrives_does_not_move_older_pages(
    ledger: Ledger, records: Records
) -> None:
    first = await ledger.search(Query(), EVERYTHING, limit=10)
    assert first.older is not None
    before = await ledger.search(Query(), EVERYTHING, limit=10, before=first.older)
    later = START + population.MESSAGES * population.SPACING
    await ledger.accept(make_submission(now=later), later, None)
    assert await ledger.search(Query(), EVERYTHING, limit=10, before=first.older) == before
    newest = first.rows[0].recipient.id
    (row,) = (await ledger.search(Query(), EVERYTHING, limit=10, after=newest)).rows
    assert row.message.accepted_at == later


async def test_both_ends_bound_a_page(ledger: Ledger, records: Records) -> None:
    ids = find(records, Query(), EVERYTHING)
    before, after = RecipientId(ids[2]), RecipientId(ids[6])
    page = await ledger.search(Query(), EVERYTHING, limit=50, before=before, after=after)
    assert [row.recipient.id for row in page.rows] == ids[3:6]


async def test_an_empty_page_leads_nowhere(ledger: Ledger) -> None:
    oldest = RecipientId("0" * 26)
    page = await ledger.search(Query(), EVERYTHING, limit=10, before=oldest)
    assert (page.rows, page.older, page.newer) == ((), None, None)


async def test_the_time_range_is_exact_to_the_microsecond(ledger: Ledger) -> None:
    tick = timedelta(microseconds=1)
    moments = [START + n * tick for n in range(-1500, 1500, 7)]
    for moment in moments:
        await ledger.accept(make_submission(now=moment), moment, None)
    for bound in moments[::50]:
        since = await recipients(ledger, Query(since=bound))
        assert [each.status_since for each in since] == [m for m in moments if m >= bound]
        until = await recipients(ledger, Query(until=bound))
        assert [each.status_since for each in until] == [m for m in moments if m < bound]


async def test_a_time_range_may_begin_before_any_id_could_be_made(
    ledger: Ledger, records: Records
) -> None:
    ever = Query(since=datetime.min.replace(tzinfo=UTC), until=datetime.max.replace(tzinfo=UTC))
    assert len(await recipients(ledger, ever)) == len(records)
    never = Query(until=datetime(1960, 1, 1, tzinfo=UTC))
    assert await recipients(ledger, never) == []
