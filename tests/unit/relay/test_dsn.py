"""DSNs, read back by another parser: the standard library's."""

from datetime import timedelta, timezone

import msgspec
import pytest

from relay.dsn import Action, compose_dsn
from tests.support.clock import START
from tests.support.dsns import HOST, NOW, blocks_of, date_of, make_report, prose_of, read, text_of
from tracker.model import Body, Origin, Outcome, Phase, Reply

# --- a failure, field by field ----------------------------------------------------------------


def test_the_header() -> None:
    report = make_report()
    dsn = compose_dsn(report)
    message = read(dsn)
    assert message["From"] == f"Mail Delivery System <MAILER-DAEMON@{HOST}>"
    assert message["To"] == "alice@example.com"
    assert message["Subject"] == "Undelivered mail: Quarterly figures"
    assert message["Message-ID"] == f"<{report.id}@{HOST}>"
    assert message["In-Reply-To"] == "<one@client.example.com>"
    assert message["References"] == "<one@client.example.com>"
    assert date_of(message["Date"]) == NOW
    assert dsn.header.subject == message["Subject"]
    assert f"<{dsn.header.message_id}>" == message["Message-ID"]
    assert (dsn.body, dsn.smtputf8) == (Body.SEVEN_BIT, False)


def test_the_fields_of_the_message() -> None:
    report = make_report(envid="QQ+2B1")
    fields = blocks_of(read(compose_dsn(report)))[0]
    assert fields["Reporting-MTA"] == f"dns; {HOST}"
    assert fields["Original-Envelope-Id"] == "QQ+1"
    assert fields["X-Sendtrace-Id"] == report.message.id
    assert date_of(fields["Arrival-Date"]) == START


