"""`sendtrace bounce`: whom a report is about, and what is kept of it."""

import asyncio
import io
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from relay.bounce import Failure, Match, find_recipient
from relay.bounce.report import BounceReport
from relay.cli import main
from tests.support.mail import make_settlement, make_submission
from tests.unit.relay.test_bounce import RETURNED, STATUS, report
from tests.unit.relay.test_cli import Run
from tests.unit.relay.test_cli import run as run
from tracker.model import EnvelopeRecipient, EventKind, MessageId, Outcome, Scope, Submission
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.views import Timeline

T = TypeVar("T")
HEADER = "Message-ID: <one@client.example.com>\n"


def on_ledger(tmp_path: Path, act: Callable[[SqliteLedger], Awaitable[T]]) -> T:
    async def run() -> T:
        ledger = await open_ledger(tmp_path / "var" / "ledger.db")
        try:
            return await act(ledger)
        finally:
            await ledger.close()

    return asyncio.run(run())


def deliver(
    tmp_path: Path, submission: Submission, outcome: Outcome = Outcome.DELIVERED
) -> Submission:
    async def act(ledger: SqliteLedger) -> Submission:
        now = datetime.now(UTC)
        lease = await ledger.open_lease("n", 0, now, timedelta(minutes=5))
        for job in (await ledger.accept(submission, now, lease.token)).jobs:
            await ledger.settle(make_settlement(job, outcome, now=now))
        return submission

    return on_ledger(tmp_path, act)


def timeline_of(tmp_path: Path, message_id: MessageId) -> Timeline:
    timeline = on_ledger(tmp_path, lambda ledger: ledger.timeline(message_id, Scope()))
    assert timeline is not None
    return timeline


def mail(*paths: str | EnvelopeRecipient, message_id: str = "one@client.example.com") -> Submission:
    return make_submission(*paths, now=datetime.now(UTC), message_id=message_id)


