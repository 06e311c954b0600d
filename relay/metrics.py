"""Counters of the relay's processes.

They live in prometheus_client's memory-mapped files (one set for each process, in the directory
that PROMETHEUS_MULTIPROC_DIR names), so that one scrape sums all workers. The supervisor sets
the variable before this module is imported. `keep_publishing` moves into them what has been
counted.
"""

import asyncio
import os
from itertools import product
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from relay.submission import AuthenticationResult, SubmissionResult
from relay.tally import PERIOD, Distribution, LabelledTally, Level, Tally
from tracker.model import Gate, Origin, Outcome

_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400)

ATTEMPTS = LabelledTally(
    Counter("sendtrace_attempts", "Attempts by outcome.", ["outcome", "origin"])
)
CONNECTIONS = LabelledTally(Counter("sendtrace_connections", "Connections of clients.", ["result"]))
AUTHENTICATIONS = LabelledTally(
    Counter("sendtrace_authentications", "AUTH commands by result.", ["result"])
)
SUBMISSIONS = LabelledTally(Counter("sendtrace_submissions", "Submissions by result.", ["result"]))
POSTPONEMENTS = LabelledTally(
    Counter(
        "sendtrace_postponements", "Jobs that were not dialled, by what they wait for.", ["gate"]
    )
)
ACCEPTED_RECIPIENTS = Tally(Counter("sendtrace_accepted_recipients", "Recipients accepted."))
DSNS = Tally(Counter("sendtrace_dsns", "DSNs put into the queue."))
DELIVERY_SECONDS = Distribution(
    Histogram(
        "sendtrace_delivery_seconds",
        "Seconds from acceptance to the remote server's acceptance.",
        buckets=_SECONDS,
    ),
    _SECONDS,
)
LEASES_LOST = Tally(Counter("sendtrace_leases_lost", "Leases that another worker took over."))
CONNECTED = Level(
    Gauge("sendtrace_clients_connected", "Clients connected now.", multiprocess_mode="livesum")
)
REFUSALS_DROPPED = Tally(
    Counter("sendtrace_refusals_dropped", "Refused submissions that are not on record.")
)
STORE_FAILURES = Tally(
    Counter("sendtrace_store_failures", "Steps that the ledger could not commit.")
)

ALL: Final = (
    ATTEMPTS,
    POSTPONEMENTS,
    CONNECTIONS,
    AUTHENTICATIONS,
    SUBMISSIONS,
    ACCEPTED_RECIPIENTS,
    DSNS,
    DELIVERY_SECONDS,
    LEASES_LOST,
    CONNECTED,
    REFUSALS_DROPPED,
    STORE_FAILURES,
)


# A series that begins with its first event hides that event from every rate that is made of it.
for _outcome, _origin in product(Outcome, Origin):
    ATTEMPTS.labels(_outcome, _origin)
for _gate in Gate:
    if _gate not in (Gate.NONE, Gate.BACK_OFF):
        POSTPONEMENTS.labels(_gate)
for _result in SubmissionResult:
    SUBMISSIONS.labels(_result)
for _answer in AuthenticationResult:
    AUTHENTICATIONS.labels(_answer)

_KINDS: Final = ("counter", "gauge_livesum", "histogram")
_SIZE: Final = 65_536
"""Octets of a file at first, as prometheus_client has it; ours need a tenth of it."""


def reserve() -> None:
    """Give this process's files room that is really there. Raises OSError when there is none.

    prometheus_client makes them of holes, and writing to a hole of a mapped file on a full disk
    ends the process (SIGBUS), with mail on its way. Without the variable it keeps no files.
    """
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory is None:
        return
    for kind in _KINDS:
        path = Path(directory) / f"{kind}_{os.getpid()}.db"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, _SIZE)
        finally:
            os.close(file)


def publish() -> None:
    """Show everything that has been counted in this process."""
    for each in ALL:
        each.publish()


async def keep_publishing() -> None:
    """Publish once a second, and a last time when cancelled."""
    try:
        while True:
            await asyncio.sleep(PERIOD)
            publish()
    finally:
        publish()


_OPENED = CONNECTIONS.labels("opened")
_REFUSED = CONNECTIONS.labels("refused")


class SubmissionObserver:
    """Counts what happens at the submission server."""

    def connection_opened(self) -> None:
        _OPENED.inc()
        CONNECTED.inc()

    def connection_closed(self) -> None:
        CONNECTED.dec()

    def connection_refused(self) -> None:
        _REFUSED.inc()

    def submission(self, result: SubmissionResult) -> None:
        SUBMISSIONS.labels(result).inc()

    def authentication(self, result: AuthenticationResult) -> None:
        AUTHENTICATIONS.labels(result).inc()
