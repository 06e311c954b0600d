"""Seven days with a server that is switched off, lived through in seconds on a fake clock."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from config.loader import load
from relay.app import open_relay
from tests.acceptance.dsn import read_dsn
from tests.acceptance.postfix import Postfix
from tests.support.clock import START, FakeClock
from tests.support.ports import free_port
from tracker.model import EventKind, MessageId, Outcome, Phase, Scope, Status
from tracker.search import Field, Query, Term
from tracker.states import OPEN
from tracker.store import Ledger
from tracker.views import Timeline

pytestmark = pytest.mark.acceptance

FRANK = "frank@sender.test"
LADDER = [
    timedelta(0),
    *(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240)),
    *(timedelta(hours=hours) for hours in range(8, 7 * 24 + 1, 4)),
]
"""When each attempt is made after acceptance: the shipped schedule, the last at the deadline."""

CONFIGURATION = """\
hostname = "relay.sendtrace.test"
state_directory = "{directory}/state"

[store]
url = "sqlite:///{directory}/ledger.db"

[[submission.listeners]]
address = "127.0.0.1:{submission_port}"

[dns]
nameservers = ["{nameserver}"]

[delivery]
port = {port}
allow_private_destinations = true
"""


class Life:
    """A relay of the present process whose time is turned by hand."""

    def __init__(self, ledger: Ledger, clock: FakeClock, submission_port: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._submission_port = submission_port

    async def submit(self, sender: str, forward_path: str) -> MessageId:
        """Submit a message and return its id."""

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", self._submission_port) as client:
                client.sendmail(sender, [forward_path], b"Subject: Patience\r\n\r\nHello\r\n")

        await asyncio.to_thread(send)
        query = Query(terms=(Term(field=Field.TO, value=forward_path, exact=True),))
        (row,) = (await self._ledger.search(query, Scope(), limit=2)).rows
        return row.message.id

    async def live(self, message_id: MessageId) -> Timeline:
        """Let time pass from one due moment to the next until the recipient is final."""
        async with asyncio.timeout(240):
            while True:
                timeline = await self._ledger.timeline(message_id, Scope())
                assert timeline is not None
                (recipient,) = timeline.recipients
                if recipient.status not in OPEN:
                    return timeline
                due = recipient.next_attempt_at
                if due is not None and not recipient.leased and due > self._clock.now():
                    self._clock.advance(due - self._clock.now())
                await asyncio.sleep(0.01)


@pytest.fixture
async def life(tmp_path: Path, postfix: Postfix, nameserver: str) -> AsyncIterator[Life]:
    submission_port = free_port()
    configuration = tmp_path / "sendtrace.toml"
    configuration.write_text(
        CONFIGURATION.format(
            directory=tmp_path,
            submission_port=submission_port,
            nameserver=nameserver,
            port=postfix.port,
        ),
        encoding="utf-8",
    )
    clock = FakeClock()
    async with open_relay(load(configuration, {}), clock=clock) as (_, ledger):
        yield Life(ledger, clock, submission_port)


async def test_it_is_tried_as_the_ladder_says_and_then_reported(
    life: Life, postfix: Postfix
) -> None:
    known = len(postfix.messages(FRANK))
    timeline = await life.live(await life.submit(FRANK, "x@stopped.test"))
    (recipient,) = timeline.recipients
    assert recipient.status is Status.EXPIRED
    offsets = [attempt.started_at - START for attempt in timeline.attempts]
    assert [timedelta(seconds=round(offset.total_seconds())) for offset in offsets] == LADDER
    assert {attempt.outcome for attempt in timeline.attempts} == {Outcome.DEFERRED}
    assert {attempt.phase for attempt in timeline.attempts} == {Phase.CONNECT}
    reports = [event for event in timeline.events if event.kind is EventKind.DSN_SENT]
    assert [report.at - START for report in reports] == [timedelta(hours=4), timedelta(days=7)]
    stored = await asyncio.to_thread(postfix.wait_for_messages, FRANK, known + 2)
    assert [read_dsn(message)[1]["action"] for message in stored[known:]] == ["delayed", "failed"]
    assert len(postfix.messages(FRANK)) == known + 2
