"""Does a destination take mail right now? The answer, and what stands behind it. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote

from tracker.explain import Category
from tracker.explain.meaning import meanings
from tracker.insight import Figure, Saying, Waiting, slot_start, within
from tracker.model import Attempt, Origin, Outcome, TargetTry, Verification
from tracker.views import DestinationState
from web.insight.chart import Series
from web.message.verdict import sentence
from web.standing import Standing
from web.times import Times, count, length

YES: Final = Standing("Takes mail", "check", "good")
PARTLY: Final = Standing("Refuses some", "retry", "warn")
NO: Final = Standing("Takes nothing", "cross", "bad")
UNREACHABLE: Final = Standing("Unreachable", "cross", "bad")
UNKNOWN: Final = Standing("Not tried lately", "question", "off")

SERIES: Final = (
    Series("good", "Accepted"),
    Series("warn", "Temporarily rejected"),
    Series("bad", "Permanently rejected"),
    Series("wait", "Not reached or uncertain"),
    Series("off", "Stopped on our side"),
)
_LATELY: Final = timedelta(hours=24)
_A_WHILE: Final = timedelta(minutes=15)
"""Refusals so long after the last success mean that nothing is accepted."""
_OF_ONE_MESSAGE: Final = frozenset(
    {
        Category.ADDRESS_UNKNOWN,
        Category.ADDRESS_SYNTAX,
        Category.ADDRESS_MOVED,
        Category.MAILBOX_DISABLED,
        Category.MAILBOX_FULL,
        Category.RECIPIENT_FILTERED,
        Category.RECIPIENT_THROTTLED,
        Category.GREYLISTED,
        Category.UNCERTAIN,
        Category.SIZE_LIMIT,
        Category.CONTENT_SPAM,
        Category.CONTENT_VIRUS,
        Category.CONTENT_ATTACHMENT,
        Category.CONTENT_FORMAT,
    }
)


def name_on_record(written: str) -> str:
    """Return how a destination is called on record: in small letters, but for IPv6 in a literal."""
    name = written.lower()
    return f"[IPv6:{name[6:]}" if name.startswith("[ipv6:") else name


def destination_url(name: str) -> str:
    """Return where the page of a destination is."""
    return f"/destinations/{quote(name, safe='@:')}"


class Host(NamedTuple):
    """One of its servers, as we last met it."""

    name: str
    at: datetime
    tls: str


class Refusals(NamedTuple):
    """What was not accepted within a day."""

    since: datetime | None
    at: datetime | None
    """The latest."""
    is_general: bool
    """True when they concern more than single addresses and messages."""
    is_answered: bool = True
    """False when no server said any of it: the domain does not exist, or takes no mail."""
    why: str = ""
    """What the latest of them says, in plain words."""


class Answer(NamedTuple):
    """The answer to read out."""

    standing: Standing
    spoken: str


def answer(state: DestinationState | None, name: str, refusals: Refusals, times: Times) -> Answer:
    """Say whether `name` takes mail; `refusals` are those that the reader may know of."""
    if state is not None and not state.reachable:
        since = f" since {_from(state.since, times)}" if state.since else ""
        words = f" {sentence(state.detail)}" if state.detail else ""
        probe = (
            f" The next probe is {times.at(state.next_probe_at)}." if state.next_probe_at else ""
        )
        return Answer(UNREACHABLE, f"No. {name} cannot be reached{since}.{words}{probe}")
    took = state.last_accepted_at if state is not None else None
    if refusals.at is None or times.now - refusals.at > _LATELY:
        return _untroubled(name, took, times)
    refused = f"refused some {times.ago(refusals.at)}"
    why = f" Why it refused last: {refusals.why}" if refusals.why else ""
    if took is None and not refusals.is_general:
        return Answer(PARTLY, f"It answers, and {refused}; nothing was accepted lately.{why}")
    if took is None or (refusals.is_general and refusals.at - took >= _A_WHILE):
        begun = refusals.since if took is None else max(took, refusals.since or took)
        since = _from(begun or refusals.at, times)
        # Where the run of refusals is older than that, it begins with the last success.
        last = f" The last mail was accepted {times.at(took)}." if took and took != begun else ""
        nothing = f"Since {since} nothing could be handed over to {name}."
        if refusals.is_answered:
            nothing = f"{name} answers, but since {since} it has accepted nothing."
        elif why:
            why = f" Why: {refusals.why}"
        return Answer(NO, f"Not at the moment. {nothing}{last}{why}")
    accepted = f"{name} accepted mail {times.ago(took)}"
    return Answer(PARTLY, f"Yes, but not everything. {accepted}, and {refused}.{why}")


def _untroubled(name: str, took: datetime | None, times: Times) -> Answer:
    if took is None:
        return Answer(UNKNOWN, f"We cannot tell: nothing was sent to {name} lately.")
    if times.now - took > _LATELY:
        when = times.spoken(took)
        return Answer(UNKNOWN, f"It did when we last tried: {name} accepted mail {when}.")
    return Answer(YES, f"Yes. {name} accepted mail {times.ago(took)}.")


def _from(when: datetime, times: Times) -> str:
    return times.at(when).removeprefix("at ").removeprefix("on ")


def kind_of(result: str, origin: str) -> str:
    """Return the series of an attempt; what stopped on our side is never the receiver's doing."""
    if result == Outcome.DELIVERED:
        return "good"
    if origin == Origin.LOCAL:
        return "off"
    if origin == Origin.NETWORK or result == Outcome.UNCERTAIN:
        return "wait"
    return "bad" if result == Outcome.FAILED else "warn"


