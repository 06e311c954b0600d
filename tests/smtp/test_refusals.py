"""What is refused to those who may send goes on record; what is refused to others does not."""

import asyncio
import smtplib
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Listener
from relay.app import open_relay
from tests.support.clock import START, FakeClock
from tests.support.dns import FakeResolver
from tests.support.settings import relay_in
from tests.support.submission import PATIENCE, Bench, plain_response, run_server
from tracker.model import Refusal, Scope
from tracker.search import Query
from tracker.store import StoreUnavailable

MESSAGE = b"Subject: Hello\r\nFrom: a@example.org\r\n\r\nHello.\r\n.\r\n"
ALICE, PASSWORD = "alice@example.com", "correct horse battery"


def noted(bench: Bench) -> Refusal:
    """Return the only refusal there is."""
    ((refusal, _),) = bench.refusals.noted
    return refusal


COMMANDS = {
    "a bad sender": (
        [],
        "MAIL FROM:<a..b@example.org>",
        ("MAIL", "a..b@example.org", "", 0, "553 5.1.7"),
    ),
    "no address at all": ([], "MAIL x", ("MAIL", "x", "", 0, "501 5.5.4")),
    "too large by its own word": (
        [],
        "MAIL FROM:<a@example.org> SIZE=99999999",
        ("MAIL", "a@example.org", "", 0, "552 5.3.4"),
    ),
    "a bad recipient": (
        ["MAIL FROM:<a@example.org>"],
        "RCPT TO:<b@-example-.net>",
        ("RCPT", "a@example.org", "b@-example-.net", 1, "553 5.1.3"),
    ),
    "one recipient too many": (
        ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "RCPT TO:<c@example.net>"],
        "RCPT TO:<d@example.net>",
        ("RCPT", "a@example.org", "d@example.net", 1, "452 4.5.3"),
    ),
}


@pytest.mark.parametrize(("before", "command", "expected"), COMMANDS.values(), ids=COMMANDS.keys())
async def test_a_command(
    tmp_path: Path, before: list[str], command: str, expected: tuple[str, str, str, int, str]
) -> None:
    async with run_server(tmp_path, max_recipients=2) as bench:
        client = await bench.connect()
        await client.greet()
        for line in before:
            assert (await client.say(line))[:3] == "250"
        reply = await client.say(command)
        refusal = noted(bench)
    verb, reverse_path, forward_path, recipients, code = expected
    assert reply.startswith(code)
    assert refusal.reply == reply
    assert (refusal.command, refusal.reverse_path) == (verb, reverse_path)
    assert (refusal.forward_path, refusal.recipients) == (forward_path, recipients)
    assert (refusal.client_address, refusal.at) == ("127.0.0.1", START)
    assert refusal.account == reverse_path


async def test_a_message_that_is_too_large(tmp_path: Path) -> None:
    async with run_server(tmp_path, max_message_size=20) as bench:
        client = await bench.connect()
        await client.greet()
        await client.begin("A@example.org", "b@example.net", "c@example.net")
        reply = await client.submit(MESSAGE)
        refusal = noted(bench)
    assert reply.startswith("552 5.3.4")
    assert (refusal.command, refusal.reply, refusal.recipients) == ("DATA", reply, 2)
    assert (refusal.reverse_path, refusal.forward_path) == ("A@example.org", "b@example.net")
    assert refusal.account == "a@example.org"


async def test_a_message_that_the_ledger_cannot_take(bench: Bench) -> None:
    bench.intake.problem = StoreUnavailable("disk full")
    client = await bench.connect()
    await client.greet()
    await client.begin()
    reply = await client.submit(MESSAGE)
    assert reply[0] == "4"
    assert (noted(bench).command, noted(bench).reply) == ("DATA", reply)


async def test_an_account_that_may_not_send_as_somebody_else(tmp_path: Path) -> None:
    async with run_server(tmp_path, match_sender=True) as bench:
        await bench.add_account(ALICE, PASSWORD)
        client = await bench.connect()
        await client.greet()
        login = await client.say(f"AUTH PLAIN {plain_response(ALICE, PASSWORD)}")
        assert login[:3] == "235", login
        reply = await client.say("MAIL FROM:<boss@example.com>")
        ((refusal, source),) = bench.refusals.noted
    assert reply.startswith("553 5.7.1")
    assert (refusal.account, refusal.reverse_path) == (ALICE, "boss@example.com")
    assert source == ALICE


async def test_a_trusted_network_that_has_to_log_in(tmp_path: Path) -> None:
    door = Listener(address="127.0.0.1:0", auth="required")
    async with run_server(tmp_path, door) as bench:
        client = await bench.connect()
        await client.greet()
        assert (await client.say("MAIL FROM:<a@example.org>")).startswith("530")
        assert noted(bench).account == "a@example.org"


async def test_strangers_leave_nothing(tmp_path: Path) -> None:
    async with run_server(tmp_path, trusted_networks=()) as bench:
        client = await bench.connect()
        await client.greet()
        for line in ("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "NONSENSE"):
            assert (await client.say(line))[0] == "5"
        assert bench.refusals.noted == []


async def test_what_only_follows_from_a_refusal_is_left_out(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    client.send(b"MAIL FROM:<a..b@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n")
    assert [(await client.reply())[:3] for _ in range(3)] == ["553", "503", "503"]
    assert noted(bench).command == "MAIL"


async def test_mail_that_is_taken_leaves_nothing(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    await client.begin()
    assert (await client.submit(MESSAGE))[:3] == "250"
    assert await client.say("VRFY") == "501 5.5.4 Syntax: VRFY address"
    assert bench.refusals.noted == []


async def test_what_a_client_says_is_kept_within_bounds(bench: Bench) -> None:
    client = await bench.connect()
    await client.greet()
    reply = await client.say(f"MAIL FROM:<{'a' * 1900}@example.org>")
    assert reply[0] == "5"
    assert len(noted(bench).reverse_path) == 320
    assert len(noted(bench).reply) <= 500


async def test_a_relay_has_it_on_record_soon(tmp_path: Path) -> None:
    loaded = relay_in(tmp_path)
    clock = FakeClock()
    async with open_relay(loaded, clock=clock, resolver=FakeResolver()) as (
        relay,
        ledger,
    ):
        host, port = relay.submission.addresses[0]

        def send() -> tuple[int, bytes]:
            with smtplib.SMTP(host, port) as client:
                client.helo("client.example.net")
                return client.docmd("MAIL", "FROM:<a..b@example.com>")

        code, words = await asyncio.to_thread(send)
        assert code == 553
        async with asyncio.timeout(PATIENCE):
            while not (found := (await ledger.refusals(Query(), Scope(), limit=10)).rows):
                clock.advance(timedelta(seconds=1))
                await asyncio.sleep(0.01)
        (refusal,) = found
        assert refusal.reply == f"{code} {words.decode()}"
        theirs = await ledger.refusals(Query(), Scope(account="a..b@example.com"), limit=10)
        assert list(theirs.rows) == [refusal]
