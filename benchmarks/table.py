"""What is printed: a table of medians, and ratios that belong to one round."""

import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence


def median_ratio(rates: Sequence[float], base: Sequence[float]) -> float:
    """Return the median of the ratios of each round: what disturbs one round, disturbs both."""
    return statistics.median(a / b for a, b in zip(rates, base, strict=True))


def spread(rates: Sequence[float]) -> str:
    """Return the lowest and the highest."""
    return f"{min(rates):.0f}-{max(rates):.0f}"


def rate_cells(rates: Mapping[str, Sequence[float]], base: str) -> Iterator[list[str]]:
    """Yield for each name the median rate, its ratio to that of `base`, and the spread."""
    for name, some in rates.items():
        ratio = f"{median_ratio(some, rates[base]):.2f}" if base in rates else "-"
        yield [name, f"{statistics.median(some):.0f}", ratio, spread(some)]


def render(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns also line up for the eye; numbers to the right."""
    numeric = [all(_is_number(row[n]) for row in rows) for n in range(len(titles))]
    widths = [max(len(row[n]) for row in [titles, *rows]) for n in range(len(titles))]
    rule = ["-" * (width - 1) + ":" if right else "-" * width
            for width, right in zip(widths, numeric, strict=True)]  # fmt: skip
    lines = [
        [cell.rjust(width) if right else cell.ljust(width)
         for cell, width, right in zip(row, widths, numeric, strict=True)]
        for row in [titles, rule, *rows]
    ]  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"-?[0-9.]*|[0-9.]+-[0-9.]+", cell) is not None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the lowest value that at least `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * share) - 1, 0)]
