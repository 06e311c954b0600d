"""Whether a column has what a term of a search asks for, in the words of one database."""

from collections.abc import Sequence

from tracker.search.spellings import a_labels, spellings
from tracker.sql.conditions import Condition, disjunction
from tracker.sql.dialect import Dialect


class Matching:
    """Conditions on columns of text, without regard to case."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def matches(self, columns: Sequence[str], value: str, exact: bool) -> Condition:
        """One of the columns contains `value`, or is it; without regard to case."""
        comparison = "{text} = {needle}" if exact else self.dialect.contains
        return disjunction(
            Condition(self._compare(comparison, column, value), (value,)) for column in columns
        )

    def spelled(self, columns: Sequence[str], value: str, exact: bool) -> Condition:
        """The same of names, in every form of their domain."""
        return disjunction(self.matches(columns, each, exact) for each in spellings(value))

    def in_domain(self, column: str, value: str) -> Condition:
        """The column, a domain with A-labels, is that of `value`, or lies below it if asked."""
        domain, below = domain_of(value)
        domain = a_labels(domain)
        whole = Condition(f"{column} = ?", (domain,))
        return disjunction((whole, self.ends_with(column, f".{domain}"))) if below else whole

    def ends_with(self, column: str, value: str) -> Condition:
        return Condition(self._compare(self.dialect.ends_with, column, value), (value, value))

    def _compare(self, comparison: str, column: str, value: str) -> str:
        lower = self.dialect.lower if value.isascii() else self.dialect.lower_unicode
        # Both by the database, so that no two rules of lower case meet.
        return comparison.format(text=lower.format(text=column), needle=lower.format(text="?"))


def domain_of(value: str) -> tuple[str, bool]:
    """Return the domain that `@…` names, and whether what lies below it counts too."""
    domain = value.removeprefix("@").lower()
    return domain.removeprefix("*."), domain.startswith("*.")
