"""The far side alone: what the acceptance tests take for granted about Postfix and Knot DNS."""

import smtplib
from pathlib import Path

import dns.message
import dns.query
import pytest

from tests.acceptance.knot import serve_zone
from tests.acceptance.postfix import ACCEPTING, GREYLISTING, serve_mailboxes

pytestmark = pytest.mark.acceptance


def test_postfix_takes_rejects_and_greylists() -> None:
    boxes = ["bob@accepting.test", "bob@greylisting.test"]
    with serve_mailboxes(boxes) as postfix:
        with smtplib.SMTP(ACCEPTING, postfix.port) as client:
            refused = client.sendmail("a@b.test", ["bob@accepting.test", "x@accepting.test"], "Hi")
        assert refused["x@accepting.test"][0] == 550
        assert postfix.wait_for_messages("bob@accepting.test")[0].endswith(b"\n\nHi\n")
        assert len(postfix.queue_ids("bob@accepting.test")) == 1
        with smtplib.SMTP(GREYLISTING, postfix.port) as client:
            client.helo()
            client.mail("a@b.test")
            assert client.rcpt("bob@greylisting.test")[0] == 450
        postfix.stop_greylisting()
        with smtplib.SMTP(GREYLISTING, postfix.port) as client:
            assert client.sendmail("a@b.test", ["bob@greylisting.test"], "Hi") == {}


def test_knot_serves_the_zone(tmp_path: Path) -> None:
    with serve_zone(tmp_path, "accepting MX 10 mx.accepting\n") as server:
        address, _, port = server.partition(":")
        question = dns.message.make_query("accepting.test.", "MX")
        answer = dns.query.udp(question, address, port=int(port), timeout=60)
    assert answer.answer[0].to_text() == "accepting.test. 60 IN MX 10 mx.accepting.test."
