"""The search grammar."""

import contextlib
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tracker.search import (
    NOT_TAKEN,
    STATUS_WORDS,
    Field,
    Query,
    QueryError,
    Term,
    format_query,
    parse,
)

NOW = datetime(2026, 11, 3, 14, 30, 15, 123456, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = {
    name: ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
}


def read(text: str, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> Query:
    return parse(text, now=now, zone=zone)


def term(field: str, value: str, *, exact: bool = False, negated: bool = False) -> Term:
    return Term(field=Field(field), value=value, exact=exact, negated=negated)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        (" \t\n ", []),
        ("bob", [term("any", "bob")]),
        ("bob@example.org report", [term("any", "bob@example.org"), term("any", "report")]),
        ('"quarterly report"', [term("any", "quarterly report", exact=True)]),
        ("-bob", [term("any", "bob", negated=True)]),
        ('-"quarterly report"', [term("any", "quarterly report", exact=True, negated=True)]),
        ("to:bob@example.org", [term("to", "bob@example.org")]),
        ("TO:Bob@Example.org", [term("to", "Bob@Example.org")]),
        ('to:"bob@example.org"', [term("to", "bob@example.org", exact=True)]),
        ("-from:alice", [term("from", "alice", negated=True)]),
        ('text:"no such user"', [term("text", "no such user")]),
        ("from:<>", [term("from", "", exact=True)]),
        ('from:""', [term("from", "", exact=True)]),
        ("to:<bob@example.org>", [term("to", "bob@example.org")]),
        ("<one.two@mail.example.com>", [term("any", "one.two@mail.example.com")]),
        ("id:<one@example.com>", [term("id", "one@example.com")]),
        ("subject:Grüße", [term("subject", "Grüße")]),
        (r'subject:"say \"hi\" \\o/"', [term("subject", r'say "hi" \o/', exact=True)]),
        ('subject:a"b', [term("subject", 'a"b')]),
        ("subject:a:b", [term("subject", "a:b")]),
        ("subject:-x", [term("subject", "-x")]),
        ("mx:mx1.example.org", [term("mx", "mx1.example.org")]),
        ("ip:2001:db8::1", [term("ip", "2001:db8::1")]),
        ('to:"<bob@example.org>"', [term("to", "<bob@example.org>", exact=True)]),
        ("subject:<urgent>", [term("subject", "<urgent>")]),
        ("2001:db8::1", [term("any", "2001:db8::1")]),
        ("dead:beef::1", [term("any", "dead:beef::1")]),
        ("--x", [term("any", "-x", negated=True)]),
        ("12:30", [term("any", "12:30")]),
        ("50% a_b *", [term("any", "50%"), term("any", "a_b"), term("any", "*")]),
        ("code:550 code:4", [term("code", "550"), term("code", "4")]),
        ("code:5.1.1 code:5.1", [term("code", "5.1.1"), term("code", "5.1")]),
        ("code:4xx code:45", [term("code", "4"), term("code", "45")]),
        ("text:greylisted", [term("text", "greylisted")]),
        ("account:alice@example.com", [term("account", "alice@example.com")]),
        ("status:Deferred", [term("status", "deferred")]),
        ("-status:permanent", [term("status", "permanent", negated=True)]),
        ("status:uncertain", [term("status", "uncertain")]),
        ("status:Bounced-Later", [term("status", "returned")]),
        ("-side:Operator", [term("side", "operator", negated=True)]),
        ('status:"Temporarily rejected"', [term("status", "temporary", exact=True)]),
        ("status:permanently_rejected", [term("status", "permanent")]),
        ("status:canceled", [term("status", "cancelled")]),
        ("category:mailbox-full", [term("category", "mailbox-full")]),
        ("-category:Mailbox_Full", [term("category", "mailbox-full", negated=True)]),
        ("size:>1MB", [term("size", ">1MB")]),
        ("size:<10KB", [term("size", "<10KB")]),
        ("size:1MB..5MB", [term("size", "1MB..5MB")]),
        ("-size:<=1.5mib", [term("size", "<=1.5mib", negated=True)]),
        ("tls:Verified", [term("tls", "verified")]),
        ("attempts:0", [term("attempts", "0")]),
        ("attempts:>=3", [term("attempts", ">=3")]),
        ("attempts:1..3", [term("attempts", "1..3")]),
        ("ip:192.0.2.", [term("ip", "192.0.2.")]),
        ("to:@*.example.org", [term("to", "@*.example.org")]),
        ("or and not", [term("any", "or"), term("any", "and"), term("any", "not")]),
    ],
)
def test_terms(text: str, terms: list[Term]) -> None:
    assert read(text) == Query(terms=tuple(terms))


