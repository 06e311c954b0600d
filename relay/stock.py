"""What a claim brings along: the content of small messages, read for all of them at once.

A message whose content is in memory is delivered without another word from the ledger. Large ones
are read when their turn comes, so that what waits in memory stays small.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import structlog
from msgspec.structs import replace

from tracker.model import Job, MessageId, WholeContent
from tracker.store import Store

_SMALL: Final = 64 * 1024
"""Octets of the largest message that is brought along."""
_MOST: Final = 4 * 1024 * 1024
"""Octets that one claim brings along at most."""


async def with_content(ledger: Store, jobs: Sequence[Job], room: int) -> Sequence[Job]:
    """Return `jobs`, those with their content for which there are `room` octets in memory.

    Never raises: the jobs are leased, and whoever has no content reads it later.
    """
    wanted = list(_small(jobs, min(room, _MOST)))
    if not wanted:
        return jobs
    try:
        found = await ledger.contents(wanted)
    except Exception as problem:
        structlog.get_logger().warning("content is read later", problem=str(problem))
        return jobs
    # One object for all jobs of a message: the octets are in memory once.
    contents = {identifier: WholeContent(octets) for identifier, octets in found.items()}
    return [replace(job, content=contents.get(job.message.id)) for job in jobs]


def _small(jobs: Sequence[Job], room: int) -> Iterator[MessageId]:
    """Yield the messages that are brought along; a message with several jobs counts for each."""
    seen: set[MessageId] = set()
    for job in jobs:
        if job.message.size > _SMALL:
            continue
        room -= job.message.size
        if room < 0:
            return
        if job.message.id not in seen:
            seen.add(job.message.id)
            yield job.message.id
