"""What scripts read is what the documents promise."""

import asyncio
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.contract.test_rules import correction
from tests.support.mail import make_refusal, make_submission
from tests.unit.relay.test_cli import Run, run
from tracker.sqlite import open_ledger

__all__ = ["run"]

OPERATING = (Path(__file__).parents[3] / "docs" / "operating.md").read_text(encoding="utf-8")
TABLE = OPERATING.partition("| `--json` of | Prints |\n|---|---|\n")[2].partition("\n\n")[0]
PROMISES = [
    (command, tuple(re.findall(r"`([^`]+)`", row.split("|")[2])))
    for row in TABLE.splitlines()
    for command in re.findall(r"`([^`]+)`", row.split("|")[1])
]


@pytest.fixture
def message(tmp_path: Path, run: Run) -> str:
    """Put one of everything on record; return the id of the message."""
    run("migrate")
    run("account", "add", "alice@example.com")
    run("suppression", "add", "bob@example.org")

    async def fill() -> str:
        ledger = await open_ledger(tmp_path / "var" / "ledger.db")
        submission = make_submission()
        await ledger.accept(submission, datetime.now(UTC), None)
        await ledger.record_refusals([make_refusal(now=datetime.now(UTC))])
        await ledger.add_correction(correction())
        await ledger.close()
        return submission.id

    return asyncio.run(fill())


@pytest.mark.parametrize(("command", "names"), PROMISES, ids=[each[0] for each in PROMISES])
def test_the_names_in_json(run: Run, message: str, command: str, names: tuple[str, ...]) -> None:
    more = {"queue show": [message], "explain": ["550 5.1.1 Unknown"]}
    result = run(*shlex.split(command), *more.get(command, []), "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    if isinstance(found, list):
        (found,) = found
    assert set(names) <= found.keys()


def test_every_row_of_the_table_is_read() -> None:
    assert len(PROMISES) == 9
