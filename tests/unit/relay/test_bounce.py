"""What is read of reports that come later; all of it is hostile."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.bounce import Failure, NoReport, read_report
from relay.dsn import Action, compose_dsn
from tests.support.dsns import make_report
from tests.support.mail import CONTENT

OUR_ID = "01KJQDJGR0E00ADDB77VMXN1PT"
RETURNED = f"""\
Received: from client.example.com ([192.0.2.7])
 by mail.example.com with ESMTPSA id {OUR_ID}; Mon, 2 Mar 2026 09:00:00 +0000
Received: from elsewhere by client.example.com id 4bXyZ12Q; Mon, 2 Mar 2026 08:59:59 +0000
Message-ID: <one@client.example.com>
Subject: hello
"""
STATUS = """\
Reporting-MTA: dns; mx1.example.org
Original-Envelope-Id: QQ+1
Arrival-Date: Mon, 2 Mar 2026 09:00:05 +0000

Original-Recipient: rfc822;bob@example.org
Final-Recipient: rfc822; robert@inside.example.org
Action: failed
Status: 5.1.1 (bad destination mailbox address)
Diagnostic-Code: smtp; 550-5.1.1 No such user;
    550 5.1.1 see https://example.org/help

Final-Recipient: rfc822;carol@example.org
Action: delayed
Status: 4.4.1
"""


def report(
    status: str = STATUS,
    returned: str = RETURNED,
    status_type: str = "message/delivery-status",
    returned_type: str = "text/rfc822-headers",
) -> bytes:
    text = f"""\
From: MAILER-DAEMON@mx1.example.org
To: alice@example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="b1/example.org"

This is a MIME-encapsulated message.

--b1/example.org
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1/example.org
Content-Type: {status_type}

{status}
--b1/example.org
Content-Type: {returned_type}

{returned}
--b1/example.org--
"""
    return text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_report_is_read(line_end: bytes) -> None:
    found = read_report(report().replace(b"\r\n", line_end))
    assert found.reporting_mta == "mx1.example.org"
    assert found.envelope_id == "QQ+1"
    assert found.message_id == "one@client.example.com"
    assert found.ours == (OUR_ID,)
    assert found.arrived_at == datetime(2026, 3, 2, 9, 0, 5, tzinfo=UTC)
    assert found.failures == (
        Failure(
            final_recipient="robert@inside.example.org",
            original_recipient="bob@example.org",
            status="5.1.1",
            diagnostic="smtp; 550-5.1.1 No such user;\n550 5.1.1 see https://example.org/help",
        ),
    ), "the other one is delayed, which is no failure"


def test_the_whole_message_may_come_back() -> None:
    found = read_report(report(returned=RETURNED + "\nhello\n", returned_type="message/rfc822"))
    assert found.message_id == "one@client.example.com"


def test_a_report_inside_a_message_is_found() -> None:
    outer = b"Subject: fwd\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nlook!\r\n"
    outer += b"--x\r\nContent-Type: message/rfc822\r\n\r\n" + report() + b"\r\n--x--\r\n"
    assert read_report(outer) == read_report(report())


def test_our_own_reports_are_read() -> None:
    """As another relay of ours writes them."""
    made = compose_dsn(make_report(action=Action.FAILED, original=CONTENT))
    found = read_report(made.octets)
    assert found.reporting_mta == "mail.example.com"
    assert found.message_id == "one@client.example.com"
    (failure,) = found.failures
    assert failure.final_recipient == "bob@example.org"
    assert failure.diagnostic == "smtp; 550 5.1.1 No such user"


def test_international_addresses_are_read() -> None:
    status = STATUS.replace("rfc822; robert@inside", "utf-8; μαρία@inside")
    found = read_report(report(status=status, status_type="message/global-delivery-status"))
    assert found.failures[0].final_recipient == "μαρία@inside.example.org"


def test_encoded_parts_are_read() -> None:
    quoted = report().replace(
        b"Content-Type: text/rfc822-headers\r\n",
        b"Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n",
    )
    assert read_report(quoted.replace(b"<one@", b"<=6Fne@")).message_id == "one@client.example.com"


def test_without_the_returned_header_the_envelope_id_is_left() -> None:
    cut = report().partition(b"--b1/example.org\r\nContent-Type: text/rfc822-headers")[0]
    found = read_report(cut)
    assert (found.message_id, found.ours) == ("", ())
    assert found.envelope_id == "QQ+1"
    assert len(found.failures) == 1


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 2 Mar 99999 09:00:05 +0000", "Mon, 31 Feb 2026 09:00:05 +0000"]
)
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    changed = STATUS.replace("Mon, 2 Mar 2026 09:00:05 +0000", date)
    assert read_report(report(status=changed)).arrived_at is None


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"hello",
        b"Subject: hello\r\n\r\nhello\r\n",
        b"Content-Type: multipart/report\r\n\r\nno boundary",
        b"Content-Type: multipart/report; boundary=\r\n\r\n",
        b"Content-Type: message/rfc822\r\n\r\n" * 500,
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 500,
    ],
    ids=["nothing", "no header", "mail", "no boundary", "empty boundary", "deep", "deep parts"],
)
def test_what_is_no_report_is_refused(octets: bytes) -> None:
    with pytest.raises(NoReport):
        read_report(octets)


def test_what_is_kept_is_bounded() -> None:
    many = "\n".join(
        f"Final-Recipient: rfc822;{n}@example.org\nAction: failed\n"
        f"Diagnostic-Code: smtp; {'x' * 20_000}\n"
        for n in range(500)
    )
    found = read_report(report(status=f"Reporting-MTA: dns; {'m' * 9000}\n\n{many}"))
    assert len(found.failures) == 100
    assert all(len(one.diagnostic) <= 4096 for one in found.failures)
    assert len(found.reporting_mta) <= 1000


def test_nothing_that_does_not_print_is_kept() -> None:
    found = read_report(report(status=STATUS.replace("No such", "No\x1b[31m \x00such")))
    assert found.failures[0].diagnostic.startswith("smtp; 550-5.1.1 No [31m  such")


@settings(max_examples=200)
@given(st.binary(max_size=2000), st.integers(0, 1200), st.integers(0, 300))
def test_whatever_comes_is_a_report_or_none(noise: bytes, at: int, length: int) -> None:
    whole = report()
    for octets in (noise, whole[:at] + noise + whole[at + length :]):
        try:
            found = read_report(octets)
        except NoReport:
            continue
        for failure in found.failures:
            assert (failure.diagnostic + failure.final_recipient).replace("\n", "").isprintable()
