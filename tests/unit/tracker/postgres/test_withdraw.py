"""What was refused is taken out again, whatever else there is to take out."""

import os

from msgspec.structs import replace

from tests.support.clock import START
from tests.support.mail import make_submission
from tracker.model import Submission
from tracker.postgres.accept import Acceptance, accept
from tracker.postgres.connections import Connections
from tracker.postgres.withdraw import Withdrawals


def build(submission: Submission) -> Acceptance:
    return Acceptance(submission, START, None, None, os.urandom)


async def test_a_message_that_cannot_be_withdrawn_keeps_no_other_in(url: str) -> None:
    good, bad = build(make_submission()), make_submission("odd@example.org")
    impossible = build(replace(bad, client=replace(bad.client, address="\0")))
    connections = Connections(url)
    lane = connections.lane(1)
    await accept(lane, [good])
    withdrawals = Withdrawals(lane)
    withdrawals.add(impossible)
    withdrawals.add(good)
    await withdrawals.close()
    assert await lane.rows("SELECT id FROM messages") == []
    await connections.close()
