"""Which refusals put an address on the list of those to which nothing is sent."""

import pytest
from msgspec.structs import replace

from relay.suppress import suppressions_after
from tests.support.clock import START
from tests.support.jobs import make_job, make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.model import Attempt, Outcome, Phase, Reply, SuppressionOrigin, Trigger

UNKNOWN = Reply(code=550, lines=("5.1.1 User unknown",))
MOVED = Reply(code=551, lines=("5.1.6 The recipient has moved to bob@example.net",))
SPAM = Reply(code=550, lines=("5.7.1 Message rejected as spam",))
FULL = Reply(code=552, lines=("5.2.2 Mailbox full",))

MESSAGE = make_message()
BOB = make_recipient(MESSAGE, "Bob@Example.org")
EVE = make_recipient(MESSAGE, "eve@example.org")


def refused(reply: Reply | None, outcome: Outcome = Outcome.FAILED) -> Attempt:
    return make_attempt(BOB, outcome, reply=reply)


NO_DOMAIN = replace(
    refused(UNKNOWN), reply=None, phase=Phase.DNS, detail="5.1.2 The domain does not exist"
)


@pytest.mark.parametrize(
    ("attempt", "closes"),
    [
        pytest.param(refused(UNKNOWN), True, id="unknown"),
        pytest.param(refused(MOVED), True, id="moved"),
        pytest.param(NO_DOMAIN, True, id="no such domain"),
        pytest.param(refused(SPAM), False, id="the message"),
        pytest.param(refused(FULL), False, id="the moment"),
        pytest.param(refused(UNKNOWN, Outcome.DEFERRED), False, id="not for good"),
        pytest.param(refused(UNKNOWN, Outcome.DELIVERED), False, id="delivered"),
        pytest.param(replace(refused(UNKNOWN), trigger=Trigger.CANCEL), False, id="cancelled"),
    ],
)
def test_only_an_address_that_is_not_there_for_good_is_closed(
    attempt: Attempt, closes: bool
) -> None:
    assert bool(suppressions_after(make_job(MESSAGE, BOB), [attempt], START)) is closes


def test_a_closed_address_says_for_whom_since_when_and_why() -> None:
    job = make_job(MESSAGE, BOB, EVE)
    attempts = [make_attempt(EVE), refused(UNKNOWN)]
    (found,) = suppressions_after(job, attempts, START)
    assert (found.address, found.domain, found.account) == ("bob@example.org", "example.com", "")
    assert (found.origin, found.since) == (SuppressionOrigin.BOUNCE, START)
    assert found.reason == "550 5.1.1 User unknown"


def test_without_an_account_it_is_closed_for_everybody() -> None:
    job = make_job(replace(MESSAGE, account=None), BOB)
    (found,) = suppressions_after(job, [refused(UNKNOWN)], START)
    assert found.domain == ""


def test_where_no_server_spoke_the_reason_is_ours() -> None:
    (found,) = suppressions_after(make_job(MESSAGE, BOB), [NO_DOMAIN], START)
    assert found.reason == "5.1.2 The domain does not exist"


def test_a_long_reason_is_cut() -> None:
    reply = Reply(code=550, lines=("5.1.1 User unknown; " + "x" * 500,))
    (found,) = suppressions_after(make_job(MESSAGE, BOB), [refused(reply)], START)
    assert len(found.reason) == 200
