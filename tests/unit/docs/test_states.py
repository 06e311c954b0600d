"""The drawing in docs/states.md is the table in tracker/states.py."""

import re
from pathlib import Path

from tracker.model import Status
from tracker.states import ARROWS, FINAL

PAGE = (Path(__file__).parents[3] / "docs" / "states.md").read_text(encoding="utf-8")
ARROW = re.compile(r"^ +(\S+) --> (\S+?)(?:: (.+))?$", re.MULTILINE)
START_OR_END = "[*]"


def test_every_arrow_is_drawn_and_no_other() -> None:
    drawn = {(before, after) for before, after, _ in ARROW.findall(PAGE)}
    table = {(str(before), str(after)) for before, afters in ARROWS.items() for after in afters}
    table |= {(START_OR_END, str(Status.QUEUED))}
    table |= {(str(status), START_OR_END) for status in FINAL}
    assert drawn == table


def test_every_arrow_has_a_name_that_the_page_explains() -> None:
    names = {name for _, after, name in ARROW.findall(PAGE) if after != START_OR_END}
    rows = re.findall(r"^\| ([a-z, ]+) \| (?:a|an|the) ", PAGE, re.MULTILINE)
    explained = {name for row in rows for name in row.split(", ")}
    assert {name.partition(" of the ")[0] for name in names} == explained


def test_every_status_is_explained() -> None:
    rows = re.findall(r"^\| (`.+?`) \| [A-Z]", PAGE, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(str(s) for s in Status)
