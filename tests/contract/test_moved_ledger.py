"""A ledger that was moved, for those who had it open: it takes no mail and no workers."""

import pytest

from tests.contract.archives import move
from tests.contract.ledger import hold, open_by_locator, recipients
from tests.contract.transfers import alike as alike
from tests.contract.transfers import namers as namers
from tests.support.clock import START
from tests.support.mail import make_submission
from tracker.store import StoreUnavailable


async def test_a_moved_ledger_neither_takes_mail_nor_gives_any_out(alike: tuple[str, str]) -> None:
    source, target = alike
    ledger = await open_by_locator(source)
    await ledger.accept(make_submission(), START, None)
    comparison = await move(source, target)
    assert comparison is not None
    assert not comparison.differences
    moved = await open_by_locator(target)
    assert len(await moved.claim(await hold(moved), START, 10)) == 1
    with pytest.raises(StoreUnavailable, match="has been moved"):
        await hold(ledger)
    with pytest.raises(StoreUnavailable, match="has been moved"):
        await ledger.accept(make_submission("late@example.org"), START, None)
    assert [each.leased for each in await recipients(ledger)] == [False]
    await ledger.close()
    await moved.close()
