"""The words of acts: what is about to be done, how far it has come, what it came to. Pure."""

from typing import Final, NamedTuple

from tracker.model import Act, ActState, Deed, Scope
from tracker.search import QueryError
from web.times import count

VERBS: Final = {
    Deed.RETRY: "Try now",
    Deed.HOLD: "Hold",
    Deed.RELEASE: "Release",
    Deed.CANCEL: "Cancel",
    Deed.SUPPRESS: "Suppress",
    Deed.REROUTE: "Reroute",
}
NOUNS: Final = {
    Deed.RETRY: "Retry",
    Deed.HOLD: "Hold",
    Deed.RELEASE: "Release",
    Deed.CANCEL: "Cancellation",
    Deed.SUPPRESS: "Suppression",
    Deed.REROUTE: "Reroute",
}
_DONE: Final = {
    Deed.RETRY: "due now",
    Deed.HOLD: "held",
    Deed.RELEASE: "released",
    Deed.CANCEL: "cancelled",
    Deed.SUPPRESS: "put on the list of suppressed addresses",
}
BECOME: Final = _DONE | {Deed.REROUTE: "rerouted"}
"""What becomes of recipients, before it has come to anything."""
MEANS: Final = {
    Deed.RETRY: (
        "They become due now. They are still tried at the pace that their destinations bear, and "
        "what was tried a moment ago, or whose server asked us to wait, is passed over."
    ),
    Deed.HOLD: (
        "Nothing is tried until somebody releases them. Their deadline stays: what is still held "
        "then goes back to its sender."
    ),
    Deed.RELEASE: "They become due now.",
    Deed.CANCEL: "They are never sent. This cannot be undone once it has begun.",
    Deed.SUPPRESS: (
        "Nothing is sent to these addresses any more: mail for them is refused when it is handed "
        "in, and what waits for them is cancelled. Cancelled mail does not come back when an "
        "address is taken off the list."
    ),
    Deed.REROUTE: (
        "They become due now and go another way, at the pace that it bears, for as long as they "
        "wait. What is held stays held, and goes that way once it is released. Deadlines stay."
    ),
}
STATES: Final = {
    ActState.PLANNED: ("Planned", "clock", "wait"),
    ActState.RUNNING: ("Under way", "send", "wait"),
    ActState.PAUSED: ("Paused", "pause", "wait"),
    ActState.DONE: ("Done", "check", "good"),
    ActState.CALLED_OFF: ("Called off", "stop", "off"),
}
FINAL_DEEDS: Final = frozenset({Deed.CANCEL, Deed.SUPPRESS, Deed.REROUTE})
"""What has come of them cannot be taken back: they wait a little before they begin."""
OPPOSITE: Final = {
    Deed.HOLD: Deed.RELEASE,
    Deed.RELEASE: Deed.HOLD,
    Deed.REROUTE: Deed.REROUTE,
}
"""What undoes a deed; undone, a reroute sends each back to the way that it was on."""


_UNDONE: Final = "Undone"
_AGAIN: Final = "Done again"


class Badge(NamedTuple):
    """How an act stands, as `badge` of the templates shows it."""

    word: str
    shape: str
    tone: str


def badge_of(act: Act) -> Badge:
    """Return how an act stands."""
    return Badge(*STATES[act.state])


def whose(scope: Scope) -> str:
    """Return whose mail a scope is."""
    if scope.account is not None:
        return f"mail of {scope.account}"
    if scope.domain is not None:
        return f"mail of all accounts of {scope.domain}"
    return "all mail of this relay"


def chosen_by(act: Act) -> str:
    """Return what an act is about."""
    if act.undoes is not None:
        return "Whom another act has changed"
    if act.chosen:
        return f"A selection of {count(len(act.chosen), 'recipient')}"
    return f"Everything that matches {act.query}" if act.query else "Everything"


def way_of(act: Act) -> str:
    """Return which way a reroute sends its recipients."""
    if act.undoes is not None:
        return "the way that each was on before"
    return act.next_hop or "as configured"


def undoing(act: Act) -> str:
    """Return what undoes an act; empty where nothing does."""
    if not act.is_over or not act.changed or act.deed not in OPPOSITE:
        return ""
    if act.deed is not Deed.REROUTE:
        return VERBS[OPPOSITE[act.deed]].lower()
    return "" if act.undoes is not None else "send back"


def reason_for_undoing(act: Act) -> str:
    """Return why the opposite of an act is done: told once, however often it is undone."""
    if act.undoes is None:
        return f"{_UNDONE}: {act.reason}" if act.reason else _UNDONE
    is_undone = act.reason.startswith(_UNDONE)
    before, after = (_UNDONE, _AGAIN) if is_undone else (_AGAIN, _UNDONE)
    return after + act.reason.removeprefix(before)


def _done(act: Act) -> str:
    if act.deed is not Deed.REROUTE:
        return _DONE[act.deed]
    if act.undoes is not None:
        return "rerouted to the way that each was on before"
    return f"rerouted to {act.next_hop}" if act.next_hop else "rerouted as configured"


def result_of(act: Act) -> str:
    """Return in a sentence what an act has come to."""
    changed = f"{_things(act)} {_done(act)}"
    if act.state is ActState.PLANNED:
        return f"Nothing has been done yet to {count(act.expected, 'recipient')}."
    if not act.is_over:
        return f"{act.done:,} of {act.expected:,} looked at; {changed} so far."
    return f"Called off: {changed}." if act.state is ActState.CALLED_OFF else f"{changed}."


def _things(act: Act) -> str:
    if act.deed is not Deed.SUPPRESS:
        return count(act.changed, "recipient")
    return f"{act.changed:,} {'address' if act.changed == 1 else 'addresses'}"


def why_skipped(act: Act) -> str:
    """Return why some were left as they were; empty where none was."""
    if not act.skipped or act.state is ActState.PLANNED:
        return ""
    left = f"{act.skipped:,} left as they are: "
    if act.deed is Deed.SUPPRESS:
        return f"{left}others had the same address, or it was on the list already."
    if act.deed is Deed.RETRY:
        return (
            f"{left}finished, held, being tried or due already; or a try would have been "
            "pointless, because the last one was a moment ago or their server asked us to wait."
        )
    left = f"{left}finished, being tried at that moment, or changed by somebody else"
    return f"{left}, or on that way already." if act.deed is Deed.REROUTE else f"{left}."


def problem_of(error: QueryError) -> str:
    """Return what is wrong with a search."""
    return f"That search cannot be read: {error}"
