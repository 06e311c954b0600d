"""The jobs that a worker holds in memory, in turn by destination. Nothing here waits.

Bounded in jobs and in bytes of content: what finds no room stays in the ledger and is claimed
later. Each destination runs at most `parallel` jobs at once, so that a slow one takes no more
than its share of the worker's tasks.
"""

import math
from collections import deque

from tracker.model import Job


class ReadyQueue:
    """Round robin over destinations."""

    def __init__(self, *, jobs: int, octets: int, parallel: int, initial: int) -> None:
        """Hold at most `jobs` jobs whose contents in memory sum to at most `octets` bytes.

        A destination begins with `initial` jobs side by side and earns one more with each that
        comes to an end, up to `parallel`: hundreds that swallow every connection would otherwise
        fill the memory with jobs that wait for their timeouts, and keep out all other mail.
        """
        self._limit = jobs
        self._octets_limit = octets
        self._parallel = parallel
        self._initial = min(initial, parallel)
        self._earned: dict[str, int] = {}
        self._waiting: dict[str, deque[tuple[float, Job]]] = {}
        self._turn: deque[str] = deque()
        self._running: dict[str, int] = {}
        self._count = 0
        self._octets = 0

    def __len__(self) -> int:
        """Jobs that wait or run."""
        return self._count

    @property
    def room(self) -> int:
        """Jobs that may still be pushed."""
        return max(0, self._limit - self._count)

    def has_room(self, size: int) -> bool:
        """Say whether a message of `size` bytes may be kept in memory until it is delivered.

        A single message larger than the whole bound is let in when nothing else is held.
        """
        fits = self._octets + size <= self._octets_limit or self._octets == 0
        return self._count < self._limit and fits

    @property
    def busy(self) -> frozenset[str]:
        """Destinations without a free slot: mail for them had better wait in the ledger."""
        return frozenset(
            name for name, running in self._running.items() if running >= self._share(name)
        )

    def _share(self, name: str) -> int:
        """Return how many jobs may run for a destination at once."""
        return min(self._parallel, self._initial + self._earned.get(name, 0))

    def push(self, job: Job, at: float) -> None:
        """Add a job at the time `at`, in seconds; the caller has asked for room before."""
        name = job.destination
        waiting = self._waiting.get(name)
        if waiting is None:
            waiting = self._waiting[name] = deque()
        waiting.append((at, job))
        if len(waiting) == 1 and self._running.get(name, 0) < self._share(name):
            self._turn.append(name)
        self._count += 1
        self._octets += _octets(job)

    def pop(self) -> Job | None:
        """Take the next job whose destination has a free slot; it counts as running."""
        if not self._turn:
            return None
        name = self._turn.popleft()
        waiting = self._waiting[name]
        _, job = waiting.popleft()
        running = self._running[name] = self._running.get(name, 0) + 1
        if not waiting:
            del self._waiting[name]
        elif running < self._share(name):
            self._turn.append(name)
        return job

    def done(self, job: Job) -> bool:
        """Free the slot of a job that `pop` gave out; say whether nothing waits for it."""
        name = job.destination
        was_full = self._running[name] >= self._share(name)
        self._running[name] -= 1
        self._earned[name] = self._earned.get(name, 0) + 1
        if not self._running[name]:
            del self._running[name]
            if name not in self._waiting:
                del self._earned[name]
        self._count -= 1
        self._octets -= _octets(job)
        if not was_full:
            return False
        if name not in self._waiting:
            return True
        self._turn.append(name)
        return False

    def drain(self, pushed_before: float = math.inf) -> list[Job]:
        """Take out the jobs that wait since before `pushed_before`; those that run stay."""
        taken: list[Job] = []
        for name, jobs in list(self._waiting.items()):
            while jobs and jobs[0][0] < pushed_before:
                taken.append(jobs.popleft()[1])
            if not jobs:
                del self._waiting[name]
        self._turn = deque(name for name in self._turn if name in self._waiting)
        self._count -= len(taken)
        self._octets -= sum(map(_octets, taken))
        return taken


def _octets(job: Job) -> int:
    return job.content.size if job.content is not None else 0
