"""A whole ledger moves into another one, of either kind: the same there, and once."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.contract.archives import (
    archive_of,
    give_back_all,
    move,
    transfer_of,
    view,
    view_of,
)
from tests.contract.conftest import NewLocator, name_databases, name_files
from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    assert_balanced,
    hold,
    open_by_locator,
    recipients,
)
from tests.contract.population import populate
from tests.contract.test_people import ALICE, BOB, SESSION
from tests.contract.test_random_life import ACCEPT, CLAIM, REST, SETTLE, Life, Step
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tests.support.postgres import Server
from tracker.archive import TABLES, Mark, Piece, Record, Rows, Table
from tracker.model import DestinationChange, MessageKind, Outcome, Status
from tracker.states import FINAL
from tracker.store import StoreError
from tracker.transfer import TransferRefused, call_off

DAY = timedelta(days=1)
LARGE = bytes(range(256)) * 4 * 1024 + b"end"
KINDS = ("sqlite", "postgresql")


@pytest.fixture
def namers(tmp_path: Path, migrated_postgres: Server) -> Iterator[dict[str, NewLocator]]:
    """Name new ledgers of each kind."""
    with ExitStack() as stack:
        yield {
            "sqlite": stack.enter_context(contextmanager(name_files)(tmp_path)),
            "postgresql": stack.enter_context(contextmanager(name_databases)(migrated_postgres)),
        }


@pytest.fixture(params=[(one, other) for one in KINDS for other in KINDS], ids=" to ".join)
def new_pair(
    request: pytest.FixtureRequest, namers: dict[str, NewLocator]
) -> Callable[[], tuple[str, str]]:
    """Names a new ledger to move and an empty one to move it to."""
    one, other = request.param
    return lambda: (namers[one](), namers[other]())


@pytest.fixture
def pair(new_pair: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """A ledger to move and an empty one to move it to."""
    return new_pair()


@pytest.fixture(params=KINDS)
def alike(request: pytest.FixtureRequest, namers: dict[str, NewLocator]) -> tuple[str, str]:
    """Two ledgers of one kind."""
    return namers[request.param](), namers[request.param]()


async def fill(locator: str) -> None:
    """Put mail of every kind into a ledger that is then at rest."""
    await fill_a_little(locator)
    ledger = await open_by_locator(locator)
    await populate(ledger)
    await add_special_mail(ledger)
    await give_back_all(ledger)
    await ledger.close()


async def fill_a_little(locator: str) -> None:
    """Put a row of everything that can be on record into a ledger that is then at rest."""
    ledger = await open_by_locator(locator)
    await add_what_is_forgotten(ledger)
    (job,) = await accept_leased(ledger)
    await ledger.settle(make_settlement(job, Outcome.DEFERRED))
    ids = [each.id for each in job.recipients]
    await ledger.change_status(
        ids, Status.CANCELLED, scope=EVERYTHING, actor="op", reason="", now=START
    )
    later = START + timedelta(seconds=1)
    await ledger.accept(make_submission("u@waiting.example", now=later), later, None)
    await ledger.add_account(ALICE)
    await ledger.add_account(BOB)
    await ledger.add_session(SESSION)
    for at in (START, START, START + DAY):
        await ledger.record_failure(["client 192.0.2.1", "account x"], at, DAY)
    await give_back_all(ledger)
    await ledger.close()


async def add_what_is_forgotten(ledger: Ledger) -> None:
    """Let mail be delivered and pruned: only the day's counters know of it."""
    long_ago = START - 5 * DAY
    for outcome in (Outcome.DELIVERED, Outcome.FAILED):
        (job,) = await accept_leased(ledger, make_submission(now=long_ago), long_ago)
        await ledger.settle(make_settlement(job, outcome, now=long_ago))
    while await ledger.prune((START - DAY).date(), 10):
        pass
    assert await recipients(ledger) == []


async def add_special_mail(ledger: Ledger) -> None:
    """Add content of every size, a DSN, a message half delivered, a destination that is away."""
    for octets in (b"", b"x", LARGE):
        await ledger.accept(make_submission(content=octets), START, None)
    jobs = await accept_leased(ledger, make_submission("a@one.example", "b@two.example"))
    report = make_submission(
        "alice@example.com", reverse_path="", kind=MessageKind.DSN, reports_on=jobs[0].message.id
    )
    await ledger.settle(make_settlement(jobs[0], Outcome.FAILED, reports=(report,)))
    away = DestinationChange(
        destination="two.example",
        at=START,
        reachable=False,
        failures=3,
        next_probe_at=START + timedelta(minutes=7),
        detail="Connection timed out",
    )
    deferred = make_settlement(jobs[1], Outcome.DEFERRED)
    await ledger.settle(replace(deferred, destination=away))


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


