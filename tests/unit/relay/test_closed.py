"""Whom RCPT refuses, and what it says."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.closed import ClosedAddresses, reply_to
from tests.support.clock import START, FakeClock
from tests.support.submission import run_server
from tracker.model import EnvelopeRecipient, Suppression, SuppressionOrigin
from tracker.sqlite import open_ledger


def closed(address: str = "bob@example.org", **fields: Any) -> Suppression:
    values: dict[str, Any] = {"since": START, "actor": "it@example.com", **fields}
    return Suppression(address=address, **values)


@pytest.mark.parametrize(
    ("forward_path", "account", "is_refused"),
    [
        ("bob@example.org", "anna@example.com", True),
        ("BOB@Example.org", "anna@example.com", True),
        ("bob@example.org", "eve@elsewhere.example", False),
        ("bob@example.org", None, False),
        ("bob@example.net", "anna@example.com", False),
        ("all@example.org", "eve@elsewhere.example", True),
        ("all@example.org", None, True),
        ("own@example.org", "anna@example.com", True),
        ("own@example.org", "zoe@example.com", False),
        ("past@example.org", "anna@example.com", False),
    ],
)
async def test_an_address_is_closed_for_whose_mail_it_says(
    tmp_path: Path, forward_path: str, account: str | None, is_refused: bool
) -> None:
    ledger = await open_ledger(tmp_path / "ledger.db")
    try:
        await ledger.suppress(
            [
                closed(domain="example.com"),
                closed("all@example.org"),
                closed("own@example.org", domain="example.com", account="anna@example.com"),
                closed("past@example.org", until=START),
            ]
        )
        addresses = ClosedAddresses(ledger, FakeClock(START))
        recipient = EnvelopeRecipient(
            forward_path=forward_path, domain=forward_path.rpartition("@")[2].lower()
        )
        assert addresses.refusal(recipient, account) is None, "nothing has been read yet"
        await addresses.refresh()
        assert (addresses.refusal(recipient, account) is not None) == is_refused
    finally:
        await ledger.close()


async def test_a_change_is_followed(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path / "ledger.db")
    try:
        addresses = ClosedAddresses(ledger, FakeClock(START))
        bob = EnvelopeRecipient(forward_path="bob@example.org", domain="example.org")
        await ledger.suppress([closed()])
        await addresses.refresh()
        assert addresses.refusal(bob, None) is not None
        await ledger.unsuppress(closed())
        await addresses.refresh()
        assert addresses.refusal(bob, None) is None
    finally:
        await ledger.close()


def test_the_reply_says_why_and_how_to_open_it() -> None:
    assert reply_to(closed(reason="moved\r\n250 ok, über")) == (
        "550 5.7.1 Nothing is sent to this address: closed on 2026-03-02 by it@example.com "
        "(moved??250 ok, ?ber); to open it, take it off the list (Suppressions in the panel) or "
        "ask your administrator"
    )
    hard = reply_to(closed(origin=SuppressionOrigin.BOUNCE, reason="x" * 500))
    assert hard.startswith("550 5.1.1 Nothing is sent to this address: its server said on 2026")
    assert len(hard) < 500


async def test_rcpt_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path / "ledger.db")
    try:
        await ledger.suppress([closed(domain="example.com", reason="moved")])
        addresses = ClosedAddresses(ledger, FakeClock(START + timedelta(days=1)))
        await addresses.refresh()
        async with run_server(tmp_path, closed=addresses.refusal) as bench:
            client = await bench.connect()
            await client.greet()
            await client.say("MAIL FROM:<Anna@example.com>")
            refused = await client.say("RCPT TO:<Bob@example.org> NOTIFY=FAILURE")
            assert refused.startswith("550 5.7.1 Nothing is sent to this address")
            assert (await client.say("RCPT TO:<carol@example.org>")).startswith("250")
            assert (await client.submit(b"Subject: hi\r\n\r\nhi\r\n.\r\n")).startswith("250")
            (taken,) = bench.intake.taken
            assert [r.forward_path for r in taken.envelope.recipients] == ["carol@example.org"]
    finally:
        await ledger.close()
