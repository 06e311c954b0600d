"""What attempts have in common, whose they are, and classes of time: pure."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.explain import Category, Side
from tracker.insight import SPEEDS, is_ours, normalised, place_of, setback_of, speed_of, within
from tracker.model import Attempt, Origin, Outcome, Reply
from tracker.provider import provider_of

SAME = {
    "addresses": ("550 5.1.1 <bob@example.org>: unknown", "550 5.1.1 <ann@example.net>: unknown"),
    "ids": (
        "452-4.2.2 over quota\n452 4.2.2 x?p=Over 4fb4d7f45d1cf-5c7a1b2 - gsmtp",
        "452-4.2.2 over quota\n452 4.2.2 x?p=Over ffacd0b85a97d-3a81 - gsmtp",
    ),
    "IP addresses": ("554 blocked: 192.0.2.25", "554 blocked: 2001:db8::25"),
    "links": ("550 see https://a.example/x?id=a", "550 see https://a.example/y"),
    "case and space": ("451 Try  Later", "451 try later"),
    "times": ("421 wait 300s", "421 wait 20s"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_what_differs_from_message_to_message_does_not_count(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


DIFFERENT = {
    "codes": ("550 5.1.1 unknown", "550 5.1.2 unknown"),
    "basic codes": ("450 busy", "451 busy"),
    "words": ("450 4.2.1 mailbox busy", "450 4.2.1 server busy"),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_other_answers_are_others(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_an_answer_is_bounded() -> None:
    assert len(normalised("word " * 5000)) <= 600


def attempt(outcome: Outcome = Outcome.FAILED, **changes: object) -> Attempt:
    return replace(make_attempt(make_recipient(make_message()), outcome), **changes)


PLACES = [
    ("mx1.example.org", "example.org"),
    ("MX.Mail.Provider.CO.UK.", "provider.co.uk"),
    ("northharbour-example.mail.protection.outlook.com", "outlook.com"),
    ("198.51.100.7", "198.51.100.7"),
    ("localhost", "localhost"),
]


@pytest.mark.parametrize(("host", "place"), PLACES)
def test_a_place_is_whose_servers_answered(host: str, place: str) -> None:
    at_host = attempt()
    assert at_host.target is not None
    assert place_of(replace(at_host, target=replace(at_host.target, host=host))) == place
    assert provider_of(host.lower().rstrip(".")) == place


def test_where_no_server_answered_the_place_is_the_destination() -> None:
    assert place_of(attempt(target=None, destination="dead.example")) == "dead.example"


def test_a_setback_is_what_was_not_delivered() -> None:
    assert setback_of(attempt(Outcome.DELIVERED)) is None
    setback = setback_of(attempt(reply=Reply(code=550, lines=("5.1.1 No such user",))))
    assert setback is not None
    assert (setback.category, setback.side) == (Category.ADDRESS_UNKNOWN, Side.RECIPIENT)


def test_a_local_fault_is_on_our_side() -> None:
    setback = setback_of(attempt(Outcome.DEFERRED, reply=None, origin=Origin.LOCAL, detail="Full"))
    assert setback is not None
    assert setback.side is Side.OPERATOR


@pytest.mark.parametrize(
    ("side", "origin", "ours"),
    [
        (Side.OPERATOR, Origin.REMOTE, True),
        (Side.RECIPIENT, Origin.LOCAL, True),
        (Side.RECIPIENT, Origin.REMOTE, False),
        (Side.NETWORK, Origin.NETWORK, False),
        (Side.SENDER, Origin.POLICY, False),
    ],
)
def test_whose_it_is_to_mend(side: Side, origin: Origin, ours: bool) -> None:
    assert is_ours(side, origin) is ours


@pytest.mark.parametrize(
    ("taken", "speed"),
    [
        (timedelta(0), 0),
        (timedelta(seconds=1), 0),
        (timedelta(seconds=1, microseconds=1), 1),
        (timedelta(days=1), len(SPEEDS) - 1),
        (timedelta(days=2), len(SPEEDS)),
    ],
)
def test_a_time_has_a_class(taken: timedelta, speed: int) -> None:
    assert speed_of(taken) == speed


@pytest.mark.parametrize(
    ("counts", "share", "end"),
    [
        ([], 0.5, None),
        ([(0, 10)], 0.5, SPEEDS[0]),
        ([(3, 1), (0, 9)], 0.5, SPEEDS[0]),
        ([(3, 1), (0, 9)], 0.95, SPEEDS[3]),
        ([(0, 1), (2, 1)], 0.5, SPEEDS[0]),
        ([(0, 1), (len(SPEEDS), 9)], 0.5, None),
    ],
)
def test_the_time_in_which_a_share_is_accepted(
    counts: list[tuple[int, int]], share: float, end: timedelta | None
) -> None:
    assert within(counts, share) == end
