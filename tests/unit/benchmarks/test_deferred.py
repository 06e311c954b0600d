"""The ledger that is written at once is one that a relay can work with."""

from datetime import timedelta
from pathlib import Path

from benchmarks.deferred import Backlog, fill
from tests.support.clock import START
from tracker.sqlite import open_ledger
from tracker.sqlite.archive import open_archive

BACKLOG = Backlog(recipients=50, destinations=7, size=500)


async def test_it_holds_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    fill(path, BACKLOG, START)
    archive = await open_archive(path)
    counts = await archive.counts()
    await archive.close()
    assert (counts.messages, counts.attempts, counts.octets) == (50, 50, 50 * 500)
    assert sum(each.recipients for each in counts.recipients if each.status == "deferred") == 50


async def test_all_of_it_can_be_claimed_when_it_is_due(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    fill(path, BACKLOG, START)
    ledger = await open_ledger(path)
    lease = (await ledger.open_lease("node", 1, START, timedelta(hours=9))).token
    assert await ledger.claim(lease, START + timedelta(minutes=59), 100) == []
    jobs = await ledger.claim(lease, START + BACKLOG.last_due, 100)
    assert len({job.destination for job in jobs}) == 7
    assert sum(len(job.recipients) for job in jobs) == 50
    content = b"".join([piece async for piece in ledger.content(jobs[0].message.id)])
    await ledger.close()
    assert len(content) == jobs[0].message.size == 500