def test_a_report_is_put_on_record(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    sent = deliver(tmp_path, mail("bob@example.org", "carol@example.org"))
    (tmp_path / "report.eml").write_bytes(report(returned=HEADER))
    told = run("bounce", "report.eml")
    assert told.status == 0, told.err
    assert told.out == f"robert@inside.example.org: recorded, message {sent.id}\n"

    timeline = timeline_of(tmp_path, sent.id)
    event = timeline.events[-1]
    assert event.kind is EventKind.BOUNCED_LATER
    assert event.recipient_id == timeline.recipients[0].id
    assert event.detail.splitlines() == [
        "Reported by: mx1.example.org",
        "For: robert@inside.example.org",
        "Status: 5.1.1",
        "Diagnosis: smtp; 550-5.1.1 No such user;",
        "550 5.1.1 see https://example.org/help",
    ]

    trace = run("trace", "to:bob@example.org")
    assert "DELIVERED, RETURNED 20" in trace.out

    again = run("bounce", "report.eml", "--json")
    assert again.status == 0
    assert [entry["recorded"] for entry in json.loads(again.out)] == [False]


def test_a_report_may_come_through_a_pipe(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("migrate").status == 0
    sent = deliver(tmp_path, mail("bob@example.org"))
    monkeypatch.setattr(sys, "argv", ["sendtrace", "bounce"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(report(returned=HEADER))))
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert f"recorded, message {sent.id}" in capsys.readouterr().out


def test_what_is_no_report_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(b"Subject: hello\r\n\r\nhello\r\n")
    told = run("bounce", "mail.eml")
    assert told.status == 1
    assert "no delivery status notification" in told.err


def test_mail_that_is_not_on_record_is_said(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    (tmp_path / "report.eml").write_bytes(report())
    told = run("bounce", "report.eml")
    assert told.status == 1
    assert "no such mail is on record" in told.out


def test_a_delay_is_no_failure(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    (tmp_path / "report.eml").write_bytes(
        report(status=STATUS.replace("Action: failed", "Action: delayed"))
    )
    told = run("bounce", "report.eml")
    assert told.status == 0
    assert "nothing was recorded" in told.out


# --- whom it is about --------------------------------------------------------------------------

BOB = Failure(final_recipient="bob@example.org")
ROBERT = Failure(final_recipient="robert@inside.example.org")


def match(tmp_path: Path, told: BounceReport, failure: Failure) -> Match | None:
    return on_ledger(tmp_path, lambda ledger: find_recipient(ledger, told, failure))


def test_our_own_id_counts_before_the_message_id(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    first = deliver(tmp_path, mail("bob@example.org"))
    deliver(tmp_path, mail("bob@example.org"))
    told = BounceReport(ours=(first.id,), message_id="one@client.example.com")
    found = match(tmp_path, told, BOB)
    assert found is not None
    assert found.message.id == first.id


def test_of_several_messages_the_accepted_one_counts(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    taken = deliver(tmp_path, mail("bob@example.org"))
    deliver(tmp_path, mail("bob@example.org"), Outcome.FAILED)
    found = match(tmp_path, BounceReport(message_id="one@client.example.com"), BOB)
    assert found is not None
    assert found.message.id == taken.id


def test_a_rewritten_address_is_known_by_what_we_asked_for(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    asked = EnvelopeRecipient(
        forward_path="bob@example.org",
        domain="example.org",
        orcpt="rfc822;robert@inside.example.org",
    )
    sent = deliver(tmp_path, mail(asked, "carol@example.org"))
    told = BounceReport(message_id="one@client.example.com")
    for failure in (ROBERT, replace(ROBERT, original_recipient="BOB@example.org")):
        found = match(tmp_path, told, failure)
        assert found is not None
        assert found.message.id == sent.id
        assert found.recipient.forward_path == "bob@example.org"


def test_among_several_recipients_nobody_is_guessed(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    deliver(tmp_path, mail("bob@example.org", "carol@example.org"))
    told = BounceReport(message_id="one@client.example.com")
    assert match(tmp_path, told, ROBERT) is None


def test_a_message_to_one_alone_needs_no_name(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    deliver(tmp_path, mail("bob@example.org"))
    found = match(tmp_path, BounceReport(message_id="one@client.example.com"), ROBERT)
    assert found is not None
    assert found.recipient.forward_path == "bob@example.org"


@pytest.mark.parametrize(
    ("envelope_id", "is_found"), [("QQ+1", True), ("QQ+2B1", True), ("X", False)]
)
def test_the_envelope_id_needs_the_recipient(
    run: Run, tmp_path: Path, envelope_id: str, is_found: bool
) -> None:
    """The client gave "QQ+2B1", which is xtext for "QQ+1"; servers return either."""
    assert run("migrate").status == 0
    deliver(tmp_path, mail("bob@example.org", "carol@example.org"))
    told = BounceReport(envelope_id=envelope_id)
    assert (match(tmp_path, told, BOB) is not None) is is_found
    assert match(tmp_path, told, ROBERT) is None


@pytest.mark.parametrize("days", [0, 3, -400, 400], ids=["now", "late", "long ago", "to come"])
def test_the_other_servers_clock_need_not_be_right(run: Run, tmp_path: Path, days: int) -> None:
    assert run("migrate").status == 0
    sent = deliver(tmp_path, mail("bob@example.org"))
    told = BounceReport(
        message_id="one@client.example.com", arrived_at=datetime.now(UTC) + timedelta(days=days)
    )
    found = match(tmp_path, told, BOB)
    assert found is not None
    assert found.message.id == sent.id


def test_ids_that_are_not_ours_are_passed_over(run: Run, tmp_path: Path) -> None:
    assert run("migrate").status == 0
    sent = deliver(tmp_path, mail("bob@example.org"))
    (tmp_path / "report.eml").write_bytes(report(returned=RETURNED))
    told = run("bounce", "report.eml")
    assert told.status == 0
    assert str(sent.id) in told.out
