"""Who is tried once more: whoever can be delivered is in the end, whatever the server does."""

import pytest

from relay.regroup import regroup
from tests.support.outward import make_message, make_recipient
from tracker.model import Recipient, RecipientId

_MESSAGE = make_message()
_LIMIT = 50


def people(count: int) -> list[Recipient]:
    return [make_recipient(f"user{number}@mx.test", _MESSAGE) for number in range(count)]


ANN, BOB, CAT, DAN, EVE = people(5)


@pytest.mark.parametrize(
    ("accepted", "suspects", "others", "number", "groups"),
    [
        pytest.param([ANN], [BOB, CAT], [DAN], 1, [[ANN]], id="who was taken goes alone"),
        pytest.param([], [BOB], [CAT, DAN], 1, [[CAT, DAN]], id="it is known at whom"),
        pytest.param([], [BOB], [CAT, DAN, EVE], 1, [[CAT], [DAN, EVE]], id="two at most"),
        pytest.param([], [BOB], [], 1, [], id="nobody else"),
        pytest.param([], [BOB, CAT], [], 1, [[CAT], [BOB]], id="the likeliest last"),
        pytest.param([], [BOB, CAT], [], 2, [[BOB], [CAT]], id="then first"),
        pytest.param(
            [], [BOB, CAT], [DAN, EVE], 1, [[CAT], [DAN, EVE], [BOB]], id="others between them"
        ),
        pytest.param(
            [], [ANN, BOB, CAT, DAN, EVE], [], 2, [[DAN, EVE], [ANN], [BOB, CAT]], id="in halves"
        ),
    ],
)
def test_groups(
    accepted: list[Recipient],
    suspects: list[Recipient],
    others: list[Recipient],
    number: int,
    groups: list[list[Recipient]],
) -> None:
    assert regroup(accepted, suspects, others, number=number, limit=2) == groups


def _reply_count(
    group: list[Recipient], poison: set[RecipientId], *, keeps_replies: bool
) -> int | None:
    """Return how many replies to RCPT come before the server dies; None: it does not."""
    for at, recipient in enumerate(group):
        if recipient.id in poison:
            return 0 if keeps_replies else at
    return None


def _undelivered_after(
    waiting: list[Recipient], number: int, poison: set[RecipientId], *, keeps_replies: bool
) -> list[Recipient]:
    """Return who is left after an attempt: a transaction, and one more session if it fails."""
    delivered: set[str] = set()
    while group := [each for each in waiting if each.id not in delivered][:_LIMIT]:
        replies = _reply_count(group, poison, keeps_replies=keeps_replies)
        if replies is not None:
            others = [each for each in waiting if each not in group and each.id not in delivered]
            groups = regroup(group[:replies], group[replies:], others, number=number, limit=_LIMIT)
            for more in groups:
                if any(each.id in poison for each in more):
                    break
                delivered.update(each.id for each in more)
            break
        delivered.update(each.id for each in group)
    return [each for each in waiting if each.id not in delivered]


@pytest.mark.parametrize("keeps_replies", [True, False], ids=["kept replies", "replies at once"])
@pytest.mark.parametrize(
    ("count", "bad", "attempts"),
    [
        pytest.param(2, {0}, 2, id="two, the first"),
        pytest.param(2, {1}, 2, id="two, the last"),
        pytest.param(50, {0}, 12, id="the first"),
        pytest.param(50, {29}, 12, id="in the middle"),
        pytest.param(50, {49}, 12, id="the last"),
        pytest.param(50, {3, 30}, 12, id="one in each half"),
        pytest.param(50, {0, 13, 26, 39, 49}, 30, id="five"),
        pytest.param(200, {70}, 20, id="in a later transaction"),
        pytest.param(200, {5, 170}, 16, id="in two transactions"),
    ],
)
def test_everybody_else_is_delivered_in_time(
    count: int, bad: set[int], attempts: int, keeps_replies: bool
) -> None:
    """The usual schedule has 48 attempts in seven days."""
    waiting = people(count)
    poison = {waiting[number].id for number in bad}
    for number in range(1, attempts + 1):
        waiting = _undelivered_after(waiting, number, poison, keeps_replies=keeps_replies)
    assert {each.id for each in waiting} == poison
