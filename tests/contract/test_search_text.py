"""Search from the text that people write: names in two alphabets, days of 23 and 25 hours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.ledger import EVERYTHING, Ledger, recipients
from tests.contract.population import populate
from tests.contract.reference import Record, find
from tests.support.clock import START
from tests.support.mail import make_submission
from tracker.search import format_query, parse

BERLIN = ZoneInfo("Europe/Berlin")

PATIENT = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
async def records(ledger: Ledger) -> list[Record]:
    return await populate(ledger)


async def found(ledger: Ledger, text: str, zone: ZoneInfo = BERLIN) -> list[str]:
    """Return the ids that a text finds, newest first."""
    query = parse(text, now=START + timedelta(days=30), zone=zone)
    page = await ledger.search(query, EVERYTHING, limit=1000)
    return [row.recipient.id for row in page.rows]


TWICE = {
    "a recipient": ("to:info@bücher.example", "to:INFO@xn--bcher-kva.example"),
    "the whole of it": ('to:"info@Bücher.example"', 'to:"info@xn--bcher-kva.example"'),
    "a sender": ("from:jürgen@bücher.example", "from:jürgen@XN--BCHER-KVA.EXAMPLE"),
    "a recipient's domain": ("to:@bücher.example", "to:@xn--bcher-kva.example"),
    "what lies below": ("to:@*.BÜCHER.example", "to:@*.xn--bcher-kva.example"),
    "a sender's domain": ("from:@bücher.example", "from:@xn--bcher-kva.example"),
    "a bare domain": ("@bücher.example", "@xn--bcher-kva.example"),
    "a bare word": ("bücher.example", "xn--bcher-kva.example"),
    "a bare label": ("παράδειγμα", "xn--hxajbheg2az3al"),
    "a server": ("mx:mx.bücher.example", "mx:mx.xn--bcher-kva.example"),
}


@pytest.mark.parametrize(("one", "other"), TWICE.values(), ids=TWICE.keys())
async def test_both_forms_of_a_domain_are_one(
    ledger: Ledger, records: list[Record], one: str, other: str
) -> None:
    ids = await found(ledger, one)
    assert ids
    assert ids == await found(ledger, other)
    assert sorted(ids + await found(ledger, f"-{one}")) == sorted(
        each.recipient.id for each in records
    )


WORDS = [
    "to:@example.org",
    "-to:@*.example.org",
    'from:""',
    "-from:<>",
    'subject:"hello"',
    "-subject:hello",
    'subject:"100% off_today"',
    "ÜBERGRÖSSE",
    "-bücher",
    "size:<1KB",
    "size:1000B..1KiB",
    "attempts:>1",
    "-attempts:0",
    "tls:verified",
    "-tls:none",
    "status:uncertain",
    "-status:uncertain",
    'status:"temporarily rejected"',
    "status:permanent",
    "code:4.7",
    "category:greylisted",
    "-category:accepted",
    "-code:5xx",
    "ip:192.0.2.1",
    "account:@example.com",
    'id:"<007.serial@client1.example.com>"',
    "since:2026-03-03",
    "until:2026-03-05T07:30",
]


@PATIENT
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True))
async def test_a_text_finds_what_a_plain_filter_finds(
    ledger: Ledger, records: list[Record], words: list[str]
) -> None:
    text = " ".join(words)
    query = parse(text, now=START + timedelta(days=30), zone=BERLIN)
    ids = await found(ledger, text)
    assert ids == find(records, query, EVERYTHING)
    assert ids == await found(ledger, format_query(query), ZoneInfo("Asia/Kolkata"))


DAYS = {
    "23 hours": ("Europe/Berlin", date(2026, 3, 29), 23),
    "25 hours": ("Europe/Berlin", date(2026, 10, 25), 25),
    "25 hours, west": ("America/New_York", date(2026, 11, 1), 25),
    "no midnight": ("America/Santiago", date(2026, 9, 6), 23),
    "half an hour less": ("Australia/Lord_Howe", date(2026, 10, 4), 23),
}


@pytest.mark.parametrize(("name", "day", "hours"), DAYS.values(), ids=DAYS.keys())
async def test_a_day_is_the_viewers_day(ledger: Ledger, name: str, day: date, hours: int) -> None:
    zone = ZoneInfo(name)
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    for n in range(-30, 31):
        now = noon + timedelta(hours=n)
        await ledger.accept(make_submission(now=now), now, None)
    query = parse(f"since:{day} until:{day}", now=START, zone=zone)
    on_the_day = await recipients(ledger, query)
    page = await ledger.search(query, EVERYTHING, limit=100)
    assert len(on_the_day) == hours
    assert {row.message.accepted_at.astimezone(zone).date() for row in page.rows} == {day}
