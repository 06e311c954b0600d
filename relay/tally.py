"""Counters that cost an addition, and reach prometheus_client's files once a second.

One increment in a memory-mapped file costs several microseconds, and a message has ten of them.
What is counted here is added there by `publish`; a process that is killed loses the last second
of it, the ledger nothing.
"""

from bisect import bisect_left

from prometheus_client import Counter, Gauge, Histogram

PERIOD = 1.0
"""Seconds between two calls of `publish`."""


class Tally:
    """A counter, or one of its children."""

    __slots__ = ("_fresh", "source")

    def __init__(self, counter: Counter) -> None:
        self.source = counter
        self._fresh = 0

    def inc(self, amount: int = 1) -> None:
        """Count."""
        self._fresh += amount

    def publish(self) -> None:
        """Add what is new to the file."""
        fresh, self._fresh = self._fresh, 0
        if fresh:
            self.source.inc(fresh)


class LabelledTally:
    """A counter with labels; its children are made as they are asked for."""

    __slots__ = ("_children", "source")

    def __init__(self, counter: Counter) -> None:
        self.source = counter
        self._children: dict[tuple[str, ...], Tally] = {}

    def labels(self, *values: str) -> Tally:
        """Return the child with these labels."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = Tally(self.source.labels(*values))
        return child

    def publish(self) -> None:
        """Add what is new to the file."""
        for child in self._children.values():
            child.publish()


class Level:
    """A gauge that goes up and down."""

    __slots__ = ("_shown", "_value", "source")

    def __init__(self, gauge: Gauge) -> None:
        self.source = gauge
        self._shown = self._value = 0

    def inc(self) -> None:
        """One more."""
        self._value += 1

    def dec(self) -> None:
        """One less."""
        self._value -= 1

    def publish(self) -> None:
        """Show the present value."""
        if self._value != self._shown:
            self._shown = self._value
            self.source.set(self._value)


class Distribution:
    """A histogram without labels."""

    __slots__ = ("_bounds", "_counts", "_sum", "source")

    def __init__(self, histogram: Histogram, bounds: tuple[float, ...]) -> None:
        """`bounds` are the upper bounds that `histogram` was made with."""
        self.source = histogram
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def publish(self) -> None:
        """Add what is new to the file; there is no public way to add many values at once."""
        counts, self._counts = self._counts, [0] * len(self._counts)
        total, self._sum = self._sum, 0.0
        if not any(counts):
            return
        self.source._sum.inc(total)
        for bucket, count in zip(self.source._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