@pytest.mark.parametrize(
    "value",
    [
        "192.0.2",
        "192.0.2.",
        ".2.1",
        "55.0",
        "05.1.2.3",
        "7",
        "cafe",
        "2001:",
        "2001:DB8:",
        "db8::1",
        "::ffff:192.0.",
        ":7",
        "1:2:3:4:5:6:7::",
        "fe80::1%eth0",
        "[2001:db8::1]",
    ],
)
def test_what_may_be_a_piece_of_an_address_is_searched_for(value: str) -> None:
    assert read(f"ip:{value}") == Query(terms=(term("ip", value),))


@pytest.mark.parametrize("address", [IPv4Address, IPv6Address])
@given(st.data())
def test_every_piece_of_an_address_is_searched_for(
    address: type[IPv4Address | IPv6Address], data: st.DataObject
) -> None:
    most = 2**32 if address is IPv4Address else 2**128
    text = str(address(data.draw(st.integers(0, most - 1))))
    first = data.draw(st.integers(0, len(text) - 1))
    piece = text[first : data.draw(st.integers(first + 1, len(text)))]
    if piece.strip(".:"):
        assert read(f"ip:{piece}") == Query(terms=(term("ip", piece),))


@pytest.mark.parametrize("word", STATUS_WORDS)
def test_every_status_word_is_one(word: str) -> None:
    assert read(f"status:{word}").terms == (term("status", word),)
    assert STATUS_WORDS[word]


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("since:2d", "2026-11-01T14:30:15.123456", None),
        ("since:3h until:1h", "2026-11-03T11:30:15.123456", "2026-11-03T13:30:15.123456"),
        ("since:1d12h30m", "2026-11-02T02:00:15.123456", None),
        ("since:1w until:now", "2026-10-27T14:30:15.123456", "2026-11-03T14:30:15.123456"),
        ("since:today", "2026-11-02T23:00", None),
        ("until:today", None, "2026-11-03T23:00"),
        ("since:yesterday until:yesterday", "2026-11-01T23:00", "2026-11-02T23:00"),
        ("since:2026-11-01 until:2026-11-01", "2026-10-31T23:00", "2026-11-01T23:00"),
        ("since:2026-10 until:2026-10", "2026-09-30T22:00", "2026-10-31T23:00"),
        ("until:2026-12", None, "2026-12-31T23:00"),
        ("since:2026-11-01T14:30", "2026-11-01T13:30", None),
        ("until:2026-11-01T14:30:05", None, "2026-11-01T13:30:05"),
        ("since:2026-11-01T14:30Z", "2026-11-01T14:30", None),
        ("since:2026-11-01T14:30+05:30", "2026-11-01T09:00", None),
        ("since:9:05 until:14:30:15", "2026-11-03T08:05", "2026-11-03T13:30:15"),
        ('since:"2d"', "2026-11-01T14:30:15.123456", None),
        ("since:2d since:1d", "2026-11-02T14:30:15.123456", None),
        ("until:2d until:1d", None, "2026-11-01T14:30:15.123456"),
        # The day of 25 hours, and the midnight that belongs to it.
        ("since:2026-10-25 until:2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
        # The day of 23 hours.
        ("since:2026-03-29 until:2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
    ],
)
def test_times(text: str, since: str | None, until: str | None) -> None:
    query = read(text)
    assert query.terms == ()
    assert query.since == (utc(since) if since else None)
    assert query.until == (utc(until) if until else None)


@pytest.mark.parametrize(
    ("zone", "since"),
    [
        ("UTC", "2026-11-03T00:00"),
        ("Asia/Kolkata", "2026-11-02T18:30"),
        ("America/New_York", "2026-11-03T05:00"),
    ],
)
def test_today_is_the_viewers_day(zone: str, since: str) -> None:
    assert read("since:today", zone=ZONES[zone]).since == utc(since)


def test_today_just_after_local_midnight() -> None:
    now = utc("2026-11-02T23:30")
    assert read("since:today", now=now).since == utc("2026-11-02T23:00")
    assert read("since:yesterday", now=now).since == utc("2026-11-01T23:00")


