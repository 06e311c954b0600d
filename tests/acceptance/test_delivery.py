"""Mail from real clients through the installed relay to Postfix, found by MX records."""

import email.policy
import random
import re
import smtplib
import subprocess
from email.message import EmailMessage
from typing import Any

import pytest

from tests.acceptance import system
from tests.acceptance.dsn import read_dsn
from tests.acceptance.panel import Panel
from tests.acceptance.postfix import Postfix
from tests.support.service import Service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

TRACE_FIELDS = {b"return-path", b"x-original-to", b"delivered-to", b"received"}
ANNA = "anna@sender.test"


def submit(relay: Service, content: bytes, *recipients: str, sender: str = ANNA) -> None:
    options = ["BODY=8BITMIME"] if any(octet > 127 for octet in content) else []
    with smtplib.SMTP("127.0.0.1", relay.submission_port) as client:
        refused = client.sendmail(sender, recipients, content, mail_options=options)
    assert refused == {}


def compose(subject: str, text: str = "Hello\n") -> bytes:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = f"Anna <{ANNA}>"
    message["To"] = "undisclosed-recipients:;"
    message["Subject"] = subject
    message.set_content(text)
    return message.as_bytes()


def settled(relay: Service, subject: str, status: str) -> list[dict[str, Any]]:
    """Return the rows of the message once all of them have `status`."""

    def found() -> list[dict[str, Any]]:
        rows = relay.trace(f'subject:"{subject}"')
        return rows if {row["recipient"]["status"] for row in rows} == {status} else []

    return wait_until(found, f"{subject} to be {status}", timeout=150)


def head(subject: bytes) -> bytes:
    """Return a header that lacks nothing, so that nothing is added (RFC 6409 8)."""
    return (
        b"From: anna@sender.test\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\n"
        b"Message-ID: <%s@sender.test>\r\nSubject: %s\r\n"
    ) % (subject.replace(b" ", b"-"), subject)


