"""The answer to "did it arrive?": one sentence to read out, and four lines behind it. Pure."""

from datetime import datetime
from typing import Final, NamedTuple, assert_never

from tracker.explain import Explanation, Side, explain
from tracker.model import Attempt, Event, Gate, Message, Outcome, Recipient, Status
from tracker.states import OPEN
from web.message.returned import explain_return, reporter_of
from web.standing import upcoming as next_try
from web.times import Times, length

_GATES: Final = {
    Gate.NONE: "It is due and next in line",
    Gate.BACK_OFF: "It waits for its next try",
    Gate.DESTINATION: "Its destination cannot be reached; all mail for it waits for a probe",
    Gate.CONCURRENCY: "Its destination is busy with other mail of ours",
    Gate.RATE: "It waits for the rate limit of its destination",
    Gate.DNS: "Our own DNS resolver does not answer",
    Gate.HOLD: "It is held",
    Gate.LOCAL: "Our own server has a fault",
}
_OURS: Final = "We, who run this mail server."
_STILL_NEEDED: Final = "You, if it is still needed."
_YOU_OR_US: Final = "You, or we who run this mail server."
_THEIRS: Final = "The recipient, or whoever runs the recipient's mail server."
_RETURNED: Final = "The recipient's mail server took the message and returned it afterwards."
_NOTHING: Final = "Nothing."
_SECOND_COPY: Final = (
    "An earlier try broke off after the whole message had been sent, so a second copy is possible."
)
_TRIED_AGAIN: Final = (
    "This may bring a second copy: this server is set to try again when it is uncertain."
)
_RELEASED_AGAIN: Final = "Releasing it may bring a second copy."


class Lines(NamedTuple):
    """The four lines, always in this order."""

    what_happened: str
    who_can_fix: str
    what_you_can_do: str
    what_we_do: str


class Case(NamedTuple):
    """What an answer is about."""

    recipient: Recipient
    message: Message
    last: Attempt | None
    times: Times
    returned: Event | None = None
    """The report that came after it had been accepted, where it is known."""
    cancelled: Event | None = None
    """Who cancelled it, where that is known."""
    is_doubtful: bool = False
    """True when an attempt before the last one was uncertain: they may have a copy already."""


def sentence(text: str) -> str:
    """Return `text` with a full stop at its end."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def gate_of(recipient: Recipient, now: datetime) -> Gate:
    """Return what `recipient` waits for: without a gate, for its next try, if that is to come."""
    upcoming = recipient.next_attempt_at
    if recipient.gate is Gate.NONE and upcoming is not None and upcoming > now:
        return Gate.BACK_OFF
    return recipient.gate


def why_it_waits(recipient: Recipient, last: Attempt | None, now: datetime) -> str:
    """Return in a sentence or two why `recipient` waits right now."""
    if recipient.leased:
        return "It is being tried right now."
    gate = gate_of(recipient, now)
    if gate is Gate.BACK_OFF and last is not None:
        return f"{_GATES[Gate.BACK_OFF]}. {explain(last).what_happened}"
    detail = recipient.gate_detail.strip()
    return sentence(f"{_GATES[gate]}: {detail}" if detail else _GATES[gate])


def spoken(case: Case) -> str:
    """Return what a support person can read out to a customer."""
    match case.recipient.status:
        case Status.DELIVERED:
            return _spoken_accepted(case)
        case Status.BOUNCED | Status.EXPIRED:
            return _spoken_refused(case)
        case Status.QUEUED | Status.DEFERRED:
            return _spoken_waiting(case)
        case Status.HELD:
            address = case.recipient.forward_path
            return f"Not yet. The message to {address} is held here: {_why_held(case)}"
        case Status.CANCELLED:
            when = case.times.spoken(case.recipient.status_since)
            return f"No. The message to {case.recipient.forward_path} was cancelled {when}."
        case _:
            assert_never(case.recipient.status)


def lines(case: Case, report: str) -> Lines:
    """Return the four lines; `report` says what became of the report to the sender."""
    explanation = _explanation(case)
    ours = _what_we_do(case, report)
    if case.recipient.status is Status.CANCELLED:
        return Lines(_who_cancelled(case), _STILL_NEEDED, "Send it again if it is needed.", ours)
    if case.recipient.status is Status.HELD:
        held = f"It is held here: {_why_held(case)}"
        return Lines(held, _YOU_OR_US, "Release it, or cancel it.", ours)
    if case.recipient.returned_at is not None and case.returned is None:
        return Lines(_RETURNED, _THEIRS, "Open the message: the report that came says why.", ours)
    if explanation is None:
        return Lines(
            f"It has not been tried yet. {why_it_waits(case.recipient, None, case.times.now)}",
            _OURS,
            _NOTHING,
            ours,
        )
    who = explanation.who_can_fix
    if case.recipient.status is Status.EXPIRED and explanation.side is Side.NETWORK:
        who = _THEIRS  # it did not pass by itself, all the time that we tried
    return Lines(explanation.what_happened, who, explanation.what_you_can_do, ours)


def _who_cancelled(case: Case) -> str:
    """Say who it was, and the reason that they gave, where both are known."""
    event = case.cancelled
    if event is None:
        return "Somebody cancelled it."
    by = f"{event.actor or 'Somebody'} cancelled it"
    return sentence(f"{by}: {event.detail}" if event.detail.strip() else by)


def _server(case: Case) -> str:
    """Name the other side: the host that answered, or the domain's server."""
    if case.last is not None and case.last.target is not None:
        return case.last.target.host
    return f"the mail server of {case.recipient.domain}"


