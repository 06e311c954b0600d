"""Messages a second from end to end: smtp-source, relay, smtp-sink, beside Postfix in one run.

    python -m benchmarks.relay [--messages 3000] [--sessions 20] [--size 5000] [--rounds 3]

Both relays commit each message to disk before their 250: Postfix syncs its queue file, Sendtrace
its ledger (synchronous=FULL). The rounds alternate; medians and their ratio are printed, since
absolute figures of a shared machine mean little. Needs Postfix and smtp-source installed, and
root for Postfix.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks.smtp import Load, measure, run_postfix, run_sendtrace, run_sink
from tests.support.waiting import free_port


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--size", type=int, default=5000, help="of a message, in bytes")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    load = Load(chosen.messages, chosen.sessions, chosen.size)
    figures: dict[str, list[float]] = {"postfix": [], "sendtrace": []}
    for number in range(1, chosen.rounds + 1):
        for name, run in (("postfix", run_postfix), ("sendtrace", run_sendtrace)):
            sink = free_port()
            with (
                tempfile.TemporaryDirectory() as directory,
                run_sink(sink),
                run(Path(directory), sink) as peer,
            ):
                figures[name].append(measure(peer, load))
            print(f"round {number}  {name:10} {figures[name][-1]:6.0f} messages/s", flush=True)
    postfix, sendtrace = (statistics.median(each) for each in figures.values())
    print(f"median   postfix {postfix:.0f}   sendtrace {sendtrace:.0f}   "
          f"ratio {sendtrace / postfix:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
