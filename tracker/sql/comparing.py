"""Comparisons of columns with what a term of a search has, in one dialect."""

from collections.abc import Iterator, Sequence

from tracker.search.spellings import a_labels, spellings
from tracker.sql.conditions import Condition, disjunction
from tracker.sql.dialect import Dialect


class Comparing:
    """The comparisons that terms are made of; all are without regard to case."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def matches(self, columns: Sequence[str], value: str, exact: bool) -> Condition:
        """One of the columns contains `value`, or is it."""
        comparison = "{text} = {needle}" if exact else self._dialect.contains
        return disjunction(
            Condition(self._compare(comparison, column, value), (value,)) for column in columns
        )

    def spelled(self, columns: Sequence[str], value: str, exact: bool) -> Condition:
        """The same of names, in every form of their domain."""
        return disjunction(self.matches(columns, each, exact) for each in spellings(value))

    def in_domain(self, column: str, value: str) -> Condition:
        """The column, a domain with A-labels, is that of `@…`, or lies below it if asked."""
        domain, below = _domain_of(value)
        domain = a_labels(domain)
        whole = Condition(f"{column} = ?", (domain,))
        return disjunction((whole, self.ends_with(column, f".{domain}"))) if below else whole

    def ends_with(self, column: str, value: str) -> Condition:
        """The column ends with `value`."""
        return Condition(self._compare(self._dialect.ends_with, column, value), (value, value))

    def _compare(self, comparison: str, column: str, value: str) -> str:
        lower = self._dialect.lower if value.isascii() else self._dialect.lower_unicode
        # Both by the database, so that no two rules of lower case meet.
        return comparison.format(text=lower.format(text=column), needle=lower.format(text="?"))


def ends_of(value: str) -> Iterator[str]:
    """Yield how an address ends that is at the domain of `@…`, or below it if asked."""
    domain, below = _domain_of(value)
    for before in ("@", ".")[: 1 + below]:
        yield from spellings(before + domain)


def _domain_of(value: str) -> tuple[str, bool]:
    """Return the domain that `@…` names, and whether what lies below it counts too."""
    domain = value.removeprefix("@").lower()
    return domain.removeprefix("*."), domain.startswith("*.")
