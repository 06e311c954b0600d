"""What one worker gets of a limit that holds for all workers of the cluster together. Pure."""

from typing import NamedTuple
from zlib import crc32

from tracker.model import Census, LeaseToken


class Share(NamedTuple):
    """A worker's place among those that live, which decides its share of every limit."""

    rank: int = 0
    """Counted from 0 in the order of the lease tokens, which all workers see alike."""
    workers: int = 1

    def of(self, limit: int, group: str) -> int:
        """Return the part of `limit` that this worker has for `group`; it may be 0.

        The parts of all ranks sum to exactly `limit`. Who gets one more where it does not divide
        differs between groups, so that no worker is favoured in all of them.
        """
        whole, rest = divmod(limit, self.workers)
        # Not hash(): it differs between processes.
        place = (self.rank + crc32(group.encode())) % self.workers
        return whole + (place < rest)


def share_in(census: Census, lease: LeaseToken) -> Share | None:
    """Return the share of whoever holds `lease`; None when it is not alive in `census`."""
    tokens = sorted(each.token for each in census.alive)
    return Share(tokens.index(lease), len(tokens)) if lease in tokens else None
