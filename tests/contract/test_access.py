"""The record of who looked at whose mail."""

from datetime import timedelta

import pytest

from tests.contract.ledger import EVERYTHING
from tests.support.clock import START
from tests.support.looks import make_access
from tracker.model import Access, AccessKind, Scope
from tracker.store import Ledger

MINUTE = timedelta(minutes=1)
ALICE = Scope(account="alice@example.com")


async def put(ledger: Ledger, count: int) -> list[Access]:
    """Put looks on record, a minute apart; return them newest first."""
    looks = [make_access(at=START + n * MINUTE, page=f"/messages/{n}") for n in range(count)]
    await ledger.record_accesses(looks)
    return looks[::-1]


async def test_what_was_recorded_is_found_as_it_was(ledger: Ledger) -> None:
    look = make_access(page="/?q=caf\u00e9+%22x%22", kind=AccessKind.LIST)
    await ledger.record_accesses([look])
    assert await ledger.accesses(ALICE, limit=10) == [look]


async def test_nothing_is_nothing(ledger: Ledger) -> None:
    await ledger.record_accesses([])
    assert await ledger.accesses(EVERYTHING, limit=10) == []


async def test_whose_mail_it_was_decides_who_sees_the_look(ledger: Ledger) -> None:
    mine, other, nobodys = (make_access(one) for one in ("alice@example.com", "bob@b.example", ""))
    await ledger.record_accesses([mine, other, nobodys])
    assert await ledger.accesses(ALICE, limit=10) == [mine]
    assert await ledger.accesses(Scope(domain="b.example"), limit=10) == [other]
    assert len(await ledger.accesses(EVERYTHING, limit=10)) == 3


async def test_pages_go_both_ways(ledger: Ledger) -> None:
    looks = await put(ledger, 5)
    assert await ledger.accesses(ALICE, limit=2) == looks[:2]
    assert await ledger.accesses(ALICE, limit=2, before=looks[1].id) == looks[2:4]
    assert await ledger.accesses(ALICE, limit=2, after=looks[4].id) == looks[2:4]


async def test_old_ones_go_in_small_steps(ledger: Ledger) -> None:
    looks = await put(ledger, 5)
    before = looks[0].at
    assert await ledger.prune_accesses(before, 3) == 3
    assert await ledger.prune_accesses(before, 3) == 1
    assert await ledger.prune_accesses(before, 3) == 0
    assert await ledger.accesses(EVERYTHING, limit=10) == looks[:1]


@pytest.mark.parametrize("text", ["nul\0", "lone \udcff", "\u202egnp.exe", "x" * 5000])
async def test_hostile_text_is_kept_somehow(ledger: Ledger, text: str) -> None:
    await ledger.record_accesses([make_access(page=text)])
    assert len(await ledger.accesses(ALICE, limit=10)) == 1
