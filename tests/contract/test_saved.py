"""Searches under a name, the last ones, and habits."""

from datetime import timedelta

from msgspec.structs import replace

from tests.contract.ledger import Ledger
from tests.contract.test_people import ALICE, BOB
from tests.support.clock import START
from tests.support.mail import mint
from tracker.model import Audience, Habits, SavedSearch
from tracker.store.saved import MOST_SAVED, RECENT

CAROL = "carol@elsewhere.example"


def search(name: str, owner: str = ALICE.address, **fields: object) -> SavedSearch:
    made = SavedSearch(
        id=mint(START), owner=owner, name=name, text=f"subject:{name} since:2d", created_at=START
    )
    return replace(made, **fields)


async def test_a_saved_search_comes_back_as_it_was(ledger: Ledger) -> None:
    saved = search("Größe „ß“ & <b>")
    assert await ledger.save_search(saved)
    assert await ledger.saved_searches(ALICE.address) == [saved]
    assert await ledger.saved_searches(BOB.address) == []


async def test_names_are_in_order_and_unique_for_each_owner(ledger: Ledger) -> None:
    for name in ("b", "C", "a"):
        assert await ledger.save_search(search(name))
    assert not await ledger.save_search(search("a"))
    assert await ledger.save_search(search("a", BOB.address))
    assert [one.name for one in await ledger.saved_searches(ALICE.address)] == ["a", "b", "C"]


async def test_who_sees_what_is_shared(ledger: Ledger) -> None:
    shared = [
        search("mine"),
        search("of the domain", audience=Audience.DOMAIN),
        search("of all", audience=Audience.ALL),
    ]
    for one in shared:
        assert await ledger.save_search(one)
    seen = {
        address: [one.name for one in await ledger.saved_searches(address)]
        for address in (ALICE.address, BOB.address, CAROL)
    }
    assert seen == {
        ALICE.address: ["mine", "of all", "of the domain"],
        BOB.address: ["of all", "of the domain"],
        CAROL: ["of all"],
    }


async def test_only_the_owner_changes_and_removes(ledger: Ledger) -> None:
    saved = search("orders", audience=Audience.ALL)
    await ledger.save_search(saved)
    named, all_ = "late orders", Audience.DOMAIN
    assert not await ledger.change_search(saved.id, BOB.address, name=named, audience=all_)
    assert not await ledger.remove_search(saved.id, BOB.address)
    assert await ledger.change_search(saved.id, ALICE.address, name=named, audience=all_)
    changed = replace(saved, name=named, audience=all_)
    assert await ledger.saved_searches(ALICE.address) == [changed]
    assert await ledger.remove_search(saved.id, ALICE.address)
    assert not await ledger.remove_search(saved.id, ALICE.address)


async def test_a_new_name_must_be_free(ledger: Ledger) -> None:
    one, other = search("one"), search("other")
    for saved in (one, other, search("two", BOB.address)):
        await ledger.save_search(saved)
    for name, is_free in (("other", False), ("one", True), ("two", True)):
        changed = await ledger.change_search(
            one.id, ALICE.address, name=name, audience=Audience.OWNER
        )
        assert changed is is_free, name


async def test_there_is_an_end_to_saving(ledger: Ledger) -> None:
    for number in range(MOST_SAVED):
        assert await ledger.save_search(search(f"{number}"))
    assert not await ledger.save_search(search("one too many"))
    assert await ledger.save_search(search("first", BOB.address))


async def test_the_last_searches_are_kept_newest_first(ledger: Ledger) -> None:
    for number in range(RECENT + 3):
        await ledger.note_search(ALICE.address, f"n{number}", START + timedelta(seconds=number))
    await ledger.note_search(BOB.address, "other", START)
    await ledger.note_search(ALICE.address, "n5", START + timedelta(minutes=1))
    expected = ["n5", *(f"n{number}" for number in range(RECENT + 2, 2, -1) if number != 5)]
    assert await ledger.recent_searches(ALICE.address) == expected
    assert len(expected) == RECENT
    assert await ledger.recent_searches(BOB.address) == ["other"]


async def test_habits_are_what_was_chosen_last(ledger: Ledger) -> None:
    assert await ledger.habits(ALICE.address) == Habits()
    for habits in (
        Habits(outcome="permanent", zone="Europe/Berlin"),
        Habits(outcome="all", zone="UTC", has_keys=False),
    ):
        await ledger.keep_habits(ALICE.address, habits)
        assert await ledger.habits(ALICE.address) == habits
    assert await ledger.habits(BOB.address) == Habits()


async def test_all_of_it_goes_with_the_account(ledger: Ledger) -> None:
    for account in (ALICE, BOB):
        await ledger.add_account(account)
        await ledger.save_search(search("s", account.address, audience=Audience.ALL))
        await ledger.note_search(account.address, "r", START)
        await ledger.keep_habits(account.address, Habits(outcome="all"))
    assert await ledger.remove_account(ALICE.address)
    assert [one.owner for one in await ledger.saved_searches(ALICE.address)] == [BOB.address]
    assert await ledger.recent_searches(ALICE.address) == []
    assert await ledger.habits(ALICE.address) == Habits()
    assert await ledger.recent_searches(BOB.address) == ["r"]
    assert await ledger.habits(BOB.address) == Habits(outcome="all")