CONTENTS = {
    "plain": head(b"plain") + b"\r\nHello\r\n",
    "empty body": head(b"empty") + b"\r\n",
    "dots": head(b"dots") + b"\r\n.\r\n..\r\n.leading\r\n...\r\nend.\r\n",
    "8 bit": head(b"8 bit")
    + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + "Grüße, 山田様 ☕\r\n".encode(),
    "longest lines": head(b"long") + b"\r\n" + (b"x" * 998 + b"\r\n") * 50,
    "odd white space": head(b"white") + b"X-Folded: a\r\n\tb \r\n  c\r\n\r\n \t \r\n\r\n\r\n",
    "From at the start of a line": head(b"from") + b"\r\nFrom here on\r\n>From there\r\n",
    "four megabytes": head(b"large")
    + b"\r\n"
    + b"".join(b"%076d\r\n" % random.Random(number).getrandbits(200) for number in range(54_000)),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_content_arrives_byte_for_byte(relay: Service, postfix: Postfix, content: bytes) -> None:
    known = len(postfix.messages("bob@accepting.test"))
    submit(relay, content, "bob@accepting.test")
    stored = postfix.wait_for_messages("bob@accepting.test", known + 1)[-1]
    expected = content.replace(b"\r\n", b"\n")
    assert stored.endswith(expected)
    on_top = stored.removesuffix(expected)
    fields = re.findall(rb"^([^\s:]+):", on_top, re.MULTILINE)
    assert {field.lower() for field in fields} == TRACE_FIELDS
    assert on_top.count(b"\nReceived: ") == 2, "one of ours, one of Postfix"


def test_the_panel_shows_what_postfix_said(relay: Service, postfix: Postfix) -> None:
    submit(relay, compose("Seen in the panel"), "carol@accepting.test")
    postfix.wait_for_messages("carol@accepting.test")
    (row,) = settled(relay, "Seen in the panel", "delivered")
    (queue_id,) = postfix.queue_ids("carol@accepting.test")
    assert f"queued as {queue_id}" in row["reply"]
    assert row["last_attempt"]["remote_queue_id"] == queue_id
    panel = Panel.log_in_as_admin(relay)
    for query in ('subject:"Seen in the panel"', f"id:{queue_id}", "to:carol@accepting.test"):
        assert row["message"]["id"] in panel.get("/", outcome="all", range="kept", q=query)
    assert row["message"]["id"] not in panel.get(
        "/", outcome="all", range="kept", q="to:somebody-else"
    )
    page = panel.get(f"/messages/{row['message']['id']}")
    assert f"queued as {queue_id}" in page
    assert "mx.accepting.test" in page
    assert "Encrypted with TLS 1.3" in page


def test_swaks_as_the_client(relay: Service, postfix: Postfix) -> None:
    system.require("swaks")
    known = len(postfix.messages("bob@accepting.test"))
    done = subprocess.run(
        [
            *("swaks", "--server", "127.0.0.1", "--port", str(relay.submission_port)),
            *("--from", ANNA, "--to", "bob@accepting.test", "--helo", "client.test"),
            *("--header", "Subject: From swaks", "--body", "Hello from swaks"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout
    assert "250 2.0.0" in done.stdout
    stored = postfix.wait_for_messages("bob@accepting.test", known + 1)[-1]
    assert b"\nSubject: From swaks\n" in stored
    assert stored.rstrip().endswith(b"Hello from swaks")


def test_smtp_source_as_the_client(relay: Service, postfix: Postfix) -> None:
    system.require("smtp-source")
    count = 300
    subprocess.run(
        [
            *(str(system.find("smtp-source")), "-s", "10", "-m", str(count), "-l", "3000"),
            *("-f", ANNA, "-t", "load@accepting.test", "-S", "Load"),
            f"127.0.0.1:{relay.submission_port}",
        ],
        check=True,
        timeout=150,
    )
    postfix.wait_for_messages("load@accepting.test", count)
    rows = settled(relay, "Load", "delivered")
    assert len(rows) == count
    assert len(postfix.messages("load@accepting.test")) == count
    accepted = {row["last_attempt"]["remote_queue_id"] for row in rows}
    assert accepted == postfix.queue_ids("load@accepting.test", count)


def test_an_unknown_user_bounces_and_the_sender_is_told(relay: Service, postfix: Postfix) -> None:
    known = len(postfix.messages(ANNA))
    submit(relay, compose("To nobody"), "nobody@accepting.test", "bob@accepting.test")
    dsn, fields = read_dsn(postfix.wait_for_messages(ANNA, known + 1)[-1])
    assert fields["final-recipient"] == "rfc822; nobody@accepting.test"
    assert fields["action"] == "failed"
    assert fields["status"] == "5.1.1"
    assert fields["remote-mta"] == "dns; mx.accepting.test"
    assert fields["diagnostic-code"].startswith("smtp; 550 5.1.1 <nobody@accepting.test>")
    assert "Subject: To nobody" in dsn.as_string()
    rows = relay.trace('subject:"To nobody"')
    statuses = {row["recipient"]["forward_path"]: row["recipient"]["status"] for row in rows}
    assert statuses == {"nobody@accepting.test": "bounced", "bob@accepting.test": "delivered"}
    assert len(postfix.messages(ANNA)) == known + 1


def test_a_bounce_of_the_null_reverse_path_is_not_sent(relay: Service) -> None:
    submit(relay, compose("From nobody"), "nobody@accepting.test", sender="")
    (row,) = settled(relay, "From nobody", "bounced")
    events = [event["kind"] for event in relay.timeline(row["message"]["id"])["events"]]
    assert "dsn-withheld" in events
    assert "dsn-sent" not in events


def test_a_domain_that_takes_no_mail_bounces_at_once(relay: Service, postfix: Postfix) -> None:
    known = len(postfix.messages("frank@sender.test"))
    submit(relay, compose("To no mail"), "x@nomail.test", sender="frank@sender.test")
    _, fields = read_dsn(postfix.wait_for_messages("frank@sender.test", known + 1)[-1])
    assert fields["action"] == "failed"
    assert fields["status"] == "5.1.10"
    assert "remote-mta" not in fields


def test_greylisting_defers_and_a_later_try_succeeds(relay: Service, postfix: Postfix) -> None:
    submit(relay, compose("Greylisted"), "dave@greylisting.test")
    (row,) = settled(relay, "Greylisted", "deferred")
    assert row["reply"].startswith("450 4.2.0 ")
    postfix.stop_greylisting()
    (row,) = settled(relay, "Greylisted", "delivered")
    assert len(postfix.wait_for_messages("dave@greylisting.test")) == 1
    attempts = relay.timeline(row["message"]["id"])["attempts"]
    assert [attempt["outcome"] for attempt in attempts[:-1]] == ["deferred"] * (len(attempts) - 1)
    assert [attempt["number"] for attempt in attempts] == list(range(1, len(attempts) + 1))
    assert len(attempts) >= 2


def test_the_second_exchange_takes_over(relay: Service, postfix: Postfix) -> None:
    submit(relay, compose("Two hosts"), "erin@twohosts.test")
    (row,) = settled(relay, "Two hosts", "delivered")
    assert len(postfix.wait_for_messages("erin@twohosts.test")) == 1
    assert [
        (tried["target"]["host"], tried["phase"]) for tried in row["last_attempt"]["tries"]
    ] == [("mx.stopped.test", "connect"), ("mx.accepting.test", "final-dot")]


def test_a_stopped_server_defers_and_can_be_cancelled(relay: Service, postfix: Postfix) -> None:
    known = len(postfix.messages(ANNA))
    submit(relay, compose("To a stopped server"), "x@stopped.test")
    (row,) = settled(relay, "To a stopped server", "deferred")
    assert row["last_attempt"]["phase"] == "connect"
    assert row["last_attempt"]["origin"] == "network"
    assert "refused" in row["last_attempt"]["detail"].lower()

    def is_cancelled() -> bool:
        relay.run("queue", "cancel", row["message"]["id"])
        return relay.statuses(row["message"]["id"]) == ["cancelled"]

    wait_until(is_cancelled, "a moment in which it is not being tried")
    assert len(postfix.messages(ANNA)) == known, "a cancelled recipient gets no DSN"
