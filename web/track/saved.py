"""Saved searches as people see them: those that everybody has, their own, those shared. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from tracker.model import Account, Audience, Role, SavedSearch

LONGEST_NAME: Final = 60
AUDIENCES: Final = {
    Audience.OWNER: "Only me",
    Audience.DOMAIN: "Everybody in my domain",
    Audience.ALL: "Everybody",
}
_MAY_SHARE: Final = {
    Role.ADMIN: (Audience.OWNER, Audience.DOMAIN, Audience.ALL),
    Role.DOMAIN_ADMIN: (Audience.OWNER, Audience.DOMAIN),
}


class Named(NamedTuple):
    """A search under its name, as a link."""

    name: str
    text: str
    url: str


class Own(NamedTuple):
    """A search of the viewer's, who may change it."""

    search: SavedSearch
    url: str
    audience: str


class Searches(NamedTuple):
    """Every search that somebody may choose."""

    built_in: Sequence[Named]
    own: Sequence[Own]
    shared: Sequence[Named]
    recent: Sequence[Named]


def url_of(text: str) -> str:
    """Return where a search is run, in the time zone of whoever runs it."""
    return f"/?{urlencode({'q': text})}"


def _named(name: str, text: str) -> Named:
    return Named(name, text, url_of(text))


BUILT_IN: Final = tuple(
    _named(name, text)
    for name, text in (
        ("Waiting longer than 1 hour", "status:waiting until:1h"),
        ("Permanently rejected today", "status:permanent since:today"),
        ("Uncertain", "status:uncertain"),
        ("Our fault", "side:operator since:7d"),
    )
)


def audiences_of(account: Account) -> Sequence[Audience]:
    """Return for whom an account may save a search."""
    return _MAY_SHARE.get(account.role, (Audience.OWNER,))


def searches_of(account: Account, saved: Sequence[SavedSearch], recent: Sequence[str]) -> Searches:
    """Return what `account` may choose from."""
    own = [one for one in saved if one.owner == account.address]
    return Searches(
        built_in=BUILT_IN,
        own=[Own(one, url_of(one.text), AUDIENCES[one.audience]) for one in own],
        shared=[_named(one.name, one.text) for one in saved if one.owner != account.address],
        recent=[_named(text, text) for text in recent],
    )
