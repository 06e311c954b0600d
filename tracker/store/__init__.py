"""What a ledger must do: few verbs, each one whole step of a message's life.

A backend implements `Ledger`; the contract tests run against every backend. No verb leaves the
ledger half way: it happened, or it raised and nothing changed. One file for each part of what a
ledger is; a new part is a protocol of its own in here, and a base of `Ledger`. As far as its
statements are the same in every database, it is written once, in `tracker.sql`.
"""

from tracker.store.access import Accesses
from tracker.store.acts import Acts, Suppressions
from tracker.store.ages import Ages
from tracker.store.astray import Astray
from tracker.store.errands import Errands, RefusedContent
from tracker.store.errors import (
    LeaseLost,
    OutcomeUnknown,
    SchemaTooNew,
    StoreError,
    StoreUnavailable,
    located,
)
from tracker.store.insight import Insight
from tracker.store.ledger import Ledger
from tracker.store.mail import Store
from tracker.store.people import Accounts, LogInFailures, Sessions
from tracker.store.privacy import Privacy
from tracker.store.refusals import Refusals
from tracker.store.rerouting import Rerouting
from tracker.store.returns import Returns
from tracker.store.rules import Rules
from tracker.store.saved import Saved
from tracker.store.text import TextIndex
from tracker.store.troubles import Troubles
from tracker.store.watching import Version, Watching

__all__ = [
    "Accesses",
    "Accounts",
    "Acts",
    "Ages",
    "Astray",
    "Errands",
    "Insight",
    "LeaseLost",
    "Ledger",
    "LogInFailures",
    "OutcomeUnknown",
    "Privacy",
    "Refusals",
    "RefusedContent",
    "Rerouting",
    "Returns",
    "Rules",
    "Saved",
    "SchemaTooNew",
    "Sessions",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "Suppressions",
    "TextIndex",
    "Troubles",
    "Version",
    "Watching",
    "located",
]