# --- stopped on the way ---------------------------------------------------------------------------


async def add_many(locator: str, messages: int) -> None:
    """Add messages of so many recipients that few of them make a step of the transfer."""
    ledger = await open_by_locator(locator)
    names = [f"u{n}@one.example" for n in range(200)]
    for n in range(messages):
        now = START + timedelta(seconds=n)
        await ledger.accept(make_submission(*names, now=now, content=b"%d" % n), now, None)
    await ledger.close()


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


class Altered:
    """An archive that does something else than it was told; all else it does as told."""

    def __init__(self, archive: Any) -> None:
        self._archive = archive

    def __getattr__(self, name: str) -> Any:
        return getattr(self._archive, name)


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


async def test_two_runs_at_once_do_not_write_the_same(alike: tuple[str, str]) -> None:
    source, target = alike
    await add_many(source, 2)
    async with archive_of(source) as one, archive_of(target) as other:
        mark = Mark("0" * 26, "target", "elsewhere", 0)
        await other.enter(mark, lambda _: None)
        last = await one.span("")
        assert last is not None
        records = await one.read("", last)
        await other.write(records, one.pieces("", last), mark)
        with pytest.raises(StoreError, match="another transfer"):
            await other.write(records, one.pieces("", last), mark)
        assert (await other.holdings()).messages == len(records)
        for table in TABLES:
            await other.replace(table, one.rows(table))


async def test_what_failed_to_be_written_has_left_nothing(alike: tuple[str, str]) -> None:
    source, target = alike
    await add_many(source, 2)

    async def breaking() -> AsyncIterator[Piece]:
        yield Piece("1" * 26, LARGE)
        raise StoreError("the source is gone")

    async with archive_of(source) as one, archive_of(target) as other:
        mark = Mark("0" * 26, "target", "elsewhere", 0)
        await other.enter(mark, lambda _: None)
        records = await one.read("", await one.span("") or "")
        with pytest.raises(StoreError, match="the source is gone"):
            await other.write(records, breaking(), mark)
        assert (await other.holdings()).messages == 0
        assert await other.marks() == [mark]


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


# --- what the comparison finds --------------------------------------------------------------------

Change = Callable[[Record], Record]


class Corrupting(Altered):
    """Changes one record, or content, or a table, before it is written."""

    def __init__(self, archive: Any, what: str) -> None:
        super().__init__(archive)
        self._what = what
        self.changed = ""

    async def write(
        self, records: Sequence[Record], pieces: AsyncIterable[Piece], mark: Mark
    ) -> Mark:
        wrong = [self._change(each) for each in records]
        kept = [each for each in wrong if each is not None]
        after: Mark = await self._archive.write(kept, self._spoilt(pieces), mark)
        return after

    def _change(self, record: Record) -> Record | None:
        message, last = record.message, record.recipients[-1]._replace(notify="NEVER")
        changes: dict[str, Callable[[], Record | None]] = {
            "message": lambda: record._replace(message=message._replace(subject="other")),
            "recipient": lambda: record._replace(recipients=(*record.recipients[:-1], last)),
            "attempt": lambda: record._replace(attempts=record.attempts[1:]),
            "event": lambda: record._replace(events=record.events[1:]),
            "lost": lambda: None,
        }
        is_over = {recipient.status for recipient in record.recipients} <= FINAL
        is_it = record.attempts and record.events and is_over
        if self.changed or not is_it or self._what not in changes:
            return record
        self.changed = message.id
        return changes[self._what]()

    async def _spoilt(self, pieces: AsyncIterable[Piece]) -> AsyncIterator[Piece]:
        async for piece in pieces:
            if self._what == "content" and piece.data and not self.changed:
                self.changed = piece.message_id
                yield piece._replace(data=piece.data[:-1] + b"?")
            else:
                yield piece

    async def replace(self, table: Table, rows: AsyncIterable[Rows]) -> None:
        async def spoilt() -> AsyncIterator[Rows]:
            async for some in rows:
                yield self._spoil(some) if self._what == table.name else some

        await self._archive.replace(table, spoilt())

    def _spoil(self, rows: Rows) -> Rows:
        first: Any = rows[0]
        if self._what == "destinations":  # without it, mail would be forgotten
            return [first._replace(failures=first.failures + 1), *rows[1:]]
        return rows[1:]


