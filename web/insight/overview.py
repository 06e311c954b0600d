"""How mail is doing: numbers by time, by reason, by whither and by whose it is. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from tracker.explain import Category, Side
from tracker.explain.meaning import meanings
from tracker.insight import SPEEDS, Figure, is_ours, slot_start
from tracker.model import Origin, Role, Status
from web.insight.chart import Series
from web.times import length
from web.track.filters import STATUSES
from web.track.form_text import Choice

SHOWN: Final = 10
"""Lines of a table."""

KEYS: Final[Mapping[Choice, str]] = {
    Choice.ACCEPTED: "good",
    Choice.TEMPORARY: "warn",
    Choice.PERMANENT: "bad",
    Choice.WAITING: "wait",
    Choice.CANCELLED: "off",
}
WORDS: Final[Mapping[Choice, str]] = {
    Choice.ALL: "Sent",
    Choice.ACCEPTED: "Accepted",
    Choice.TEMPORARY: "Temporarily rejected",
    Choice.PERMANENT: "Permanently rejected",
    Choice.WAITING: "Waiting",
    Choice.CANCELLED: "Cancelled",
}
SERIES: Final = tuple(Series(key, WORDS[choice]) for choice, key in KEYS.items())
_CHOICES: Final = {status: choice for choice in KEYS for status in STATUSES[choice]}
_SIDES: Final = {
    Side.RECIPIENT: "The receiving side",
    Side.SENDER: "The sender",
    Side.OPERATOR: "We, who run this server",
    Side.NETWORK: "The network",
}
_TITLES: Final = {
    Role.USER: "Your mail",
    Role.DOMAIN_ADMIN: "Mail of {domain}",
    Role.SUPPORT: "All mail",
    Role.ADMIN: "All mail",
}


class Sums(NamedTuple):
    """Recipients of one account, domain or destination, or of all."""

    name: str
    accepted: int
    temporary: int
    permanent: int
    waiting: int
    cancelled: int

    @property
    def sent(self) -> int:
        """All of them."""
        return self.accepted + self.temporary + self.permanent + self.waiting + self.cancelled

    @property
    def troubled(self) -> int:
        """Those that were refused, for now or for good."""
        return self.temporary + self.permanent

    def of(self, choice: Choice) -> int:
        """Those that the list shows for `choice`."""
        return self.sent if choice is Choice.ALL else int(getattr(self, choice.value))

    @property
    def share(self) -> str:
        """How many of those that came to an end at their server were accepted, in percent."""
        ended = self.accepted + self.permanent
        return f"{self.accepted / ended:.1%}".replace("%", " %") if ended else "–"


class Reason(NamedTuple):
    """Why recipients have not got their mail."""

    words: str
    side: str
    ours: bool
    number: int
    share: int
    """Of the most frequent one, in percent."""
    search: str
    """What finds them, in the words of a search."""


class Pace(NamedTuple):
    """How many were accepted within a time."""

    words: str
    number: int
    share: int
    """Of all that were accepted, in whole percent: 100 is all of them."""

    @property
    def told(self) -> str:
        """The share in words."""
        return "under 1 %" if self.number and not self.share else f"{self.share} %"


def title_of(role: Role, domain: str) -> str:
    """Return what the page is about."""
    return _TITLES[role].format(domain=domain)


def series_by_slot(figures: Iterable[Figure]) -> dict[tuple[datetime, str], int]:
    """Return counts by time and series from figures by slot and result."""
    found: Counter[tuple[datetime, str]] = Counter()
    for (slot, result), number in figures:
        found[slot_start(int(slot)), KEYS[_CHOICES[Status(str(result))]]] += number
    return dict(found)


def sums_of(figures: Iterable[Figure]) -> list[Sums]:
    """Return the sums of each name from figures by name and result, in no order."""
    by_name: dict[str, Counter[Choice]] = {}
    for (name, result), number in figures:
        by_name.setdefault(str(name), Counter())[_CHOICES[Status(str(result))]] += number
    return [Sums(name, *(counts[choice] for choice in KEYS)) for name, counts in by_name.items()]


def total_of(sums: Iterable[Sums]) -> Sums:
    """Return all of them in one."""
    columns = [one[1:] for one in sums]
    return (
        Sums("", *(sum(column) for column in zip(*columns, strict=True))) if columns else _NOTHING
    )


_NOTHING: Final = Sums("", 0, 0, 0, 0, 0)


def most_sent(sums: Iterable[Sums]) -> list[Sums]:
    """Return those with the most mail first."""
    return sorted(sums, key=lambda one: (-one.sent, one.name))[:SHOWN]


def most_troubled(sums: Iterable[Sums]) -> list[Sums]:
    """Return those that were refused the most first; none without any."""
    troubled = [one for one in sums if one.troubled]
    return sorted(troubled, key=lambda one: (-one.troubled, one.name))[:SHOWN]


def reasons_of(figures: Iterable[Figure]) -> list[Reason]:
    """Return why mail was not accepted from figures by result, category and origin.

    Only mail that is or was refused counts: what waits for its first try has no reason.
    """
    counts: Counter[tuple[Category, bool]] = Counter()
    for (result, category, origin), number in figures:
        if _CHOICES[Status(str(result))] not in (Choice.TEMPORARY, Choice.PERMANENT):
            continue
        known = Category(str(category)) if category in set(Category) else Category.NO_REASON
        local = origin == Origin.LOCAL
        counts[known, local] += number
    most = max(counts.values(), default=1)
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    return [_reason(category, local, number, most) for (category, local), number in found]


def _reason(category: Category, local: bool, number: int, most: int) -> Reason:
    meaning = meanings().categories[category]
    ours = is_ours(meaning.side, Origin.LOCAL if local else Origin.REMOTE)
    side = Side.OPERATOR if ours else meaning.side
    if meaning.who_can_fix.startswith("You"):
        side = Side.SENDER  # an address that does not exist: whoever wrote to it has the right one
    share = max(1, round(100 * number / most))
    words = meaning.what_happened
    return Reason(words, _SIDES[side], ours, number, share, f"category:{category.value}")


def paces_of(figures: Iterable[Figure]) -> list[Pace]:
    """Return in which time mail was accepted from figures by speed: how many within each."""
    counts = Counter({int(speed): number for (speed,), number in figures if int(speed) >= 0})
    total, reached, found = sum(counts.values()), 0, []
    for speed in _STAGES:
        if reached == total:
            break  # whatever took longer is nothing
        late = speed == len(SPEEDS)
        reached = sum(number for one, number in counts.items() if one <= speed)
        number = counts[speed] if late else reached
        words = "later" if late else f"within {length(SPEEDS[speed])}"
        found.append(Pace(words, number, 100 * number // total))
    return found


_STAGES: Final = (0, 2, 4, 5, 6, 8, 10, len(SPEEDS))
"""Classes of time that are shown."""
