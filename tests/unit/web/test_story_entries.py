"""What a timeline says beside attempts."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.support.letters import UNREACHABLE
from tests.support.mail import mint
from tests.support.morning import make_attempt
from tests.unit.web.test_standing import MESSAGE, NOW, RECIPIENT
from tracker.model import Event, EventId, EventKind, MessageId, Status
from web.message.attempts import AttemptStory
from web.message.story import Ending, entries_of, event_story, with_ending

REPORT = MessageId(mint())


def event(kind: EventKind, detail: str = "", related: MessageId | None = None) -> Event:
    return Event(
        id=EventId(mint()),
        message_id=MESSAGE.id,
        recipient_id=RECIPIENT.id,
        at=NOW,
        kind=kind,
        detail=detail,
        related_message_id=related,
    )


@pytest.mark.parametrize(
    ("detail", "word", "told"),
    [
        ("Action: delayed", "Notice of the delay sent to the sender", ""),
        ("Action: failed", "Report sent to the sender", "It says that the message failed."),
        (
            "Action: relayed",
            "Report sent to the sender",
            "It says that the message was handed on.",
        ),
        ("to anna@northwind.example", "Report sent to the sender", "to anna@northwind.example"),
    ],
)
def test_a_report_is_told_by_what_it_says(detail: str, word: str, told: str) -> None:
    story = event_story(event(EventKind.DSN_SENT, detail), frozenset())
    assert (story.word, story.detail) == (word, told)


def test_a_report_is_linked_for_those_who_may_see_it() -> None:
    sent = event(EventKind.DSN_SENT, "Action: failed", REPORT)
    assert event_story(sent, frozenset({REPORT})).related == REPORT
    assert event_story(sent, frozenset()).related is None


@pytest.mark.parametrize("kind", sorted(set(EventKind) - {EventKind.ACCEPTED}))
def test_every_event_has_a_word(kind: EventKind) -> None:
    assert event_story(event(kind), frozenset()).word


@pytest.mark.parametrize("status", sorted(Status))
def test_giving_up_is_told_between_the_last_attempt_and_the_report(status: Status) -> None:
    recipient = replace(RECIPIENT, status=status, status_since=NOW)
    attempt = make_attempt(recipient, UNREACHABLE, NOW - timedelta(hours=2), "alice@example.com")
    last = make_attempt(recipient, UNREACHABLE, NOW, "alice@example.com")
    delayed = replace(event(EventKind.DSN_SENT, "Action: delayed"), at=NOW - timedelta(hours=1))
    failed = event(EventKind.DSN_SENT, "Action: failed")
    told = entries_of([attempt, last], [delayed, failed], frozenset())
    kinds = [
        "attempt"
        if isinstance(one, AttemptStory)
        else one.detail
        if isinstance(one, Ending)
        else one.fact.detail
        for one in with_ending(told, recipient, MESSAGE.accepted_at)
    ]
    ending = ["We had tried for 7 days, and do not try any longer."]
    assert kinds == [
        "attempt",
        "Action: delayed",
        "attempt",
        *(ending if status is Status.EXPIRED else []),
        "Action: failed",
    ]
