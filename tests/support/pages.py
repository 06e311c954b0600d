"""Every page of the panel, and where to look at it: what holds for all is tested on all of them.

In braces stands what `tests.support.furnish` has put on record.
"""

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Final

VISITS: Final[Mapping[str, tuple[str, ...]]] = {
    "/login": ("/login?next={text}",),
    "/": (
        "/",
        "/?outcome=all&range=own&from=2026-02-20",
        "/?q=",
        "/?q=colour:red",
        "/?q={text}",
        "/?to=nobody",
        "/?to={text}&from={text}&zone={text}",
    ),
    "/help": ("/help",),
    "/searches": ("/searches",),
    "/messages/{id}": (
        "/messages/{message}",
        "/messages/{held}",
        "/messages/{lunch}",
        "/messages/{spring}",
        "/messages/{signed}",
        "/messages/{offer}",
        "/messages/{returned}",
        "/messages/{elsewhere}",
        "/messages/{crowd}",
        "/messages/{lengthy}",
        "/messages/{bare}",
        "/messages/nope",
    ),
    "/messages/{id}/send-again": (
        "/messages/{refused}/send-again?recipient={recipient}",
        "/messages/{message}/send-again",
    ),
    "/messages/{id}/probe": (
        "/messages/{refused}/probe?recipient={recipient}",
        "/messages/{message}/probe",
    ),
    "/probe": ("/probe", "/probe?address={text}"),
    "/errands/{id}": ("/errands/{errand}?still=1", "/errands/{answered}?still=1"),
    "/queue": ("/queue",),
    "/refused": (
        "/refused",
        "/refused?q=since:2026-02-20+until:2026-03-02",
        "/refused?q=nobody+since:today",
        "/refused?q=status:held",
        "/refused?q={text}",
    ),
    "/explain": (
        "/explain",
        "/explain?reply=550+5.1.1+No+such+user",
        "/explain?reply=hello",
        "/explain?reply=550+{text}&host={text}&phase={text}",
    ),
    "/acts": ("/acts",),
    "/acts/new": (
        "/acts/new?act=cancel&all=1&q=from:anna",
        "/acts/new?act=retry&all=1&q=status:deferred",
        "/acts/new?act=hold&all=1&q=status:nonsense",
        "/acts/new?act=reroute&all=1&q=status:waiting&next_hop={text}&reason={text}",
        "/acts/new?act=hold&all=1&q={text}&back={text}",
    ),
    "/acts/{id}": (
        "/acts/{planned}?still=1",
        "/acts/{running}?still=1",
        "/acts/{done}?still=1",
        "/acts/{rerouted}?still=1",
    ),
    "/suppressions": ("/suppressions", "/suppressions?q=nothing", "/suppressions?q={text}"),
    "/access": ("/access", "/access?whose=all"),
    "/privacy": ("/privacy",),
    "/destinations": (
        "/destinations",
        "/destinations?q=no-such-name",
        "/destinations?q={text}",
        "/destinations?from=9",
    ),
    "/destinations/{name}": (
        "/destinations/{destination}",
        "/destinations/greycastle.example",
        "/destinations/ghostport.example",
    ),
    "/overview": ("/overview", "/overview?range=7d", "/overview?range={text}"),
    "/inbox": ("/inbox",),
    "/inbox/{kind}": (
        "/inbox/local-fault",
        "/inbox/ip-blocklisted",
        "/inbox/ip-blocklisted?state=unread",
        "/inbox/local-fault?before=2026-01-01T00:00:00Z&place={text}",
        "/inbox/dns-failure",
        "/inbox/nope",
    ),
    "/nodes": ("/nodes",),
    "/balance": ("/balance",),
    "/accounts": ("/accounts", "/accounts?q=nobody", "/accounts?q={text}", "/accounts?from=9"),
    "/accounts/{address}": ("/accounts/{address}",),
    "/accounts/{address}/remove": ("/accounts/{address}/remove",),
    "/me": ("/me",),
    "/rules": ("/rules",),
    "/rules/new": (
        "/rules/new",
        "/rules/new?preview=1&category=policy-refused&words=computer+says",
        "/rules/new?preview=1&category=policy-refused",
        "/rules/new?preview=1&category={text}&words={text}&host={text}&code={text}&note={text}",
    ),
    "no route": ("/no/such/page",),
}
"""By route: what its page looks like with something on it, with nothing, and with a mistake."""

FILES: Final = frozenset(
    {
        "/healthz",
        "/readyz",
        "/metrics",
        "/handover-key",
        "/newer",
        "/api/v1/explain",
        "/messages/{id}/live",
        "/messages/{id}/handover.json",
        "/messages/{id}/handover.pdf",
    }
)
"""Routes that answer programs; none of them answers with a page."""

TEMPLATES: Final = tuple(one for visits in VISITS.values() for one in visits)


def fields_of(template: str) -> set[str]:
    """Return what has to be on record for a visit."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def paths(names: Mapping[str, str]) -> Iterator[str]:
    """Return the visits that are possible with these things on record."""
    return (one.format_map(names) for one in TEMPLATES if fields_of(one) <= names.keys())
