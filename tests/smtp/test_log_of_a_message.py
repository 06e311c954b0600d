"""The log alone answers what became of a message: grep for its id, sender or Message-ID."""

import asyncio
import re
import smtplib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from relay.dns import ResolverSilent
from tests.support.clock import FakeClock
from tests.support.dns import FakeResolver
from tests.support.ports import free_port
from tests.support.resting import Restful, open_restful, rest
from tests.support.settings import mx_at, relay_in

LETTER = b"Subject: hi\r\nMessage-ID: <one@client.example>\r\n\r\nhello\r\n"


async def far_side(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Know bob, have no room for carl, and nobody else."""
    writer.write(b"220 mx.example.net ESMTP\r\n")
    while line := await reader.readline():
        answer = b"250 2.0.0 Ok: queued as 4bXyZ12Q\r\n"
        if line.startswith(b"DATA"):
            writer.write(b"354 Go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
        elif line.startswith(b"RCPT") and b"carl" in line:
            answer = b"452 4.2.2 Mailbox full\r\n"
        elif line.startswith(b"RCPT") and b"bob" not in line:
            answer = b"550 5.1.1 User unknown\r\n"
        writer.write(answer)
    writer.close()


class House:
    """A relay whose time stands still, and what it has said."""

    def __init__(self, restful: Restful, resolver: FakeResolver, said: list[EventDict]) -> None:
        self._restful = restful
        self.resolver = resolver
        self._said = said

    async def submit(self, *to: str, sender: str = "alice@example.com") -> dict[str, object]:
        """Hand a message in, let the relay come to rest; return the refusals, by recipient."""
        host, port = self._restful.relay.submission.addresses[0]

        def send() -> dict[str, object]:
            with smtplib.SMTP(host, port) as client:
                return dict(client.sendmail(sender, to, LETTER))

        refused = await asyncio.to_thread(send)
        await rest(self._restful)
        return refused

    def lines(self, event: str) -> list[EventDict]:
        """Return what was said under this name."""
        return [line for line in self._said if line["event"] == event]

    def postfix_lines(self) -> list[str]:
        """Return what was said in the form of another program."""
        return [line["event"] for line in self._said if line["event"].startswith("sendtrace/")]


@pytest.fixture
def said() -> Iterator[list[EventDict]]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def house(tmp_path: Path, said: list[EventDict]) -> AsyncIterator[House]:
    port = free_port()
    settings = {"SUBMISSION__MAX_RECIPIENTS": "4", "LOG__DELIVERY_LINES": "true", **mx_at(port)}
    loaded = relay_in(tmp_path, STORE__LEASE="1h", **settings)
    resolver = FakeResolver(
        mx={name: [(10, "mx.example.net")] for name in ("example.org", "example.com")},
        addresses={"mx.example.net": ["127.0.0.1"]},
    )
    server = await asyncio.start_server(far_side, "127.0.0.1", port)
    async with open_restful(loaded, clock=FakeClock(), resolver=resolver) as open_:
        yield House(open_, resolver, said)
    server.close()


async def test_a_message_is_found_by_its_sender_and_message_id(house: House) -> None:
    await house.submit("bob@example.org")
    (accepted,) = house.lines("message accepted")
    (attempt,) = house.lines("attempt")
    assert (accepted["from"], accepted["message_id"]) == ("alice@example.com", "one@client.example")
    assert attempt["message"] == accepted["id"]
    assert (attempt["status"], "next" in attempt) == ("delivered", False)


async def test_an_attempt_says_what_follows_from_it(house: House) -> None:
    await house.submit("carl@example.org", "nobody@example.org")
    by_recipient = {str(line["to"]): line for line in house.lines("attempt")}
    waits, refused = by_recipient["carl@example.org"], by_recipient["nobody@example.org"]
    assert waits["status"] == "deferred"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(waits["next"]))
    assert (refused["status"], "next" in refused) == ("bounced", False)


async def test_the_report_on_a_failure_leads_to_its_own_lines(house: House) -> None:
    await house.submit("nobody@example.org")
    (report,) = house.lines("report queued")
    first = house.lines("message accepted")[0]
    assert (report["message"], report["to"]) == (first["id"], "alice@example.com")
    assert report["detail"] == "Action: failed"
    assert report["report"] in {line["message"] for line in house.lines("attempt")}


async def test_a_report_that_nobody_gets_is_told_too(house: House) -> None:
    await house.submit("nobody@example.org", sender="")
    (withheld,) = house.lines("report withheld")
    assert withheld["message"] == house.lines("message accepted")[0]["id"]
    assert withheld["detail"] == "The reverse-path is null (RFC 5321 4.5.5)"


async def test_mail_that_is_not_even_dialled_says_what_it_waits_for(house: House) -> None:
    house.resolver.faults["mx example.org"] = ResolverSilent("Our resolver does not answer")
    await house.submit("bob@example.org")
    (waits, *_) = house.lines("postponed")
    assert waits["message"] == house.lines("message accepted")[0]["id"]
    assert (waits["gate"], waits["destination"]) == ("dns", "example.org")
    assert waits["why"] == "Our resolver does not answer"


async def test_what_is_refused_at_once_is_told(house: House) -> None:
    await house.submit(*(f"{name}@example.org" for name in ("a", "b", "c", "bob", "e")))
    (refused,) = house.lines("refused")
    assert (refused["command"], refused["from"]) == ("RCPT", "alice@example.com")
    assert refused["account"] == "none", "who has not logged in is nobody"
    assert (refused["client"], str(refused["said"])[:9]) == ("127.0.0.1", "452 4.5.3")


async def test_tools_for_postfix_follow_a_message_from_its_client_to_its_report(
    house: House,
) -> None:
    await house.submit("nobody@example.org")
    accepted, (report,) = house.lines("message accepted")[0], house.lines("report queued")
    lines = house.postfix_lines()
    told = [line for line in lines if f": {accepted['id']}: " in line]
    assert [line.partition("[")[0] for line in told] == [
        "sendtrace/smtpd",
        "sendtrace/cleanup",
        "sendtrace/qmgr",
        "sendtrace/smtp",
    ]
    assert any(
        f": {report['report']}: from=<>, " in line and "nrcpt=1 (queue active)" in line
        for line in lines
    )
