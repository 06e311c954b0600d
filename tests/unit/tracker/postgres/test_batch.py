"""Group commit: what shares a batch, and what fails alone."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from tracker.postgres.batch import Batcher, until_known
from tracker.store import OutcomeUnknown, StoreError, StoreUnavailable


class Committer:
    """Doubles numbers; its faults are fields."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.error: Callable[[Sequence[int]], Exception | None] = lambda _: None
        self.found_out: list[int] = []
        self.began = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def commit(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(items))
        self.began.set()
        await self.may_go_on.wait()
        if error := self.error(items):
            raise error
        return [ValueError(item) if item < 0 else 2 * item for item in items]

    async def find_out(self, item: int) -> int:
        self.found_out.append(item)
        return 2 * item


async def put_all(batcher: Batcher[int, int], items: Sequence[int]) -> list[object]:
    return list(
        await asyncio.gather(*(batcher.put(item) for item in items), return_exceptions=True)
    )


async def test_what_waits_is_committed_together() -> None:
    committer = Committer()
    batcher: Batcher[int, int] = Batcher(committer)
    assert await put_all(batcher, [1, 2, 3]) == [2, 4, 6]
    assert await put_all(batcher, [4, 5]) == [8, 10]
    assert committer.batches == [[1, 2, 3], [4, 5]]
    await batcher.close()


async def test_what_comes_during_a_commit_is_the_next_batch() -> None:
    committer = Committer()
    committer.may_go_on.clear()
    batcher: Batcher[int, int] = Batcher(committer)
    first = asyncio.create_task(batcher.put(1))
    await committer.began.wait()
    others = asyncio.create_task(put_all(batcher, [2, 3]))
    await asyncio.sleep(0)
    committer.may_go_on.set()
    assert (await first, await others) == (2, [4, 6])
    assert committer.batches == [[1], [2, 3]]
    await batcher.close()


async def test_a_batch_has_a_limit_of_items_and_of_octets() -> None:
    committer = Committer()
    batcher: Batcher[int, int] = Batcher(committer, group=3)
    await put_all(batcher, range(7))
    assert committer.batches == [[0, 1, 2], [3, 4, 5], [6]]
    large = 10 * 1024 * 1024
    await asyncio.gather(*(batcher.put(item, large) for item in (7, 8)))
    assert committer.batches[3:] == [[7], [8]]
    await batcher.close()


async def test_a_refused_item_fails_alone() -> None:
    batcher: Batcher[int, int] = Batcher(Committer())
    one, bad, two = await put_all(batcher, [1, -1, 2])
    assert (one, two) == (2, 4)
    assert isinstance(bad, ValueError)
    await batcher.close()


async def test_an_item_that_spoils_its_batch_fails_alone() -> None:
    committer = Committer()
    committer.error = lambda items: TypeError() if 2 in items else None
    batcher: Batcher[int, int] = Batcher(committer)
    one, bad, three = await put_all(batcher, [1, 2, 3])
    assert (one, three) == (2, 6)
    assert isinstance(bad, TypeError)
    assert committer.batches == [[1, 2, 3], [1], [2], [3]]
    await batcher.close()


async def test_an_outage_fails_all_and_is_not_repeated() -> None:
    committer = Committer()
    committer.error = lambda _: StoreUnavailable("gone")
    batcher: Batcher[int, int] = Batcher(committer)
    outcomes = await put_all(batcher, [1, 2])
    assert [type(each) for each in outcomes] == [StoreUnavailable] * 2
    assert outcomes[0] is not outcomes[1]
    assert committer.batches == [[1, 2]]
    await batcher.close()


async def test_what_is_unknown_is_found_out() -> None:
    committer = Committer()
    committer.error = lambda _: OutcomeUnknown("lost")
    batcher: Batcher[int, int] = Batcher(committer)
    assert await put_all(batcher, [1, 2]) == [2, 4]
    assert sorted(committer.found_out) == [1, 2]
    await batcher.close()


async def test_who_gives_up_waiting_does_not_stop_the_others() -> None:
    committer = Committer()
    committer.may_go_on.clear()
    batcher: Batcher[int, int] = Batcher(committer)
    hasty, other = (asyncio.create_task(batcher.put(item)) for item in (1, 2))
    await committer.began.wait()
    hasty.cancel()
    committer.may_go_on.set()
    assert await other == 4
    assert committer.batches == [[1, 2]]
    await batcher.close()


async def test_close_finishes_what_waits_and_takes_no_more() -> None:
    committer = Committer()
    committer.may_go_on.clear()
    batcher: Batcher[int, int] = Batcher(committer, group=1)
    waiting = asyncio.create_task(put_all(batcher, [1, 2]))
    await committer.began.wait()
    closing = asyncio.create_task(batcher.close())
    committer.may_go_on.set()
    await closing
    assert await waiting == [2, 4]
    with pytest.raises(StoreError, match="closed"):
        await batcher.put(3)


async def test_close_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.postgres.batch._CLOSE_WITHIN", 0.01)
    committer = Committer()
    committer.may_go_on.clear()
    batcher: Batcher[int, int] = Batcher(committer, group=1)
    waiting = asyncio.create_task(put_all(batcher, [1, 2]))
    await committer.began.wait()
    await batcher.close()
    assert [type(each) for each in await waiting] == [OutcomeUnknown] * 2


@pytest.mark.parametrize(("patience", "tries"), [(60.0, 4), (0.0, 1)], ids=["patient", "impatient"])
async def test_what_can_be_repeated_is_until_patience_ends(patience: float, tries: int) -> None:
    failing = [StoreUnavailable("one"), OutcomeUnknown("two"), StoreUnavailable("three")]
    tried = 0

    async def once() -> str:
        nonlocal tried
        tried += 1
        if failing:
            raise failing.pop(0)
        return "done"

    trial = until_known(once, lambda failures: failures / 1000, patience)
    if tries == 1:
        with pytest.raises(OutcomeUnknown, match="one"):
            await trial
    else:
        assert await trial == "done"
    assert tried == tries
