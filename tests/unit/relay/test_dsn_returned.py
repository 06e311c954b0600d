"""What a DSN brings back of the message, and international addresses."""

from typing import Any

import msgspec
import pytest

from relay.dsn import Report, compose_dsn
from tests.support.dsns import blocks_of, make_report, parts_of, read
from tests.support.mail import CONTENT
from tracker.model import Body, Ret

HEADER = CONTENT.partition(b"\r\n\r\n")[0] + b"\r\n"

# --- what comes back --------------------------------------------------------------------------


def returned(report: Report) -> tuple[str, str, bytes]:
    """Return type, encoding and decoded octets of the third part."""
    message = read(compose_dsn(report))
    part = parts_of(message)[2]
    octets = compose_dsn(report).octets
    rest = octets.rpartition(f"Content-Type: {part.get_content_type()}".encode())[2]
    raw = rest.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]
    if part["Content-Transfer-Encoding"] == "quoted-printable":
        decoded = part.get_payload(decode=True)
        assert isinstance(decoded, bytes)
        raw = decoded
    return part.get_content_type(), part["Content-Transfer-Encoding"], raw


EIGHT_BIT = b"Subject: hi\r\nX-Raw: \xe9\xff\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
INTERNATIONAL = "Subject: Grüße\r\n\r\nhallo\r\n".encode()
LONG = b"Subject: " + b"x" * 2000 + b"\r\n\r\nhello\r\n"


@pytest.mark.parametrize(
    ("original", "more", "expected"),
    [
        pytest.param(CONTENT, {}, ("text/rfc822-headers", "7bit", HEADER), id="header"),
        pytest.param(CONTENT, {"ret": Ret.FULL}, ("message/rfc822", "7bit", CONTENT), id="whole"),
        pytest.param(
            EIGHT_BIT, {"ret": Ret.FULL}, ("message/rfc822", "8bit", EIGHT_BIT), id="whole 8bit"
        ),
        pytest.param(
            INTERNATIONAL,
            {"ret": Ret.FULL, "smtputf8": True},
            ("message/global", "8bit", INTERNATIONAL),
            id="whole international",
        ),
        pytest.param(
            EIGHT_BIT,
            {},
            ("text/rfc822-headers", "quoted-printable", b"Subject: hi\r\nX-Raw: \xe9\xff\r\n"),
            id="8bit header",
        ),
        pytest.param(
            INTERNATIONAL,
            {"smtputf8": True},
            ("message/global-headers", "8bit", "Subject: Grüße\r\n".encode()),
            id="international header",
        ),
        pytest.param(
            LONG,
            {"ret": Ret.FULL},
            ("text/rfc822-headers", "quoted-printable", LONG.partition(b"\r\n")[0] + b"\r\n"),
            id="lines that are too long",
        ),
        pytest.param(
            CONTENT[:30],
            {"ret": Ret.FULL, "size": 5000},
            ("text/rfc822-headers", "7bit", b"Subject: hello\r\n"),
            id="a beginning without the end of the header",
        ),
        pytest.param(
            b"Subject: a\r\n\r\nbare\nLF\r\n",
            {"ret": Ret.FULL},
            ("text/rfc822-headers", "7bit", b"Subject: a\r\n"),
            id="bare LF",
        ),
    ],
)
def test_what_comes_back(
    original: bytes, more: dict[str, Any], expected: tuple[str, str, bytes]
) -> None:
    assert returned(make_report(original=original, **more)) == expected


def test_a_huge_header_is_cut_between_lines() -> None:
    original = b"".join(b"X-%06d: %s\r\n" % (n, b"y" * 80) for n in range(2000)) + b"\r\nhello\r\n"
    _, _, octets = returned(make_report(original=original))
    assert len(octets) <= 64 * 1024
    assert original.startswith(octets)
    assert octets.endswith(b"y\r\n")


def test_a_message_that_is_gone_leaves_two_parts() -> None:
    assert len(parts_of(read(compose_dsn(make_report(original=None))))) == 2


def test_a_boundary_never_occurs_in_what_it_bounds() -> None:
    report = make_report()
    boundary = f"=_{report.id}"
    original = f"Subject: x\r\n\r\n--{boundary}\r\n--{boundary}_1--\r\n".encode()
    report = msgspec.structs.replace(
        report,
        original=original,
        message=msgspec.structs.replace(report.message, ret=Ret.FULL, size=len(original)),
    )
    message = read(compose_dsn(report))
    assert message.get_boundary() == f"{boundary}_2"
    assert len(parts_of(message)) == 3


# --- international addresses (RFC 6533) -------------------------------------------------------


def test_an_international_recipient() -> None:
    report = make_report(forward_path="jürgen@exämple.org", smtputf8=True)
    dsn = compose_dsn(report)
    part = parts_of(read(dsn))[1]
    assert part.get_content_type() == "message/global-delivery-status"
    assert part["Content-Transfer-Encoding"] == "8bit"
    assert "\r\nFinal-Recipient: utf-8; jürgen@exämple.org\r\n".encode() in dsn.octets
    assert (dsn.body, dsn.smtputf8) == (Body.EIGHT_BIT_MIME, False)


def test_an_international_original_recipient() -> None:
    dsn = compose_dsn(make_report(orcpt="utf-8;j\\x{FC}rgen@example.org", smtputf8=True))
    fields = blocks_of(read(dsn))[1]
    assert fields["Original-Recipient"] == "utf-8; j\\x{FC}rgen@example.org"


def test_an_international_sender() -> None:
    dsn = compose_dsn(make_report(reverse_path="ålice@example.com", smtputf8=True))
    read(dsn)
    assert "\r\nTo: <ålice@example.com>\r\n".encode() in dsn.octets
    assert (dsn.body, dsn.smtputf8) == (Body.EIGHT_BIT_MIME, True)