def test_the_fields_of_a_recipient() -> None:
    report = make_report(orcpt="rfc822;bob+2Bnews@example.net")
    attempt = report.recipients[0].attempt
    [fields] = blocks_of(read(compose_dsn(report)))[1:]
    assert fields["Original-Recipient"] == "rfc822; bob+news@example.net"
    assert fields["Final-Recipient"] == "rfc822; bob@example.org"
    assert fields["Action"] == "failed"
    assert fields["Status"] == "5.1.1"
    assert fields["Remote-MTA"] == "dns; mx1.example.org"
    assert fields["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"
    assert date_of(fields["Last-Attempt-Date"]) == attempt.ended_at.replace(microsecond=0)
    assert fields["Final-Log-ID"] == attempt.id
    assert fields["Will-Retry-Until"] is None


def test_the_human_part() -> None:
    report = make_report(attempts=2)
    text = prose_of(report)
    for expected in (
        f"This is the mail server {HOST}.",
        "could not be delivered to 1 recipient",
        "Subject: Quarterly figures",
        "Accepted: Mon, 02 Mar 2026 09:00:00 +0000",
        f"Our id: {report.message.id}",
        "<bob@example.org>",
        "This address does not exist",
        "The server's exact words from mx1.example.org [198.51.100.25]: 550 5.1.1 No such user",
        "ask the recipient for the current address",
        "Tried 3 times, from Mon, 02 Mar 2026 09:00:00 +0000 until Mon, 02 Mar 2026 13:00:00",
        "We will not try again.",
    ):
        assert expected in text


def test_several_recipients_have_a_block_each() -> None:
    one, two = make_report(), make_report(forward_path="carol@example.org")
    report = msgspec.structs.replace(one, recipients=one.recipients + two.recipients)
    message = read(compose_dsn(report))
    finals = [block["Final-Recipient"] for block in blocks_of(message)[1:]]
    assert finals == ["rfc822; bob@example.org", "rfc822; carol@example.org"]
    assert "to 2 recipients" in text_of(message)


def test_a_delay_names_reason_tries_and_deadline() -> None:
    deadline = START + timedelta(days=7)
    report = make_report(
        outcome=Outcome.DEFERRED,
        action=Action.DELAYED,
        planned=(NOW + timedelta(hours=4), deadline),
    )
    message = read(compose_dsn(report))
    assert message["Subject"] == "Delayed mail: Quarterly figures"
    [fields] = blocks_of(message)[1:]
    assert (fields["Action"], fields["Status"]) == ("delayed", "4.7.1")
    assert date_of(fields["Will-Retry-Until"]) == deadline
    assert " ".join(fields["Diagnostic-Code"].split()) == (
        "smtp; 451-4.7.1 Greylisted, 451 4.7.1 come back later"
    )
    text = prose_of(report)
    assert "We keep trying; you need not send it again." in text
    assert "try again at about Mon, 02 Mar 2026 17:00:00 +0000" in text
    assert "The last try is at Mon, 09 Mar 2026 09:00:00 +0000." in text


def test_a_relayed_dsn_promises_nothing() -> None:
    report = make_report(outcome=Outcome.DELIVERED, action=Action.RELAYED)
    message = read(compose_dsn(report))
    assert message["Subject"] == "Mail handed on: Quarterly figures"
    [fields] = blocks_of(message)[1:]
    assert (fields["Action"], fields["Status"]) == ("relayed", "2.0.0")
    text = prose_of(report)
    assert "does not confirm deliveries" in text
    assert "Handed on to mx1.example.org [198.51.100.25] at" in text
    assert "What you can do" not in text


def test_an_expiry_keeps_its_last_reason() -> None:
    full = Reply(code=452, lines=("4.2.2 Mailbox full",))
    report = make_report(reply=full, outcome=Outcome.DEFERRED, expired=True)
    [fields] = blocks_of(read(compose_dsn(report)))[1:]
    assert (fields["Action"], fields["Status"]) == ("failed", "5.4.7")
    assert fields["Diagnostic-Code"] == "smtp; 452 4.2.2 Mailbox full"
    text = prose_of(report)
    assert "We gave up after 7 days; last reason: 452 4.2.2 Mailbox full" in text
    assert "mailbox is full" in text


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param("", "Undelivered mail", id="none"),
        pytest.param("Grüße aus Köln ✉", "Undelivered mail: Grüße aus Köln ✉", id="not ascii"),
        pytest.param("x" * 2000, "Undelivered mail: " + "x" * 2000, id="long"),
        pytest.param("ü" * 400, "Undelivered mail: " + "ü" * 400, id="long and not ascii"),
        pytest.param(
            "a\r\nBcc: eve@example.net", "Undelivered mail: a Bcc: eve@example.net", id="crlf"
        ),
        pytest.param("a\x1b[31m\u202eb", "Undelivered mail: a\\x1b[31m\\u202eb", id="invisible"),
        pytest.param("=?utf-8?b?aGk=?=", "Undelivered mail: =?utf-8?b?aGk=?=", id="encoded-word"),
    ],
)
def test_the_subject_is_encoded(subject: str, expected: str) -> None:
    message = read(compose_dsn(make_report(subject=subject)))
    assert message["Bcc"] is None
    assert message["Subject"].replace(" ", "") == expected.replace(" ", "")


@pytest.mark.parametrize(
    "message_id", ["", "a b@c", "a@b>\r\nBcc: x", "a@b\x00", "<a@b>", "ü@b", "x" * 2000]
)
def test_a_bad_message_id_is_not_referred_to(message_id: str) -> None:
    message = read(compose_dsn(make_report(message_id=message_id)))
    assert message["References"] is None
    assert message["In-Reply-To"] is None
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    ("envid", "expected"),
    [
        ("plain", "plain"),
        ("QQ+2B1+3D", "QQ+1="),
        ("a+0D+0ABcc:+20x", "a+0D+0ABcc:+20x"),
        ("not+xtext", "not+xtext"),
        ("x" * 300, "x" * 300),
    ],
)
def test_the_envelope_id_is_decoded_unless_that_is_dangerous(envid: str, expected: str) -> None:
    blocks = blocks_of(read(compose_dsn(make_report(envid=envid))))
    assert len(blocks) == 2
    assert blocks[0]["Original-Envelope-Id"].strip() == expected


