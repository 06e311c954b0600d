"""What a ledger raises when it could not do it.

StoreError
├── StoreUnavailable   cannot commit now (disk full, database gone): answer 4yz, try later
│   └── OutcomeUnknown   the answer of the database got lost: it may have happened
├── LeaseLost          the lease is no longer ours; whatever it carried is somebody else's
└── SchemaTooNew       the ledger was written by a newer version
"""


class StoreError(Exception):
    """The ledger could not do it."""


class StoreUnavailable(StoreError):
    """The ledger cannot commit now; nothing changed."""


class OutcomeUnknown(StoreUnavailable):
    """The connection broke before the answer came; it may have happened. Look, then repeat."""


class LeaseLost(StoreError):
    """The lease has been taken over; nothing changed."""


class SchemaTooNew(StoreError):
    """The ledger was written by a newer version of Sendtrace."""


def located(error: Exception, place: str) -> str:
    """Return what `error` says behind the `place` of the ledger, which is named once."""
    return f"{place}: {str(error).removeprefix(f'{place}: ')}"
