"""Parts of the record that go before it, and domains whose record goes early."""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.contract.ledger import EVERYTHING, accept_leased, recipients
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.ages import Aging, Walk
from tracker.kept import NO_LONGER_KEPT
from tracker.model import MessageId, Outcome, Submission
from tracker.search import Query, parse
from tracker.store import Ledger
from tracker.views import Timeline

DAY = timedelta(days=1)


def walk(*parts: Aging, only: Collection[str] = (), but: Collection[str] = ()) -> Walk:
    name = f"{'+'.join(sorted(parts))}:{','.join(only)}"
    return Walk(
        name=name, parts=frozenset(parts), age=DAY, only=frozenset(only), but=frozenset(but)
    )


async def put(
    ledger: Ledger, now: datetime = START, outcome: Outcome = Outcome.FAILED, **fields: str
) -> MessageId:
    """Put a message on record whose recipient is tried once."""
    submission = make_submission(now=now, **fields)  # type: ignore[arg-type]
    (job,) = await accept_leased(ledger, submission, now)
    await ledger.settle(make_settlement(job, outcome, now=now))
    return submission.id


async def whole(ledger: Ledger, message: MessageId) -> Timeline:
    timeline = await ledger.timeline(message, EVERYTHING)
    assert timeline is not None
    return timeline


async def go(ledger: Ledger, way: Walk, before: datetime, limit: int = 100) -> int:
    """Go a walk to its end; return over how many messages."""
    count = 0
    while gone := await ledger.forget_parts(way, before, limit):
        assert gone <= limit
        count += gone
    return count


async def test_a_subject_that_has_aged_out_says_so(ledger: Ledger) -> None:
    old, young = await put(ledger), await put(ledger, START + 2 * DAY)
    none = await put(ledger, subject="")
    assert await go(ledger, walk(Aging.SUBJECT), START + DAY) == 2
    assert (await whole(ledger, old)).message.header.subject == NO_LONGER_KEPT
    assert (await whole(ledger, none)).message.header.subject == ""
    assert (await whole(ledger, young)).message.header.subject == "hello"


async def test_a_client_that_has_aged_out_says_so(ledger: Ledger) -> None:
    message = await put(ledger)
    await go(ledger, walk(Aging.CLIENT), START + DAY)
    client = (await whole(ledger, message)).message.client
    assert (client.address, client.helo, client.port) == (NO_LONGER_KEPT, "", 0)
    assert client.authenticated_as == "alice@example.com"


async def test_of_replies_the_codes_stay(ledger: Ledger) -> None:
    message = await put(ledger)
    before = (await whole(ledger, message)).attempts[0]
    await go(ledger, walk(Aging.REPLIES), START + DAY)
    after = (await whole(ledger, message)).attempts[0]
    assert after.reply is not None
    assert after.reply.text == f"550 5.1.1 {NO_LONGER_KEPT}"
    assert (after.outcome, after.phase, after.category) == (
        before.outcome,
        before.phase,
        before.category,
    )
    (host,) = after.tries
    assert host.reply == after.reply
    assert (host.steps, host.target, host.tls) == ((), before.target, before.tries[0].tls)


@pytest.mark.parametrize(
    ("query", "found"), [("text:user", 0), ("code:550", 1), ("code:5.1.1", 1), ("subject:hello", 0)]
)
async def test_what_is_forgotten_is_not_found(ledger: Ledger, query: str, found: int) -> None:
    await put(ledger)
    asked = parse(query, now=START, zone=ZoneInfo("UTC"))
    assert len(await recipients(ledger, asked)) == 1
    await go(ledger, walk(Aging.SUBJECT, Aging.REPLIES), START + DAY)
    assert len(await recipients(ledger, asked)) == found


async def test_mail_that_waits_goes_on(ledger: Ledger) -> None:
    message = await put(ledger, outcome=Outcome.DEFERRED)
    await go(ledger, walk(*Aging), START + DAY)
    assert len(await recipients(ledger)) == 1
    assert (await whole(ledger, message)).message.header.subject == NO_LONGER_KEPT


async def test_domains_have_ages_of_their_own(ledger: Ledger) -> None:
    theirs = await put(ledger, account="alice@example.com")
    others = await put(ledger, account="bob@example.net")
    nobodys = await put(ledger, account=None)  # type: ignore[arg-type]
    await go(ledger, walk(Aging.SUBJECT, only=["example.com"]), START + DAY)
    subjects = [(await whole(ledger, each)).message.header.subject for each in (theirs, others)]
    assert subjects == [NO_LONGER_KEPT, "hello"]
    await go(ledger, walk(Aging.CLIENT, but=["example.com"]), START + DAY)
    clients = [
        (await whole(ledger, each)).message.client.address for each in (theirs, others, nobodys)
    ]
    assert clients == ["192.0.2.7", NO_LONGER_KEPT, NO_LONGER_KEPT]


async def test_a_walk_goes_on_where_it_was(ledger: Ledger) -> None:
    for n in range(5):
        await put(ledger, START + n * timedelta(minutes=1))
    way = walk(*Aging)
    assert await ledger.forget_parts(way, START + DAY, 2) == 2
    assert await go(ledger, way, START + DAY, limit=2) == 3
    assert await go(ledger, way, START + DAY) == 0
    await put(ledger, START + DAY)
    assert await go(ledger, way, START + 2 * DAY) == 1


async def test_a_domain_whose_record_is_kept_for_a_shorter_time(ledger: Ledger) -> None:
    for n in range(3):
        await put(ledger, START + n * timedelta(minutes=1), account="alice@example.com")
    open_one = await put(ledger, outcome=Outcome.DEFERRED, account="alice@example.com")
    young = await put(ledger, START + 2 * DAY, account="alice@example.com")
    other = await put(ledger, account="bob@example.net")
    assert await ledger.prune_domains(["example.com"], START + DAY, 2) == 2
    assert await ledger.prune_domains(["example.com"], START + DAY, 2) == 1
    assert await ledger.prune_domains(["example.com"], START + DAY, 2) == 0
    page = await ledger.search(Query(), EVERYTHING, limit=10)
    assert {row.message.id for row in page.rows} == {open_one, young, other}


async def test_a_message_with_open_recipients_stays_whole(ledger: Ledger) -> None:
    submission: Submission = make_submission("a@one.example", "b@two.example")
    job, _ = await accept_leased(ledger, submission)
    await ledger.settle(make_settlement(job, Outcome.DELIVERED))
    assert await ledger.prune_domains(["example.com"], START + DAY, 10) == 0
    assert len((await whole(ledger, submission.id)).recipients) == 2


async def test_mail_comes_in_while_much_is_forgotten(ledger: Ledger) -> None:
    old = [await put(ledger, START + n * timedelta(seconds=1)) for n in range(120)]
    now = START + 2 * DAY

    async def submit() -> list[MessageId]:
        taken = []
        for _ in range(60):
            submission = make_submission(now=now)
            await ledger.accept(submission, now, None)
            taken.append(submission.id)
        return taken

    gone_over, new = await asyncio.gather(go(ledger, walk(*Aging), START + DAY, limit=10), submit())
    assert gone_over == len(old)
    for message in old:
        assert (await whole(ledger, message)).message.header.subject == NO_LONGER_KEPT
    for message in new:
        assert (await whole(ledger, message)).message.header.subject == "hello"
