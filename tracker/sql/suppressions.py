"""The list of suppressed addresses as rows."""

from collections.abc import Sequence

from tracker.mailbox import comparable
from tracker.model import Scope, Suppression, SuppressionOrigin
from tracker.sql.acceptance import domain_of
from tracker.sql.conditions import Condition, Statement, conjunction, disjunction
from tracker.sql.rows import Columns
from tracker.sql.script import Script, several
from tracker.sql.values import moment, stamp, well_formed

SUPPRESSION_COLUMNS = "address, account_domain, account, origin, reason, actor, since, until"

_LIST = "suppressions"

_REMOVE = """
DELETE FROM suppressions WHERE address = ? AND account_domain = ? AND account = ? RETURNING address
"""

REVISION = Statement(f"SELECT number FROM revisions WHERE name = '{_LIST}'", ())
"""No row: it has never changed."""

_REVISE = f"""
INSERT INTO revisions (name, number) VALUES ('{_LIST}', 1)
ON CONFLICT (name) DO UPDATE SET number = revisions.number + 1
"""


def suppression_columns(suppression: Suppression) -> Columns:
    """Return SUPPRESSION_COLUMNS."""
    return (
        suppression.address,
        well_formed(suppression.domain),
        well_formed(suppression.account),
        suppression.origin.value,
        well_formed(suppression.reason),
        well_formed(suppression.actor),
        stamp(suppression.since),
        stamp(suppression.until),
    )


def read_suppression(row: Columns) -> Suppression:
    """Build one from SUPPRESSION_COLUMNS."""
    return Suppression(
        address=row[0],
        domain=row[1],
        account=row[2],
        origin=SuppressionOrigin(row[3]),
        reason=row[4],
        actor=row[5],
        since=moment(row[6]),
        until=moment(row[7]),
    )


def add_all(suppressions: Sequence[Suppression]) -> Script[int]:
    """Put addresses on the list; return how many were not on it."""
    if not suppressions:
        return 0
    group, parameters = several([suppression_columns(each) for each in suppressions])
    rows = yield Statement(
        f"INSERT INTO suppressions ({SUPPRESSION_COLUMNS}) VALUES {group}"
        " ON CONFLICT (address, account_domain, account) DO NOTHING RETURNING address",
        parameters,
    )
    if rows:
        yield Statement(_REVISE, ())
    return len(rows)


def remove(suppression: Suppression) -> Script[bool]:
    """Take an address off the list."""
    key = (suppression.address, suppression.domain, suppression.account)
    rows = yield Statement(_REMOVE, tuple(map(well_formed, key)))
    if rows:
        yield Statement(_REVISE, ())
    return bool(rows)


def listed(scope: Scope, search: str, limit: int, after: Suppression | None) -> Statement:
    """Those that concern the scope, by address."""
    conditions = [_concerns(scope)]
    if search:
        conditions.append(_contains(search))
    if after is not None:
        key = (after.address, after.domain, after.account)
        behind = Condition("(address, account_domain, account) > (?, ?, ?)", key)
        conditions.append(behind)
    condition = conjunction(conditions)
    return Statement(
        f"SELECT {SUPPRESSION_COLUMNS} FROM suppressions WHERE {condition.sql}"
        " ORDER BY address, account_domain, account LIMIT ?",
        (*condition.parameters, limit),
    )


def _contains(search: str) -> Condition:
    """A part of the address. It has no wildcards: what LIKE takes for one is written out."""
    text = comparable(search) if "@" in search else well_formed(search).casefold()
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return Condition("address LIKE ? ESCAPE '!'", (f"%{text}%",))


def _concerns(scope: Scope) -> Condition:
    """What the mail of a scope meets, and what was put there for a part of it."""
    relay = Condition("account_domain = ''")
    if scope.account is not None:
        domain = domain_of(scope.account) or ""
        whole = Condition("account_domain = ? AND account = ''", (well_formed(domain),))
        own = Condition("account = ?", (well_formed(scope.account),))
        return disjunction((relay, whole, own))
    if scope.domain is not None:
        return disjunction((relay, Condition("account_domain = ?", (well_formed(scope.domain),))))
    return Condition("TRUE")
