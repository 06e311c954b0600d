"""The record of who looked at whose mail."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contract.ledger import EVERYTHING
from tests.support.clock import START
from tests.support.looks import entries, make_access
from tests.support.mail import mint
from tracker.model import Access, AccessId, AccessKind, MessageId, Scope
from tracker.store import Ledger
from tracker.views import Look

MINUTE = timedelta(minutes=1)
ALICE = Scope(account="alice@example.com")


async def put(ledger: Ledger, count: int) -> list[Access]:
    """Put looks on record, a minute apart; return them newest first."""
    looks = [make_access(at=START + n * MINUTE, page=f"/messages/{n}") for n in range(count)]
    await ledger.record_accesses(looks)
    return looks[::-1]


async def test_what_was_recorded_is_found_as_it_was(ledger: Ledger) -> None:
    shown = (MessageId(mint()), MessageId(mint()))
    look = make_access(page="/?q=caf\u00e9+%22x%22", kind=AccessKind.LIST, messages=shown)
    await ledger.record_accesses([look])
    assert await entries(ledger, ALICE, limit=10) == [look]


async def test_nothing_is_nothing(ledger: Ledger) -> None:
    await ledger.record_accesses([])
    assert await entries(ledger, EVERYTHING, limit=10) == []


async def test_whose_mail_it_was_decides_who_sees_the_look(ledger: Ledger) -> None:
    mine, other, nobodys = (make_access(one) for one in ("alice@example.com", "bob@b.example", ""))
    await ledger.record_accesses([mine, other, nobodys])
    assert await entries(ledger, ALICE, limit=10) == [mine]
    assert await entries(ledger, Scope(domain="b.example"), limit=10) == [other]
    assert len(await entries(ledger, EVERYTHING, limit=10)) == 3


async def test_pages_go_both_ways(ledger: Ledger) -> None:
    looks = await put(ledger, 5)
    assert await entries(ledger, ALICE, limit=2) == looks[:2]
    assert await entries(ledger, ALICE, limit=2, before=looks[1].id) == looks[2:4]
    assert await entries(ledger, ALICE, limit=2, after=looks[4].id) == looks[2:4]


PEOPLE = [f"{name}@{domain}.example" for name in ("ann", "bob", "") for domain in ("a", "b")] + [""]


def at_once(at: datetime, page: str, *accounts: str) -> list[Access]:
    """Return one look at a list that has mail of these accounts."""
    return [make_access(one, at=at, page=page, kind=AccessKind.LIST) for one in accounts]


def grouped(entries: Iterable[Access], scope: Scope) -> list[Look]:
    """Say in plain Python which looks there are, newest first."""
    looks: dict[Any, list[Access]] = {}
    for one in sorted(entries, key=lambda one: one.id, reverse=True):
        within = scope.account in (None, one.account)
        if within and scope.domain in (None, one.account.rpartition("@")[2]):
            key = (one.at, one.actor, one.client, one.kind, one.page)
            looks.setdefault(key, []).append(one)
    return [Look(entries=tuple(found)) for found in looks.values()]


def mixed() -> list[Access]:
    """Return looks of many sizes; several of them fall into one millisecond."""
    made: list[Access] = []
    for n in range(40):
        at = START + timedelta(milliseconds=n // 4, microseconds=n % 2)
        made += at_once(at, f"/?q={n % 3}", *PEOPLE[: 1 + n % len(PEOPLE)])
    return made


SCOPES = {
    "everything": EVERYTHING,
    "an account": Scope(account="bob@a.example"),
    "a domain": Scope(domain="b.example"),
    "nobody": Scope(account="nobody@a.example"),
}


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES.keys())
@pytest.mark.parametrize("limit", [1, 4, 1000])
async def test_a_look_is_one_whoevers_mail_was_in_it(
    ledger: Ledger, scope: Scope, limit: int
) -> None:
    made = mixed()
    await ledger.record_accesses(made)
    expected, found = grouped(made, scope), list[Look]()
    before: AccessId | None = None
    while page := await ledger.looks(scope, limit=limit, before=before):
        assert len(page) <= limit
        found += page
        before = page[-1].id
    assert found == expected
    back = list[Look]()
    after = expected[-1].id if expected else None
    while after and (page := await ledger.looks(scope, limit=limit, after=after)):
        back = [*page, *back]
        after = page[0].id
    assert back == expected[:-1]


async def test_pages_of_looks_stay_as_they_are_when_new_ones_come(ledger: Ledger) -> None:
    made = [
        at_once(START + n * MINUTE, f"/?q={n}", "ann@a.example", "bob@b.example") for n in range(4)
    ]
    await ledger.record_accesses([one for look in made[:3] for one in look])
    (first,) = await ledger.looks(EVERYTHING, limit=1)
    await ledger.record_accesses(made[3])
    second = await ledger.looks(EVERYTHING, limit=1, before=first.id)
    assert [{one.page for one in look.entries} for look in second] == [{"/?q=1"}]
    assert [len(look.entries) for look in second] == [2]
    assert await ledger.looks(EVERYTHING, limit=1, after=second[0].id) == [first]


async def test_the_same_at_another_time_is_another_look(ledger: Ledger) -> None:
    for at in (START, START + timedelta(microseconds=1)):
        await ledger.record_accesses(at_once(at, "/?q=x", "ann@a.example", "bob@b.example"))
    looks = await ledger.looks(EVERYTHING, limit=10)
    assert [len(look.entries) for look in looks] == [2, 2]


async def test_old_ones_go_in_small_steps(ledger: Ledger) -> None:
    looks = await put(ledger, 5)
    before = looks[0].at
    assert await ledger.prune_accesses(before, 3) == 3
    assert await ledger.prune_accesses(before, 3) == 1
    assert await ledger.prune_accesses(before, 3) == 0
    assert await entries(ledger, EVERYTHING, limit=10) == looks[:1]


@pytest.mark.parametrize("text", ["nul\0", "lone \udcff", "\u202egnp.exe", "x" * 5000])
async def test_hostile_text_is_kept_somehow(ledger: Ledger, text: str) -> None:
    await ledger.record_accesses([make_access(page=text)])
    assert len(await entries(ledger, ALICE, limit=10)) == 1
