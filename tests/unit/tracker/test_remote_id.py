"""The receiver's own id, as real servers write it."""

import pytest

from tracker.model import Reply
from tracker.remote_id import LONGEST, remote_id_of

REAL = {
    "Postfix": ("2.0.0 Ok: queued as 4bXyZ12QwEzk9Vd", "4bXyZ12QwEzk9Vd"),
    "Postfix before amavis": (
        "2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 9F2E8C0A1B",
        "9F2E8C0A1B",
    ),
    "Exim": ("OK id=1sEabc-0000000ABcd-1XyZ", "1sEabc-0000000ABcd-1XyZ"),
    "GMX": (
        "Requested mail action okay, completed: id=1MvK4f-1s9Zzz2Abc-00qZ1a",
        "1MvK4f-1s9Zzz2Abc-00qZ1a",
    ),
    "Google": (
        "2.0.0 OK  1717430401 d9443c01a7336-1f632328d1dsi9012345ad.123 - gsmtp",
        "d9443c01a7336-1f632328d1dsi9012345ad.123",
    ),
    "Microsoft": (
        "2.6.0 <abc@example.org> [InternalId=12345678901234, Hostname=AB1PR01MB1234."
        "eurprd01.prod.exchangelabs.com] 12345 bytes in 0.123, 98.765 KB/sec Queued mail for "
        "delivery",
        "12345678901234",
    ),
    "Exchange, older": (
        "2.6.0  <abc@example.org> Queued mail for delivery",
        None,
    ),
    "qmail": ("ok 1717430401 qp 12345", "qp 12345"),
    "sendmail": ("2.0.0 45345ABC012345 Message accepted for delivery", "45345ABC012345"),
    "Proofpoint": ("2.0.0 3yf4abcdef-1 Message accepted for delivery", "3yf4abcdef-1"),
    "OpenSMTPD": ("2.0.0 1a2b3c4d Message accepted for delivery", "1a2b3c4d"),
    "OpenSMTPD, older": ("2.0.0: 1a2b3c4d Message accepted for delivery", "1a2b3c4d"),
    "Haraka": ("Message Queued (8F7D-4E.1)", "8F7D-4E.1"),
    "Amazon SES": (
        "Ok 0100018fdeadbeef-01234567-89ab-cdef-0123-456789abcdef-000000",
        "0100018fdeadbeef-01234567-89ab-cdef-0123-456789abcdef-000000",
    ),
    "KumoMTA": ("OK ids=f1a2b3c4d5e611eeb8a1", "f1a2b3c4d5e611eeb8a1"),
    "Sendtrace": ("2.0.0 Ok: queued as 01HZX3V9K2M4N6P8Q0R2S4T6V8", "01HZX3V9K2M4N6P8Q0R2S4T6V8"),
    "Stalwart": ("2.0.0 Message queued with id 1a2b3c4d5e6f.", "1a2b3c4d5e6f"),
    "iCloud": ("2.6.0 Ok, queued as 0A1B2C3D4E", "0A1B2C3D4E"),
    "bare": ("Ok", None),
    "prose": ("2.0.0 Thanks, we have got your message", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize("name", REAL)
def test_habit(name: str) -> None:
    text, expected = REAL[name]
    assert remote_id_of(Reply(code=250, lines=(text,))) == expected


def test_it_may_be_on_a_later_line() -> None:
    reply = Reply(code=250, lines=("2.0.0 Thank you", "2.0.0 Ok: queued as ABC123"))
    assert remote_id_of(reply) == "ABC123"


def test_a_hostile_id_is_bounded() -> None:
    found = remote_id_of(Reply(code=250, lines=("queued as " + "A" * 8000,)))
    assert found is not None
    assert len(found) == LONGEST


@pytest.mark.parametrize("text", ["queued as <script>alert(1)</script>", "id=' or 1=1 --"])
def test_markup_is_no_id(text: str) -> None:
    found = remote_id_of(Reply(code=250, lines=(text,)))
    assert found is None or found.isalnum()
