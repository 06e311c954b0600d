"""What somebody sent with the form: the box, the fields, or both."""

import pytest

from web.track.submitted import LONGEST_TEXT, is_submitted, read_submitted

OPENING = {"was": "status:accepted since:today", "fresh": "1", "outcome": "accepted",
           "range": "today", "to": "", "sender": "", "subject": "", "q": ""}  # fmt: skip
BOB = {"was": "bob since:today", "q": "bob since:today", "outcome": "all", "range": "today",
       "to": "", "sender": "", "subject": ""}  # fmt: skip
HELD = {"was": "status:held since:2h", "q": "status:held since:2h", "outcome": "written",
        "range": "written", "to": ""}  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "changed", "text"),
    [
        (OPENING, {}, "status:accepted since:today"),
        (OPENING, {"q": "bob"}, "bob"),
        (OPENING, {"q": "bob", "range": "yesterday"}, "bob since:yesterday until:yesterday"),
        (OPENING, {"outcome": "all"}, "since:today"),
        (OPENING, {"outcome": "all", "range": "kept"}, ""),
        (OPENING, {"to": "bob"}, "to:bob status:accepted since:today"),
        (OPENING, {"to": " bob  carol "}, "to:bob to:carol status:accepted since:today"),
        (BOB, {}, "bob since:today"),
        (BOB, {"q": ""}, ""),
        (BOB, {"q": "  bob   since:7d "}, "bob   since:7d"),
        (BOB, {"q": "carol since:today", "outcome": "permanent"},
         "carol status:permanent since:today"),
        (BOB, {"range": "7d"}, "bob since:7d"),
        (BOB, {"range": "own", "from": "2026-02-20", "from-time": "08:15"},
         "bob since:2026-02-20T08:15"),
        (BOB, {"range": "own", "from": "2026-02-24", "until": "2026-02-20"},
         "bob since:2026-02-20 until:2026-02-24"),
        (BOB, {"range": "own", "from-time": "08:15"}, "bob"),
        (BOB, {"from": "2026-02-20"}, "bob since:today"),
        (BOB, {"range": "own", "from": "soon", "until": "2026-02-20", "until-time": "25:00"},
         "bob until:2026-02-20"),
        (HELD, {}, "status:held since:2h"),
        (HELD, {"to": "bob"}, "status:held since:2h to:bob"),
        (HELD, {"outcome": "permanent"}, "since:2h status:permanent"),
        (HELD, {"range": "7d", "q": "status:held"}, "status:held since:7d"),
        (HELD, {"outcome": "nice", "range": "ever"}, "status:held since:2h"),
    ],
)  # fmt: skip
def test_whatever_was_changed_counts(
    shown: dict[str, str], changed: dict[str, str], text: str
) -> None:
    sent = shown | changed
    assert is_submitted(sent)
    assert read_submitted(sent) == text


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"outcome": "all"}, "since:today"),
        ({"outcome": "permanent", "range": "kept"}, "status:permanent"),
        ({"to": "bob"}, "to:bob status:accepted since:today"),
        ({"q": "status:held", "outcome": "accepted"}, "status:held since:today"),
        ({"q": "-STATUS:delivered", "range": "kept"}, "-STATUS:delivered"),
        ({"q": "subject:status", "range": "kept"}, "subject:status status:accepted"),
        ({"q": "since:2d", "range": "today"}, "since:2d status:accepted"),
        ({"range": "7d", "outcome": "all"}, "since:7d"),
        ({"range": "own", "from": "2026-02-20", "until": "2026-02-24", "outcome": "all"},
         "since:2026-02-20 until:2026-02-24"),
        ({"range": "own", "until": "2026-02-24", "outcome": "all"},
         "since:2026-02-24 until:2026-02-24"),
        ({"range": "own", "from": "2026-02-20", "outcome": "all"}, "since:2026-02-20"),
        ({"range": "own", "outcome": "all"}, "since:today"),
        ({"outcome": "nice", "range": "ever", "from": "2026-02-30", "until": "yesterday"},
         "status:accepted since:today"),
    ],
)  # fmt: skip
def test_an_older_link_goes_on_meaning_what_it_meant(params: dict[str, str], text: str) -> None:
    assert is_submitted(params)
    assert read_submitted(params) == text


@pytest.mark.parametrize("params", [{}, {"q": "bob"}, {"q": "", "zone": "UTC"}, {"zone": "UTC"}])
def test_what_is_canonical_is_left_alone(params: dict[str, str]) -> None:
    assert not is_submitted(params)


def test_endless_text_is_cut() -> None:
    endless = "a" * 5000
    assert read_submitted({"was": "", "q": endless}) == endless[:LONGEST_TEXT]
