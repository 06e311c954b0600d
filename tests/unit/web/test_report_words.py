"""What the page of a message says of the report on its end."""

import pytest

from tests.support.clock import START
from tracker.model import Event, EventId, EventKind, MessageId
from web.message.story import report_words

DELAYED = (EventKind.DSN_SENT, "Action: delayed")
FAILED = (EventKind.DSN_SENT, "Action: failed")
RELAYED = (EventKind.DSN_SENT, "Action: relayed")
WITHHELD = (EventKind.DSN_WITHHELD, "The sender asked for none")
WENT = "A report of it went to the sender."


@pytest.mark.parametrize(
    ("history", "said"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param([DELAYED], "", id="a delay is not the end"),
        pytest.param([FAILED], WENT, id="failed"),
        pytest.param([DELAYED, FAILED], WENT, id="a delay and the end"),
        pytest.param([RELAYED], WENT, id="handed on"),
        pytest.param(
            [DELAYED, WITHHELD],
            "No report went to the sender: The sender asked for none",
            id="none at the end",
        ),
    ],
)
def test_only_a_report_on_the_end_is_one(history: list[tuple[EventKind, str]], said: str) -> None:
    events = [
        Event(id=EventId(str(n)), message_id=MessageId("m"), at=START, kind=kind, detail=detail)
        for n, (kind, detail) in enumerate(history)
    ]
    assert report_words(events) == said