def test_a_day_without_midnight_begins_with_the_change() -> None:
    query = parse("since:2026-09-06", now=NOW, zone=ZoneInfo("America/Santiago"))
    assert query.since == utc("2026-09-06T04:00")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sendr:bob", "no field “sendr:” in “sendr:bob”. Did you mean from:?"),
        ("form:bob", "Did you mean from:?"),
        ("colour:red", "in “colour:red”. Fields are to:"),
        ("recipient:bob", "Did you mean to:?"),
        ("before:today", "Did you mean until:?"),
        ("any:bob", "no field “any:”"),
        ("https://example.org/", "put them in quotation marks"),
        ("Re: hello", "no field “re:” in “Re:”"),
        ("to: bob", "“to:” needs something behind it, without a space"),
        ("-", "“-” needs something behind it"),
        ("<>", "“<>” has nothing to search for"),
        ('to:""', "has nothing to search for"),
        ('"bob', 'quotation mark of “"bob” is not closed'),
        ('to:"bob\\', "is not closed"),
        ('"bob"smith', 'Put a space behind “"bob"”'),
        ("status:delivred", "Did you mean status:delivered?"),
        ("status:zzz", "names no status. It can be queued, deferred"),
        ("code:abc", "“code:abc” names no code"),
        ("code:5500", "names no code"),
        ("category:mailbox-fill", "names no category. Did you mean category:mailbox-full?"),
        ("category:x", "It can be accepted, address-unknown"),
        ("size:1MB", "“size:1MB” names no size. Write size:>1MB, size:<=10KB or size:1MB..5MB."),
        ("size:>1", "names no size"),
        ("size:>1XB", "names no size"),
        ("size:5MB..1MB", "names no size"),
        ("size:..", "names no size"),
        ("tls:verify", "Did you mean tls:verified? It can be none, unverified, verified."),
        ("attempts:many", "names no number of attempts. Write attempts:3, attempts:>=3"),
        ("attempts:3..1", "names no number of attempts"),
        ("attempts:-1", "names no number of attempts"),
        ("ip:mail.example.org", "names no IP address"),
        ("ip:999.1.1.1", "“ip:999.1.1.1” names no IP address. Write one such as ip:192.0.2.1"),
        ('ip:"999.1.1.1"', "names no IP address"),
        ("-ip:192.0.2.256", "names no IP address"),
        ("ip:1.2.3.4.5", "names no IP address"),
        ("ip:1.2.3.4.", "names no IP address"),
        ("ip:192..2", "names no IP address"),
        ("ip:0192.0.2", "names no IP address"),
        ("ip:.", "names no IP address"),
        ("ip::", "names no IP address"),
        ("ip:12345", "names no IP address"),
        ("ip:2001:db8::1::2", "names no IP address"),
        ("ip:2001:db8:::1", "names no IP address"),
        ("ip:20012:db8::1", "names no IP address"),
        ("ip:1:2:3:4:5:6:7:8:9", "names no IP address"),
        ("ip:2001:db8.1", "names no IP address"),
        ("ip:192.0.2.0/24", "names a network"),
        ("to:@", "names no domain"),
        ("-from:@*.", "names no domain"),
        ("to:a OR to:b", "“OR” joins nothing"),
        ("rejected AND bob", "“AND” joins nothing"),
        ("status:temporary-rejected", "Did you mean status:temporary?"),
        ("reason:full", "Did you mean category:?"),
        ("since:tomorrow", "“since:tomorrow” names no time. Write 2d, 3h, today"),
        ("since:2026-13-01", "names no time"),
        ("since:2026-02-30", "names no time"),
        ("since:2026-00", "names no time"),
        ("since:25:00", "names no time"),
        ("since:999999w", "names no time"),
        ("since:2026-11-01T25:00", "names no time"),
        ("until:9999-12-31", "names no time"),
        ("since:0001-01-01", "names no time"),
        ("since:", "“since:” needs something behind it"),
        ("-since:2d", "cannot be negated; use until: instead"),
        ("-until:2d", "cannot be negated; use since: instead"),
        ("since:today until:yesterday", "since: is not before until:"),
        ("since:2026-11-01T02:30 until:2026-11-01T02:30", "or move one"),
        ("a\x00b", "“a\\x00b” has an invisible character"),
        ('"a\x1bb"', "invisible character"),
        ("a\ud800", "invisible character"),
        ("a " * 31, "at most 30 terms"),
        ("x" * 300 + ":y", "x…”"),
    ],
)
def test_what_is_wrong_and_how_to_mend_it(text: str, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        read(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600


CLUES = [
    "to:",
    "from:",
    "since:",
    "until:",
    "status:",
    "code:",
    "size:",
    "attempts:",
    "tls:",
    "-",
    '"',
    "\\",
    " ",
    ":",
    "<",
    ">",
]
VALUES = [
    "2d",
    "today",
    "2026-11-01",
    "550",
    "5.1.1",
    "delivered",
    "bob@example.org",
    "::1",
    "ü",
    ">=3",
    "1MB..5MB",
    "mailbox-full",
    "verified",
    "operator",
    "",
]
CHECKED = {
    Field.STATUS,
    Field.CODE,
    Field.CATEGORY,
    Field.SIZE,
    Field.SIDE,
    Field.TLS,
    Field.ATTEMPTS,
    Field.IP,
}
"""Fields behind which not every text may stand."""
pieces = st.lists(st.sampled_from(CLUES + VALUES) | st.text(max_size=6), max_size=12).map("".join)


@given(text=pieces | st.text(), zone=st.sampled_from(sorted(ZONES)))
def test_any_text_is_a_query_or_an_error(text: str, zone: str) -> None:
    with contextlib.suppress(QueryError):
        query = read(text, zone=ZONES[zone])
        assert len(query.terms) <= 30
        for moment in (query.since, query.until):
            assert moment is None or moment.utcoffset() == timedelta(0)


@given(text=pieces, zone=st.sampled_from(sorted(ZONES)))
def test_what_is_written_reads_the_same(text: str, zone: str) -> None:
    with contextlib.suppress(QueryError):
        query = read(text, zone=ZONES[zone])
        later = NOW + timedelta(days=400)
        assert read(format_query(query), now=later, zone=ZONES["Asia/Kolkata"]) == query


@given(
    st.lists(
        st.builds(
            Term,
            field=st.sampled_from(sorted(set(Field) - CHECKED)),
            value=st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20),
            exact=st.just(True),
            negated=st.booleans(),
        ).map(lambda term: replace(term, exact=term.field is not Field.TEXT)),
        max_size=5,
    )
)
def test_every_quoted_value_can_be_written(terms: list[Term]) -> None:
    query = Query(terms=tuple(terms), since=NOW - timedelta(days=3), until=NOW)
    assert read(format_query(query)) == query


def test_a_query_reads_well_when_written() -> None:
    text = 'to:bob@example.org "quarterly report" -status:delivered <a@b> from:""'
    written = format_query(read(text + " since:2026-11-01T00:00Z"))
    assert written == (
        'to:bob@example.org "quarterly report" -status:delivered a@b from:"" '
        "since:2026-11-01T00:00:00Z"
    )


def test_a_value_that_no_bare_word_can_hold_is_quoted() -> None:
    query = Query(terms=(term("subject", "two words"), term("any", "to:bob"), term("any", "-x")))
    assert format_query(query) == 'subject:"two words" "to:bob" "-x"'


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ['"\\', "a:", "-", ":", "0:", "ip:", "9d", "<", '" "', "x "])
def test_long_hostile_input_is_answered_at_once(unit: str) -> None:
    for text in (unit * 100_000, "since:" + unit * 100_000, '"' + unit * 100_000):
        with contextlib.suppress(QueryError):
            assert read(format_query(read(text))) == read(text)


