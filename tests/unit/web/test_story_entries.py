"""What a timeline says beside attempts."""

import pytest

from tests.support.mail import mint
from tests.unit.web.test_standing import MESSAGE, NOW, RECIPIENT
from tracker.model import Event, EventId, EventKind, MessageId
from web.message.story import event_story

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