def attempts_by_slot(figures: Iterable[Figure]) -> dict[tuple[datetime, str], int]:
    """Return counts by slot and series from figures by slot, result and origin."""
    found: dict[tuple[datetime, str], int] = {}
    for (slot, result, origin), number in figures:
        key = (slot_start(int(slot)), kind_of(str(result), str(origin)))
        found[key] = found.get(key, 0) + number
    return found


def pace(figures: Iterable[Figure]) -> str:
    """Return in how much time mail was accepted, from figures by speed; empty when none was."""
    speeds = [(int(speed), number) for (speed,), number in figures if int(speed) >= 0]
    total = sum(number for _, number in speeds)
    if not total:
        return ""
    half, most = (_within(within(speeds, share)) for share in (0.5, 0.95))
    if total == 1:
        return f"One message, {half}."
    told = f"95 % of them {most}"
    if half != most:
        told = f"half of them {half} and {told}"
    return f"Of {count(total, 'message')}, {told}."


def _within(end: timedelta | None) -> str:
    return f"within {length(end)}" if end else "after more than a day"


def hosts_of(attempts: Sequence[Attempt]) -> tuple[Host, ...]:
    """Return the servers that answered, each as we last met it, by name."""
    hosts: dict[str, Host] = {}
    for attempt in sorted(attempts, key=lambda one: one.ended_at):
        for one in attempt.tries:
            if one.skipped or one.reply is None:
                continue
            hosts[one.target.host] = Host(one.target.host, one.started_at, _tls(one))
    return tuple(hosts[name] for name in sorted(hosts))


def _tls(tried: TargetTry) -> str:
    if tried.tls is None:
        return "not encrypted"
    verified = {
        Verification.NONE: "certificate not verified",
        Verification.PKIX: "certificate verified",
        Verification.DANE: "certificate verified by DANE",
    }
    return f"{tried.tls.version}, {verified[tried.tls.verified_by]}"


def refusals_of(sayings: Sequence[Saying]) -> Refusals:
    """Return when the refusals began and when the latest came, and whether they are of everybody.

    What concerns one address or one message says nothing about the others.
    """
    general = [one for one in sayings if one.category not in _OF_ONE_MESSAGE]
    counted = general or sayings
    latest = max(counted, key=lambda one: one.last_at, default=None)
    return Refusals(
        since=min((one.first_at for one in counted), default=None),
        at=max((one.last_at for one in counted), default=None),
        is_general=bool(general),
        is_answered=not counted or any(_is_answered(one) for one in counted),
        why=meanings().categories[latest.category].what_happened if latest else "",
    )


def _is_answered(saying: Saying) -> bool:
    return saying.example is None or saying.example.reply is not None


def is_known(
    state: DestinationState | None, waiting: Waiting, figures: Sequence[Figure], *, sees_all: bool
) -> bool:
    """Say whether a reader may see the page: it has mail of theirs, or they see everything."""
    has_mail = waiting.count.own > 0 or any(figure.number for figure in figures)
    return has_mail or (sees_all and state is not None)
