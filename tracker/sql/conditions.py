"""Pieces of SQL that are true or not. Every value is a parameter, written `?`.

What somebody may see is decided by `scope_condition` alone.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from tracker.model import Scope, Status
from tracker.sql.values import well_formed
from tracker.states import ENDING

ENDINGS = ", ".join(f"'{trigger}'" for trigger in sorted(ENDING))

FREE = f'r.lease IS NULL AND r."trigger" NOT IN ({ENDINGS})'
"""A recipient `r` that people may change: nobody tries it, or is about to settle it untried."""


class Condition(NamedTuple):
    """A piece of SQL that is true or not, and its parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()


class Statement(NamedTuple):
    """A whole statement."""

    sql: str
    parameters: tuple[Any, ...]


def conjunction(conditions: Iterable[Condition]) -> Condition:
    """All of them."""
    return _join(" AND ", conditions, nothing="TRUE")


def disjunction(conditions: Iterable[Condition]) -> Condition:
    """Any of them."""
    return _join(" OR ", conditions, nothing="FALSE")


def _join(operator: str, conditions: Iterable[Condition], nothing: str) -> Condition:
    parts = list(conditions)
    sql = operator.join(f"({part.sql})" for part in parts) or nothing
    return Condition(sql, tuple(value for part in parts for value in part.parameters))


def scope_condition(scope: Scope) -> Condition:
    """What may be seen of recipients `r`: the one place that decides it.

    `r` is anything that has the columns `account` and `account_domain`.
    """
    conditions = []
    if scope.account is not None:
        conditions.append(Condition("r.account = ?", (well_formed(scope.account),)))
    if scope.domain is not None:
        conditions.append(Condition("r.account_domain = ?", (well_formed(scope.domain),)))
    return conjunction(conditions)


def status_condition(statuses: Iterable[Status]) -> Condition:
    """One of `statuses`."""
    return disjunction(Condition("r.status = ?", (status.value,)) for status in sorted(statuses))
