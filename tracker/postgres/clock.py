"""The clock of the ledger is the server's: nodes need not agree on the time."""

from datetime import datetime

from tracker.sql.values import stamp


class LedgerClock:
    """How statements learn the time by which leases begin and run out.

    With `trusts_caller` it is whatever the caller says, as tests want it.
    """

    def __init__(self, *, trusts_caller: bool = False) -> None:
        self._trusts_caller = trusts_caller

    def given(self, now: datetime) -> int | None:
        """Return the parameter for `now_in`, made of the caller's `now`."""
        return stamp(now) if self._trusts_caller else None


def now_in(parameter: str) -> str:
    """Return an expression for the ledger's time in microseconds; `parameter` is from `given`.

    It moves on while a statement runs.
    """
    server = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    return f"coalesce({parameter}::bigint, {server})"
