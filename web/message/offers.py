"""What can be done about one recipient, and in a line why not where it cannot. Pure."""

from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlencode

from tracker.model import Deed, MessageKind, Recipient, Status, Suppression, Trigger
from tracker.states import OPEN
from web.times import Times


class Offer(NamedTuple):
    """Something to do."""

    word: str
    path: str = ""
    posts: bool = False
    """A form with a button, which does it at once; else a link to a page that asks."""
    why_not: str = ""
    """In place of it; then there is no path."""


class Facts(NamedTuple):
    """What decides what is offered."""

    recipient: Recipient
    kind: MessageKind
    pointless: str
    """Why a try now is; empty when it is not."""
    suppressed: Suppression | None
    is_kept: bool
    """The content is still there."""
    here: str
    """The page to come back to."""
    may_reroute: bool = False
    """Whether the viewer decides which way mail goes."""


_RETRY: Final = "Retry now"
_MAY_GO_AGAIN: Final = frozenset({Status.BOUNCED, Status.EXPIRED, Status.CANCELLED})


def offers_of(facts: Facts, times: Times) -> list[Offer]:
    """Return what makes sense, the most likely first."""
    return [
        *_of_waiting(facts),
        *_send_again(facts),
        *_suppress(facts, times),
        Offer("Would it work now?", _page(facts, "probe")),
    ]


def _of_waiting(facts: Facts) -> Iterator[Offer]:
    recipient, message = facts.recipient, f"/messages/{facts.recipient.message_id}"
    if recipient.status not in OPEN:
        return
    if recipient.leased or recipient.trigger is Trigger.CANCEL:
        now = "being tried" if recipient.leased else "being cancelled"
        yield Offer("Hold or cancel", why_not=f"it is {now} right now")
        return
    if recipient.status is Status.HELD:
        yield Offer("Release", f"{message}/release", posts=True)
    else:
        if facts.pointless:
            yield Offer(_RETRY, why_not=f"pointless now, because {facts.pointless}")
        else:
            yield Offer(_RETRY, f"{message}/retry", posts=True)
        yield Offer("Hold…", _act(facts, Deed.HOLD))
    if facts.may_reroute:
        yield Offer("Reroute…", _act(facts, Deed.REROUTE))
    yield Offer("Cancel…", _act(facts, Deed.CANCEL))


def _send_again(facts: Facts) -> Iterator[Offer]:
    if facts.recipient.status not in _MAY_GO_AGAIN or facts.kind is not MessageKind.MAIL:
        return
    word = "Send again to another address"
    if facts.is_kept:
        yield Offer(f"{word}…", _page(facts, "send-again"))
    else:
        yield Offer(word, why_not="it is too late, the content is not kept any more")


def _suppress(facts: Facts, times: Times) -> Iterator[Offer]:
    if facts.kind is not MessageKind.MAIL:
        return
    listed = facts.suppressed
    if listed is None:
        yield Offer("Suppress this address…", _act(facts, Deed.SUPPRESS))
    else:
        since = times.clock(listed.since)
        yield Offer("Suppress this address", why_not=f"it has been on the list since {since}")


def _act(facts: Facts, deed: Deed) -> str:
    fields = {"act": deed.value, "recipient": facts.recipient.id, "back": facts.here}
    return f"/acts/new?{urlencode(fields)}"


def _page(facts: Facts, name: str) -> str:
    message, recipient = facts.recipient.message_id, facts.recipient.id
    return f"/messages/{message}/{name}?{urlencode({'recipient': recipient})}"
