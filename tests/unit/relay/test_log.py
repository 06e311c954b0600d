"""Log lines: one line for one event, whatever is in it; Postfix-style lines for old tools."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from relay.log import (
    LineWriter,
    arrival_lines,
    configure,
    delivery_line,
    rejection_line,
)
from relay.log.logfmt import LogfmtLine
from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt, make_refusal, make_submission
from tracker.model import HeaderFacts, Outcome, Reply

HOSTILE = "ok\r\nlevel=error event=forged\x1b[2J\x00\u202e\u2028end"


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("format_", ["json", "logfmt", "console"])
def test_one_event_is_one_line_of_printing_characters(format_: str) -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    configure(format_, "info", writer, process="worker-0")
    structlog.get_logger().info("attempt", said=HOSTILE, to="a@example.org")
    writer.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].isprintable()
    assert "worker-0" in lines[0]


def test_json_lines_parse_and_keep_their_fields() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    configure("json", "info", writer)
    structlog.get_logger().info("attempt", outcome=Outcome.DELIVERED, number=1)
    structlog.get_logger().debug("not said")
    writer.close()
    (event,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (event["event"], event["outcome"], event["number"]) == ("attempt", "delivered", 1)
    assert event["timestamp"].endswith("Z")


def test_exceptions_are_told_on_one_line() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    configure("logfmt", "info", writer)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("job hit a fault")
    writer.close()
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: broken" in line


def test_tools_find_delivery_lines_where_syslog_puts_them() -> None:
    """The form is that of RFC 5424 time stamps in syslog's files, as pflogsumm reads them."""
    message = make_message()
    recipient = make_recipient(message)
    line = delivery_line(message, recipient, make_attempt(recipient), 42)
    for format_ in ("logfmt", "console", "json"):
        stream = io.StringIO()
        writer = LineWriter(stream)
        configure(format_, "info", writer, process="worker-0")
        structlog.get_logger().info(line)
        writer.close()
        (written,) = stream.getvalue().splitlines()
        if format_ == "json":
            assert json.loads(written)["event"] == line
        else:
            assert re.fullmatch(
                rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z \S+ {re.escape(line)}", written
            )


POSTFIX = re.compile(
    r"sendtrace/smtp\[\d+\]: [0-9A-Z]{26}: to=<(?P<to>[^>]*)>, relay=(?P<relay>\S+), "
    r"delay=[\d.]+, delays=[\d./]+, dsn=(?P<dsn>\d\.\d+\.\d+), status=(?P<status>\w+) \((.*)\)$"
)


@pytest.mark.parametrize(
    ("outcome", "reply", "status", "dsn"),
    [
        (Outcome.DELIVERED, Reply(code=250, lines=("2.0.0 Ok: queued as ABC",)), "sent", "2.0.0"),
        (Outcome.DEFERRED, Reply(code=451, lines=("4.7.1 Greylisted",)), "deferred", "4.7.1"),
        (Outcome.FAILED, Reply(code=550, lines=("no such user",)), "bounced", "5.0.0"),
        (Outcome.UNCERTAIN, None, "deferred", "4.4.2"),
        (Outcome.FAILED, Reply(code=550, lines=(HOSTILE,)), "bounced", "5.0.0"),
    ],
)
def test_delivery_line(outcome: Outcome, reply: Reply | None, status: str, dsn: str) -> None:
    message = make_message()
    recipient = make_recipient(message)
    attempt = msgspec.structs.replace(
        make_attempt(recipient, outcome=outcome), reply=reply, detail="Connection lost"
    )
    line = delivery_line(message, recipient, attempt, 42)
    match = POSTFIX.match(line)
    assert match is not None, line
    assert (match["status"], match["dsn"]) == (status, dsn)
    assert line.isprintable()


HOSTILE_PATH = "a> size=0 <b@example.org"


def test_arrival_and_rejection_are_what_tools_for_postfix_read() -> None:
    submission = make_submission("bob@example.org", "carl@example.org", reverse_path=HOSTILE_PATH)
    facts = HeaderFacts(message_id="one@client\r\nexample")
    client, cleanup, envelope = arrival_lines(
        submission.id, submission.envelope, facts, submission.client, 1234, 42
    )
    begins = rf"sendtrace/%s\[42\]: {submission.id}: "
    assert re.fullmatch(begins % "smtpd" + r"client=unknown\[192\.0\.2\.7\]", client)
    assert re.fullmatch(begins % "cleanup" + r"message-id=<one@client\?\?example>", cleanup)
    path = re.escape(HOSTILE_PATH.translate({ord(c): "?" for c in "<>"}))
    assert re.fullmatch(
        begins % "qmgr" + rf"from=<{path}>, size=1234, nrcpt=2 \(queue active\)", envelope
    )
    refusal = make_refusal(reply="452 4.5.3 Too many recipients")
    assert re.fullmatch(
        r"sendtrace/smtpd\[42\]: NOQUEUE: reject: RCPT from unknown\[[^]]+\]: 452 4\.5\.3 Too many "
        r"recipients; from=<[^>]*> to=<bob@example\.org> proto=ESMTP helo=<client\?>",
        rejection_line(refusal, "client>", 42),
    )


def test_logfmt_is_as_structlog_writes_it() -> None:
    usual: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.LogfmtRenderer(
            key_order=["level", "event"], drop_missing=True, bool_as_flag=False
        ),
    ]
    ours = LogfmtLine({}, "host", lambda: 1_700_000_000.25)
    events: list[dict[str, object]] = [
        {"event": "attempt", "outcome": Outcome.DELIVERED, "number": 1, "seconds": 0.5},
        {"event": "two words", "said": 'he said "no" = \\ never', "path": "C:\\x", "empty": ""},
        {"event": "flags", "yes": True, "no": False, "none": None, "list": [1, "a"]},
    ]
    for method in ("info", "warning", "exception", "critical"):
        for event in events:
            expected: Any = dict(event)
            for processor in usual:
                expected = processor(None, method, expected)
            line = ours(None, method, dict(event))
            assert line == f"timestamp=2023-11-14T22:13:20.250000Z {expected}"


def test_the_second_of_a_line_is_that_of_its_time() -> None:
    times = iter([59.999999, 60.0, 59.5])
    render = LogfmtLine({}, "host", lambda: next(times))
    stamps = [render(None, "info", {"event": "x"}).split()[0][-10:] for _ in range(3)]
    assert stamps == ["59.999999Z", "00.000000Z", "59.500000Z"]


def test_a_fault_that_a_library_tells_of_keeps_its_traceback() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    configure("logfmt", "info", writer)
    try:
        raise RuntimeError("what really happened")
    except RuntimeError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    writer.close()
    (line,) = stream.getvalue().splitlines()
    assert "level=error" in line
    assert "RuntimeError: what really happened" in line