@pytest.mark.parametrize("what", ["message", "recipient", "attempt", "event", "lost", "content"])
async def test_a_message_that_differs_is_named(alike: tuple[str, str], what: str) -> None:
    source, target = alike
    await fill_a_little(source)
    async with archive_of(source) as one, archive_of(target) as other:
        corrupting = Corrupting(other, what)
        comparison = await transfer_of(one, corrupting).run()
    assert corrupting.changed
    assert comparison is not None
    assert f"message {corrupting.changed}" in comparison.differences
    assert len([each for each in comparison.differences if each.startswith("message ")]) == 1
    with pytest.raises(StoreError, match="not complete"):
        await open_by_locator(target)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_a_table_that_differs_is_named(alike: tuple[str, str], table: Table) -> None:
    source, target = alike
    await fill_a_little(source)
    async with archive_of(source) as one, archive_of(target) as other:
        comparison = await transfer_of(one, Corrupting(other, table.name)).run()
    assert comparison is not None
    assert comparison.differences == (f"the table {table.name}",)


# --- what is refused ------------------------------------------------------------------------------


async def test_a_ledger_that_somebody_works_with_is_not_moved(alike: tuple[str, str]) -> None:
    source, target = alike
    ledger = await open_by_locator(source)
    lease = await hold(ledger)
    with pytest.raises(TransferRefused, match="Stop the relay"):
        await move(source, target)
    await ledger.close_lease(lease, START)
    await ledger.close()
    await view_of(source)  # it was left unmarked
    comparison = await move(source, target)
    assert comparison is not None


async def test_a_ledger_that_changes_on_the_way_is_not_moved(alike: tuple[str, str]) -> None:
    source, target = alike
    ledger = await open_by_locator(source)

    class Meddling(Altered):
        async def arrange(self) -> None:
            await ledger.accept(make_submission(), START, None)

    async with archive_of(source) as one, archive_of(target) as other:
        comparison = await transfer_of(one, Meddling(other)).run()
    await ledger.close()
    assert comparison is not None
    assert "the number of messages: 1 here, 0 there" in comparison.differences


async def test_a_target_that_holds_mail_is_refused(alike: tuple[str, str]) -> None:
    source, target = alike
    await fill_a_little(target)
    before = await view_of(target)
    with pytest.raises(TransferRefused, match=r"not empty, it has messages \(\d+\)"):
        await move(source, target)
    assert await view_of(target) == before
    await view_of(source)


async def test_a_target_that_has_people_is_refused(alike: tuple[str, str]) -> None:
    source, target = alike
    ledger = await open_by_locator(target)
    await ledger.add_account(BOB)
    await ledger.close()
    with pytest.raises(TransferRefused, match=r"it has accounts \(1\)"):
        await move(source, target)


async def test_a_ledger_is_not_moved_to_where_it_is(alike: tuple[str, str]) -> None:
    with pytest.raises(TransferRefused, match="where it is"):
        await move(alike[0], alike[0])


class Stops(Altered):
    """Is stopped when all mail is there."""

    async def arrange(self) -> None:
        raise StoreError("stopped")


async def stop_on_the_way(source: str, target: str) -> None:
    """Leave a transfer where all mail has been copied."""
    async with archive_of(source) as one, archive_of(target) as other:
        with pytest.raises(StoreError, match="stopped"):
            await transfer_of(one, Stops(other)).run()


async def test_part_of_one_ledger_is_not_completed_from_another(
    alike: tuple[str, str], namers: dict[str, NewLocator]
) -> None:
    source, target = alike
    other = namers["sqlite"]()
    await add_many(source, 2)
    await add_many(other, 2)
    await stop_on_the_way(source, target)
    with pytest.raises(TransferRefused, match="a part of another transfer"):
        await move(other, target)
    await view_of(other)


async def test_a_transfer_that_is_called_off_leaves_the_source_as_it_was(
    alike: tuple[str, str],
) -> None:
    source, target = alike
    await fill_a_little(source)
    before = await view_of(source)
    await stop_on_the_way(source, target)
    async with archive_of(source) as archive:
        called_off = await call_off(archive)
        assert called_off is not None
        assert await call_off(archive) is None
    assert await view_of(source) == before
    with pytest.raises(StoreError, match="not complete"):
        await open_by_locator(target)
    with pytest.raises(TransferRefused, match="a part of another transfer"):
        await move(source, target)


async def test_a_transfer_may_begin_anew_with_an_empty_target(
    alike: tuple[str, str], namers: dict[str, NewLocator]
) -> None:
    source, target = alike
    await fill_a_little(source)
    await stop_on_the_way(source, target)
    another = namers["sqlite"]()
    comparison = await move(source, another)
    assert comparison is not None
    assert comparison.differences == ()
    with pytest.raises(TransferRefused, match=r"a part of another transfer|was moved to"):
        await move(source, target)


async def test_what_has_moved_away_is_not_moved_again(
    alike: tuple[str, str], namers: dict[str, NewLocator]
) -> None:
    source, target = alike
    await fill_a_little(source)
    assert await move(source, target) is not None
    with pytest.raises(TransferRefused, match="the source was moved to"):
        await move(source, namers["sqlite"]())
    back = await move(target, namers["sqlite"]())
    assert back is not None


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
