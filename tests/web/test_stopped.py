"""What was stopped here was not tried: neither a page nor a search counts it among the attempts."""

from datetime import timedelta

import pytest

from relay.cli.show import timeline_lines
from relay.presume import Author, cancelled
from tests.contract.test_many_at_once import carry_out, make_act
from tests.support.mail import make_settlement, make_submission, mint
from tests.support.panel import Client, Desk
from tests.web.test_track import text_of
from tracker.model import Deed, Job, MessageId, Outcome, RecipientChange, Settlement, Status

ANNA = "anna@northwind.example"
MINUTE = timedelta(minutes=1)
REASON = "sent by mistake"


async def cancel_after_a_try(desk: Desk) -> MessageId:
    """Have a message tried once, and cancelled with its sender told; return its id."""
    now = desk.clock.now()
    at = now - 5 * MINUTE
    lease = await desk.ledger.open_lease("mail-1", 0, at, timedelta(days=1))
    submission = make_submission("bob@example.org", account=ANNA, reverse_path=ANNA, now=at)
    (job,) = (await desk.ledger.accept(submission, at, lease.token)).jobs
    await desk.ledger.settle(make_settlement(job, Outcome.DEFERRED, now=at))
    chosen = (job.recipients[0].id,)
    act = make_act(Deed.CANCEL, tells_sender=True, chosen=chosen, reason=REASON)
    await carry_out(desk.ledger, act, now)
    due = await desk.ledger.claim(lease.token, now, 10)
    (job,) = [job for job in due if job.message.id == submission.id]
    await desk.ledger.settle(settlement_of(job, desk))
    return submission.id


def settlement_of(job: Job, desk: Desk) -> Settlement:
    now = desk.clock.now()
    author = Author(now=now, mint=lambda: mint(now), node="mail-1", config_revision="r1")
    (recipient,) = job.recipients
    return Settlement(
        lease=job.lease,
        message_id=job.message.id,
        attempts=cancelled(job, REASON, author),
        changes=(
            RecipientChange(
                recipient_id=recipient.id,
                status=Status.CANCELLED,
                at=now,
                attempts=recipient.attempts,
                next_attempt_at=None,
            ),
        ),
    )


@pytest.fixture
async def client(empty_desk: Desk) -> Client:
    return await empty_desk.log_in(ANNA)


async def test_the_page_of_the_message_numbers_what_was_tried(
    empty_desk: Desk, client: Client
) -> None:
    message = await cancel_after_a_try(empty_desk)
    text = await text_of(client, f"/messages/{message}")
    assert text.count("Attempt 1 Temporarily rejected") == 1
    assert "Attempt 2" not in text
    assert "Attempt 0" not in text
    assert text.count("Not tried") == 2, "in the timeline, and in the proof"
    assert f"5.7.0 Cancelled before it was delivered: {REASON}" in text
    above, _, proof = text.partition("Proof for the other side")
    assert above.count(f"Cancelled before it was delivered: {REASON}") == 1
    assert "No host of" not in proof
    assert "Attempt 1" in proof
    assert "Earlier attempts" not in proof
    assert "Permanently rejected" not in text
    assert "Is it only this message?" not in text


async def test_the_list_shows_it_beside_what_was_tried(empty_desk: Desk, client: Client) -> None:
    await cancel_after_a_try(empty_desk)
    page = await (await client.get("/?q=status:cancelled+since:today")).text()
    opened = page.partition('<ol class="attempts"')[2].partition("</ol>")[0]
    assert opened.count("<li>") == 2
    assert "Not tried" in opened
    assert "Permanently rejected" not in opened
    assert "more attempt" not in page


@pytest.mark.parametrize(("asked", "found"), [("1", True), ("2", False), (">=2", False)])
async def test_a_search_counts_what_was_tried(
    empty_desk: Desk, client: Client, asked: str, found: bool
) -> None:
    await cancel_after_a_try(empty_desk)
    text = await text_of(client, f"/?q=attempts:{asked}+since:today")
    assert ("bob@ example.org" in text) is found


async def test_the_terminal_numbers_what_was_tried(empty_desk: Desk) -> None:
    message = await cancel_after_a_try(empty_desk)
    empty_desk.ids["it"] = message
    lines = "\n".join(timeline_lines(await empty_desk.timeline("it")))
    assert "attempt 1: deferred" in lines
    assert "not tried: " in lines
    assert "attempt 2" not in lines
    assert "attempt 0" not in lines
