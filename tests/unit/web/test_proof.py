"""What one copies: for a ticket, and for the postmaster of the other side."""

from datetime import timedelta

from msgspec.structs import replace

from tests.support.letters import DANE, FULL, POSTFIX, UNREACHABLE, Try, accepted
from tests.support.morning import make_attempt
from tests.unit.web.test_standing import MESSAGE, NOW, RECIPIENT, TIMES, attempt, recipient
from tracker.model import Attempt, Reply, Status
from web.message.proof import EARLIER, proof
from web.message.verdict import Case

HOSTNAME = "mail.northwind.example"


def prove(status: Status, *attempts: Attempt) -> str:
    case = Case(recipient(status), MESSAGE, attempts[-1] if attempts else None, TIMES)
    return proof(case, attempts, (), hostname=HOSTNAME)


def test_the_proof_of_an_accepted_message() -> None:
    told = prove(Status.DELIVERED, attempt(accepted(POSTFIX, "4fKq2Lz1mT", DANE)))
    assert told.splitlines() == [
        "Delivery record of mail.northwind.example",
        f"Our id: {MESSAGE.id}",
        "Message-ID: <one@client.example.com>",
        "Envelope sender: alice@example.com",
        "Envelope recipient: bob@example.org",
        "Size: 63 bytes",
        "Accepted by us: 2 Mar 2026, 14:47:00 CET (UTC+01:00) = 2026-03-02T13:47:00.000Z",
        "Status: Message accepted",
        "",
        "Attempt 1",
        "Began: 2 Mar 2026, 15:42:00 CET (UTC+01:00) = 2026-03-02T14:42:00.000Z",
        "Ended: 2 Mar 2026, 15:42:00 CET (UTC+01:00) = 2026-03-02T14:42:00.662Z",
        "Your server: mx1.greycastle.example [198.51.100.25]:25 (MX preference 10)",
        "Our server: 192.0.2.25, introduced as mail.northwind.example",
        "Protection: Encrypted with TLS 1.3; certificate verified by DANE",
        "TLS: cipher TLS_AES_256_GCM_SHA384; the certificate names mx1.greycastle.example; "
        "issued by E7, Let's Encrypt; valid until 2026-04-22",
        "Your server's words while ending the message (final dot):",
        "250 2.0.0 Ok: queued as 4fKq2Lz1mT",
        "Your queue id: 4fKq2Lz1mT",
    ]


def test_where_nobody_answered_every_host_is_named_with_its_reason() -> None:
    told = prove(Status.DEFERRED, attempt(UNREACHABLE))
    assert "No host of example.org answered: No host of ghostport.example could be reached" in told
    assert (
        "Host: mail.ghostport.example [2001:db8::80]:25 (MX preference 10), passed over: "
        "No IPv6 address of ours to send from" in told
    )
    assert "after 30,000 ms: Connection timed out after 30 s" in told


def test_the_words_are_the_servers_own() -> None:
    said = Reply(code=550, lines=tuple(f"5.7.1 {'x' * 90} {n}  " for n in range(40)))
    refused = replace(attempt(FULL), reply=said)
    assert said.text in prove(Status.BOUNCED, refused)


def test_earlier_attempts_are_one_line_each_and_not_too_many() -> None:
    attempts = [
        replace(
            make_attempt(RECIPIENT, FULL, NOW - timedelta(hours=30 - n), "alice@example.com"),
            number=n + 1,
        )
        for n in range(25)
    ]
    told = prove(Status.DEFERRED, *attempts)
    assert "Earlier attempts: 24" in told
    assert told.count("gmail-smtp-in.l.google.com: 452") == EARLIER


def test_untried_mail_has_a_proof_of_its_acceptance() -> None:
    told = prove(Status.QUEUED)
    assert "Accepted by us: 2 Mar 2026, 14:47:00" in told
    assert "Attempt" not in told


def test_nothing_is_none() -> None:
    bare = replace(
        MESSAGE, reverse_path="", header=replace(MESSAGE.header, message_id="", subject="")
    )
    tried = attempt(Try(accepted().outcome, POSTFIX, "250 Ok"))
    case = Case(recipient(Status.DELIVERED), bare, tried, TIMES)
    told = proof(case, [tried], (), hostname=HOSTNAME)
    assert "Message-ID: (none)" in told
    assert "Envelope sender: <> (null reverse-path)" in told
    assert "None" not in told
