"""What an act came to, told once on the page that follows it.

The cookie carries a word of the list below and numbers, never text: nobody can make the panel
say something else.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from web.times import count


class Act(StrEnum):
    """What somebody did."""

    RETRY = "retry"
    CANCEL = "cancel"
    RELEASE = "release"
    POINTLESS = "pointless"
    """A retry that would do more harm than good."""
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    ACCOUNT_ADDED = "account-added"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of an act
    ROLE_CHANGED = "role-changed"
    ACCOUNT_REMOVED = "account-removed"
    ERASED = "erased"
    LOGGED_OUT = "logged-out"
    INBOX_READ = "inbox-read"
    KEYS_ON = "keys-on"
    KEYS_OFF = "keys-off"
    SEARCH_SAVED = "search-saved"
    SEARCH_CHANGED = "search-changed"
    SEARCH_REMOVED = "search-removed"
    RULE_ADDED = "rule-added"
    RULE_SWITCHED = "rule-switched"
    RULE_REMOVED = "rule-removed"
    RULES_APPLIED = "rules-applied"


_DONE: Final = {
    Act.RETRY: "will be tried now",
    Act.CANCEL: "cancelled",
    Act.RELEASE: "released and due now",
}
_SAID: Final = {
    Act.SUPPRESSED: "The address is on the list. Every worker knows of it within seconds.",
    Act.UNSUPPRESSED: "The address is open again. Every worker knows of it within seconds.",
    Act.POINTLESS: "Nothing is tried: it would be pointless now. Beside the message it says why.",
    Act.ACCOUNT_ADDED: "The account is added.",
    Act.PASSWORD_CHANGED: "The password is changed, and the account's other log-ins are ended.",
    Act.ROLE_CHANGED: "The role is changed.",
    Act.ACCOUNT_REMOVED: "The account is removed. Its mail stays on record.",
    Act.ERASED: "The address is erased from the record. Copies in backups are not touched.",
    Act.LOGGED_OUT: "You are logged out.",
    Act.INBOX_READ: "Marked as read. It comes back when it happens again.",
    Act.KEYS_ON: "The keys are on.",
    Act.KEYS_OFF: "The keys are off.",
    Act.SEARCH_SAVED: "The search is saved.",
    Act.SEARCH_CHANGED: "The search is changed.",
    Act.SEARCH_REMOVED: "The search is removed.",
    Act.RULE_ADDED: "The rule is added. All workers go by it within a minute.",
    Act.RULE_SWITCHED: "The rule is switched. All workers know it within a minute.",
    Act.RULE_REMOVED: "The rule is removed. All workers know it within a minute.",
    Act.RULES_APPLIED: "The record is being judged by the present rules.",
}


def write_notice(act: Act, changed: int = 0, busy: int = 0, finished: int = 0) -> str:
    """Return the cookie for an act: how many recipients changed, were being tried, were final."""
    return f"{act}.{changed}.{busy}.{finished}"


class Notice(NamedTuple):
    """What is told on the next page."""

    words: str
    is_idle: bool
    """True when nothing was done, which must not look like success."""


def read_notice(cookie: str | None) -> Notice | None:
    """Return what a cookie says; None for one that we did not write."""
    word, *numbers = (cookie or "").split(".")
    act = next((act for act in Act if act == word), None)
    if act is None or len(numbers) != 3 or not all(n.isascii() and n.isdigit() for n in numbers):
        return None
    if act in _SAID:
        return Notice(_SAID[act], is_idle=act is Act.POINTLESS)
    changed, busy, finished = (min(int(number[:9]), 999_999) for number in numbers)
    return Notice(_told(act, changed, busy, finished), is_idle=not changed)


def _told(act: Act, changed: int, busy: int, finished: int) -> str:
    told = [f"{count(changed, 'recipient')} {_DONE[act]}."]
    if busy:
        told.append(f"{busy:,} being tried right now, which cannot be stopped.")
    if finished:
        told.append(f"{finished:,} already finished.")
    return " ".join(told)
