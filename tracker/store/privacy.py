"""What is on record about an address."""

from collections.abc import Sequence
from typing import Protocol

from tracker.model import MessageId
from tracker.traces import Address, Elsewhere, Traces


class Privacy(Protocol):
    """Finding and erasing an address, a few messages at a time."""

    async def find_traces(self, address: Address, after: str, limit: int) -> Traces:
        """Look through `limit` messages with ids above `after`, oldest first."""
        ...

    async def erase_traces(
        self, address: Address, messages: Sequence[MessageId], pseudonym: str
    ) -> int:
        """Put `pseudonym` in the place of an address in messages, in one transaction.

        Their subjects go, the words of attempts at the address, and of all attempts and the
        client where it is the sender. Returns in how many messages something changed.
        """
        ...

    async def find_elsewhere(self, address: Address) -> Sequence[Elsewhere]:
        """Return the texts besides the mail that have it."""
        ...

    async def erase_elsewhere(self, address: Address, pseudonym: str) -> int:
        """Put `pseudonym` in its place in those tables; return in how many rows."""
        ...
