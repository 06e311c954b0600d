"""`sendtrace rules`: an operator's rules from a terminal."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.test_rules import refuse
from tests.unit.relay.test_cli import Run
from tests.unit.relay.test_cli import run as run  # the fixture
from tracker.sqlite import open_ledger

ADD = ("rules", "add", "policy-refused", "--words", "computer says no")


@pytest.fixture
def refused(tmp_path: Path, run: Run) -> str:
    """A message that was refused in words that nobody knows; who it went to."""
    assert run("migrate").status == 0

    async def fill() -> None:
        ledger = await open_ledger(tmp_path / "var" / "ledger.db")
        await refuse(ledger, now=datetime.now(UTC) - timedelta(minutes=5))
        await ledger.close()

    asyncio.run(fill())
    return "bob@example.org"


def test_a_rule_is_added_listed_switched_and_removed(run: Run, refused: str) -> None:
    added = run(*ADD, "--code", "5xx", "--host", "MX.example.org", "--note", "They told us")
    assert added.status == 0
    id = added.out.split()[0]
    (listed,) = json.loads(run("rules", "list", "--json").out)
    assert (listed["id"], listed["host"]) == (id, "mx.example.org")
    assert "(command line)" in listed["created_by"]
    assert id in run("rules", "list").out
    assert run("rules", "off", id).status == 0
    assert json.loads(run("rules", "list", "--json").out)[0]["off_since"] is not None
    assert run("rules", "off", id).status == 1
    assert run("rules", "on", id.lower()).status == 0
    assert run("rules", "remove", id).status == 0
    assert json.loads(run("rules", "list", "--json").out) == []
    assert run("rules", "remove", id).status == 1


def test_a_rule_that_cannot_be_used_is_a_mistake(run: Run, refused: str) -> None:
    done = run("rules", "add", "policy-refused", "--expression", "(a+)+")
    assert done.status == 2
    assert "without a bound" in done.err
    assert run("rules", "add", "bad-luck", "--words", "computer").status == 2


def test_the_record_is_judged_anew(run: Run, refused: str) -> None:
    assert json.loads(run("trace", "--json").out)[0]["category"] == "no-reason"
    run(*ADD)
    done = run("rules", "reclassify")
    assert done.status == 0
    assert done.out == "1 recipients looked at, 1 attempts changed\n"
    assert json.loads(run("trace", "--json").out)[0]["category"] == "policy-refused"
    assert run("rules", "reclassify").out == "1 recipients looked at, 0 attempts changed\n"


def test_the_list_says_how_much_older_rules_judged(run: Run, refused: str, tmp_path: Path) -> None:
    async def upgrade() -> None:
        ledger = await open_ledger(tmp_path / "var" / "ledger.db")
        await ledger.adopt_rules("digest", "2026-11-29", datetime.now(UTC))
        await ledger.close()

    assert "earlier release" not in run("rules", "list").out
    asyncio.run(upgrade())
    told = " ".join(run("rules", "list").out.split())
    assert "1 recipient has the category that the rules of an earlier release gave" in told
    assert run("rules", "reclassify").status == 0
    assert "earlier release" not in run("rules", "list").out
