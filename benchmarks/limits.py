"""What this machine can do at most: syncs of its disk, and the load without any relay.

    python -m benchmarks.limits [--rounds 5] [--seconds 1] [--directory /tmp]

A sync is one write of 8 KB to the end of a file and fdatasync, as a ledger does it for a commit;
`--directory` has to be where the relays' files lie, which is the directory for temporary files.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.load import Load, run_sink, send
from benchmarks.run import MailLost
from benchmarks.table import render, spread
from tests.support.ports import free_port

_BLOCK = bytes(8192)
_LOADS = (
    Load(5000, 20, 5000),
    Load(5000, 20, 5000, reuse=True),
    Load(3000, 1, 5000),
    Load(5000, 100, 5000),
    Load(3000, 20, 50_000),
    Load(500, 20, 1_000_000),
    Load(2000, 20, 5000, recipients=10),
)


def syncs(directory: Path, seconds: float) -> float:
    """Return how often a second the disk can sync."""
    with tempfile.TemporaryFile(dir=directory) as file:
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            file.write(_BLOCK)
            file.flush()
            os.fdatasync(file.fileno())
            done += 1
        return done / (time.perf_counter() - began)


def direct(load: Load) -> float:
    """Return messages a second from smtp-source straight into smtp-sink."""
    with (
        tempfile.TemporaryDirectory() as directory,
        run_sink(free_port(), Path(directory)) as sink,
    ):
        began = time.perf_counter()
        send([sink.port], load)
        took = time.perf_counter() - began
        if sink.messages() != load.messages:
            raise MailLost(f"{load.messages} sent, {sink.messages()} arrived")
    return load.messages / took


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1, help="for the syncs")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    chosen = parser.parse_args()
    figures: dict[str, list[float]] = {"fdatasync of 8 KB": []}
    for _ in range(chosen.rounds):
        figures["fdatasync of 8 KB"].append(syncs(chosen.directory, chosen.seconds))
        for load in _LOADS:
            kept = ", one connection each" if load.reuse else ""
            name = f"smtp-source to smtp-sink, {load}{kept}"
            figures.setdefault(name, []).append(direct(load))
    rows = [
        [name, f"{statistics.median(some):.0f}", spread(some)] for name, some in figures.items()
    ]
    print(f"\nLimits\n\n{render(['what', 'a second', 'min-max'], rows)}\n")
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, {chosen.directory}.")


if __name__ == "__main__":
    main()
