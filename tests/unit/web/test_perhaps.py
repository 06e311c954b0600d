"""What a search that has found nothing may have meant; pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.search import QueryError, parse
from web.track.perhaps import perhaps

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("amy*", "amy"),
        ("*@bluebird.example", "@bluebird.example"),
        ("to:*@bluebird.example", "to:@bluebird.example"),
        ("%amy%", "amy"),
        (
            "amy@bluebird.example, bo@greycastle.example;",
            "amy@bluebird.example bo@greycastle.example",
        ),
        ("today", "since:today"),
        ("Yesterday", "since:yesterday until:yesterday"),
        ("2026-02-28", "since:2026-02-28 until:2026-02-28"),
        ("450", "code:450"),
        ("5.1.1", "code:5.1.1"),
        ("bounced", "status:bounced"),
        ("sent", "status:accepted"),
        ("amy rejected", "amy status:permanent"),
        ("amy@bluebird.example", None),
        ("status:held", None),
        ('"amy*" "today"', None),
        ("*", None),
        ("", None),
        ("4711", None),
    ],
)
def test_what_was_meant(text: str, meant: str | None) -> None:
    assert perhaps(text) == meant


@given(st.lists(st.sampled_from(["amy*", "*", "today", "450", "sent", "to:*x", "-5.1.1", "a"])))
def test_what_could_be_searched_for_still_can(words: list[str]) -> None:
    text = " ".join(words)
    try:
        parse(text, now=NOW, zone=ZoneInfo("UTC"))
    except QueryError:
        return
    meant = perhaps(text)
    if meant is not None:
        parse(meant, now=NOW, zone=ZoneInfo("UTC"))
