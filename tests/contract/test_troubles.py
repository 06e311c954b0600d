"""What went wrong on our side, and what of it somebody has read, on every ledger."""

import asyncio
from datetime import datetime, timedelta

from msgspec.structs import replace

from tests.contract.ledger import Ledger, accept_leased
from tests.contract.test_insight import BUSY, DAY, HOUR, LISTED, MINUTE, send
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.explain import Category
from tracker.insight import Trouble, TroubleKey, TroubleKind
from tracker.model import Origin, Outcome, Phase, Reply

BLOCKED = Category.IP_BLOCKLISTED
NO_PTR = Reply(code=550, lines=("5.7.25 Client host 192.0.2.25 has no PTR record",))
ADMIN = "admin@example.com"
TOOK = timedelta(milliseconds=120)
"""What an attempt takes in these tests: a failure is of its end."""


async def kind_of(ledger: Ledger, category: Category, limit: int = 10) -> TroubleKind:
    """Return what the ledger says of one kind."""
    kinds = await ledger.trouble_kinds(START - DAY, limit)
    return next(kind for kind in kinds if kind.category is category)


async def fail(ledger: Ledger, at: datetime, *places: str, reply: Reply = LISTED) -> None:
    """Have one message refused at each of these places."""
    for place in places:
        await send(ledger, Outcome.FAILED, at, reply=reply, host=f"mx1.{place}")


async def test_troubles_are_failures_on_our_side(ledger: Ledger) -> None:
    await fail(ledger, START, "example.org")
    _, listed = await send(
        ledger, Outcome.FAILED, START + HOUR, reply=LISTED, host="mx2.example.org"
    )
    await send(ledger, Outcome.FAILED, START)
    await send(ledger, Outcome.DEFERRED, START, reply=BUSY)
    (kind,) = await ledger.trouble_kinds(START - DAY, 10)
    (trouble,) = kind.troubles
    assert (trouble.category, trouble.place) == (BLOCKED, "example.org")
    assert (trouble.count, trouble.last_at) == (2, listed.ended_at)
    assert trouble.example is not None
    assert (trouble.example.id, trouble.example.reply) == (listed.id, LISTED)
    assert trouble.is_unread
    assert list(await ledger.troubles(BLOCKED, START - DAY, limit=10)) == [trouble]
    assert await ledger.unread_troubles(START - DAY) == 1
    assert await ledger.trouble_kinds(START + DAY, 10) == []
    assert await ledger.troubles(BLOCKED, START + DAY, limit=10) == []


async def test_a_local_fault_is_ours_whatever_it_is_called(ledger: Ledger) -> None:
    submission = make_submission("bob@example.org")
    (job,) = await accept_leased(ledger, submission)
    settlement = make_settlement(job, Outcome.DEFERRED, wait=DAY)
    fault = replace(
        settlement.attempts[0],
        reply=None,
        target=None,
        tries=(),
        phase=Phase.DNS,
        origin=Origin.LOCAL,
        detail="4.4.3 Our resolver does not answer",
    )
    await ledger.settle(replace(settlement, attempts=(fault,)))
    (trouble,) = (await kind_of(ledger, Category.LOCAL_FAULT)).troubles
    assert (trouble.category, trouble.place) == (Category.LOCAL_FAULT, "example.org")


async def test_a_kind_counts_all_its_places_and_shows_some(ledger: Ledger) -> None:
    await fail(ledger, START, "a.example", "b.example", "c.example")
    await fail(ledger, START + HOUR, "b.example")
    await fail(ledger, START + MINUTE, "d.example", reply=NO_PTR)
    blocked, without = await ledger.trouble_kinds(START - DAY, 2)
    assert (blocked.category, without.category) == (BLOCKED, Category.PTR_MISSING)
    assert (blocked.places, blocked.unread, blocked.count) == (3, 3, 4)
    assert (blocked.first_at, blocked.last_at) == (START + TOOK, START + HOUR + TOOK)
    assert [one.place for one in blocked.troubles] == ["b.example", "a.example"]
    assert (without.places, without.unread, without.count) == (1, 1, 1)
    await ledger.mark_read(BLOCKED, since=START, until=START + MINUTE, actor=ADMIN)
    await fail(ledger, START + HOUR, "c.example")
    await ledger.mark_read(BLOCKED, since=START, until=START + HOUR + MINUTE, actor=ADMIN)
    await fail(ledger, START + 2 * HOUR, "a.example")
    blocked = await kind_of(ledger, BLOCKED, 2)
    assert (blocked.places, blocked.unread, blocked.count) == (3, 1, 6)
    assert [one.place for one in blocked.troubles] == ["a.example", "b.example"]


