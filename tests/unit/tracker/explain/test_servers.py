"""What servers of many makers say, and what it means to the sender.

The meanings were written down by the definitions of the categories, not by what the rules answer.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker.explain import Category, shipped
from tracker.explain.pasted import read_pasted

TABLE = Path(__file__).with_name("servers.txt")


def replies() -> Iterator[tuple[Category, str]]:
    """Return what is in the table."""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            category, _, reply = line.partition(" | ")
            yield Category(category), reply.replace("\\n", "\n")


@pytest.mark.parametrize(("category", "text"), list(replies()))
def test_a_server_is_understood(category: Category, text: str) -> None:
    pasted = read_pasted(text)
    assert pasted is not None
    assert shipped().judge_reply(*pasted).category is category
