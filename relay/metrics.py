"""Counters of the relay's processes.

They live in prometheus_client's memory-mapped files (one set for each process, in the directory
that PROMETHEUS_MULTIPROC_DIR names), so that one scrape sums all workers. The supervisor sets
the variable before this module is imported.
"""

from prometheus_client import Counter, Gauge, Histogram

from relay.submission import AuthenticationResult, SubmissionResult

ATTEMPTS = Counter("sendtrace_attempts", "Attempts by outcome.", ["outcome", "origin"])
CONNECTIONS = Counter("sendtrace_connections", "Connections of clients.", ["result"])
AUTHENTICATIONS = Counter("sendtrace_authentications", "AUTH commands by result.", ["result"])
SUBMISSIONS = Counter("sendtrace_submissions", "Submissions by result.", ["result"])
ACCEPTED_RECIPIENTS = Counter("sendtrace_accepted_recipients", "Recipients accepted.")
DSNS = Counter("sendtrace_dsns", "DSNs put into the queue.")
DELIVERY_SECONDS = Histogram(
    "sendtrace_delivery_seconds",
    "Seconds from acceptance to the remote server's acceptance.",
    buckets=(0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400),
)
LEASES_LOST = Counter("sendtrace_leases_lost", "Leases that another worker took over.")
CONNECTED = Gauge(
    "sendtrace_clients_connected", "Clients connected now.", multiprocess_mode="livesum"
)
STORE_FAILURES = Counter("sendtrace_store_failures", "Steps that the ledger could not commit.")


class SubmissionObserver:
    """Counts what happens at the submission server."""

    def connection_opened(self) -> None:
        CONNECTIONS.labels("opened").inc()
        CONNECTED.inc()

    def connection_closed(self) -> None:
        CONNECTED.dec()

    def connection_refused(self) -> None:
        CONNECTIONS.labels("refused").inc()

    def submission(self, result: SubmissionResult) -> None:
        SUBMISSIONS.labels(result).inc()

    def authentication(self, result: AuthenticationResult) -> None:
        AUTHENTICATIONS.labels(result).inc()
