"""What is kept of subjects by a relay that runs: on record, in searches, in `sendtrace trace`."""

import asyncio
import json
import smtplib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from config.loader import load
from relay.app import open_relay
from relay.clock import SystemClock
from tests.support.dns import FakeResolver
from tests.support.ports import free_port
from tests.support.service import COMMAND
from tracker.kept import NOT_KEPT
from tracker.model import MessageKind, Scope
from tracker.search import Field, Query, Term
from tracker.store import Ledger
from tracker.views import Page

SUBJECT = "Quarterly figures of the harbour office, zebra draft"
FIRST = SUBJECT[:40]

CONFIGURATION = """
hostname = "relay.example.org"
state_directory = "{directory}/state"

[store]
url = "sqlite:{directory}/ledger.db"

[[submission.listeners]]
address = "127.0.0.1:0"

[tracking]
subject = "{subject}"

[[tracking.domains]]
domain = "full.example"
subject = "full"

[[tracking.domains]]
domain = "first.example"
subject = "first-40"

[[tracking.domains]]
domain = "hash.example"
subject = "hash"

[[tracking.domains]]
domain = "none.example"
subject = "none"
"""

DOMAINS = ("full", "first", "hash", "none", "other")


class Place(NamedTuple):
    """A relay that runs, its configuration and its ledger."""

    configuration: Path
    address: tuple[str, int]
    ledger: Ledger

    def send(self, sender: str) -> None:
        with smtplib.SMTP(*self.address) as client:
            message = f"Subject: {SUBJECT}\r\n\r\nhello\r\n"
            client.sendmail(sender, ["bob@example.net"], message.encode())

    async def kept(self, sender: str) -> str:
        """Return the subject that is on record of the mail of somebody."""
        (row,) = (await self.search(Term(field=Field.FROM, value=sender, exact=True))).rows
        return row.message.header.subject

    async def found(self, subject: str, *, exact: bool = False) -> set[str]:
        """Return the domains of who sent what a search for a subject finds, but for reports."""
        page = await self.search(Term(field=Field.SUBJECT, value=subject, exact=exact))
        mail = [row.message for row in page.rows if row.message.kind is MessageKind.MAIL]
        return {message.reverse_path.partition("@")[2].partition(".")[0] for message in mail}

    async def search(self, term: Term) -> Page:
        return await self.ledger.search(Query(terms=(term,)), Scope(), limit=50)

    async def run(self, *words: str) -> str:
        """Return what a command prints."""
        process = await asyncio.create_subprocess_exec(
            COMMAND, *words, "--config", str(self.configuration), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode()


@pytest.fixture(params=["full", "first-40", "hash", "none"])
def policy(request: pytest.FixtureRequest) -> str:
    """What is kept of the subjects of domains that have no setting of their own."""
    return str(request.param)


@pytest.fixture
async def place(tmp_path: Path, policy: str) -> AsyncIterator[Place]:
    configuration = tmp_path / "sendtrace.toml"
    configuration.write_text(CONFIGURATION.format(directory=tmp_path, subject=policy))
    loaded = load(configuration, {"SENDTRACE_DELIVERY__PORT": str(free_port())})
    resolver = FakeResolver(mx={}, addresses={})
    async with open_relay(loaded, clock=SystemClock(), resolver=resolver) as (relay, ledger):
        host, port = relay.submission.addresses[0]
        here = Place(configuration, (host, port), ledger)
        for domain in DOMAINS:
            await asyncio.to_thread(here.send, f"ann@{domain}.example")
        yield here


def stored(policy: str, hashed: str) -> str:
    return {"full": SUBJECT, "first-40": f"{FIRST}…", "hash": hashed, "none": NOT_KEPT}[policy]


async def test_what_is_kept_is_on_record_and_found(place: Place, policy: str) -> None:
    hashed = (await place.run("privacy", "subject", SUBJECT.upper())).strip()
    assert hashed.startswith("hash:")
    policies = dict(zip(DOMAINS, ("full", "first-40", "hash", "none", policy), strict=True))
    for domain, its in policies.items():
        assert await place.kept(f"ann@{domain}.example") == stored(its, hashed)

    def those(*kept: str) -> set[str]:
        return {domain for domain, its in policies.items() if its in kept}

    assert await place.found("ZEBRA draft") == those("full")
    assert await place.found("harbour OFFICE") == those("full", "first-40")
    assert await place.found(SUBJECT, exact=True) == those("full")
    assert await place.found(hashed, exact=True) == those("hash")
    assert await place.found(NOT_KEPT, exact=True) == those("none")


async def test_trace_shows_what_is_kept_and_no_more(place: Place, policy: str) -> None:
    hashed = (await place.run("privacy", "subject", SUBJECT)).strip()
    for domain, its in [("hash", "hash"), ("none", "none"), ("other", policy)]:
        seen = await place.run("trace", "--json", f"from:ann@{domain}.example")
        assert [each["message"]["header"]["subject"] for each in json.loads(seen)] == [
            stored(its, hashed)
        ]
        assert ("zebra" in seen) == (its == "full")
        assert ("harbour" in seen) == (its in ("full", "first-40"))
    seen = await place.run("trace", "--json", f'subject:"{hashed}"')
    senders = {each["message"]["reverse_path"] for each in json.loads(seen)}
    assert "ann@hash.example" in senders
    assert "ann@full.example" not in senders