@pytest.mark.parametrize(
    ("orcpt", "expected"),
    [
        ("rfc822;bob@example.net", "rfc822; bob@example.net"),
        ("rfc822;a+0D+0AAction:+20delivered", "rfc822; a+0D+0AAction:+20delivered"),
        ("rfc822;a\r\nAction: delivered", "rfc822; a\\r\\nAction: delivered"),
        ("no type", None),
        (";bob", None),
        ("x y;bob", None),
        ("rfc822;" + "a" * 900, None),
        (None, None),
    ],
)
def test_the_original_recipient(orcpt: str | None, expected: str | None) -> None:
    blocks = blocks_of(read(compose_dsn(make_report(orcpt=orcpt))))
    assert len(blocks) == 2
    assert blocks[1]["Original-Recipient"] == expected
    assert blocks[1].get_all("Action") == ["failed"]


# --- the Status field -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(code=550, lines=("5.1.1 x",)), "5.1.1"),
        (Reply(code=550, lines=("4.1.1 x",)), "5.0.0"),
        (Reply(code=550, lines=("No such user",)), "5.0.0"),
        (Reply(code=552, lines=("full",)), "5.0.0"),
        (Reply(code=599), "5.0.0"),
    ],
)
def test_the_status_of_a_refusal(reply: Reply, status: str) -> None:
    [fields] = blocks_of(read(compose_dsn(make_report(reply=reply))))[1:]
    assert fields["Status"] == status


@pytest.mark.parametrize(
    ("phase", "detail", "status"),
    [
        (Phase.DNS, "5.1.10 example.org accepts no mail", "5.1.10"),
        (Phase.DNS, "5.1.2 There is no example.invalid", "5.1.2"),
        (Phase.DNS, "No answer", "5.4.3"),
        (Phase.CONNECT, "Connection refused", "5.4.1"),
        (Phase.RCPT, "Connection lost", "5.4.2"),
        (Phase.STARTTLS, "The certificate does not verify", "5.7.5"),
        (Phase.ROUTING, "5.4.6 Mail loops back", "5.4.6"),
    ],
)
def test_the_status_where_no_server_spoke(phase: Phase, detail: str, status: str) -> None:
    fields = {
        "reply": None,
        "phase": phase,
        "detail": detail,
        "origin": Origin.NETWORK,
        "target": None,
    }
    message = read(compose_dsn(make_report(attempt_fields=fields)))
    [block] = blocks_of(message)[1:]
    assert block["Status"] == status
    assert block["Remote-MTA"] is None
    assert block["Diagnostic-Code"] == f"X-Sendtrace; {detail}"
    assert detail in prose_of(make_report(attempt_fields=fields))


def test_the_same_report_is_the_same_dsn() -> None:
    report = make_report()
    assert compose_dsn(report) == compose_dsn(report)


def test_times_are_utc_whatever_zone_they_come_in() -> None:
    report = make_report()
    moved = msgspec.structs.replace(
        report,
        message=msgspec.structs.replace(
            report.message, accepted_at=START.astimezone(timezone(timedelta(hours=9)))
        ),
    )
    assert compose_dsn(moved).octets == compose_dsn(report).octets


@pytest.mark.parametrize(
    "detail",
    [
        "5.7.0 Cancelled before it was delivered: sent by mistake",
        "Not dialled: it was held until its deadline",
    ],
)
@pytest.mark.parametrize(
    ("attempts", "deed"),
    [(0, "It was never tried."), (2, "Tried 2 times since Mon, 02 Mar 2026 09:00:00 +0000.")],
)
def test_what_was_stopped_here_is_no_try_and_nobody_elses_doing(
    detail: str, attempts: int, deed: str
) -> None:
    fields = {
        "number": 0,
        "reply": None,
        "phase": Phase.ROUTING,
        "detail": detail,
        "origin": Origin.POLICY,
        "target": None,
        "tries": (),
    }
    text = prose_of(make_report(attempts=attempts, attempt_fields=fields))
    assert "The message was stopped here before it was sent" in text
    assert deed in text
    assert "mail server that could take" not in text


def test_what_was_said_to_another_is_told_with_it() -> None:
    fields = {"detail": "The server broke off at another recipient"}
    reply = Reply(code=421, lines=("4.3.2 closing",))
    text = prose_of(make_report(reply=reply, attempt_fields=fields))
    assert "421 4.3.2 closing" in text
    assert "What our server noted: The server broke off at another recipient" in text
