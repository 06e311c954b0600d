"""Whatever is on record about an address is found, and erased until nothing is left of it."""

import os
from datetime import timedelta

import pytest

from tests.contract.conftest import Everything
from tests.contract.ledger import EVERYTHING, accept_leased
from tests.support.clock import START
from tests.support.looks import entries, make_access
from tests.support.mail import make_attempt, make_settlement, make_submission
from tracker.erasure import Found, Refused, erase, export, find
from tracker.kept import ERASED
from tracker.mailbox import MailboxError
from tracker.model import Account, MessageId, Outcome, Reply, Role, Scope, Status
from tracker.search import Query
from tracker.store import Ledger
from tracker.traces import Address, Part

KEY = b"k" * 32
WRITTEN = "Bob.Smith@example.com"
BOB = Address(WRITTEN)
NEAR = "x-bob.smith@example.com.au"
"""Somebody else, whose address has Bob's in it."""
SAID = Reply(code=550, lines=("5.1.1 <BOB.SMITH@example.com>: Bob Smith does not work here",))


async def put(
    ledger: Ledger,
    *to: str,
    sender: str = "alice@example.org",
    outcome: Outcome = Outcome.FAILED,
    said: Reply = SAID,
) -> MessageId:
    """Put a message on record all of whose recipients are tried once."""
    submission = make_submission(
        *to,
        reverse_path=sender,
        account=sender.lower(),
        subject="About Bob Smith",
        header_from=f"Somebody <{sender}>",
        content=f"From: {sender}\r\nTo: {', '.join(to)}\r\n\r\nhello\r\n".encode(),
    )
    for job in await accept_leased(ledger, submission):
        settlement = make_settlement(job, outcome)
        attempts = tuple(make_attempt(one, outcome, reply=said) for one in job.recipients)
        await ledger.settle(
            type(settlement)(
                lease=settlement.lease,
                message_id=settlement.message_id,
                attempts=attempts,
                changes=settlement.changes,
            )
        )
    return submission.id


async def put_all(ledger: Ledger) -> dict[str, MessageId]:
    """Put mail of every kind on record."""
    return {
        "sent": await put(ledger, "carol@example.net", sender=WRITTEN),
        "received": await put(ledger, WRITTEN, "carol@example.net"),
        "mentioned": await put(ledger, "dave@example.net"),
        "near": await put(ledger, NEAR, said=Reply(code=550, lines=(f"5.1.1 <{NEAR}> unknown",))),
    }


async def erase_bob(ledger: Ledger, *, cancel: bool = False) -> int:
    return await erase(
        ledger,
        BOB,
        KEY,
        actor="admin@example.com",
        client="192.0.2.1",
        now=START + timedelta(days=1),
        entropy=os.urandom,
        cancel=cancel,
    )


async def facts(ledger: Ledger) -> Found:
    return await find(ledger, BOB)


async def test_nothing_is_found_where_nothing_is(ledger: Ledger) -> None:
    await put(ledger, "x@example.net", said=Reply(code=550, lines=("no",)))
    assert (await facts(ledger)).is_nothing
    assert await erase_bob(ledger) == 0


async def test_what_an_address_is_to_the_mail(ledger: Ledger) -> None:
    ids = await put_all(ledger)
    found = await facts(ledger)
    assert {trace.part: trace.message_id for trace in found.traces} == {
        Part.SENT: ids["sent"],
        Part.RECEIVED: ids["received"],
        Part.MENTIONED: ids["mentioned"],
    }
    assert found.counts == {"sent": 1, "received": 1, "mentioned": 1}


async def test_nothing_is_left_of_it_in_any_column_of_any_table(
    ledger: Ledger, everything: Everything
) -> None:
    await put_all(ledger)
    await ledger.record_accesses(
        [
            make_access(account=BOB.normal),
            make_access(actor=BOB.normal),
            make_access(page="/?q=from:bob.smith@EXAMPLE.com"),
        ]
    )
    near = f"<{NEAR}>"

    def places() -> list[str]:
        texts = [text.replace(NEAR, "") for text in everything()]
        return [text for text in texts if BOB.normal in text]

    assert len(places()) >= 8
    await erase_bob(ledger)
    assert places() == []
    assert any(near in text for text in everything())


