"""One attempt for the eye: hosts, dialogue, words that are never empty."""

import pytest
from msgspec.structs import replace

from tests.support.letters import CUT_OFF, FULL, UNREACHABLE, Try, accepted
from tests.unit.web.test_standing import attempt
from tracker.model import Phase, Reply, Step, Trigger
from web.message.attempts import (
    PHASES,
    TRIGGERS,
    attempt_story,
    deciding,
    dialogue_of,
    milliseconds,
)


def test_there_are_words_for_every_phase_and_every_trigger() -> None:
    assert set(PHASES) == set(Phase)
    assert set(TRIGGERS) == set(Trigger)


@pytest.mark.parametrize(
    ("spent", "text"), [(0.0, "0"), (0.04, "0.1"), (0.4, "0.4"), (12.4, "12"), (30000.0, "30,000")]
)
def test_milliseconds(spent: float, text: str) -> None:
    assert milliseconds(spent) == text


def step(command: str, spent: float) -> Step:
    return Step(command=command, reply=Reply(code=250, lines=("Ok",)), milliseconds=spent)


def test_the_slowest_step_is_marked_and_all_are_summed() -> None:
    told = dialogue_of([step("", 31.0), step("EHLO us", 12.5), step(".", 412.8)])
    assert told is not None
    assert [one.command for one in told.steps] == ["(connected)", "EHLO us", "."]
    assert [one.is_slowest for one in told.steps] == [False, False, True]
    assert told.total == "456"


def test_one_step_alone_is_not_the_slowest() -> None:
    told = dialogue_of([step("", 31.0)])
    assert told is not None
    assert not told.steps[0].is_slowest


def test_nothing_was_said() -> None:
    assert dialogue_of([]) is None


def test_hosts_are_told_in_the_order_they_were_considered() -> None:
    told = attempt_story(attempt(UNREACHABLE))
    assert [(one.where, one.ending) for one in told.tries] == [
        (
            "mail.ghostport.example [2001:db8::80]:25",
            "Passed over: No IPv6 address of ours to send from",
        ),
        ("mail.ghostport.example [203.0.113.80]:25", "Connection timed out after 30 s"),
    ]


@pytest.mark.parametrize("tried", [accepted(), FULL, UNREACHABLE, CUT_OFF])
def test_no_word_is_empty(tried: Try) -> None:
    told = attempt_story(attempt(tried))
    for text in (told.headline, told.plain, told.who, told.trigger, told.took):
        assert text
    for one in told.tries:
        assert one.ending
        assert one.phase


def test_a_host_without_reply_or_reason_has_an_ending_all_the_same() -> None:
    silent = replace(attempt(FULL).tries[-1], reply=None, detail="")
    told = attempt_story(replace(attempt(FULL), tries=(silent, replace(silent, skipped=True))))
    assert [one.ending for one in told.tries] == [
        "No answer while naming the recipient (RCPT)",
        "Passed over: no reason was recorded",
    ]


def test_our_words_and_the_servers_are_apart() -> None:
    told = attempt_story(attempt(FULL))
    assert told.headline == "74.125.193.26 does not like recipient."


def test_the_host_that_decided() -> None:
    assert deciding(attempt(UNREACHABLE)) is None
    decided = deciding(attempt(FULL))
    assert decided is not None
    assert decided.target.address == "74.125.193.26"
