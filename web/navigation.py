"""Which pages the bar at the top leads to, for whom. Pure.

The pages of every day stand in the bar; the others behind *More*, in groups. Where the screen is
narrow, some of the bar are behind *More* as well. A page is offered to those who may open it: the
permission is that of its route.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tracker.permissions import Permission


class Entry(NamedTuple):
    """A page in the bar."""

    path: str
    word: str
    needs: Permission | None = None
    below: str = ""
    """Where pages begin that belong to it and have another path."""
    brief: str = ""
    """The word where there is little room."""
    gives_way: bool = False
    """True when it is behind *More* where there is little room."""


class Link(NamedTuple):
    """An entry as one viewer sees it on one page."""

    path: str
    word: str
    is_current: bool
    brief: str
    gives_way: bool
    unread: str
    """How many things are unread there; empty without any."""


class Group(NamedTuple):
    """Links under a heading."""

    name: str
    links: Sequence[Link]


class Navigation(NamedTuple):
    """The bar."""

    links: Sequence[Link]
    more: Sequence[Group]

    @property
    def is_in_more(self) -> bool:
        """Say whether the present page is one of those behind *More*."""
        return any(link.is_current for group in self.more for link in group.links)

    @property
    def giving_way(self) -> Sequence[Link]:
        """Those of the bar that are behind *More* where there is little room."""
        return [link for link in self.links if link.gives_way]

    @property
    def is_in_what_gives_way(self) -> bool:
        """Say whether the present page is one of those."""
        return any(link.is_current for link in self.giving_way)


INBOX: Final = "/inbox"

MAIN: Final[Sequence[Entry]] = (
    Entry("/", "Track deliveries", below="/messages/", brief="Track"),
    Entry("/overview", "Overview", gives_way=True),
    Entry("/destinations", "Destinations", gives_way=True),
    Entry("/queue", "Queue"),
    Entry(INBOX, "Inbox", Permission.SEE_RELAY),
)

MORE: Final[Sequence[tuple[str, Sequence[Entry]]]] = (
    (
        "Mail",
        (
            Entry("/searches", "Saved searches"),
            Entry("/refused", "Not taken"),
            Entry("/acts", "Acts", Permission.ACT),
            Entry("/suppressions", "Suppressions", Permission.ACT),
            Entry("/probe", "Would it work now?", Permission.ACT, below="/errands/"),
            Entry("/explain", "Explain a reply"),
        ),
    ),
    (
        "This relay",
        (
            Entry("/nodes", "Nodes", Permission.SEE_RELAY),
            Entry("/balance", "Balance", Permission.SEE_RELAY),
            Entry("/rules", "Rules", Permission.MANAGE_RULES),
        ),
    ),
    (
        "People",
        (
            Entry("/me", "My account"),
            Entry("/accounts", "Accounts", Permission.MANAGE_ACCOUNTS),
            Entry("/access", "Who looked at my mail"),
            Entry("/privacy", "On record about an address", Permission.MANAGE_PRIVACY),
        ),
    ),
    ("When in doubt", (Entry("/help", "Help"),)),
)

_MOST: Final = 99


def navigation_for(may: Callable[[Permission], bool], path: str, unread: int) -> Navigation:
    """Return the bar for whoever `may` do something, on the page at `path`.

    `unread` is how many things are unread in the inbox.
    """

    def links(entries: Sequence[Entry]) -> list[Link]:
        return [
            Link(
                path=entry.path,
                word=entry.word,
                is_current=_leads_to(entry, path),
                brief=entry.brief,
                gives_way=entry.gives_way,
                unread=_tally(unread) if entry.path == INBOX else "",
            )
            for entry in entries
            if entry.needs is None or may(entry.needs)
        ]

    groups = [Group(name, links(entries)) for name, entries in MORE]
    return Navigation(links(MAIN), [group for group in groups if group.links])


def _tally(number: int) -> str:
    if not number:
        return ""
    return f"{_MOST}+" if number > _MOST else str(number)


def _leads_to(entry: Entry, path: str) -> bool:
    """Say whether `path` is the page of an entry, or one below it."""
    if entry.below and path.startswith(entry.below):
        return True
    return path == entry.path or (entry.path != "/" and path.startswith(f"{entry.path}/"))
