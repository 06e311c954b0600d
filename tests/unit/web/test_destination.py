"""Does a destination take mail? The answer in every state; pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.explain import Category
from tracker.insight import Figure, Saying
from tracker.model import Outcome
from tracker.views import DestinationState
from web.insight.destination import Refusals, answer, kind_of, pace, refusals_of
from web.times import Times

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
TIMES = Times(ZoneInfo("UTC"), NOW)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NONE = Refusals(None, None, False)


def state(*, took: datetime | None = None, reachable: bool = True) -> DestinationState:
    return DestinationState(
        destination="example.com",
        reachable=reachable,
        failures=0 if reachable else 3,
        since=NOW - 25 * MINUTE,
        next_probe_at=None if reachable else NOW + 10 * MINUTE,
        detail="" if reachable else "Connection refused",
        last_success_at=took,
        last_failure_at=None,
        waiting=0,
        next_due_at=None,
        last_accepted_at=took,
    )


def refused(since: timedelta, at: timedelta, *, general: bool = True, why: str = "") -> Refusals:
    return Refusals(NOW - since, NOW - at, general, why=why)


UNKNOWN = "This address does not exist at the recipient's mail server."
LISTED = "The address of our mail server is on a block list."


CASES = {
    "unreachable": (
        state(reachable=False),
        NONE,
        "No. example.com cannot be reached since 10:05. Connection refused. The next probe is at "
        "10:40.",
    ),
    "fine": (
        state(took=NOW - 2 * MINUTE),
        NONE,
        "Yes. example.com accepted mail 2 minutes ago.",
    ),
    "long ago": (
        state(took=NOW - 3 * DAY),
        NONE,
        "It did when we last tried: example.com accepted mail on Friday, 27 February, at 10:30.",
    ),
    "never tried": (None, NONE, "We cannot tell: nothing was sent to example.com lately."),
    "accepts nothing": (
        state(took=NOW - 27 * MINUTE),
        refused(25 * MINUTE, MINUTE),
        "Not at the moment. example.com answers, but since 10:05 it has accepted nothing. The last "
        "mail was accepted at 10:03.",
    ),
    "accepts nothing, after it refused some": (
        state(took=NOW - 27 * MINUTE),
        refused(60 * MINUTE, MINUTE),
        "Not at the moment. example.com answers, but since 10:03 it has accepted nothing.",
    ),
    "never accepted anything": (
        state(),
        refused(25 * MINUTE, MINUTE),
        "Not at the moment. example.com answers, but since 10:05 it has accepted nothing.",
    ),
    "accepts nothing, and says why": (
        state(took=NOW - 27 * MINUTE),
        refused(25 * MINUTE, MINUTE, why=LISTED),
        "Not at the moment. example.com answers, but since 10:05 it has accepted nothing. The last "
        "mail was accepted at 10:03. Why it refused last: The address of our mail server is on a "
        "block list.",
    ),
    "refuses some, and says why": (
        state(took=NOW - 2 * MINUTE),
        refused(25 * MINUTE, MINUTE, general=False, why=UNKNOWN),
        "Yes, but not everything. example.com accepted mail 2 minutes ago, and refused some 1 "
        "minute ago. Why it refused last: This address does not exist at the recipient's mail "
        "server.",
    ),
    "nobody answers there": (
        state(),
        refused(25 * MINUTE, MINUTE)._replace(is_answered=False),
        "Not at the moment. Since 10:05 nothing could be handed over to example.com.",
    ),
    "refuses some": (
        state(took=NOW - 2 * MINUTE),
        refused(25 * MINUTE, MINUTE),
        "Yes, but not everything. example.com accepted mail 2 minutes ago, and refused some 1 "
        "minute ago.",
    ),
    "refuses single addresses": (
        state(took=NOW - 60 * MINUTE),
        refused(25 * MINUTE, MINUTE, general=False),
        "Yes, but not everything. example.com accepted mail 1 hour ago, and refused some 1 minute "
        "ago.",
    ),
    "has only refused single addresses": (
        state(),
        refused(25 * MINUTE, MINUTE, general=False),
        "It answers, and refused some 1 minute ago; nothing was accepted lately.",
    ),
}


@pytest.mark.parametrize(("known", "refusals", "spoken"), CASES.values(), ids=CASES.keys())
def test_the_answer(known: DestinationState | None, refusals: Refusals, spoken: str) -> None:
    assert answer(known, "example.com", refusals, TIMES).spoken == spoken


def saying(category: Category, first: timedelta, last: timedelta) -> Saying:
    return Saying(
        category=category, count=2, first_at=NOW - first, last_at=NOW - last, example=None
    )


def test_refusals_of_single_addresses_do_not_speak_for_all() -> None:
    unknown = saying(Category.ADDRESS_UNKNOWN, 3 * MINUTE, MINUTE)
    listed = saying(Category.IP_BLOCKLISTED, 9 * MINUTE, 2 * MINUTE)
    assert refusals_of([]) == NONE
    assert refusals_of([unknown]) == refused(3 * MINUTE, MINUTE, general=False, why=UNKNOWN)
    assert refusals_of([unknown, listed]) == refused(9 * MINUTE, 2 * MINUTE, why=LISTED)


def test_what_no_server_has_said_is_no_answer() -> None:
    """A domain that does not exist, for example: nobody there has refused anything."""
    recipient = make_recipient(make_message())
    said = make_attempt(recipient, Outcome.FAILED)
    unsaid = replace(said, reply=None, detail="5.1.2 example.com does not exist (NXDOMAIN)")
    gone = replace(saying(Category.DOMAIN_UNKNOWN, 3 * MINUTE, MINUTE), example=unsaid)
    listed = replace(saying(Category.IP_BLOCKLISTED, 9 * MINUTE, 2 * MINUTE), example=said)
    assert not refusals_of([gone]).is_answered
    assert refusals_of([gone, listed]).is_answered


@pytest.mark.parametrize(
    ("result", "origin", "kind"),
    [
        ("delivered", "remote", "good"),
        ("deferred", "remote", "warn"),
        ("failed", "remote", "bad"),
        ("failed", "policy", "bad"),
        ("deferred", "network", "wait"),
        ("uncertain", "network", "wait"),
        ("deferred", "local", "off"),
        ("failed", "local", "off"),
    ],
)
def test_what_stopped_on_our_side_is_not_the_receivers_doing(
    result: str, origin: str, kind: str
) -> None:
    assert kind_of(result, origin) == kind


def test_the_pace_in_words() -> None:
    assert pace([]) == ""
    assert pace([Figure((-1,), 5)]) == ""
    found = [Figure((0,), 8), Figure((5,), 1), Figure((11,), 1), Figure((-1,), 3)]
    assert pace(found) == (
        "Of 10 messages, half of them within 1 second and 95 % of them after more than a day."
    )
    assert pace([Figure((5,), 8)]) == "Of 8 messages, 95 % of them within 1 minute."
    assert pace([Figure((5,), 1)]) == "One message, within 1 minute."
