"""Every example of docs/search.md is a search, and every field and status stands in it."""

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.clock import START
from tracker.search import NOT_TAKEN, STATUS_WORDS, Field, format_query, parse, recognize

TEXT = (Path(__file__).parents[2] / "docs" / "search.md").read_text()
FIELDS = [*(field.value for field in Field if field is not Field.ANY), "since", "until"]
EXAMPLE = re.compile(rf"-?(?:{'|'.join(FIELDS)}):\S")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


OF_MAIL, _, OF_REFUSALS = TEXT.partition("## What was not taken")


def examples(of: str = OF_MAIL) -> list[str]:
    (block,) = re.findall(r"```\n(.*?)```", of, re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", of.replace(block, ""))
    return [*block.splitlines(), *(text for text in inline if EXAMPLE.match(text))]


def test_there_are_examples() -> None:
    assert len(examples()) > 50


@pytest.mark.parametrize("text", examples())
def test_an_example_is_a_search(text: str) -> None:
    query = parse(text, now=NOW, zone=ZoneInfo("Europe/Berlin"))
    assert query.terms or query.since or query.until
    assert parse(format_query(query), now=START, zone=ZoneInfo("UTC")) == query


@pytest.mark.parametrize("text", examples(OF_REFUSALS))
def test_an_example_finds_what_was_not_taken(text: str) -> None:
    assert parse(text, now=NOW, zone=ZoneInfo("Europe/Berlin"), sought=NOT_TAKEN).terms


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_has_an_example(name: str) -> None:
    assert f"| `{name}:` |" in TEXT
    assert any(text.startswith(f"{name}:") for text in examples())


@pytest.mark.parametrize("word", STATUS_WORDS)
def test_a_status_is_explained(word: str) -> None:
    assert f"`status:{word}`" in TEXT


@pytest.mark.parametrize("text", ["Bob <bob@example.org>", "250 2.0.0 Ok: queued as 4bXyZ12Q"])
def test_what_may_be_pasted_is_understood(text: str) -> None:
    assert f"`{text}`" in TEXT
    assert recognize(text)