def _spoken_accepted(case: Case) -> str:
    when = case.times.spoken(case.last.ended_at if case.last else case.recipient.status_since)
    took = f"{_capital(_server(case))} accepted the message to {case.recipient.forward_path} {when}"
    if (returned_at := case.recipient.returned_at) is not None:
        return _spoken_returned(case, took, returned_at)
    copy = f" {_SECOND_COPY}" if case.is_doubtful else ""
    return f"Yes. {took}. In which folder it is, only the recipient's side can see.{copy}"


def _spoken_returned(case: Case, took: str, returned_at: datetime) -> str:
    when = case.times.spoken(returned_at)
    explanation, by = _explanation(case), ""
    if case.returned is not None and (reporter := reporter_of(case.returned)):
        by = f" by {reporter}"
    told = [f"No. {took}, but it was returned afterwards{by}, {when}."]
    if case.returned is not None and explanation is not None:
        told += [explanation.what_happened, explanation.what_you_can_do.removeprefix(_NOTHING)]
    return " ".join(part.strip() for part in told if part.strip())


def _spoken_refused(case: Case) -> str:
    address = case.recipient.forward_path
    when = case.times.spoken(case.recipient.status_since)
    explanation = _explanation(case)
    reason = explanation.what_happened if explanation else ""
    advice = explanation.what_you_can_do if explanation else ""
    # Read out, "Nothing." would be about the reason that was told just before it.
    advice = advice.removeprefix(_NOTHING).strip()
    if case.recipient.status is Status.EXPIRED:
        tried = length(case.recipient.expires_at - case.message.accepted_at)
        told = f"No. We tried to deliver the message to {address} for {tried} and gave up {when}."
        reason = f"The last reason was: {reason}" if reason else ""
    elif case.last is not None and case.last.reply is not None:
        told = f"No. {_capital(_server(case))} refused the message to {address} for good {when}."
    else:
        told = f"No. The message to {address} could not be delivered; that became final {when}."
    return " ".join(part for part in (told, reason, advice) if part)


def _spoken_waiting(case: Case) -> str:
    address = case.recipient.forward_path
    upcoming = sentence(next_try(case.recipient, case.times))
    explanation = _explanation(case)
    if case.last is None or explanation is None:
        return f"Not yet. The message to {address} has not been tried. {upcoming}"
    when = case.times.spoken(case.last.ended_at)
    if case.last.outcome is Outcome.UNCERTAIN:
        told = f"We cannot tell whether the message to {address} arrived."
        return f"{told} {explanation.what_happened} That was {when}. {upcoming}"
    until = case.times.spoken(case.recipient.expires_at).removeprefix("on ")
    return (
        f"Not yet: the message to {address} is still with us. {explanation.what_happened} "
        f"That was {when}. {upcoming} We go on trying until {until}."
    )


def _what_we_do(case: Case, report: str) -> str:
    recipient, times = case.recipient, case.times
    if recipient.status in OPEN:
        deadline = f"{times.clock(recipient.expires_at)} ({times.ahead(recipient.expires_at)})"
        if recipient.status is Status.HELD:
            copy = ""
            if case.last is not None and case.last.outcome is Outcome.UNCERTAIN:
                copy = f" {_RELEASED_AGAIN}"
            return f"We keep it until {deadline}; then we give up and tell the sender.{copy}"
        upcoming = sentence(next_try(recipient, times))
        if case.last is not None and case.last.outcome is Outcome.UNCERTAIN:
            upcoming = f"{upcoming} {_TRIED_AGAIN}"
        return f"{upcoming} We go on until {deadline}; then we give up and tell the sender."
    if recipient.status is Status.DELIVERED:
        if recipient.returned_at is not None:
            return "We do not send it again: the report says that it is final."
        return "Our part is done."
    return sentence(f"We have stopped trying. {report}")


def _why_held(case: Case) -> str:
    return sentence(case.recipient.gate_detail or "no reason was given")


def _explanation(case: Case) -> Explanation | None:
    """Explain the last attempt; what can be done depends on whether we go on."""
    if case.last is None:
        return None
    if case.returned is not None and case.recipient.returned_at is not None:
        return explain_return(case.last, case.returned)
    return explain(case.last, given_up=case.recipient.status is Status.EXPIRED)


def _capital(text: str) -> str:
    """Begin with a capital, but leave host names as they are written."""
    return text if "." in text.split(" ", 1)[0] else text[:1].upper() + text[1:]
