"""The mark of a transfer: as long as it is on a ledger, no relay may work with that ledger."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from tracker.archive.rows import Record
from tracker.sql.values import moment


class Part(StrEnum):
    """What a ledger is in a transfer."""

    SOURCE = "source"
    TARGET = "target"


class Mark(NamedTuple):
    """What a ledger knows of a transfer; that of the other one has the same id."""

    id: str
    part: str
    other: str
    """The place of the other ledger."""
    began_at: int
    ended_at: int | None = None
    last_id: str = ""
    """The last message that the target has; all below it are there too."""
    messages: int = 0
    """How many these are."""


CALLED_OFF = "the transfer was called off, or begun anew, meanwhile"

MOVED_BY_ANOTHER = "another transfer into this ledger is under way; let that one finish, or stop it"


def moved_on(mark: Mark, records: Sequence[Record]) -> Mark:
    """Return the mark of a target that has got `records` too, which are not none."""
    last_id = records[-1].message.id
    return mark._replace(last_id=last_id, messages=mark.messages + len(records))


def refusal(mark: Mark) -> str | None:
    """Return why a ledger with this mark cannot be used, and what to do; None when it can."""
    if mark.part == Part.TARGET:
        if mark.ended_at is not None:
            return None
        return (
            f"the transfer from {mark.other} into this ledger is not complete; run the same "
            "`sendtrace migrate --from …` again, which goes on where it stopped"
        )
    if mark.ended_at is None:
        return (
            f"it is being moved to {mark.other}; run the same `sendtrace migrate --from …` again, "
            "or call it off: `sendtrace migrate --from … --call-off`"
        )
    return (
        f"it was moved to {mark.other} on {moment(mark.ended_at):%Y-%m-%d}, and its mail is "
        "delivered from there; name that ledger in store.url"
    )
