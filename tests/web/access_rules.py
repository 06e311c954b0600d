"""The rule table of the matrix: who may open which page, and whose mail they then see.

A page that is not in here fails the test, so that nobody forgets to think about it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Seat(StrEnum):
    """Somebody who looks at the panel."""

    NOBODY = "nobody"
    USER = "user"
    DOMAIN_ADMIN = "domain-admin"
    FOREIGN_ADMIN = "domain-admin of another domain"
    SUPPORT = "support"
    ADMIN = "admin"


ADDRESSES: Final = {
    Seat.USER: "anna@northwind.example",
    Seat.DOMAIN_ADMIN: "it@northwind.example",
    Seat.FOREIGN_ADMIN: "it@elsewhere.example",
    Seat.SUPPORT: "help@northwind.example",
    Seat.ADMIN: "admin@northwind.example",
}
LOGGED_IN: Final = frozenset(ADDRESSES)


class Whose(StrEnum):
    """The mail that a page may be about."""

    OWN = "the user's own"
    DOMAIN = "another account's of the domain"
    FOREIGN = "of another domain"
    UNKNOWN = "unknown"


SENDERS: Final = {
    Whose.OWN: "anna@northwind.example",
    Whose.DOMAIN: "orders@northwind.example",
    Whose.FOREIGN: "zoe@elsewhere.example",
}

SEES: Final[Mapping[Seat, frozenset[Whose]]] = {
    Seat.NOBODY: frozenset(),
    Seat.USER: frozenset({Whose.OWN}),
    Seat.DOMAIN_ADMIN: frozenset({Whose.OWN, Whose.DOMAIN}),
    Seat.FOREIGN_ADMIN: frozenset({Whose.FOREIGN}),
    Seat.SUPPORT: frozenset({Whose.OWN, Whose.DOMAIN, Whose.FOREIGN}),
    Seat.ADMIN: frozenset({Whose.OWN, Whose.DOMAIN, Whose.FOREIGN}),
}

ACTORS: Final = LOGGED_IN - {Seat.SUPPORT}
RELAY: Final = frozenset({Seat.SUPPORT, Seat.ADMIN})
OPERATORS: Final = frozenset({Seat.ADMIN})


class Rule(NamedTuple):
    """What a page answers."""

    who: frozenset[Seat]
    """Whoever is not among them gets what an unknown page gets."""
    answers: frozenset[int] = frozenset({200})
    """To those who may, about what they may see."""
    about_mail: bool = False
    """Whether its path names a message, which has to be in scope."""
    path: str = ""
    """What to ask for when that has other parts than a message's id; {one} is its recipient's."""
    form: Mapping[str, str] = {}
    """What is filled in, besides the token."""


DONE: Final = frozenset({303})
NOTHING_YET: Final = frozenset({409})
"""The mail of the matrix waits."""
WRONG: Final = frozenset({422})
"""The form is empty."""
ABSENT: Final = frozenset({404})
"""What the form or the path names does not exist; whose acts are seen, test_acts tells."""
_NO_ID: Final = "01KJQ9CVD0E00AYKCS3YMYPZGJ"
_SEARCH: Final = "/searches/01KJQ9CVD0E00AYKCS3YMYPZGJ"
_ZOE: Final = "/accounts/zoe@elsewhere.example"

PUBLIC_RULES: Final[Mapping[str, frozenset[int]]] = {
    "GET /login": frozenset({200, 303}),
    "POST /login": frozenset({403}),
    "GET /healthz": frozenset({200}),
    "GET /readyz": frozenset({200, 503}),
    "GET /metrics": frozenset({200}),
    "GET /handover-key": frozenset({200}),
}
"""What is open to all, and what it answers."""

RULES: Final[Mapping[str, Rule]] = {
    "GET /": Rule(LOGGED_IN),
    "GET /newer": Rule(LOGGED_IN),
    "GET /help": Rule(LOGGED_IN),
    "POST /help/keys": Rule(LOGGED_IN, DONE),
    "GET /searches": Rule(LOGGED_IN),
    "POST /searches": Rule(LOGGED_IN, WRONG),
    # They have none of their own, and that of somebody else is unknown.
    "POST /searches/{search}": Rule(frozenset(), path=_SEARCH),
    "POST /searches/{search}/remove": Rule(frozenset(), path=f"{_SEARCH}/remove"),
    "GET /me": Rule(LOGGED_IN),
    "POST /me/password": Rule(LOGGED_IN, WRONG),
    "GET /queue": Rule(LOGGED_IN),
    "GET /refused": Rule(LOGGED_IN),
    "GET /messages/{id}": Rule(LOGGED_IN, about_mail=True),
    "GET /messages/{id}/live": Rule(LOGGED_IN, about_mail=True),
    "GET /messages/{id}/handover.json": Rule(
        LOGGED_IN, NOTHING_YET, about_mail=True, path="/messages/{id}/handover.json?recipient={one}"
    ),
    "GET /messages/{id}/handover.pdf": Rule(
        LOGGED_IN, NOTHING_YET, about_mail=True, path="/messages/{id}/handover.pdf?recipient={one}"
    ),
    "POST /messages/{id}/retry": Rule(ACTORS, DONE, about_mail=True),
    "POST /messages/{id}/release": Rule(ACTORS, DONE, about_mail=True),
    "GET /messages/{id}/send-again": Rule(ACTORS, about_mail=True),
    "POST /messages/{id}/send-again": Rule(ACTORS, WRONG, about_mail=True),
    "GET /messages/{id}/probe": Rule(ACTORS, about_mail=True),
    "POST /messages/{id}/probe": Rule(ACTORS, WRONG, about_mail=True),
    "GET /probe": Rule(ACTORS),
    "POST /probe": Rule(ACTORS, WRONG),
    "GET /errands/{id}": Rule(ACTORS, ABSENT, path=f"/errands/{_NO_ID}"),
    "GET /acts": Rule(ACTORS),
    "POST /acts": Rule(ACTORS, ABSENT),
    "GET /acts/new": Rule(ACTORS, path="/acts/new?act=hold&all=1"),
    "GET /acts/{id}": Rule(ACTORS, ABSENT, path=f"/acts/{_NO_ID}"),
    "POST /acts/{id}/stop": Rule(ACTORS, ABSENT, path=f"/acts/{_NO_ID}/stop"),
    "POST /acts/{id}/pause": Rule(ACTORS, ABSENT, path=f"/acts/{_NO_ID}/pause"),
    "POST /acts/{id}/resume": Rule(ACTORS, ABSENT, path=f"/acts/{_NO_ID}/resume"),
    "POST /acts/{id}/undo": Rule(ACTORS, ABSENT, path=f"/acts/{_NO_ID}/undo"),
    "GET /suppressions": Rule(ACTORS),
    "POST /suppressions": Rule(ACTORS, WRONG),
    "POST /suppressions/remove": Rule(ACTORS, ABSENT),
    "GET /explain": Rule(LOGGED_IN),
    "GET /api/v1/explain": Rule(LOGGED_IN, frozenset({400})),
    "GET /access": Rule(LOGGED_IN),
    "GET /privacy": Rule(OPERATORS),
    "POST /privacy": Rule(OPERATORS, WRONG),
    "POST /privacy/export": Rule(OPERATORS, WRONG),
    "POST /privacy/erase": Rule(OPERATORS, WRONG),
    "POST /logout": Rule(LOGGED_IN, DONE),
    "GET /destinations": Rule(LOGGED_IN),
    "GET /destinations/{name}": Rule(LOGGED_IN, path="/destinations/example.org"),
    "GET /overview": Rule(LOGGED_IN),
    "GET /inbox": Rule(RELAY),
    "GET /inbox/{kind}": Rule(RELAY, path="/inbox/ip-blocklisted"),
    "POST /inbox/read": Rule(OPERATORS, DONE),
    "GET /nodes": Rule(RELAY),
    "GET /balance": Rule(RELAY),
    "GET /accounts": Rule(OPERATORS),
    "POST /accounts": Rule(OPERATORS, WRONG),
    "GET /accounts/{address}": Rule(OPERATORS, path=_ZOE),
    "POST /accounts/{address}/password": Rule(OPERATORS, WRONG, path=f"{_ZOE}/password"),
    "POST /accounts/{address}/role": Rule(OPERATORS, WRONG, path=f"{_ZOE}/role"),
    "GET /accounts/{address}/remove": Rule(OPERATORS, path=f"{_ZOE}/remove"),
    "POST /accounts/{address}/remove": Rule(OPERATORS, DONE, path=f"{_ZOE}/remove"),
    "GET /rules": Rule(OPERATORS),
    "GET /rules/new": Rule(OPERATORS),
    "POST /rules": Rule(OPERATORS, WRONG),
    "POST /rules/switch": Rule(OPERATORS, DONE),
    "POST /rules/remove": Rule(OPERATORS, DONE),
    "POST /rules/apply": Rule(OPERATORS, DONE),
}
