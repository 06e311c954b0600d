"""Mail that was accepted and came back later, as its report tells it. Pure."""

import re
from typing import Final

from msgspec.structs import replace

from tracker.explain import Explanation, explain
from tracker.model import Attempt, Event, Origin, Outcome, Phase
from tracker.returns import read_return

_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


def reporter_of(event: Event) -> str:
    """Return the server that reports, to be read out; empty where no host name is given."""
    name = read_return(event.detail).reporting_mta
    return name if _HOST.fullmatch(name) else ""


def explain_return(last: Attempt, event: Event) -> Explanation:
    """Explain the report as if the receiver had said so while we were talking to it."""
    told = read_return(event.detail)
    refused = replace(
        last,
        outcome=Outcome.FAILED,
        origin=Origin.REMOTE,
        phase=Phase.FINAL_DOT,
        reply=told.reply,
        detail=told.diagnostic or last.detail,
        category="",
        rule="",
    )
    return explain(refused)
