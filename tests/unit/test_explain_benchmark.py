"""How the explanation of replies is compared with what others say of them."""

import sys
from pathlib import Path

import pytest

from benchmarks.explain import main, read

HEADING = "id\treply_text\tnorm_category\tagree_others\n"
ROWS = (
    "R1\t550 5.1.1 User unknown\tunknown_recipient\t1\n"
    "R2\t452 4.2.2 Mailbox full\tmailbox_full\t0\n"
    "R3\t550 5.1.1 User unknown\tspam_content\t0\n"
)


@pytest.fixture
def replies(tmp_path: Path) -> Path:
    path = tmp_path / "replies.tsv"
    path.write_text(HEADING + ROWS)
    return path


def test_replies_on_which_two_agree_are_told_from_the_others(replies: Path) -> None:
    assert [(row.id, row.is_shared, row.agrees) for row in read(replies)] == [
        ("R1", True, True),
        ("R2", False, True),
        ("R3", False, False),
    ]


def test_without_a_second_opinion_nothing_is_said_of_it(tmp_path: Path) -> None:
    path = tmp_path / "replies.tsv"
    path.write_text("id\treply_text\tnorm_category\nR1\t550 5.1.1 User unknown\tpolicy\n")
    assert [(row.is_shared, row.agrees) for row in read(path)] == [(None, False)]


def test_each_kind_is_judged_by_itself(
    replies: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["explain", str(replies)])
    main()
    said = capsys.readouterr().out
    shared, others = said.split("reference class shared by a second")[1].split("by one only")
    assert "precision 100.0 %" in shared
    assert "precision 50.0 %" in others
    assert "precision 66.7 %" in others.split("all: 3 replies")[1]
