"""What people paste into the search box."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.dsn import compose_dsn
from relay.log.delivery_line import delivery_line
from tests.support import bounces
from tests.support.clock import START
from tests.support.dsns import make_report
from tests.support.mail import make_attempt
from tracker.search import format_query, parse, recognize

OURS = "01K5CMAY7G000Q3T5H4Y1ZBDKX"

LINES = {
    "our id": (OURS, f"id:{OURS}"),
    "our id in small letters": (f" {OURS.lower()}\n", f"id:{OURS}"),
    "a page of ours": (f"https://mail.example.com/messages/{OURS}?open=1#x", f"id:{OURS}"),
    "an address of the API": (
        f"http://127.0.0.1:8080/api/v1/messages/{OURS}/attempts",
        f"id:{OURS}",
    ),
    "a field": ("Message-ID: <one@client.example.com>", 'id:"one@client.example.com"'),
    "a field without brackets": (
        "message-id:one@client.example.com",
        'id:"one@client.example.com"',
    ),
    "an id in brackets": (
        "<67c41a73.050a0220.1a2b3c.4d5e@mx.google.com>",
        'id:"67c41a73.050a0220.1a2b3c.4d5e@mx.google.com"',
    ),
    "as short an id as a program makes": (
        "<abcdefghijkl1234@mail.example>",
        'id:"abcdefghijkl1234@mail.example"',
    ),
    "what is too short for one": (
        "<a1b2c3d4e5f6g7h@mail.example>",
        '"a1b2c3d4e5f6g7h@mail.example"',
    ),
    "what has too few digits for one": (
        "<abcdefghijklmn123@mail.example>",
        '"abcdefghijklmn123@mail.example"',
    ),
    "an address in brackets": ("<bob@example.org>", '"bob@example.org"'),
    "a name and an address": ("Bob <bob@example.org>", '"bob@example.org"'),
    "a quoted name": ('"Bob: the best" <bob@example.org>;', '"bob@example.org"'),
    "a local part in quotation marks": (r'"b \"c"@example.org', r'"\"b \\\"c\"@example.org"'),
    "one at an address of IPv6": (
        '<"b c"@[IPv6:2001:db8::1]>',
        r'"\"b c\"@[IPv6:2001:db8::1]"',
    ),
    "a link to an address": ("mailto:bob%2Bx@example.org?subject=hi", '"bob+x@example.org"'),
    "an IP address": ("192.0.2.1", "ip:192.0.2.1"),
    "a long IP address": ("2001:0DB8:0::25", "ip:2001:db8::25"),
    "a literal": ("[IPv6:2001:db8::25]", "ip:2001:db8::25"),
    "a host and its address": ("mx1.example.org[198.51.100.25]:25", "ip:198.51.100.25"),
    "an address and a port": ("198.51.100.25:25", "ip:198.51.100.25"),
    "a reply of Postfix": ("250 2.0.0 Ok: queued as 4bXyZ12Q", 'id:"4bXyZ12Q"'),
    "a reply of ours": (f"250 2.0.0 Ok: queued as {OURS}", f"id:{OURS}"),
    "a reply of Exim": ("250 OK id=1tQabc-0001Ab-2C", 'id:"1tQabc-0001Ab-2C"'),
    "a reply without its code": ("queued as 4bXyZ12Q", 'id:"4bXyZ12Q"'),
    "a reply of Google": (
        "250 2.0.0 OK  1717430401 d9443c01a7336-1f632328d1dsi9012345ad.123 - gsmtp",
        'id:"d9443c01a7336-1f632328d1dsi9012345ad.123"',
    ),
    "a line of Postfix": (
        "Mar  2 10:00:01 mail postfix/smtp[9]: 4bXyZ10A: to=<bob@example.org>, "
        "relay=mx1.example.org[198.51.100.25]:25, delay=1, dsn=5.1.1, status=bounced (host said)",
        'to:"bob@example.org"',
    ),
    "a line of Postfix that gave it to us": (
        "Mar  2 10:00:01 mail postfix/smtp[9]: 4bXyZ10A: to=<bob@example.org>, relay=x, "
        f"status=sent (250 2.0.0 Ok: queued as {OURS})",
        f'id:{OURS} to:"bob@example.org"',
    ),
    "a line about a header": (
        "Mar  2 10:00:01 mail postfix/cleanup[9]: 4bXyZ10A: message-id=<one@client.example.com>",
        'id:"one@client.example.com"',
    ),
    "a line about a sender": (
        "Mar  2 10:00:01 mail postfix/qmgr[9]: 4bXyZ10A: from=<alice@example.com>, size=62",
        'from:"alice@example.com"',
    ),
}

REFUSALS = {
    "a refusal": ("550 5.1.1 User unknown", 'code:5.1.1 text:"User unknown"'),
    "one with an address in it": (
        "550 5.1.1 <bob@example.org>: Recipient address rejected: User unknown",
        'code:5.1.1 text:"<bob@example.org>: Recipient address rejected: User unknown"',
    ),
    "its codes alone": ("550 5.1.1", "code:550 code:5.1.1"),
    "one in quotation marks, cut short": (
        '"452 4.2.2 Mailbox is full, the owner has…"',
        'code:4.2.2 text:"Mailbox is full, the owner has"',
    ),
    "one of several lines": (
        "550-5.7.1 Messages from [192.0.2.25] weren't sent.\n550-5.7.1 Ask\n"
        "550 5.7.1 your provider",
        'code:5.7.1 text:"Messages from [192.0.2.25] weren\'t sent." text:"your provider"',
    ),
    "one of several lines in a box of one line": (
        "550-5.7.1 Messages from [192.0.2.25] weren't sent. 550-5.7.1 Ask 550 5.7.1 your provider",
        'code:5.7.1 text:"Messages from [192.0.2.25] weren\'t sent." text:"your provider"',
    ),
    "one of several lines without an enhanced code": (
        "554-Our filter\n554 has said no",
        'code:554 text:"has said no" text:"Our filter"',
    ),
    "one that a mail program broke": (
        "550 5.4.1 Recipient address rejected: Access\ndenied. For more information see",
        'code:5.4.1 text:"Recipient address rejected: Access" '
        'text:"denied. For more information see"',
    ),
    "one before the report that has an id": (
        "550 5.1.1 User unknown Final-Recipient: rfc822; bob@example.org Message-ID: "
        "<other@client.example.com> X-Original-Message-ID: <one@client.example.com>",
        'id:"one@client.example.com"',
    ),
    "one with a quotation mark": (
        '554 5.7.1 "computer" says "no" to it',
        r'code:5.7.1 text:"computer\" says \"no\" to it"',
    ),
}


@pytest.mark.parametrize(("text", "query"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal(text: str, query: str) -> None:
    assert recognize(text) == query


@pytest.mark.parametrize(("text", "query"), LINES.values(), ids=LINES.keys())
def test_a_line(text: str, query: str) -> None:
    assert recognize(text) == query


def test_a_line_of_our_own_log() -> None:
    report = make_report()
    recipient = report.recipients[0].recipient
    line = delivery_line(report.message, recipient, make_attempt(recipient), 9)
    assert (
        recognize(f"Mar  2 10:00:01 mail {line}") == f'id:{report.message.id} to:"bob@example.org"'
    )


BOUNCES = {
    "Postfix": (bounces.POSTFIX, 'id:"one@client.example.com"'),
    "Exim": (bounces.EXIM, 'id:"two@client.example.com"'),
    "Exchange": (bounces.EXCHANGE, 'id:"three@client.example.com"'),
    "Gmail": (bounces.GMAIL, 'id:"four@client.example.com"'),
    "qmail": (bounces.QMAIL, 'id:"five@client.example.com"'),
    "an envelope id": (bounces.ENVELOPE_ID_ONLY, 'id:"QQ+1"'),
    "no id at all": (bounces.NO_ID, 'to:"bob@example.org"'),
    "what Postfix writes for people": (
        bounces.POSTFIX.partition("us-ascii\n\n")[2].partition("\n--")[0],
        'to:"bob@example.org"',
    ),
    "what Exim writes for people": (
        bounces.EXIM.partition("\n\n")[2].partition("\n---")[0],
        'to:"bob@example.org"',
    ),
    "what qmail writes for people": (
        bounces.QMAIL.partition("\n\n")[2].partition("\n---")[0],
        'to:"bob@example.org"',
    ),
    "what Exchange writes for people": (
        bounces.EXCHANGE.partition("us-ascii")[2].partition("\n--")[0],
        'to:"bob@example.org"',
    ),
    "what Google writes for people": (
        bounces.GMAIL.partition("UTF-8")[2].partition("\n--")[0],
        'to:"bob@example.org"',
    ),
    "a report alone": (
        bounces.POSTFIX.partition("delivery-status\n\n")[2].partition("\n--")[0],
        'to:"bob@example.org"',
    ),
    "the header of a message": (
        "From: Alice <a@example.com>\nSubject: Figures\nMessage-ID:\n <one@client.example.com>\n",
        'id:"one@client.example.com"',
    ),
    "a message that came back through us": (
        bounces.QMAIL.replace(
            "Received: (qmail 12340",
            f"Received: from x by mail.example.com with ESMTPSA id {OURS};\nReceived: (qmail 12340",
        ),
        f"id:{OURS}",
    ),
    "several lines of a log": (
        "status please\npostfix/cleanup[9]: 4bX: message-id=<one@client.example.com>\n",
        'id:"one@client.example.com"',
    ),
}


@pytest.mark.parametrize(("text", "query"), BOUNCES.values(), ids=BOUNCES.keys())
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_bounce(text: str, query: str, ends: str) -> None:
    assert recognize(text.replace("\n", ends)) == query


@pytest.mark.parametrize("name", ["Postfix", "Exim", "Gmail"])
def test_a_bounce_in_a_box_of_one_line(name: str) -> None:
    text, query = BOUNCES[name]
    assert recognize(text.replace("\n", " ")) == query


def test_a_dsn_of_ours() -> None:
    report = make_report(original=b"Message-ID: <one@client.example.com>\r\n\r\nhello\r\n")
    assert recognize(compose_dsn(report).octets.decode()) == f"id:{report.message.id}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n ",
        "bob",
        "bob@example.org",
        "to:bob@example.org since:2d",
        "to:<bob@example.org>",
        "-<bob@example.org>",
        "from:<>",
        'subject:"delivery failed" to:bob',
        "undelivered mail to bob@example.org",
        "12:30",
        "550 invoices for Bob",
        "450-460 of them",
        "5.1.1",
        "mailto:nobody",
        "two\nlines",
        "https://example.org/",
    ],
)
def test_what_is_not_pasted(text: str) -> None:
    assert recognize(text) is None


CLUES = [
    "Message-ID: <a@b>",
    "Final-Recipient: rfc822; <x@y>",
    "MAILER-DAEMON@x",
    "From: a",
    "Subject: b",
    "\n",
    "\r\n\r\n",
    "to=<",
    "message-id=<",
    "mailto:%ff%00@x",
    "queued as ",
    "550 5.1.1 ",
    "452-",
    OURS,
    '"',
    "<",
    ">",
    "@",
    " ",
    "\0",
    "\ud800",
    "\u2028",
]


@given(st.text() | st.lists(st.sampled_from(CLUES) | st.text(max_size=5), max_size=15).map("".join))
def test_whatever_is_recognized_can_be_searched_for(text: str) -> None:
    query = recognize(text)
    if query is not None:
        read = parse(query, now=START, zone=ZoneInfo("UTC"))
        assert 1 <= len(read.terms) <= 3
        assert format_query(read) == query


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit",
    ["a", "a@", "<", " ", "\n", "Message-ID: ", "<a", '"', "mailer-daemon@", "[1.", "to=<a", "0-"],
)
def test_much_of_anything_is_read_at_once(unit: str) -> None:
    for before in ("", "From: x\nSubject: undeliverable\n\n", "250 "):
        recognize(before + unit * 300_000)