async def walk(ledger: Ledger, limit: int, *, only_unread: bool = False) -> list[list[Trouble]]:
    """Return all places of a kind, page by page."""
    pages, after = list[list[Trouble]](), None
    while True:
        page = await ledger.troubles(
            BLOCKED, START - DAY, limit=limit, after=after, only_unread=only_unread
        )
        if not page:
            return pages
        pages.append(list(page))
        after = TroubleKey(page[-1].last_at, page[-1].place)


async def test_all_places_of_a_kind_are_found_page_by_page(ledger: Ledger) -> None:
    await fail(ledger, START, "c.example", "a.example", "b.example")
    await fail(ledger, START + HOUR, "e.example", "d.example", "b.example")
    await fail(ledger, START + HOUR, "z.example", reply=NO_PTR)
    wanted = ["b.example", "d.example", "e.example", "a.example", "c.example"]
    for limit in (1, 2, 5):
        pages = await walk(ledger, limit)
        assert [one.place for page in pages for one in page] == wanted
        assert all(len(page) == limit for page in pages[:-1])


async def test_a_page_keeps_its_place(ledger: Ledger) -> None:
    await fail(ledger, START, "a.example", "b.example", "c.example", "d.example")
    first = await ledger.troubles(BLOCKED, START, limit=2)
    assert [one.place for one in first] == ["a.example", "b.example"]
    await fail(ledger, START + HOUR, "a.example", "new.example")
    await ledger.mark_read(BLOCKED, since=START, until=START + MINUTE, actor=ADMIN)
    after = TroubleKey(first[-1].last_at, first[-1].place)
    rest = await ledger.troubles(BLOCKED, START, limit=10, after=after)
    assert [one.place for one in rest] == ["c.example", "d.example"]


async def test_unread_places_are_found_alone(ledger: Ledger) -> None:
    await fail(ledger, START, "a.example", "b.example", "c.example")
    await ledger.mark_read(BLOCKED, since=START, until=START + MINUTE, actor=ADMIN)
    assert await walk(ledger, 1, only_unread=True) == []
    await fail(ledger, START + HOUR, "b.example", "c.example", "d.example")
    places = [one.place for page in await walk(ledger, 2, only_unread=True) for one in page]
    assert places == ["b.example", "c.example", "d.example"]


async def test_a_kind_is_read_at_all_its_places_until_it_comes_again(ledger: Ledger) -> None:
    await fail(ledger, START, "example.org", "other.example")
    await fail(ledger, START, "example.org", reply=NO_PTR)
    await ledger.mark_read(BLOCKED, since=START, until=START + HOUR, actor=ADMIN)
    assert await ledger.unread_troubles(START) == 1
    assert [
        (one.is_unread, one.read_by, one.read_at)
        for one in await ledger.troubles(BLOCKED, START, limit=10)
    ] == [(False, ADMIN, START + TOOK)] * 2
    await ledger.mark_read(BLOCKED, since=START, until=START + MINUTE, actor="late@example.com")
    assert await ledger.unread_troubles(START) == 1
    await fail(ledger, START + 2 * HOUR, "example.org")
    assert await ledger.unread_troubles(START) == 2
    again, other = await ledger.troubles(BLOCKED, START, limit=10)
    assert (again.place, again.is_unread, again.read_by) == ("example.org", True, ADMIN)
    assert (other.place, other.is_unread, other.read_by) == ("other.example", False, ADMIN)
    await ledger.mark_read(BLOCKED, since=START, until=START + 3 * HOUR, actor="eve@example.com")
    assert await ledger.unread_troubles(START) == 1
    again, other = await ledger.troubles(BLOCKED, START, limit=10)
    assert (again.read_by, again.read_at) == ("eve@example.com", START + 2 * HOUR + TOOK)
    assert (other.read_by, other.read_at) == (ADMIN, START + TOOK)


async def test_what_came_up_after_the_look_stays_unread(ledger: Ledger) -> None:
    await fail(ledger, START, "seen.example", "again.example")
    await fail(ledger, START + HOUR, "again.example", "new.example")
    await ledger.mark_read(BLOCKED, since=START, until=START + MINUTE, actor=ADMIN)
    found = {one.place: one for one in await ledger.troubles(BLOCKED, START, limit=10)}
    assert {place for place, one in found.items() if one.is_unread} == {
        "again.example",
        "new.example",
    }
    assert found["again.example"].read_at == START + TOOK
    assert found["new.example"].read_at is None


async def test_several_read_at_once(ledger: Ledger) -> None:
    places = [f"{number}.example" for number in range(20)]
    await fail(ledger, START, *places)
    actors = [f"{number}@example.com" for number in range(6)]
    await asyncio.gather(
        *(
            ledger.mark_read(BLOCKED, since=START, until=START + MINUTE, actor=actor)
            for actor in actors
        )
    )
    assert await ledger.unread_troubles(START) == 0
    readers = {one.read_by for one in await ledger.troubles(BLOCKED, START, limit=30)}
    assert len(readers) == 1
