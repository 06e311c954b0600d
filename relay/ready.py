"""The jobs that a worker holds in memory, in turn by destination. Nothing here waits.

Bounded in jobs and in bytes of content: what finds no room stays in the ledger and is claimed
later. Each destination runs at most `parallel` jobs at once, so that a slow one takes no more
than its share of the worker's tasks.
"""

import math
from collections import OrderedDict, deque
from heapq import nlargest
from typing import Final

from tracker.model import Job

_MEMORY: Final = 60.0
"""Seconds for which an idle destination keeps what it has earned."""
_REMEMBERED: Final = 10_000
"""Idle destinations that keep it at most."""
_FIRST: Final = 50
"""Destinations that are claimed for before all others at most."""
_AHEAD: Final = 4
"""Jobs that are to wait for each that may run: a claim takes as long as several deliveries."""


class ReadyQueue:
    """Round robin over destinations."""

    def __init__(self, *, jobs: int, octets: int, parallel: int, initial: int) -> None:
        """Hold at most `jobs` jobs whose contents in memory sum to at most `octets` bytes.

        A destination begins with `initial` jobs side by side and earns one more with each that
        comes to an end, up to `parallel`: hundreds that swallow every connection would otherwise
        fill the memory with jobs that wait for their timeouts, and keep out all other mail.
        """
        self._limit = jobs
        self._refill = max(1, jobs // 10)
        self._octets_limit = octets
        self._parallel = parallel
        self._initial = min(initial, parallel)
        self._earned: dict[str, int] = {}
        self._idle: OrderedDict[str, float] = OrderedDict()
        """Since when a destination that has earned something is idle; the longest first."""
        self._hungry: dict[str, None] = {}
        """Destinations that have run out of jobs while they had a free slot."""
        self._waiting: dict[str, deque[tuple[float, Job]]] = {}
        self._turn: deque[str] = deque()
        self._running: dict[str, int] = {}
        self._stalled: set[str] = set()
        self._count = 0
        self._octets = 0

    def __len__(self) -> int:
        """Jobs that wait or run."""
        return self._count

    @property
    def room(self) -> int:
        """Jobs that may still be pushed."""
        return max(0, self._limit - self._count)

    @property
    def is_worth_filling(self) -> bool:
        """Say whether a tenth of the queue is free: to claim for less is not worth a commit."""
        return self._limit - self._count >= self._refill

    @property
    def octets_room(self) -> int:
        """Octets of content that may still come into memory."""
        return max(0, self._octets_limit - self._octets)

    def has_room(self, size: int) -> bool:
        """Say whether a message of `size` bytes may be kept in memory until it is delivered.

        A single message larger than the whole bound is let in when nothing else is held.
        """
        fits = self._octets + size <= self._octets_limit or self._octets == 0
        return self._count < self._limit and fits

    @property
    def busy(self) -> frozenset[str]:
        """Destinations with enough to do: mail for them had better wait in the ledger.

        Enough is several times what may run, so that no slot is idle while more is fetched; or no
        more than what runs, where what waited has been taken out and nothing has ended since.
        """
        return frozenset(
            name
            for name, running in self._running.items()
            if running >= (share := self._share(name))
            and (name in self._stalled or len(self._waiting.get(name, ())) >= _AHEAD * share)
        )

    def take_hungry(self, most: int) -> dict[str, int]:
        """Return which destinations could have gone on, and how many jobs each wants.

        Those that got most done come first; they want `most` jobs at most together. Without them
        a large destination among thousands would get its next job when all others had theirs.
        """
        wanted: dict[str, int] = {}
        for name in nlargest(_FIRST, self._hungry, key=lambda name: self._earned.get(name, 0)):
            lacking = min(most, self._wanted(name))
            if lacking > 0:
                wanted[name] = lacking
                most -= lacking
        self._hungry.clear()
        return wanted

    def _wanted(self, name: str) -> int:
        """Return for how many more jobs a destination has use: to run, and some to follow."""
        share = self._share(name)
        held = self._running.get(name, 0) + len(self._waiting.get(name, ()))
        return share + share - self._initial - held

    def _share(self, name: str) -> int:
        """Return how many jobs may run for a destination at once."""
        return min(self._parallel, self._initial + self._earned.get(name, 0))

    def push(self, job: Job, at: float) -> None:
        """Add a job at the time `at`, in seconds; the caller has asked for room before."""
        name = job.destination
        self._forget(at)
        self._idle.pop(name, None)
        self._hungry.pop(name, None)
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

    def done(self, job: Job, at: float) -> bool:
        """Free the slot of a job that `pop` gave out; say whether it is time to fetch more."""
        name = job.destination
        self._stalled.discard(name)
        share, waiting = self._share(name), len(self._waiting.get(name, ()))
        was_full = self._running[name] >= share
        self._leave(name, at)
        self._count -= 1
        self._octets -= _octets(job)
        if was_full and waiting:
            self._turn.append(name)
        if not waiting:
            self._hungry[name] = None
        # Said once as it falls below what is enough, and at the end: what is asked for more often
        # would be asked for in vain while there is no more. So it is with the queue as a whole.
        is_short = was_full and waiting in (0, _AHEAD * share)
        return is_short or self._limit - self._count == self._refill

    def _leave(self, name: str, at: float) -> None:
        """Have one job less that runs, and one slot earned."""
        self._earned[name] = self._earned.get(name, 0) + 1
        self._running[name] -= 1
        if self._running[name]:
            return
        del self._running[name]
        if name not in self._waiting:
            self._idle[name] = at
            self._forget(at)

    def _forget(self, at: float) -> None:
        """Let destinations begin anew that have been idle for long."""
        while self._idle:
            name, since = next(iter(self._idle.items()))
            if since > at - _MEMORY and len(self._idle) <= _REMEMBERED:
                return
            del self._idle[name], self._earned[name]

    def drain(self, pushed_before: float = math.inf) -> list[Job]:
        """Take out the jobs that wait since before `pushed_before`; those that run stay."""
        taken: list[Job] = []
        for name, jobs in list(self._waiting.items()):
            if name in self._running and jobs[0][0] < pushed_before:
                self._stalled.add(name)
            while jobs and jobs[0][0] < pushed_before:
                taken.append(jobs.popleft()[1])
            if not jobs:
                del self._waiting[name]
                if name not in self._running:
                    self._earned.pop(name, None)
        self._turn = deque(name for name in self._turn if name in self._waiting)
        self._count -= len(taken)
        self._octets -= sum(map(_octets, taken))
        return taken


def _octets(job: Job) -> int:
    return job.content.size if job.content is not None else 0