async def test_what_stands_there_instead(ledger: Ledger) -> None:
    ids = await put_all(ledger)
    await erase_bob(ledger)
    name = BOB.pseudonym(KEY)
    sent = await ledger.timeline(ids["sent"], EVERYTHING)
    received = await ledger.timeline(ids["received"], EVERYTHING)
    mentioned = await ledger.timeline(ids["mentioned"], EVERYTHING)
    assert sent and received and mentioned
    message = sent.message
    assert (message.reverse_path, message.account, message.header.subject) == (name, name, ERASED)
    assert (message.header.header_from, message.client.address) == (f"Somebody <{name}>", ERASED)
    assert [one.forward_path for one in received.recipients] == [name, "carol@example.net"]
    mine, theirs = received.attempts
    if mine.recipient_id != received.recipients[0].id:
        mine, theirs = theirs, mine
    assert mine.reply and theirs.reply
    assert mine.reply.text == f"550 5.1.1 {ERASED}"
    assert theirs.reply.text == f"550 5.1.1 <{name}>: Bob Smith does not work here"
    assert mentioned.attempts[0].reply == theirs.reply
    assert received.message.client.address == "192.0.2.7"


async def test_counts_remain(ledger: Ledger) -> None:
    await put_all(ledger)
    before = await ledger.summarize(Query(), EVERYTHING), await ledger.balance(START)
    await erase_bob(ledger)
    assert (await ledger.summarize(Query(), EVERYTHING), await ledger.balance(START)) == before
    page = await ledger.search(Query(), Scope(account=BOB.pseudonym(KEY)), limit=10)
    assert len(page.rows) == 1


async def test_it_can_be_done_again(ledger: Ledger) -> None:
    ids = await put_all(ledger)
    assert await erase_bob(ledger) >= 3
    before = [await ledger.timeline(each, EVERYTHING) for each in ids.values()]
    assert await erase_bob(ledger) == 0
    assert [await ledger.timeline(each, EVERYTHING) for each in ids.values()] == before


async def test_it_is_on_record_without_the_address(ledger: Ledger) -> None:
    await put_all(ledger)
    await erase_bob(ledger)
    (look,) = await entries(ledger, EVERYTHING, limit=10)
    assert (look.actor, look.account) == ("admin@example.com", "")
    assert look.page.startswith(f"erased {BOB.pseudonym(KEY)}: ")
    assert BOB.normal not in look.page


async def test_what_still_waits_is_refused_unless_it_is_cancelled(ledger: Ledger) -> None:
    message = await put(ledger, WRITTEN, outcome=Outcome.DEFERRED)
    with pytest.raises(Refused, match="still waits for 1 of its recipients"):
        await erase_bob(ledger)
    assert not (await facts(ledger)).is_nothing
    await erase_bob(ledger, cancel=True)
    timeline = await ledger.timeline(message, EVERYTHING)
    assert timeline is not None
    assert timeline.recipients[0].status is Status.CANCELLED
    assert (await facts(ledger)).is_nothing


async def test_mail_to_others_is_never_cancelled_for_it(ledger: Ledger) -> None:
    await put(ledger, WRITTEN, "carol@example.net", outcome=Outcome.DEFERRED)
    with pytest.raises(Refused, match="1 other recipients"):
        await erase_bob(ledger, cancel=True)
    counts = await ledger.summarize(Query(), EVERYTHING)
    assert counts[Status.DEFERRED] == 1


async def test_an_account_has_to_be_removed_first(ledger: Ledger) -> None:
    account = Account(address=BOB.normal, role=Role.USER, password_hash="x", created_at=START)
    await ledger.add_account(account)
    with pytest.raises(Refused, match="remove the account first"):
        await erase_bob(ledger)


async def test_an_export_has_what_concerns_the_address_and_no_more(ledger: Ledger) -> None:
    ids = await put_all(ledger)
    await ledger.record_accesses([make_access(account=BOB.normal)])
    found = await facts(ledger)
    parts = [part async for part in export(ledger, BOB, found)]
    by = {part["as"]: part for part in parts}
    assert set(by) == {"sent", "received", "mentioned", "elsewhere"}
    assert by["sent"]["message"]["id"] == ids["sent"]
    assert [one["forward_path"] for one in by["sent"]["recipients"]] == ["carol@example.net"]
    assert [one["forward_path"] for one in by["received"]["recipients"]] == [WRITTEN]
    assert len(by["received"]["attempts"]) == 1
    elsewhere = [part for part in parts if part["as"] == "elsewhere"]
    assert ("accesses", "account", BOB.normal) in [
        (part["table"], part["column"], part["text"]) for part in elsewhere
    ]


@pytest.mark.parametrize("written", ["", "bob", "@example.com", "bob@", "a b@example.com"])
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(MailboxError):
        Address(written)


async def test_what_comes_after_an_erasure_is_erased_like_what_was_before(ledger: Ledger) -> None:
    """Also where the pseudonym stands already and may stand once only."""
    for text in ("from:bob.smith@example.com", "from:Bob.Smith@example.com"):
        await ledger.note_search(BOB.normal, text, START)
        await erase_bob(ledger)
        await put_all(ledger)
        await erase_bob(ledger)
    assert (await facts(ledger)).is_nothing
