"""What is not moved, and what may be tried again."""

import pytest

from tests.contract.archives import archive_of, move, transfer_of, view_of
from tests.contract.conftest import NewLocator
from tests.contract.ledger import hold, open_by_locator
from tests.contract.test_people import BOB
from tests.contract.transfers import Altered, add_many, fill_a_little
from tests.contract.transfers import alike as alike
from tests.contract.transfers import namers as namers
from tests.support.clock import START
from tests.support.mail import make_submission
from tracker.store import StoreError
from tracker.transfer import TransferRefused, call_off


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


async def test_a_worker_that_comes_on_the_way_stops_the_move(alike: tuple[str, str]) -> None:
    source, target = alike
    ledger = await open_by_locator(source)

    class Meddling(Altered):
        async def arrange(self) -> None:
            await hold(ledger)

    async with archive_of(source) as one, archive_of(target) as other:
        with pytest.raises(TransferRefused, match="not at rest"):
            await transfer_of(one, Meddling(other)).run()
    await ledger.close()
    for locator in alike:
        with pytest.raises(StoreError, match=r"being moved|not complete"):
            await open_by_locator(locator)


async def test_what_is_called_off_on_the_way_is_not_completed(alike: tuple[str, str]) -> None:
    source, target = alike
    await fill_a_little(source)

    class Meddling(Altered):
        async def arrange(self) -> None:
            async with archive_of(source) as archive:
                await call_off(archive)

    async with archive_of(source) as one, archive_of(target) as other:
        with pytest.raises(StoreError, match="called off"):
            await transfer_of(one, Meddling(other)).run()
    await view_of(source)
    with pytest.raises(StoreError, match="not complete"):
        await open_by_locator(target)


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
