"""`sendtrace privacy`: what is on record about an address, at the command line."""

import json
from pathlib import Path

import pytest

from tests.unit.relay.test_cli import Run, mail, run  # noqa: F401 - fixtures

ADDRESS = "bob@example.org"
WAITS = "carol@example.net"


@pytest.fixture(autouse=True)
def _mail(mail: dict[str, str]) -> None:  # noqa: F811
    """There is mail on record."""


def test_an_address_is_found(run: Run) -> None:  # noqa: F811
    found = json.loads(run("privacy", "find", ADDRESS, "--json").out)
    assert found["messages received"] >= 1
    assert "messages received" in run("privacy", "find", ADDRESS).out


def test_what_is_found_can_be_exported(run: Run, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "bob.ndjson"
    assert run("privacy", "export", ADDRESS, "--output", str(path)).status == 0
    parts = [json.loads(line) for line in path.read_text().splitlines()]
    assert {part["as"] for part in parts} >= {"received"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert run("privacy", "export", ADDRESS, "--output", str(path)).status == 1


def test_mail_that_waits_is_cancelled_only_when_told_so(run: Run) -> None:  # noqa: F811
    refused = run("privacy", "erase", WAITS)
    assert refused.status == 1
    assert "nothing was erased" in refused.err
    done = run("privacy", "erase", WAITS, "--cancel")
    assert done.status == 0, done.err
    found = json.loads(run("privacy", "find", WAITS, "--json").out)
    assert set(found.values()) == {0}


def test_what_is_no_address_is_named(run: Run) -> None:  # noqa: F811
    refused = run("privacy", "erase", "bob")
    assert refused.status == 2
    assert "is not a full e-mail address" in refused.err


def test_the_hash_of_a_subject_is_always_the_same(run: Run) -> None:  # noqa: F811
    first, second = run("privacy", "subject", "Hello"), run("privacy", "subject", "hello ")
    assert first.out.startswith("hash:")
    assert first.out == second.out
