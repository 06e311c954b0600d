"""Addresses that nothing is sent to, kept in memory: the answer to RCPT must not wait for a ledger.

Whoever changes the list, in whichever process, raises its number in the ledger; it is asked for
every second, and only when it is another one the list is read anew.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from relay.clock import Clock
from tracker.model import EnvelopeRecipient, Scope, Suppression, SuppressionOrigin
from tracker.store import Suppressions

_PAGE: Final = 1000
_REASON_LIMIT: Final = 120
"""Characters of a reason that a client is told."""
_UNPRINTABLE = re.compile(r"[^ -~]")


class ClosedAddresses:
    """The list, as this process knows it."""

    def __init__(self, ledger: Suppressions, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._revision = 0
        self._by_address: Mapping[str, Sequence[Suppression]] = {}
        self._log = structlog.get_logger()

    def refusal(self, recipient: EnvelopeRecipient, account: str | None) -> str | None:
        """Return the reply that refuses `recipient` for mail of `account`; None when it is open."""
        if not self._by_address:
            return None
        local = recipient.forward_path.rpartition("@")[0]
        listed = self._by_address.get(f"{local.casefold()}@{recipient.domain}")
        if listed is None:
            return None
        now = self._clock.now()
        return next((reply_to(each) for each in listed if each.holds_for(account, now)), None)

    async def refresh(self) -> None:
        """Read the list if it has changed. Raises StoreUnavailable."""
        await self.follow(await self._ledger.suppression_revision())

    async def follow(self, revision: int) -> None:
        """Read the list if `revision` is another one than before. Raises StoreUnavailable."""
        if revision == self._revision:
            return
        by_address: dict[str, list[Suppression]] = {}
        last: Suppression | None = None
        while page := await self._ledger.suppressions(Scope(), limit=_PAGE, after=last):
            for each in page:
                by_address.setdefault(each.address, []).append(each)
            last = page[-1]
        # What has changed while we read it has another number, and is read again.
        self._by_address, self._revision = by_address, revision
        self._log.info("suppressions read", addresses=len(by_address))


def reply_to(suppression: Suppression) -> str:
    """Return what a client is told of a closed address: why, and how to open it."""
    since = f"{suppression.since:%Y-%m-%d}"
    if suppression.origin is SuppressionOrigin.BOUNCE:
        code, why = "5.1.1", f"its server said on {since} that it does not exist"
    else:
        code, why = "5.7.1", f"closed on {since}"
        if suppression.actor:
            why += f" by {suppression.actor}"
    reason = _UNPRINTABLE.sub("?", suppression.reason)[:_REASON_LIMIT].strip()
    told = f" ({reason})" if reason else ""
    return (
        f"550 {code} Nothing is sent to this address: {_UNPRINTABLE.sub('?', why)}{told}; "
        "to open it, take it off the list (Suppressions in the panel) or ask your administrator"
    )
