"""Which pages the bar at the top leads to, for whom. Pure.

The pages of every day stand in the bar; the others behind *More*, in groups. A page is offered to
those who may open it: the permission is that of its route.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tracker.permissions import Permission


class Entry(NamedTuple):
    """A page in the bar."""

    path: str
    word: str
    needs: Permission | None = None


class Link(NamedTuple):
    """An entry as one viewer sees it on one page."""

    path: str
    word: str
    is_current: bool


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


MAIN: Final[Sequence[Entry]] = (
    Entry("/", "Track deliveries"),
    Entry("/queue", "Queue"),
    Entry("/destinations", "Destinations"),
)

MORE: Final[Sequence[tuple[str, Sequence[Entry]]]] = (
    ("Mail", (Entry("/explain", "Explain a reply"),)),
    (
        "This relay",
        (
            Entry("/nodes", "Nodes", Permission.SEE_RELAY),
            Entry("/balance", "Balance", Permission.SEE_RELAY),
        ),
    ),
    ("People", (Entry("/accounts", "Accounts", Permission.MANAGE_ACCOUNTS),)),
)


def navigation_for(may: Callable[[Permission], bool], path: str) -> Navigation:
    """Return the bar for whoever `may` do something, on the page at `path`."""

    def links(entries: Sequence[Entry]) -> list[Link]:
        return [
            Link(entry.path, entry.word, _leads_to(entry.path, path))
            for entry in entries
            if entry.needs is None or may(entry.needs)
        ]

    groups = [Group(name, links(entries)) for name, entries in MORE]
    return Navigation(links(MAIN), [group for group in groups if group.links])


def _leads_to(entry: str, path: str) -> bool:
    """Say whether `path` is the page of an entry, or one below it."""
    if entry == "/":
        return path == "/" or path.startswith("/messages/")
    return path == entry or path.startswith(f"{entry}/")
