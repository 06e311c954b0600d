"""Corrections reach a worker, and one worker judges the record anew."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from relay.absence import Absence
from relay.chores.rulebook import PERIOD, Rulebook, reclassify
from relay.clock import SystemClock
from tests.contract.test_rules import ODD, correction, on_record, refuse
from tests.support.clock import START
from tracker.explain import Category, explain, shipped_digest
from tracker.model import Reply
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.views import Reclassifying


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    opened = await open_ledger(tmp_path / "ledger.db")
    yield opened
    await opened.close()


@pytest.fixture
async def panel(ledger: SqliteLedger) -> AsyncIterator[SqliteLedger]:
    """The same ledger in another process, so to say."""
    opened = await open_ledger(ledger.path)
    yield opened
    await opened.close()


def rulebook_of(ledger: SqliteLedger) -> Rulebook:
    clock = SystemClock()
    return Rulebook(ledger=ledger, clock=clock, absence=Absence(clock))


async def test_what_is_settled_after_a_look_is_judged_by_the_corrections(
    ledger: SqliteLedger, panel: SqliteLedger
) -> None:
    rulebook = rulebook_of(ledger)
    await rulebook.look()
    await panel.add_correction(correction())
    await rulebook.look()
    await refuse(ledger)
    assert [said for said, _, _ in await on_record(panel)] == ["policy-refused"]


def test_a_correction_is_known_everywhere_within_a_minute() -> None:
    assert PERIOD < 60


async def test_a_look_does_what_is_left_of_judging_anew(
    ledger: SqliteLedger, panel: SqliteLedger
) -> None:
    await refuse(ledger)
    await panel.add_correction(correction())
    await panel.begin_reclassifying("alice", START)
    await rulebook_of(ledger).look()
    assert [said for said, _, _ in await on_record(panel)] == ["policy-refused"]
    progress = await panel.reclassification()
    assert progress is not None
    assert progress.ended_at is not None


async def test_one_at_a_time_judges_anew(ledger: SqliteLedger, panel: SqliteLedger) -> None:
    await refuse(ledger)
    await panel.begin_reclassifying("alice", START)
    told: list[Reclassifying] = []
    async with panel.alone("reclassifying") as mine:
        assert mine
        assert await reclassify(ledger, SystemClock(), told.append) is None
    assert told == []
    ended = await reclassify(ledger, SystemClock(), told.append)
    assert ended == told[-1]


async def test_mail_that_is_refused_meanwhile_keeps_its_own_category(ledger: SqliteLedger) -> None:
    await refuse(ledger)
    await ledger.add_correction(correction())
    await ledger.begin_reclassifying("alice", START)
    await refuse(ledger, Reply(code=550, lines=("5.1.1 No",)), START + timedelta(hours=1))
    await reclassify(ledger, SystemClock(), lambda _: None)
    assert [said for said, _, _ in await on_record(ledger)] == ["policy-refused", "address-unknown"]


async def test_the_explanation_on_record_goes_before_the_shipped_rules(
    ledger: SqliteLedger,
) -> None:
    attempt = await refuse(ledger)
    assert explain(attempt).category is Category.NO_REASON
    corrected = replace(attempt, category="content-spam", rule="operator:1", reply=ODD)
    assert explain(corrected).category is Category.CONTENT_SPAM
    unknown = replace(attempt, category="of-a-later-version", rule="x")
    assert explain(unknown).category is Category.NO_REASON


async def test_who_is_first_with_a_release_says_what_older_rules_judged(
    ledger: SqliteLedger,
) -> None:
    await refuse(ledger)
    with capture_logs() as events:
        for _ in range(2):
            rulebook = rulebook_of(ledger)
            await rulebook.look()
            await rulebook.look()
    (told,) = [event for event in events if event["event"].startswith("this release has other")]
    assert told["older"] == "1 recipient has the category that earlier rules gave"
    assert "sendtrace rules reclassify" in told["how"]
    (act,) = await ledger.rule_acts(10)
    assert act.rule == shipped_digest()


async def test_of_an_empty_record_there_is_nothing_to_say(ledger: SqliteLedger) -> None:
    with capture_logs() as events:
        await rulebook_of(ledger).look()
    assert events == []
