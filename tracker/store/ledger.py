"""Everything that a ledger is, over one database."""

from typing import Protocol

from tracker.store.access import Accesses
from tracker.store.acts import Acts, Suppressions
from tracker.store.ages import Ages
from tracker.store.astray import Astray
from tracker.store.errands import Errands, RefusedContent
from tracker.store.insight import Insight
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
from tracker.store.watching import Watching
from tracker.views import Patience


class Ledger(
    Store,
    Astray,
    Watching,
    Returns,
    Insight,
    Troubles,
    Accounts,
    Sessions,
    LogInFailures,
    Acts,
    Rerouting,
    Suppressions,
    Errands,
    RefusedContent,
    Saved,
    Refusals,
    Rules,
    Accesses,
    Ages,
    Privacy,
    TextIndex,
    Protocol,
):
    """Everything that a ledger is, over one database."""

    search_patience: Patience
    """How long a search may take, and counting what it finds."""

    @property
    def place(self) -> str:
        """Where it is, for logs and messages: no password in it."""
        ...

    @property
    def engine(self) -> str:
        """The database's name and version, for the log."""
        ...
