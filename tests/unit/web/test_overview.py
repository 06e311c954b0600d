"""Dashboards: sums, reasons and paces, and what to do about failures on our side; pure."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from yarl import URL

from tracker.explain import Category, Judgement, Side
from tracker.explain.explanation import put
from tracker.insight import SPEEDS, Figure, Trouble, TroubleKey, TroubleKind, slot_start
from tracker.model import Role, Status
from web.insight.overview import (
    SHOWN,
    WORDS,
    Sums,
    most_sent,
    most_troubled,
    paces_of,
    reasons_of,
    series_by_slot,
    sums_of,
    title_of,
    total_of,
)
from web.insight.trouble import Kind, key_fields, key_in, kind_of, kind_url, read_value

NOW = datetime(2026, 3, 2, 10, 30, 0, 5, tzinfo=UTC)


def test_every_status_is_in_one_sum() -> None:
    found = [Figure(("a.example", status.value), 2) for status in Status]
    (sums,) = sums_of(found)
    assert sums.sent == 2 * len(Status)
    assert [sums.of(choice) for choice in WORDS] == [14, 2, 2, 4, 4, 2]


def test_sums_are_those_of_each_name() -> None:
    found = [
        Figure(("a.example", "delivered"), 9),
        Figure(("b.example", "delivered"), 1),
        Figure(("b.example", "bounced"), 3),
        Figure(("c.example", "deferred"), 5),
    ]
    sums = sums_of(found)
    assert total_of(sums) == Sums("", 10, 5, 3, 0, 0)
    assert [one.name for one in most_sent(sums)] == ["a.example", "c.example", "b.example"]
    assert [one.name for one in most_troubled(sums)] == ["c.example", "b.example"]
    assert [one.share for one in most_sent(sums)] == ["100.0 %", "–", "25.0 %"]
    many = sums_of(Figure((f"d{n}.example", "bounced"), n + 1) for n in range(30))
    assert len(most_sent(many)) == len(most_troubled(many)) == SHOWN
    assert total_of([]).sent == 0


def test_series_are_told_apart_by_time() -> None:
    found = [Figure((4, "bounced"), 1), Figure((4, "expired"), 2), Figure((5, "queued"), 3)]
    assert series_by_slot(found) == {(slot_start(4), "bad"): 3, (slot_start(5), "wait"): 3}


def test_reasons_say_whose_side_it_is() -> None:
    found = [
        Figure(("bounced", "address-unknown", "remote"), 8),
        Figure(("deferred", "ip-blocklisted", "remote"), 2),
        Figure(("deferred", "dns-failure", "local"), 1),
        Figure(("deferred", "dns-failure", "network"), 1),
        Figure(("bounced", "", ""), 1),
        Figure(("delivered", "accepted", "remote"), 99),
        Figure(("queued", "", ""), 99),
    ]
    reasons = reasons_of(found)
    assert [(one.number, one.ours) for one in reasons] == [
        (8, False),
        (2, True),
        (1, False),
        (1, True),
        (1, False),
    ]
    assert reasons[0].share == 100
    assert reasons[0].side == "The sender", "who has the right address; as the message says it"


def test_paces_end_with_all_of_it() -> None:
    assert paces_of([Figure((-1,), 4)]) == []
    paces = paces_of([Figure((0,), 6), Figure((4,), 3), Figure((len(SPEEDS),), 1)])
    assert (paces[0].words, paces[0].number, paces[0].share) == ("within 1 second", 6, 60)
    assert (paces[-2].number, paces[-1].words, paces[-1].number) == (9, "later", 1)


def test_only_all_of_it_is_a_hundred_percent_and_nothing_comes_after_that() -> None:
    paces = paces_of([Figure((0,), 1), Figure((2,), 997), Figure((4,), 2)])
    assert [(one.number, one.told) for one in paces] == [
        (1, "under 1 %"),
        (998, "99 %"),
        (1000, "100 %"),
    ]


@pytest.mark.parametrize(
    ("role", "title"),
    [
        (Role.USER, "Your mail"),
        (Role.DOMAIN_ADMIN, "Mail of a.example"),
        (Role.SUPPORT, "All mail"),
        (Role.ADMIN, "All mail"),
    ],
)
def test_the_title_says_whose_mail_it_is(role: Role, title: str) -> None:
    assert title_of(role, "a.example") == title


def kind_at(category: Category) -> Kind:
    """Return failures of a kind at one place."""
    trouble = Trouble(
        category=category,
        place="provider.example",
        count=3,
        first_at=NOW,
        last_at=NOW,
        example=None,
        read_by="",
        read_at=None,
    )
    fact = TroubleKind(
        category=category,
        places=1,
        unread=1,
        count=3,
        first_at=NOW,
        last_at=NOW,
        troubles=(trouble,),
    )
    return kind_of(fact)


def test_what_the_form_of_the_inbox_sends_is_read_back() -> None:
    kind = kind_at(Category.PTR_MISSING)
    assert read_value(kind.value) == (Category.PTR_MISSING, NOW)


@pytest.mark.parametrize("place", ["", "mx.example", "<b>&\u202e", "a b"])
def test_the_link_to_the_next_page_is_read_back(place: str) -> None:
    (one,) = kind_at(Category.PTR_MISSING).places
    fact = replace(one.fact, place=place)
    query = URL(kind_url(fact.category, **key_fields(fact))).query
    assert key_in(query) == TroubleKey(NOW, place)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ptr-missing",
        "nothing 2026-03-02T10:30:00+00:00",
        "ptr-missing soon",
        "ptr-missing 2026-03-02T10:30:00",
    ],
)
def test_what_is_no_value_of_ours_is_not_read(value: str) -> None:
    assert read_value(value) is None


OURS = [
    category
    for category in Category
    if put(Judgement("", category), final=True).side is Side.OPERATOR
]


@pytest.mark.parametrize("category", OURS)
def test_there_is_advice_of_its_own_for_what_is_ours(category: Category) -> None:
    fallback, kind = kind_at(Category.SIZE_LIMIT), kind_at(category)
    assert kind.advice != fallback.advice or category is Category.LOCAL_FAULT
