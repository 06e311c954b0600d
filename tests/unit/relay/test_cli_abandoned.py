"""What a relay had begun with when it ended can be held before the next one starts."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.inflight import InFlight, path_of
from tests.support.mail import make_submission
from tests.unit.relay.test_cli import Run, run
from tracker.model import LeaseToken, Outcome, Scope, Status
from tracker.search import Query
from tracker.sqlite import open_ledger
from tracker.views import Row

__all__ = ["run"]

LEASE = timedelta(seconds=30)


def begin(directory: Path, *to: str, ago: timedelta) -> LeaseToken:
    """Leave behind a worker that has mail for `to`, and renewed its lease last `ago`."""

    async def fill() -> LeaseToken:
        ledger = await open_ledger(directory / "var" / "ledger.db")
        now = datetime.now(UTC) - ago
        lease = await ledger.open_lease("mail-1", 0, now, LEASE)
        for address in to:
            await ledger.accept(make_submission(address, now=now), now, lease.token)
        await ledger.close()
        return lease.token

    return asyncio.run(fill())


def rows(directory: Path) -> dict[str, Row]:
    """Return what is on record, by recipient."""

    async def look() -> dict[str, Row]:
        ledger = await open_ledger(directory / "var" / "ledger.db")
        page = await ledger.search(Query(), Scope(), limit=9)
        await ledger.close()
        return {row.recipient.forward_path: row for row in page.rows}

    return asyncio.run(look())


def test_nobody_knows_who_has_it(run: Run, tmp_path: Path) -> None:
    begin(tmp_path, "bob@example.org", ago=timedelta(hours=1))
    result = run("queue", "hold", "--all", "--reason", "restored")
    assert (result.status, result.out.splitlines()[0][:35]) == (
        0,
        "1 recipients taken back from worker",
    )
    row = rows(tmp_path)["bob@example.org"]
    assert (row.recipient.status, row.recipient.leased) == (Status.HELD, False)
    assert row.last_attempt is not None
    assert row.last_attempt.outcome is Outcome.UNCERTAIN
    assert run("queue", "hold", "--all").out == "nothing found that could be held\n"


def test_the_in_flight_file_knows(run: Run, tmp_path: Path) -> None:
    token = begin(tmp_path, "bob@example.org", "carl@example.org", ago=timedelta(hours=1))
    path = path_of(tmp_path / "var", token)
    inflight = InFlight(path)
    inflight.enter([rows(tmp_path)["carl@example.org"].recipient.id])
    inflight.close(remove=False)
    result = run("queue", "hold", "--all", "--reason", "restored")
    assert "1 of 1 recipients held" in result.out
    found = rows(tmp_path)
    assert {row.recipient.status for row in found.values()} == {Status.HELD}
    assert found["bob@example.org"].last_attempt is None
    assert found["carl@example.org"].last_attempt is not None
    assert not path.exists()


@pytest.mark.parametrize("other", [timedelta(0), timedelta(hours=1)], ids=["alone", "beside one"])
def test_of_a_relay_that_runs_nothing_is_taken(run: Run, tmp_path: Path, other: timedelta) -> None:
    begin(tmp_path, "bob@example.org", ago=other)
    begin(tmp_path, "carl@example.org", ago=timedelta(0))
    result = run("queue", "hold", "--all")
    assert "taken back" not in result.out
    assert "0 of 2 recipients held" in result.out
    assert {row.recipient.status for row in rows(tmp_path).values()} == {Status.QUEUED}
