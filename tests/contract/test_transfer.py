"""A whole ledger moves into another one, of either kind: the same there, and once."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contract.archives import archive_of, move, transfer_of, view, view_of
from tests.contract.conftest import NewLocator
from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    assert_balanced,
    hold,
    open_by_locator,
    recipients,
)
from tests.contract.test_people import SESSION
from tests.contract.test_random_life import ACCEPT, CLAIM, REST, SETTLE, Life, Step
from tests.contract.transfers import DAY, Altered, add_many, fill, fill_a_little
from tests.contract.transfers import alike as alike
from tests.contract.transfers import namers as namers
from tests.contract.transfers import new_pair as new_pair
from tests.contract.transfers import pair as pair
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tests.support.pooler import pooling
from tests.support.postgres import Server
from tracker.archive import Mark, Piece, Record
from tracker.model import DestinationChange, Status
from tracker.states import FINAL
from tracker.store import StoreError


async def deliver_all(ledger: Ledger) -> None:
    """Release what is held, and deliver everything that is open."""
    end = START + 60 * DAY
    await ledger.give_up_held(end, 1000)
    lease = await hold(ledger, end)
    while jobs := await ledger.claim(lease, end, 1000):
        for job in jobs:
            alive = DestinationChange(destination=job.destination, at=end, reachable=True)
            await ledger.settle(replace(make_settlement(job, now=end), destination=alive))
    assert {each.status for each in await recipients(ledger)} <= FINAL
    assert await ledger.next_due() is None
    await assert_balanced(ledger)


async def test_a_ledger_is_the_same_elsewhere_and_its_mail_goes_on(pair: tuple[str, str]) -> None:
    source, target = pair
    await fill(source)
    before = await view_of(source)
    comparison = await move(source, target)
    assert comparison is not None
    assert comparison.differences == ()
    assert comparison.messages == len(before["timelines"])
    ledger = await open_by_locator(target)
    assert await view(ledger) == before
    assert await ledger.session(SESSION.token_hash, START) == SESSION
    (times,) = await ledger.record_failure(["account x"], START + DAY, 2 * DAY)
    assert list(times) == [START, START, START + DAY, START + DAY]
    await deliver_all(ledger)
    await ledger.close()


async def test_there_and_back_again_not_a_bit_has_changed(namers: dict[str, NewLocator]) -> None:
    places = [namers[kind]() for kind in ("sqlite", "postgresql", "sqlite", "postgresql")]
    await fill(places[0])
    digests = set()
    for source, target in pairwise(places):
        comparison = await move(source, target)
        assert comparison is not None
        assert comparison.differences == ()
        digests.add(comparison.digest)
    assert len(digests) == 1


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    life=st.lists(
        st.one_of(ACCEPT, ACCEPT, CLAIM, CLAIM, SETTLE, SETTLE, SETTLE, *REST),
        min_size=20,
        max_size=30,
    ),
    doubt=st.integers(0, 255),
)
async def test_a_random_life_goes_on_elsewhere(
    new_pair: Callable[[], tuple[str, str]], life: list[Step], doubt: int
) -> None:
    source, target = new_pair()
    lived = Life(source, await open_by_locator(source))
    try:
        await lived.open_lease()
        for step in life[: len(life) // 2]:
            await step(lived)
        while lived.leases:
            await lived.end_lease(0, clean=bool(doubt & 1), doubt=doubt)
        await lived.ledger.close()
        comparison = await move(source, target)
        assert comparison is not None
        assert comparison.differences == ()
        lived.locator, lived.ledger = target, await open_by_locator(target)
        await lived.open_lease()
        for step in life[len(life) // 2 :]:
            await step(lived)
            await lived.check()
        await lived.finish()
    finally:
        await lived.ledger.close()


async def test_a_ledger_moves_through_a_pooler(
    namers: dict[str, NewLocator], migrated_postgres: Server
) -> None:
    source, direct, back = namers["sqlite"](), namers["postgresql"](), namers["sqlite"]()
    await fill_a_little(source)
    before = await view_of(source)
    with pooling(migrated_postgres, 2) as pooler:
        through = pooler.url(urlsplit(direct).path.lstrip("/"))
        for ends in pairwise((source, through, back)):
            comparison = await move(*ends)
            assert comparison is not None
            assert comparison.differences == ()
    assert await view_of(back) == before


async def test_held_mail_and_its_reason_are_the_same_elsewhere(alike: tuple[str, str]) -> None:
    source, target = alike
    ledger = await open_by_locator(source)
    await ledger.accept(make_submission(), START, None)
    ids = [each.id for each in await recipients(ledger)]
    await ledger.change_status(
        ids, Status.HELD, scope=EVERYTHING, actor="op", reason="a loop", now=START
    )
    await ledger.close()
    await move(source, target)
    ledger = await open_by_locator(target)
    (held,) = await recipients(ledger)
    assert (held.status, held.gate_detail) == (Status.HELD, "a loop")
    assert await ledger.give_up_held(held.expires_at, 10) == 1
    await ledger.close()


# --- stopped on the way ---------------------------------------------------------------------------


async def run_until(source: str, target: str, lines: int) -> str:
    """Move in another process; kill it after so many lines of progress. Returns its last line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.archives", source, target, stdout=PIPE
    )
    assert process.stdout is not None
    last = b""
    for _ in range(lines):
        last = await process.stdout.readline() or last
    with suppress(ProcessLookupError):
        process.kill()
    async for line in process.stdout:
        last = line
    await process.wait()
    return last.decode().strip()


