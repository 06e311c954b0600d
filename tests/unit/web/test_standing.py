"""Words, shapes and tones; the verdict."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from tests.support.letters import FULL, UNREACHABLE, Try, accepted
from tests.support.mail import make_submission, mint
from tests.support.morning import make_attempt
from tracker.model import (
    Attempt,
    Event,
    EventId,
    EventKind,
    Gate,
    Message,
    Origin,
    Outcome,
    Recipient,
    RecipientId,
    Status,
)
from tracker.returns import Returned, write_return
from tracker.states import OPEN
from web.message.verdict import Case, lines, spoken, why_it_waits
from web.standing import ACCEPTED, RETURNED, outcome_of, standing_of, status_line, upcoming
from web.times import Times

NOW = datetime(2026, 3, 2, 14, 47, tzinfo=UTC)
ACCEPTED_AT = NOW - timedelta(hours=1)
TIMES = Times(ZoneInfo("Europe/Berlin"), NOW)
SUBMISSION = make_submission(now=ACCEPTED_AT)
MESSAGE = Message(
    id=SUBMISSION.id,
    kind=SUBMISSION.kind,
    accepted_at=ACCEPTED_AT,
    account=SUBMISSION.account,
    reverse_path="alice@example.com",
    client=SUBMISSION.client,
    size=63,
    header=SUBMISSION.header,
    ret=None,
    envid=None,
    body=SUBMISSION.envelope.body,
    smtputf8=False,
)
RECIPIENT = Recipient(
    id=RecipientId(mint(ACCEPTED_AT)),
    message_id=MESSAGE.id,
    forward_path="bob@example.org",
    domain="example.org",
    destination="example.org",
    status_since=NOW - timedelta(minutes=5),
    expires_at=ACCEPTED_AT + timedelta(days=7),
)


def recipient(status: Status, **changes: object) -> Recipient:
    return replace(RECIPIENT, status=status, **changes)


def attempt(tried: Try) -> Attempt:
    return make_attempt(RECIPIENT, tried, NOW - timedelta(minutes=5), "alice@example.com")


CUT = attempt(Try(Outcome.UNCERTAIN, accepted().target, detail="Connection lost"))


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("last", [None, attempt(FULL), CUT], ids=["untried", "full", "cut off"])
def test_every_status_has_words_for_everything(status: Status, last: Attempt | None) -> None:
    one = recipient(status, next_attempt_at=NOW if status in OPEN else None)
    case = Case(one, MESSAGE, last, TIMES)
    for text in (
        standing_of(one, last).word,
        standing_of(one, last).shape,
        status_line(one, MESSAGE, last, TIMES),
        spoken(case),
        *lines(case, ""),
    ):
        assert text
        assert "None" not in text


def test_standings_differ_in_word_shape_and_tone() -> None:
    seen = {standing_of(recipient(status), None) for status in Status} - {
        standing_of(recipient(Status.EXPIRED), None)
    }
    assert len({one.word for one in seen}) == len({one.shape for one in seen}) == len(seen)


@pytest.mark.parametrize(
    ("status", "leased", "last", "word"),
    [
        (Status.QUEUED, False, None, "Waiting"),
        (Status.QUEUED, True, None, "Being tried now"),
        (Status.DEFERRED, False, attempt(FULL), "Temporarily rejected"),
        (Status.DEFERRED, False, CUT, "Uncertain"),
        (Status.HELD, False, CUT, "Uncertain"),
        (Status.DELIVERED, False, CUT, "Accepted"),
        (Status.EXPIRED, False, CUT, "Permanently rejected"),
        (Status.BOUNCED, False, None, "Permanently rejected"),
        (Status.CANCELLED, False, None, "Cancelled"),
    ],
)
def test_standing(status: Status, leased: bool, last: Attempt | None, word: str) -> None:
    assert standing_of(recipient(status, leased=leased), last).word == word


@pytest.mark.parametrize(
    ("outcome", "origin", "word"),
    [
        (Outcome.DELIVERED, Origin.REMOTE, "Accepted"),
        (Outcome.DEFERRED, Origin.REMOTE, "Temporarily rejected"),
        (Outcome.DEFERRED, Origin.POLICY, "Temporarily rejected"),
        (Outcome.DEFERRED, Origin.NETWORK, "Not reached"),
        (Outcome.DEFERRED, Origin.LOCAL, "Could not be tried"),
        (Outcome.FAILED, Origin.REMOTE, "Permanently rejected"),
        (Outcome.UNCERTAIN, Origin.NETWORK, "Uncertain"),
    ],
)
def test_an_outcome_says_whose_doing_it_is(outcome: Outcome, origin: Origin, word: str) -> None:
    assert outcome_of(replace(attempt(FULL), outcome=outcome, origin=origin)).word == word


def test_accepted_is_never_called_delivered() -> None:
    one = recipient(Status.DELIVERED)
    told = spoken(Case(one, MESSAGE, attempt(accepted()), TIMES))
    assert ACCEPTED.word == "Accepted"
    assert "accepted" in told
    assert "inbox" not in told
    assert "delivered" not in told


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"leased": True}, "A try is under way right now"),
        ({"next_attempt_at": None}, "No try is planned"),
        ({"next_attempt_at": NOW - timedelta(hours=1)}, "The next try is due now"),
        (
            {"next_attempt_at": NOW + timedelta(minutes=12)},
            "Next try at 15:59 (in 12 minutes)",
        ),
        (
            {"next_attempt_at": NOW + timedelta(days=2)},
            "Next try on 4 Mar at 15:47 (in 2 days)",
        ),
    ],
    ids=["leased", "held", "due", "soon", "later"],
)
def test_what_comes_next(changes: dict[str, object], expected: str) -> None:
    assert upcoming(recipient(Status.DEFERRED, **changes), TIMES) == expected


@pytest.mark.parametrize(
    ("gate", "detail", "last", "expected"),
    [
        (Gate.NONE, "", None, "It is due and next in line."),
        (
            Gate.BACK_OFF,
            "452 4.2.2 full",
            attempt(FULL),
            "It waits for its next try. The recipient's mailbox is full.",
        ),
        (
            Gate.DESTINATION,
            "Connection refused",
            attempt(UNREACHABLE),
            "Its destination cannot be reached; all mail for it waits for a probe: "
            "Connection refused.",
        ),
        (Gate.CONCURRENCY, "", None, "Its destination is busy with other mail of ours."),
        (
            Gate.RATE,
            "example.net gets at most 60 messages a minute",
            None,
            "It waits for the rate limit of its destination: "
            "example.net gets at most 60 messages a minute.",
        ),
        (Gate.DNS, "", None, "Our own DNS resolver does not answer."),
        (Gate.HOLD, "Is this right?", None, "It is held: Is this right?"),
        (Gate.LOCAL, "The disk is full", None, "Our own server has a fault: The disk is full."),
    ],
    ids=lambda value: value.value if isinstance(value, Gate) else None,
)  # fmt: skip
def test_why_it_waits(gate: Gate, detail: str, last: Attempt | None, expected: str) -> None:
    one = recipient(Status.DEFERRED, gate=gate, gate_detail=detail)
    assert why_it_waits(one, last, NOW) == expected


def test_what_has_no_gate_waits_for_its_next_try() -> None:
    """As after the end of a worker that had claimed it, and so had put its next try off."""
    one = recipient(Status.DEFERRED, next_attempt_at=NOW + timedelta(minutes=1))
    told = why_it_waits(one, attempt(FULL), NOW)
    assert told == "It waits for its next try. The recipient's mailbox is full."
    assert "next in line" in why_it_waits(one, attempt(FULL), NOW + timedelta(minutes=1))


def test_expiry_keeps_the_reason() -> None:
    told = spoken(Case(recipient(Status.EXPIRED), MESSAGE, attempt(FULL), TIMES))
    assert "for 7 days and gave up today at 15:42" in told
    assert "The last reason was: The recipient's mailbox is full." in told
    assert "We keep trying" not in told


def test_what_is_held_can_be_released_by_whoever_sees_the_button() -> None:
    told = lines(Case(recipient(Status.HELD, gate_detail="check"), MESSAGE, None, TIMES), "")
    assert told.what_happened == "It is held here: check."
    assert told.who_can_fix.startswith("You")
    assert told.what_you_can_do == "Release it, or cancel it."


def test_what_was_cancelled_says_by_whom_and_why() -> None:
    one = recipient(Status.CANCELLED)
    event = replace(
        REPORT, kind=EventKind.CANCELLED, actor="it@northwind.example", detail="Sent by mistake"
    )
    told = lines(Case(one, MESSAGE, attempt(FULL), TIMES, cancelled=event), "")
    assert told.what_happened == "it@northwind.example cancelled it: Sent by mistake."
    assert told.who_can_fix == "You, if it is still needed."
    told = lines(Case(one, MESSAGE, None, TIMES, cancelled=replace(event, actor="", detail="")), "")
    assert told.what_happened == "Somebody cancelled it."


def test_what_did_not_pass_in_a_week_does_not_usually_pass_by_itself() -> None:
    trying = lines(Case(recipient(Status.DEFERRED), MESSAGE, attempt(UNREACHABLE), TIMES), "")
    assert "pass by themselves" in trying.who_can_fix
    given_up = lines(Case(recipient(Status.EXPIRED), MESSAGE, attempt(UNREACHABLE), TIMES), "")
    assert given_up.who_can_fix == "The recipient, or whoever runs the recipient's mail server."


def test_what_is_read_out_does_not_begin_its_advice_with_nothing() -> None:
    blocked = attempt(Try(Outcome.FAILED, accepted().target, "554 5.7.1 client blocked using bl"))
    told = spoken(Case(recipient(Status.BOUNCED), MESSAGE, blocked, TIMES))
    assert told.endswith(
        "is on a block list. Our operators have to solve this; send the message again after that."
    )


# --- what came back, and what may have arrived twice -------------------------------------------

RETURNED_AT = NOW - timedelta(minutes=2)
REPORT = Event(
    id=EventId(mint(RETURNED_AT)),
    message_id=MESSAGE.id,
    recipient_id=RECIPIENT.id,
    at=RETURNED_AT,
    kind=EventKind.BOUNCED_LATER,
    detail="Reported by: mx9.example.org\nStatus: 5.1.1\nDiagnosis: smtp; 550 No such user",
)


def test_what_was_returned_is_a_standing_of_its_own() -> None:
    one = recipient(Status.DELIVERED, returned_at=RETURNED_AT)
    assert standing_of(one, attempt(accepted())) is RETURNED
    line = status_line(one, MESSAGE, attempt(accepted()), TIMES)
    assert line == "Message accepted, then returned at 15:45"
    still_waiting = recipient(Status.DEFERRED, returned_at=RETURNED_AT)
    assert standing_of(still_waiting, attempt(FULL)).word == "Temporarily rejected"


@pytest.mark.parametrize("report", [REPORT, None], ids=["page", "list"])
def test_what_was_returned_is_a_no_that_names_the_acceptance(report: Event | None) -> None:
    """A list does not have the report itself, so that it says less, and nothing wrong."""
    one = recipient(Status.DELIVERED, returned_at=RETURNED_AT)
    told = spoken(Case(one, MESSAGE, attempt(accepted()), TIMES, returned=report))
    assert told.startswith("No. gmail-smtp-in.l.google.com accepted the message to bob@example.org")
    assert "today at 15:45" in told
    assert ("by mx9.example.org" in told) is (report is not None)
    assert ("This address does not exist" in told) is (report is not None)


def test_the_four_lines_are_those_of_the_report() -> None:
    one = recipient(Status.DELIVERED, returned_at=RETURNED_AT)
    told = lines(Case(one, MESSAGE, attempt(accepted()), TIMES), "")
    assert told.what_happened.endswith("took the message and returned it afterwards.")
    told = lines(Case(one, MESSAGE, attempt(accepted()), TIMES, returned=REPORT), "")
    assert "does not exist" in told.what_happened
    assert told.what_we_do == "We do not send it again: the report says that it is final."


def test_a_second_copy_is_told_of() -> None:
    doubtful = Case(
        recipient(Status.DELIVERED), MESSAGE, attempt(accepted()), TIMES, is_doubtful=True
    )
    assert spoken(doubtful).endswith("so a second copy is possible.")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.DEFERRED, "this server is set to try again when it is uncertain"),
        (Status.HELD, "Releasing it may bring a second copy."),
    ],
)
def test_what_follows_an_uncertain_end_is_told(status: Status, words: str) -> None:
    told = lines(Case(recipient(status, next_attempt_at=NOW), MESSAGE, CUT, TIMES), "")
    assert words in told.what_we_do
    told = lines(Case(recipient(status, next_attempt_at=NOW), MESSAGE, attempt(FULL), TIMES), "")
    assert words not in told.what_we_do


@pytest.mark.parametrize(
    ("reporting_mta", "by"),
    [
        ("mx9.example.org", " by mx9.example.org,"),
        ("[192.0.2.1]", " by [192.0.2.1],"),
        ("us. Call 0900 1234 to get it", ","),
        ("", ","),
    ],
)
def test_only_a_host_name_is_read_out(reporting_mta: str, by: str) -> None:
    report = replace(REPORT, detail=write_return(Returned(reporting_mta=reporting_mta)))
    one = recipient(Status.DELIVERED, returned_at=RETURNED_AT)
    told = spoken(Case(one, MESSAGE, attempt(accepted()), TIMES, returned=report))
    assert f"but it was returned afterwards{by} today at 15:45." in told
