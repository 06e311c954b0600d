"""What one pass over a header finds, and what it survives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.submission.header import FACT_LIMIT, HEADER_LIMIT, Header, decode_text, read_header


def read(octets: bytes) -> Header:
    return read_header(octets[:HEADER_LIMIT], len(octets))


def test_facts() -> None:
    header = read(
        b"Received: from a by b; date\r\n"
        b"subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?Q?_aus?=\r\n"
        b"From:\tBob <bob@x.org>\r\n"
        b"Message-ID: <1@x.org>\r\n"
        b"DATE: Mon, 2 Mar 2026 09:00:00 +0000\r\n"
        b"Subject: second\r\n"
        b"\r\n"
        b"Received: not a field any more\r\n"
    )
    assert header.facts.subject == "Grüße aus"
    assert header.facts.header_from == "Bob <bob@x.org>"
    assert header.facts.message_id == "1@x.org"
    assert header.facts.date == "Mon, 2 Mar 2026 09:00:00 +0000"
    assert header.received == 1
    assert header.is_present
    assert header.is_complete
    assert header.has_date
    assert header.has_message_id


@pytest.mark.parametrize(
    ("octets", "is_present"),
    [
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"\r\nbody\r\n", False, id="empty header"),
        pytest.param(b"hello\r\n", False, id="no field"),
        pytest.param(b" Subject: x\r\n", False, id="continuation of nothing"),
        pytest.param(b"Subject: x", True, id="no line end"),
        pytest.param(b"Subject:\r\n\r\n", True, id="empty field"),
    ],
)
def test_presence(octets: bytes, is_present: bool) -> None:
    assert read(octets).is_present is is_present


def test_received_fields_end_with_the_header() -> None:
    octets = b"Received: a\r\n\tb\r\n" * 7 + b"no field\r\n" + b"Received: a\r\n"
    assert read(octets).received == 7


@pytest.mark.parametrize(
    ("octets", "is_complete"),
    [
        pytest.param(b"X: y\r\n" * 1000 + b"\r\n" + b"b\r\n" * HEADER_LIMIT, True, id="body"),
        pytest.param(b"b\r\n" * HEADER_LIMIT, True, id="no header at all"),
        pytest.param(b"X: y\r\n" * (HEADER_LIMIT // 5), False, id="fields only"),
        pytest.param(b"X: y\r\n" + b" y\r\n" * HEADER_LIMIT, False, id="one endless field"),
    ],
)
def test_a_header_beyond_the_limit_is_noticed(octets: bytes, is_complete: bool) -> None:
    assert read(octets).is_complete is is_complete


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(b"plain", "plain", id="plain"),
        pytest.param("Grüße".encode(), "Grüße", id="raw UTF-8"),
        pytest.param(b"=?iso-8859-1?q?J=F6rg?= <a@x.org>", "Jörg <a@x.org>", id="latin 1"),
        pytest.param(b"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße", id="base64"),
        pytest.param(b"=?UTF-8?B?R3LDvMOfZQ?=", "Grüße", id="base64 without padding"),
        pytest.param(b"=?utf-8?b?R3LD?= =?utf-8?b?vMOfZQ==?=", "Grüße", id="split character"),
        pytest.param(b"=?utf-8*de?q?=C3=BC?=", "ü", id="language (RFC 2231)"),
        pytest.param(b"a =?utf-8?q?b?= c", "a b c", id="white space around"),
        pytest.param(b"=?utf-8?q?a?= =?iso-8859-1?q?=E4?=", "aä", id="two character sets"),
        pytest.param(b"=?x-none?q?a=FFb?=", "a\ufffdb", id="unknown character set"),
        pytest.param(b"=?idna?q?xn--a?=", "xn--a", id="codec that is no character set"),
        pytest.param(b"=?hex?q?4142?=", "4142", id="codec of octets"),
        pytest.param(b"=?utf-8?q?a=00=0D=0Ab?=", "a b", id="hidden line end"),
        pytest.param(b"=?utf-8?x?a?=", "=?utf-8?x?a?=", id="unknown encoding"),
        pytest.param(b"\xff\xfe", "\ufffd\ufffd", id="neither"),
        pytest.param(b"one\r\n two", "one two", id="folded"),
    ],
)
def test_decoding(value: bytes, text: str) -> None:
    assert decode_text(value) == text


def test_a_lone_surrogate_does_not_get_through() -> None:
    assert decode_text(b"a=?utf-7?q?+2AA-?=b").encode().startswith(b"a")


def test_facts_are_bounded() -> None:
    assert len(decode_text(b"x" * 100_000)) == FACT_LIMIT
    assert len(decode_text(b"=?utf-8?q?" + b"=20x" * 50_000 + b"?=")) <= FACT_LIMIT


PIECES = st.sampled_from(
    [
        *b"=? ?= ?q? ?B? utf-8 utf-7 utf-16 = : Subject Received From idna _ +2AA- == <".split(),
        *(b"\r\n ", b"\r\n", b"\0", b"\xff", b">"),
    ]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=40))
def test_nothing_makes_it_raise(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    facts = read(b"Subject: " + octets).facts
    for value in (facts.subject, facts.message_id, facts.header_from, facts.date):
        assert len(value) <= FACT_LIMIT
        value.encode()
        assert not any(character in value for character in "\r\n\0")
    read(octets)
