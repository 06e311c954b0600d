"""What a client sees in ordinary sessions."""

import hashlib
import re
from pathlib import Path

import pytest

from tests.support.submission import HOSTNAME, Bench, run_server
from tracker.model import Body, Client, EnvelopeRecipient, Notify, Ret
from tracker.store import StoreUnavailable

MESSAGE = b"Subject: Hello\r\nFrom: a@example.org\r\n\r\nHello.\r\n"
END = b".\r\n"


async def test_greeting_and_ehlo(bench: Bench) -> None:
    client = await bench.connect()
    assert await client.reply() == f"220 {HOSTNAME} ESMTP Sendtrace"
    lines = (await client.say("EHLO client.example.net")).split("\n")
    assert lines[0] == f"250-{HOSTNAME}"
    assert [line[4:] for line in lines[1:]] == [
        "SIZE 26214400",
        "8BITMIME",
        "SMTPUTF8",
        "PIPELINING",
        "ENHANCEDSTATUSCODES",
        "DSN",
        "LIMITS RCPTMAX=1000",
        "AUTH PLAIN LOGIN",
        "HELP",
    ]


async def test_a_message_is_handed_over_as_it_came(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.say("MAIL FROM:<A@Example.org> RET=HDRS ENVID=Q+2B1 SIZE=60 BODY=7BIT")
    await client.say("RCPT TO:<B@Example.NET> NOTIFY=FAILURE,DELAY ORCPT=rfc822;B@Example.NET")
    await client.say("RCPT TO:<c@example.com>")
    reply = await client.submit(MESSAGE + b"..dot\r\n" + END)
    taken = bench.intake.taken[0]
    assert reply == f"250 2.0.0 Ok: queued as {taken.id}"
    assert taken.octets.endswith(MESSAGE + b".dot\r\n")
    assert taken.content_sha256 == hashlib.sha256(MESSAGE + b".dot\r\n").hexdigest()
    assert taken.envelope.reverse_path == "A@Example.org"
    assert taken.envelope.recipients == (
        EnvelopeRecipient(
            forward_path="B@Example.NET",
            domain="example.net",
            notify=frozenset({Notify.FAILURE, Notify.DELAY}),
            orcpt="rfc822;B@Example.NET",
        ),
        EnvelopeRecipient(forward_path="c@example.com", domain="example.com"),
    )
    assert (taken.envelope.ret, taken.envelope.envid) == (Ret.HEADERS, "Q+2B1")
    assert taken.envelope.body is Body.SEVEN_BIT
    assert taken.account == "a@example.org"
    assert taken.header.subject == "Hello"
    assert taken.client == Client(
        address="127.0.0.1",
        port=taken.client.port,
        helo="client.example.net",
        protocol="ESMTP",
    )
    assert taken.client.port == client.writer.get_extra_info("sockname")[1]
    assert bench.observer.counts["submission accepted"] == 1


@pytest.mark.parametrize(
    ("commands", "recipients"),
    [
        pytest.param(["<b@example.net>"] * 3, 1, id="the same"),
        pytest.param(["<b@Example.NET>", "<b@eXAMPLE.net>"], 1, id="case of the domain"),
        pytest.param(["<b@example.net>", "<B@example.net>"], 2, id="case of the local part"),
        pytest.param(["<b@faß.de>", "<b@xn--fa-hia.de>"], 1, id="U-label and A-label"),
        pytest.param(["<b@[192.0.2.1]>", "<b@[192.0.2.1]>"], 1, id="address literal"),
        pytest.param(
            ["<b@x.org> NOTIFY=DELAY,FAILURE", "<b@x.org> notify=failure,delay"], 1, id="NOTIFY"
        ),
        pytest.param(["<b@x.org>", "<b@x.org> NOTIFY=NEVER"], 2, id="NOTIFY of one"),
        pytest.param(
            ["<b@x.org> NOTIFY=SUCCESS", "<b@x.org> NOTIFY=FAILURE"], 2, id="another NOTIFY"
        ),
        pytest.param(["<b@x.org> ORCPT=rfc822;c@x.org"] * 2, 1, id="ORCPT"),
        pytest.param(
            ["<b@x.org> ORCPT=rfc822;c@x.org", "<b@x.org> ORCPT=rfc822;d@x.org"],
            2,
            id="another ORCPT",
        ),
    ],
)
async def test_who_is_named_twice_gets_one_copy(
    bench: Bench, commands: list[str], recipients: int
) -> None:
    client = await bench.connect()
    await client.greet()
    await client.say("MAIL FROM:<a@example.org> SMTPUTF8")
    for command in commands:
        assert (await client.say(f"RCPT TO:{command}")).startswith("250 2.1.5 ")
    await client.submit(MESSAGE + END)
    taken = bench.intake.taken[0].envelope.recipients
    assert len(taken) == recipients
    first = commands[0].partition(">")[0].removeprefix("<")
    assert taken[0].forward_path == first


async def test_who_is_named_twice_counts_once(bench: Bench) -> None:
    """Not against the limit either, and not in the message after it."""
    client = await bench.connect()
    await client.greet()
    everybody = [f"b{number}@example.net" for number in range(1000)]
    await client.say("MAIL FROM:<a@example.org>")
    paths = [*everybody, *everybody, "more@example.net"]
    client.send(b"".join(f"RCPT TO:<{path}>\r\n".encode() for path in paths))
    replies = [await client.reply() for _ in paths]
    assert {reply[:9] for reply in replies[:-1]} == {"250 2.1.5"}
    assert replies[-1].startswith("452 4.5.3 ")
    await client.submit(MESSAGE + END)
    await client.begin("a@example.org", everybody[0])
    await client.submit(MESSAGE + END)
    first, second = [taken.envelope.recipients for taken in bench.intake.taken]
    assert [recipient.forward_path for recipient in first] == everybody
    assert len(second) == 1


async def test_received_comes_first(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin("a@example.org", "b@example.net")
    await client.submit(MESSAGE + END)
    taken = bench.intake.taken[0]
    unfolded = taken.octets.decode().replace("\r\n\t", " ")
    assert unfolded.startswith(
        f"Received: from client.example.net ([127.0.0.1]) by {HOSTNAME} with ESMTP id {taken.id}"
        " for <b@example.net>; Mon, 02 Mar 2026 09:00:00 +0000\r\n"
        "Date: Mon, 02 Mar 2026 09:00:00 +0000\r\n"
        f"Message-ID: <{taken.id}@{HOSTNAME}>\r\n"
        "Subject: Hello\r\n"
    )


async def test_helo_is_enough(bench: Bench) -> None:
    client = await bench.connect()
    await client.reply()
    assert await client.say("HELO client.example.net") == f"250 {HOSTNAME}"
    await client.begin("")
    await client.submit(MESSAGE + END)
    taken = bench.intake.taken[0]
    assert (taken.client.protocol, taken.envelope.reverse_path) == ("SMTP", "")
    assert taken.account is None


async def test_many_messages_in_one_connection(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    for number in range(5):
        await client.begin("a@example.org", f"b{number}@example.net")
        assert (await client.submit(MESSAGE + END)).startswith("250 2.0.0 ")
    paths = [taken.envelope.recipients[0].forward_path for taken in bench.intake.taken]
    assert paths == [f"b{number}@example.net" for number in range(5)]
    assert len({taken.id for taken in bench.intake.taken}) == 5


async def test_pipelining(bench: Bench) -> None:
    client = await bench.connect()
    await client.reply()
    client.send(
        b"EHLO c\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nRCPT TO:<bad\r\nDATA\r\n"
        + MESSAGE
        + END
        + b"MAIL FROM:<c@x.org>\r\nRSET\r\nQUIT\r\n"
    )
    replies = [(await client.reply())[:3] for _ in range(9)]
    assert replies == ["250", "250", "250", "553", "354", "250", "250", "250", "221"]
    assert await client.rest() == ""
    assert len(bench.intake.taken) == 1


async def test_eight_bit_content_is_recorded_whatever_was_declared(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    octets = "Subject: Grüße\r\n\r\nÄ\r\n".encode() + b"\xff\r\n"
    await client.submit(octets + END)
    taken = bench.intake.taken[0]
    assert taken.octets.endswith(octets)
    assert (taken.envelope.body, taken.header.subject) == (Body.EIGHT_BIT_MIME, "Grüße")


async def test_smtputf8(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    assert (await client.say("MAIL FROM:<jörg@x.org>"))[:10] == "553 5.6.7 "
    assert (await client.say("MAIL FROM:<jörg@x.org> SMTPUTF8"))[:3] == "250"
    assert (await client.say("RCPT TO:<anna@faß.de>"))[:3] == "250"
    await client.submit(MESSAGE + END)
    taken = bench.intake.taken[0]
    assert taken.envelope.smtputf8
    assert taken.envelope.recipients[0].domain == "xn--fa-hia.de"
    assert taken.client.protocol == "UTF8SMTP"


async def test_a_large_message_goes_through_a_file(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    line = b"x" * 900 + b"\r\n"
    body = line * 5000
    assert (await client.submit(b"Subject: big\r\n\r\n" + body + END))[:3] == "250"
    taken = bench.intake.taken[0]
    assert taken.octets.endswith(b"\r\n\r\n" + body)
    assert taken.content_sha256 == hashlib.sha256(b"Subject: big\r\n\r\n" + body).hexdigest()


async def test_an_early_end_is_no_end_of_service(bench: Bench) -> None:
    """A client may close its direction once it has said everything."""
    client = await bench.connect()
    client.send(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@x.org>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n")
    client.writer.write_eof()
    assert (await client.rest()).splitlines()[-1] == "221 2.0.0 Bye"
    assert len(bench.intake.taken) == 1


async def test_half_a_message_is_no_message(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    await client.say("DATA")
    client.send(MESSAGE)
    client.writer.write_eof()
    assert await client.rest() == ""
    assert bench.intake.taken == []


@pytest.mark.parametrize(
    ("problem", "reply"),
    [
        pytest.param(StoreUnavailable("gone"), "451 4.3.0 ", id="ledger gone"),
        pytest.param(RuntimeError("secret detail"), "451 4.3.0 ", id="fault of ours"),
        pytest.param(TimeoutError("secret detail"), "451 4.3.0 ", id="time-out of ours"),
    ],
)
async def test_never_250_when_it_is_not_stored(
    bench: Bench, problem: Exception, reply: str
) -> None:
    bench.intake.problem = problem
    client = await bench.connect()
    await client.greet()
    await client.begin()
    said = await client.submit(MESSAGE + END)
    assert said.startswith(reply)
    assert "secret" not in said
    assert bench.observer.counts["submission unavailable"] == 1
    bench.intake.problem = None
    await client.begin()
    assert (await client.submit(MESSAGE + END))[:3] == "250"


async def test_a_full_disk_is_told_as_such(bench: Bench) -> None:
    full = StoreUnavailable("cannot commit")
    full.__cause__ = OSError(28, "No space left on device")
    bench.intake.problem = full
    client = await bench.connect()
    await client.greet()
    await client.begin()
    assert (await client.submit(MESSAGE + END)).startswith("452 4.3.1 ")


async def test_errors_that_cause_each_other_are_told_once(bench: Bench) -> None:
    lost, reset = StoreUnavailable("lost"), ConnectionResetError("reset")
    lost.__cause__, reset.__cause__ = reset, lost
    bench.intake.problem = lost
    client = await bench.connect()
    await client.greet()
    await client.begin()
    assert (await client.submit(MESSAGE + END)).startswith("451 4.3.0 ")


async def test_no_room_for_the_spool(tmp_path: Path) -> None:
    """The state directory cannot be made: the message is refused, the session goes on."""
    (tmp_path / "file").write_bytes(b"")
    async with run_server(tmp_path / "file" / "state") as bench:
        client = await bench.connect()
        await client.greet()
        await client.begin()
        big = (b"x" * 900 + b"\r\n") * 2000
        assert (await client.submit(big + END)).startswith("452 4.3.1 ")
        await client.begin()
        assert (await client.submit(MESSAGE + END))[:3] == "250"
        assert len(bench.intake.taken) == 1


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        pytest.param("MAIL FROM:<a@x.org>", "503 5.5.1", id="MAIL"),
        pytest.param("RCPT TO:<a@x.org>", "503 5.5.1", id="RCPT"),
        pytest.param("DATA", "503 5.5.1", id="DATA"),
        pytest.param("AUTH PLAIN", "503 5.5.1", id="AUTH"),
    ],
)
async def test_commands_before_helo(bench: Bench, command: str, reply: str) -> None:
    client = await bench.connect()
    await client.reply()
    assert (await client.say(command)).startswith(reply)


SCRIPT = [
    ("HELO", "501 5.5.4"),
    ("EHLO", "501 5.5.4"),
    ("EHLO c", "250-"),
    ("", "500 5.5.2"),
    ("XYZZY", "500 5.5.2"),
    ("BOGUS argument", "500 5.5.2"),
    ("EXPN list", "502 5.5.1"),
    ("STARTTLS", "502 5.5.1"),
    ("NOOP ignored", "250 2.0.0"),
    ("HELP", "214 2.0.0"),
    ("VRFY", "501 5.5.4"),
    ("VRFY bob", "252 2.5.0"),
    ("AUTH", "501 5.5.4"),
    ("AUTH CRAM-MD5", "504 5.5.4"),
    ("AUTH PLAIN !", "501 5.5.2"),
    ("RSET x", "501 5.5.4"),
    ("RSET", "250 2.0.0"),
    ("RCPT TO:<b@x.org>", "503 5.5.1"),
    ("DATA", "503 5.5.1"),
    ("MAIL FROM:<a@x.org> SIZE=99999999999", "552 5.3.4"),
    ("MAIL FROM:<a@x.org> X=Y", "555 5.5.4"),
    ("MAIL FROM:<a@x.org>", "250 2.1.0"),
    ("MAIL FROM:<a@x.org>", "503 5.5.1"),
    ("AUTH PLAIN", "503 5.5.1"),
    ("DATA", "503 5.5.1"),
    ("RCPT TO:<b>", "553 5.1.3"),
    ("RCPT TO:<b@x.org>", "250 2.1.5"),
    ("DATA now", "501 5.5.4"),
    ("DATA", "354 "),
    ("hi\r\n.", "250 2.0.0"),
    ("QUIT x", "501 5.5.4"),
    ("QUIT", "221 2.0.0"),
]


async def test_every_reply_has_an_enhanced_status_code(bench: Bench) -> None:
    client = await bench.connect()
    await client.reply()
    for command, expected in SCRIPT:
        reply = await client.say(command)
        assert reply.startswith(expected), (command, reply)
        if expected not in {"250-", "354 "}:
            assert re.match(rf"{reply[:3]} {reply[0]}\.\d\.\d{{1,2}} \S", reply), reply


@pytest.mark.parametrize("command", ["GET / HTTP/1.1", "POST / HTTP/1.1", "CONNECT x:25 HTTP/1.1"])
async def test_a_browser_is_shown_the_door(bench: Bench, command: str) -> None:
    client = await bench.connect()
    await client.reply()
    client.send(f"{command}\r\nHost: x\r\n\r\nHELO c\r\nMAIL FROM:<>\r\n".encode())
    assert await client.rest() == "421 4.7.0 This is SMTP\r\n"


async def test_a_chunk_is_never_read_as_commands(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    client.send(b"BDAT 40 LAST\r\nDATA\r\nhi\r\n.\r\n")
    assert (await client.rest()).startswith("421 4.5.1 ")
    assert bench.intake.taken == []


@pytest.mark.parametrize(
    ("count", "reply"),
    [pytest.param(50, "250 2.0.0", id="50"), pytest.param(51, "554 5.4.6", id="51")],
)
async def test_loops_end(bench: Bench, count: int, reply: str) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    assert (await client.submit(b"Received: x\r\n" * count + MESSAGE + END)).startswith(reply)
