"""A form that came too late: whoever filled it in was logged out meanwhile. It is not lost.

Nothing is done with it by itself. It is shown to whoever logs in on that page, who may send it
again. Only what the browser itself says a page of ours has sent is taken: so no other site can lay
a form before somebody. Passwords are never carried along.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from aiohttp import web

from web.csrf import FIELD
from web.forms import read_form
from web.security import local_path

LONGEST: Final = 16 * 1024
"""Characters of a form that are carried along: written into a page, they are several times that."""

_NAMES: Final[Mapping[str, str]] = {
    "act": "What to do",
    "q": "Search",
    "reason": "Why",
    "next_hop": "Next hop",
    "text": "Search",
    "days": "For how many days",
    "whose": "For whose mail",
    "to": "To",
}
_DEEDS: Final[Mapping[str, str]] = {
    "acts": "An act on mail",
    "apply": "Judge the record by the rules",
    "erase": "Erase an address",
    "export": "Export what is on record",
    "keys": "Switch the keys",
    "pause": "Pause the act",
    "privacy": "Find an address",
    "probe": "Would it work now?",
    "read": "Mark as read",
    "release": "Release",
    "remove": "Remove",
    "resume": "Go on with the act",
    "retry": "Retry now",
    "role": "Change the role",
    "rules": "A rule",
    "searches": "Save a search",
    "send-again": "Send again to another address",
    "stop": "Stop the act",
    "suppressions": "Suppress an address",
    "switch": "Switch the rule",
    "undo": "Undo the act",
}
"""What is sent to a path, by its end."""
_SILENT: Final = frozenset(
    {"all", "audience", "back", "counted_at", "key", "kind", "recipient", "tell", "way", "zone"}
)
"""What nobody has written, and what says nothing to anybody."""


class Unsent(msgspec.Struct, frozen=True, array_like=True):
    """A form that was sent in vain."""

    path: str
    """Where it was sent to."""
    fields: Sequence[tuple[str, str]]
    """All but the token of the log-in that is gone."""

    @property
    def deed(self) -> str:
        """What it was for."""
        return _DEEDS.get(self.path.partition("?")[0].rpartition("/")[2], "Your form")

    @property
    def written(self) -> Iterator[tuple[str, str]]:
        """What somebody has written in it, for them to recognise it."""
        for name, value in self.fields:
            if value and name not in _SILENT:
                yield _NAMES.get(name, name.replace("_", " ").capitalize()), value

    @property
    def back(self) -> str:
        """The page it was on, where the form says so."""
        return local_path(dict(self.fields).get("back"))


async def read_late(request: web.Request) -> Unsent | None:
    """Return the form of a POST that cannot be obeyed; None for what is not to be carried along."""
    if not _is_ours(request) or request.path == "/logout":
        return None
    form = await read_form(request)
    fields = [(name, value) for name, value in form.items() if name != FIELD]
    if any("password" in name for name, _ in fields):
        return None
    late = Unsent(request.path_qs, fields)
    return late if len(write_unsent(late)) <= LONGEST else None


def write_unsent(unsent: Unsent) -> str:
    """Return the text that `read_unsent` reads."""
    return json.dumps([unsent.path, unsent.fields])


def read_carried(request: web.Request, text: str) -> Unsent | None:
    """Return what our log-in page carried along; None for nothing, and for what is none of ours."""
    return read_unsent(text) if _is_ours(request) else None


def read_unsent(text: str) -> Unsent | None:
    """Return what `write_unsent` wrote; None for anything else."""
    try:
        unsent = msgspec.json.decode(text, type=Unsent)
    except msgspec.DecodeError:
        return None
    return unsent if local_path(unsent.path) == unsent.path else None


def _is_ours(request: web.Request) -> bool:
    return request.headers.get("Sec-Fetch-Site") == "same-origin"
