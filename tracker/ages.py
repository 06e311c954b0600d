"""What of the record goes before the record itself, and when."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import StrEnum

import msgspec

from config.settings import DomainTracking, TrackingSettings


class Aging(StrEnum):
    """A part of a message's record that has an age of its own."""

    SUBJECT = "subject"
    CLIENT = "client"
    """The address of the client and the name it gave itself."""
    REPLIES = "replies"
    """The text of replies and the steps of the dialogue; codes stay."""


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """One way along all messages, oldest first, on which parts of some of them are forgotten.

    How far it has got is on record under its name.
    """

    name: str
    parts: frozenset[Aging]
    age: timedelta
    only: frozenset[str] = frozenset()
    """Domains of the accounts that it is about; with none, it is about all but those of `but`."""
    but: frozenset[str] = frozenset()

    def concerns(self, account: str | None) -> bool:
        """Say whether it is about the mail of an account."""
        domain = (account or "").rpartition("@")[2]
        return domain in self.only if self.only else domain not in self.but


def walks_of(tracking: TrackingSettings, lifetime: timedelta) -> Sequence[Walk]:
    """Return the walks that the settings ask for.

    Replies are kept for `lifetime`, the queue lifetime, at least: the report of a message that
    could not be delivered quotes them. What goes at the same age goes on the same walk.
    """
    others = frozenset(one.domain for one in tracking.domains)
    walks = list(_walks(tracking, None, lifetime, but=others))
    for one in tracking.domains:
        walks += _walks(tracking, one, lifetime, only=frozenset({one.domain}))
    return walks


def _walks(
    tracking: TrackingSettings,
    domain: DomainTracking | None,
    lifetime: timedelta,
    *,
    only: frozenset[str] = frozenset(),
    but: frozenset[str] = frozenset(),
) -> Iterator[Walk]:
    whose = "*" if domain is None else domain.domain
    ages = dict(_ages(tracking, domain, lifetime))
    for age in sorted(set(ages.values())):
        parts = frozenset(part for part, each in ages.items() if each == age)
        if age < _retention(tracking, domain):
            name = f"{'+'.join(sorted(parts))}:{whose}"
            yield Walk(name=name, parts=parts, age=age, only=only, but=but)


def _retention(tracking: TrackingSettings, domain: DomainTracking | None) -> timedelta:
    own = None if domain is None else domain.retention
    return own or tracking.retention


def _ages(
    tracking: TrackingSettings, domain: DomainTracking | None, lifetime: timedelta
) -> Iterator[tuple[Aging, timedelta]]:
    retention = _retention(tracking, domain)
    for part, name in (
        (Aging.SUBJECT, "subject_retention"),
        (Aging.CLIENT, "client_retention"),
        (Aging.REPLIES, "reply_retention"),
    ):
        own = None if domain is None else getattr(domain, name)
        age = min(own or getattr(tracking, name) or retention, retention)
        yield part, max(age, lifetime) if part is Aging.REPLIES else age