async def test_a_transfer_that_is_killed_goes_on_where_it_was(pair: tuple[str, str]) -> None:
    source, target = pair
    await add_many(source, 25)
    before = await view_of(source)
    chance = random.Random(4)
    for _ in range(4):
        said = await run_until(source, target, 1 + chance.randrange(3))
        assert said != "complete"
    with pytest.raises(StoreError, match="not complete"):
        await open_by_locator(target)
    with pytest.raises(StoreError, match="being moved"):
        await open_by_locator(source)
    assert await run_until(source, target, 100) == "complete"
    assert await view_of(target) == before
    with pytest.raises(StoreError, match="was moved to"):
        await open_by_locator(source)


class DiesAtTheEnd(Altered):
    """Is stopped just before it would be complete."""

    async def end(self, transfer: str, at: int) -> None:
        raise StoreError("stopped")


async def test_between_the_two_last_steps_neither_can_be_used(alike: tuple[str, str]) -> None:
    source, target = alike
    await fill_a_little(source)
    before = await view_of(source)
    async with archive_of(source) as one, archive_of(target) as other:
        with pytest.raises(StoreError, match="stopped"):
            await transfer_of(one, DiesAtTheEnd(other)).run()
    for locator in alike:
        with pytest.raises(StoreError, match=r"moved|not complete"):
            await open_by_locator(locator)
    assert await move(source, target) is None
    assert await view_of(target) == before
    assert await move(source, target) is None


class Overflows(Altered):
    """Has no room for the content of the first message."""

    async def write(
        self, records: Sequence[Record], pieces: AsyncIterable[Piece], mark: Mark
    ) -> Mark:
        async def first() -> AsyncIterator[Piece]:
            async for piece in pieces:
                yield piece
                raise StoreError("the disk is full")

        after: Mark = await self._archive.write(records, first(), mark)
        return after


async def test_a_target_that_is_full_can_be_filled_later(pair: tuple[str, str]) -> None:
    source, target = pair
    await add_many(source, 2)
    before = await view_of(source)
    async with archive_of(source) as one, archive_of(target) as other:
        with pytest.raises(StoreError, match="the disk is full"):
            await transfer_of(one, Overflows(other)).run()
        comparison = await transfer_of(one, other).run()
        assert comparison is not None
        assert comparison.differences == ()
    assert await view_of(target) == before
