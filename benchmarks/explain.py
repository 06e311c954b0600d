"""How often the explanation of a reply agrees with somebody else's.

python -m benchmarks.explain FILE [--wrong a|b]

FILE holds replies with a reference class: tab-separated, with a heading, and at least the columns
id, reply_text and norm_category. Its rows fall into two halves by a hash of the id, so that rules
can be written while looking at one (`--wrong a` lists where we differ) and judged by the other.
"Precision" leaves out what we call "no usable reason", and what the reference could not tell.

A reference class is one classifier's opinion, and may be wrong. Where FILE has a column
agree_others, how many other classifiers gave the same answer, those replies for which one did are
judged once more by themselves, and the others, too.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from tracker.explain import Category, shipped
from tracker.explain.pasted import read_pasted

UNDETERMINED: Final = "undetermined"
CLASSES: Final[Mapping[str, frozenset[Category]]] = {
    "unknown_recipient": frozenset(
        {Category.ADDRESS_UNKNOWN, Category.ADDRESS_SYNTAX, Category.ADDRESS_MOVED}
    ),
    "sender_reputation": frozenset(
        {
            Category.IP_BLOCKLISTED,
            Category.DOMAIN_BLOCKLISTED,
            Category.REPUTATION_LOW,
            Category.PTR_MISSING,
        }
    ),
    "policy": frozenset(
        {
            Category.POLICY_REFUSED,
            Category.RECIPIENT_FILTERED,
            Category.CONTENT_ATTACHMENT,
            Category.TLS_FAILED,
            Category.LOGIN_REFUSED,
        }
    ),
    "auth_failure": frozenset({Category.AUTHENTICATION}),
    "spam_content": frozenset({Category.CONTENT_SPAM, Category.CONTENT_VIRUS}),
    "rate_limited": frozenset(
        {
            Category.RATE_LIMITED,
            Category.GREYLISTED,
            Category.RECIPIENT_THROTTLED,
            Category.TOO_MANY_RECIPIENTS,
        }
    ),
    "server_error": frozenset(
        {Category.REMOTE_ERROR, Category.REMOTE_STORAGE, Category.LOCAL_FAULT}
    ),
    "relay_denied": frozenset({Category.RELAY_DENIED}),
    "mailbox_full": frozenset({Category.MAILBOX_FULL}),
    "mailbox_disabled": frozenset({Category.MAILBOX_DISABLED}),
    "sender_rejected": frozenset({Category.SENDER_REJECTED}),
    "message_format": frozenset({Category.CONTENT_FORMAT, Category.SMTPUTF8_UNSUPPORTED}),
    "too_big": frozenset({Category.SIZE_LIMIT}),
    "protocol": frozenset({Category.PROTOCOL_ERROR}),
    "expired": frozenset({Category.REMOTE_EXPIRED}),
    "bad_domain": frozenset(
        {Category.DOMAIN_UNKNOWN, Category.DOMAIN_NO_MAIL, Category.DOMAIN_UNROUTABLE}
    ),
    "network": frozenset(
        {
            Category.CONNECTION_LOST,
            Category.CONNECT_FAILED,
            Category.DNS_FAILURE,
            Category.ROUTING_LOOP,
        }
    ),
}
"""The classes of the reference, and which of our categories are of each."""
_CLASS_OF: Final = {category: name for name, ours in CLASSES.items() for category in ours}


class Row(NamedTuple):
    """One reply, what the reference calls it, and what we do."""

    id: str
    text: str
    reference: str
    is_shared: bool | None
    """Whether a second classifier gave the reference class, too; None where nobody says."""
    rule: str
    category: Category

    @property
    def half(self) -> str:
        return "ab"[blake2b(self.id.encode(), digest_size=1).digest()[0] % 2]

    @property
    def ours(self) -> str:
        return _CLASS_OF.get(self.category, "")

    @property
    def agrees(self) -> bool:
        return self.ours == self.reference


def read(path: Path) -> list[Row]:
    """Return the rows of FILE, each judged by the shipped rules."""
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            pasted = read_pasted(line["reply_text"])
            if pasted is not None:
                judged = shipped().judge_reply(*pasted)
                others = line.get("agree_others")
                is_shared = int(others) > 0 if others else None
                named = line["id"], line["reply_text"], line["norm_category"]
                rows.append(Row(*named, is_shared, *judged))
    return rows


def share(part: int, whole: int) -> str:
    """Return a share in per cent; a dash where there is nothing to share."""
    return f"{100 * part / whole:.1f}" if whole else "-"


def report(name: str, rows: Sequence[Row]) -> None:
    """Print the figures of one half, or of all."""
    told = [row for row in rows if row.reference != UNDETERMINED]
    answered = [row for row in told if row.category is not Category.NO_REASON]
    print(f"\n{name}: {len(rows)} replies, {len(told)} with a reference class")
    print(f"{'class':20}{'n':>5}{'precision':>11}{'recall':>8}{'no reason':>11}")
    claimed = Counter(row.ours for row in answered)
    right = Counter(row.ours for row in answered if row.agrees)
    silent = Counter(row.reference for row in told if row.category is Category.NO_REASON)
    for wanted, n in sorted(Counter(row.reference for row in told).items()):
        print(
            f"{wanted:20}{n:>5}{share(right[wanted], claimed[wanted]):>11}"
            f"{share(right[wanted], n):>8}{share(silent[wanted], n):>11}"
        )
    print(f"precision {share(sum(right.values()), len(answered))} %, ", end="")
    print(f"no usable reason {share(sum(silent.values()), len(told))} %")


def show_wrong(rows: Iterable[Row]) -> None:
    """Print where we and the reference differ."""
    print()
    for row in rows:
        if not row.agrees and row.reference != UNDETERMINED:
            print(f"{row.id} {row.reference} / {row.category} ({row.rule}): {row.text[:230]}")


def main() -> None:
    """Read FILE, judge every reply in it, and print how that compares."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="replies with a reference class (TSV)")
    parser.add_argument("--wrong", choices=("a", "b"), help="list where we differ in this half")
    options = parser.parse_args()
    rows = read(options.file)
    halves = {half: [row for row in rows if row.half == half] for half in "ab"}
    if options.wrong:
        show_wrong(halves[options.wrong])
    for half, some in halves.items():
        report(f"half {half}", some)
    for is_shared, name in ((True, "shared by a second classifier"), (False, "by one only")):
        if some := [row for row in rows if row.is_shared is is_shared]:
            report(f"reference class {name}", some)
    report("all", rows)
    print(f"\nrules of {shipped().version}")


if __name__ == "__main__":
    main()
