"""What the scenarios that compare relays have in common: their options and their table."""

import argparse
import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.load import Load
from benchmarks.peers import PEERS, Peer, footnotes
from benchmarks.run import Result
from benchmarks.table import rate_cells, render

Results = dict[str, list[Result]]
"""By the name of the relay, one for each round."""

_TITLES = ["load", "relay", "messages/s", "× Postfix", "min-max", "CPU µs user", "CPU µs system"]


def add_options(parser: argparse.ArgumentParser, *, rounds: int) -> None:
    """Add what one load of one size needs."""
    parser.add_argument("--size", type=int, default=5000, help="of a message, in octets")
    parser.add_argument("--sessions", type=int, default=20)
    add_peers(parser, rounds=rounds)


def add_peers(parser: argparse.ArgumentParser, *, rounds: int) -> None:
    """Add which relays to measure, and how often."""
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--peers", nargs="+", metavar="NAME", help="in lower case; all: none given")


def print_table(title: str, points: Iterable[tuple[Load, Results]], peers: Sequence[Peer]) -> None:
    """Print the rows of all points in one table."""
    rows = [row for load, results in points for row in _rows(load, results)]
    print(f"\n{title}\n\n{render(_TITLES, rows)}\n\n{footnotes(peers)}")


def _rows(load: Load, results: Results) -> Iterator[list[str]]:
    rates = {name: [each.rate for each in some] for name, some in results.items()}
    for cells, some in zip(rate_cells(rates, PEERS[0].name), results.values(), strict=True):
        user = statistics.median(each.cpu.user for each in some) * 1e6
        system = statistics.median(each.cpu.system for each in some) * 1e6
        yield [str(load), *cells, f"{user:.0f}", f"{system:.0f}"]
