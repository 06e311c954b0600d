"""Many tries that ended the same way are one line of the timeline."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.support.jobs import make_message, make_recipient
from tests.support.letters import FULL, UNREACHABLE, Try
from tests.support.morning import make_attempt
from tests.support.panel import AFTERNOON
from web.message.attempts import AttemptStory, attempt_story
from web.message.folding import Fold, fold

RECIPIENT = make_recipient(make_message())


def story(number: int, tried: Try = UNREACHABLE) -> AttemptStory:
    at = AFTERNOON + timedelta(hours=number)
    recipient = replace(RECIPIENT, attempts=number - 1)
    return attempt_story(make_attempt(recipient, tried, at, "alice@example.com"))


def outline(entries: tuple[object, ...]) -> list[object]:
    """Return the numbers of the attempts, those that are folded in a list of their own."""
    return [
        [each.fact.number for each in one.folded]
        if isinstance(one, Fold)
        else one.fact.number
        if isinstance(one, AttemptStory)
        else one
        for one in entries
    ]


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([], []),
        ([story(n) for n in range(1, 6)], [1, 2, 3, 4, 5]),
        ([story(n) for n in range(1, 7)], [1, [2, 3, 4], 5, 6]),
        ([story(n) for n in range(1, 31)], [1, list(range(2, 29)), 29, 30]),
        ([story(n, FULL if n % 2 else UNREACHABLE) for n in range(1, 9)], list(range(1, 9))),
        (
            [*map(story, range(1, 5)), "held", "released", *map(story, range(5, 9))],
            [1, 2, 3, 4, "held", "released", 5, 6, 7, 8],
        ),
        (["retry now"] * 9, ["retry now"] * 9),
    ],
    ids=["nothing", "few", "six", "a week", "by turns", "a person in between", "acts alone"],
)
def test_only_long_runs_of_the_same_are_folded(entries: list[object], told: list[object]) -> None:
    assert outline(fold(entries)) == told