# --- what has fewer fields ----------------------------------------------------------------------


LACKED = {
    "status:held": "“status:held” cannot be asked for: a submission that was not taken has no",
    '-subject:"An offer"': "has no subject. Search by to:, from:, ip:,",
    "is:held": "no field “is:” in “is:held”. Fields are to:, from:, ip:,",
    "clinet:1": "Did you mean ip:?",
    "attempts:0": "has no attempts",
    "id:x": "has no id",
    "tls:none": "has no delivery that could be encrypted",
}


@pytest.mark.parametrize(("text", "words"), LACKED.items(), ids=LACKED)
def test_a_field_that_is_not_there_is_named(text: str, words: str) -> None:
    with pytest.raises(QueryError) as problem:
        parse(text, now=NOW, zone=BERLIN, sought=NOT_TAKEN)
    assert words in str(problem.value)


@pytest.mark.parametrize(
    "text", ["bob", "-to:bob", 'text:"no such"', "code:5.7", "ip:192.0.2.", "account:@a.b since:2d"]
)
def test_what_is_there_reads_the_same(text: str) -> None:
    assert parse(text, now=NOW, zone=BERLIN, sought=NOT_TAKEN) == read(text)


@pytest.mark.parametrize(("length", "shown"), [(60, "x" * 60), (61, "x" * 60 + "…")])
def test_of_a_long_word_the_beginning_is_shown(length: int, shown: str) -> None:
    with pytest.raises(QueryError) as problem:
        read("status:" + "x" * (length - len("status:")))
    written = shown.replace("x" * len("status:"), "status:", 1)
    assert f"“{written}”" in str(problem.value)
