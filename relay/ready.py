"""The jobs that a worker holds in memory, in turn by destination. Nothing here waits.

Bounded in jobs and in bytes of content: what finds no room stays in the ledger and is claimed
later. Each destination runs at most `parallel` jobs at once, so that a slow one takes no more
than its share of the worker's tasks. What has been delivered needs its destination no longer, only
the ledger: it makes room for the next one, unless too many wait to be settled.
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

    def __init__(
        self, *, jobs: int, octets: int, parallel: int, initial: int, unsettled: int
    ) -> None:
        """Hold at most `jobs` jobs whose contents in memory sum to at most `octets` bytes.

        A destination begins with `initial` jobs side by side and earns one more with each that
        comes to an end, up to `parallel`: hundreds that swallow every connection would otherwise
        fill the memory with jobs that wait for their timeouts, and keep out all other mail. None
        is begun while `unsettled` jobs of its destination wait for the ledger: if we die, nobody
        knows what has become of them.
        """
        self._limit = jobs
        self._refill = max(1, jobs // 10)
        self._octets_limit = octets
        self._parallel = parallel
        self._initial = min(initial, parallel)
        self._unsettled = unsettled
        self._earned: dict[str, int] = {}
        self._idle: OrderedDict[str, float] = OrderedDict()
        """Since when a destination that has earned something is idle; the longest first."""
        self._hungry: dict[str, None] = {}
        """Destinations that have run out of jobs while they had a free slot."""
        self._waiting: dict[str, deque[tuple[float, Job]]] = {}
        self._turn: deque[str] = deque()
        self._running: dict[str, int] = {}
        self._settling: dict[str, int] = {}
        self._stalled: set[str] = set()
        self._plenty: set[str] = set()
        """Destinations of which more jobs wait than are enough."""
        self._crowded: set[str] = set()
        """Destinations that have had more jobs than could run since none of theirs waited."""
        self._short: set[str] = set()
        """Destinations for which it is time to fetch more, until that has been said."""
        self._count = 0
        self._octets = 0

    def __len__(self) -> int:
        """Jobs that wait, run or are being settled."""
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
            for name in self._running.keys() | self._settling.keys()
            if not self._has_slot(name)
            and (name in self._stalled or len(self._waiting.get(name, ())) >= self._enough(name))
        )

    def _enough(self, name: str) -> int:
        return _AHEAD * self._share(name)

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

    def _has_slot(self, name: str) -> bool:
        """Say whether one more job may run for a destination."""
        is_settled = self._settling.get(name, 0) < self._unsettled
        return is_settled and self._running.get(name, 0) < self._share(name)

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
        if not self._has_slot(name):
            self._crowded.add(name)
        elif len(waiting) == 1:
            self._turn.append(name)
        if len(waiting) > self._enough(name):
            self._plenty.add(name)
        self._count += 1
        self._octets += _octets(job)

    def pop(self) -> Job | None:
        """Take the next job whose destination has a free slot; it counts as running."""
        if not self._turn:
            return None
        name = self._turn.popleft()
        waiting = self._waiting[name]
        _, job = waiting.popleft()
        self._running[name] = self._running.get(name, 0) + 1
        if not waiting:
            del self._waiting[name]
        elif self._has_slot(name):
            self._turn.append(name)
        else:
            self._crowded.add(name)
        self._watch(name, len(waiting))
        return job

    def _watch(self, name: str, waiting: int) -> None:
        """Note it when what waits falls below what is enough, and at its end.

        Once for each: what is asked for more often would be asked for in vain while there is no
        more. Who could always run all there was, has had all there is.
        """
        if name in self._plenty and waiting <= self._enough(name):
            self._plenty.remove(name)
            self._short.add(name)
        if not waiting and name in self._crowded:
            self._crowded.remove(name)
            self._short.add(name)

    def delivered(self, job: Job) -> bool:
        """Free the slot of a job that `pop` gave out; say whether it is time to fetch more."""
        name = job.destination
        self._stalled.discard(name)
        was_open = self._has_slot(name)
        self._earned[name] = self._earned.get(name, 0) + 1
        _take_one(self._running, name)
        self._settling[name] = self._settling.get(name, 0) + 1
        self._change_turn(name, was_open=was_open)
        if name not in self._waiting:
            self._hungry[name] = None
        return self._say_short(name)

    def done(self, job: Job, at: float) -> bool:
        """Let go of a job that is `delivered`; say whether it is time to fetch more."""
        name = job.destination
        self._stalled.discard(name)
        was_open = self._has_slot(name)
        _take_one(self._settling, name)
        self._change_turn(name, was_open=was_open)
        if not self._is_at_work(name) and name not in self._waiting:
            self._idle[name] = at
            self._forget(at)
        self._count -= 1
        self._octets -= _octets(job)
        return self._say_short(name) or self._limit - self._count == self._refill

    def _say_short(self, name: str) -> bool:
        if name not in self._short:
            return False
        self._short.remove(name)
        return True

    def _change_turn(self, name: str, *, was_open: bool) -> None:
        """Let a destination take turns that has a slot only now, and one no longer that had one."""
        if name in self._waiting and self._has_slot(name) is not was_open:
            if was_open:
                self._turn.remove(name)
            else:
                self._turn.append(name)

    def _is_at_work(self, name: str) -> bool:
        return name in self._running or name in self._settling

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
            if self._is_at_work(name) and jobs[0][0] < pushed_before:
                self._stalled.add(name)
                self._short.add(name)
            while jobs and jobs[0][0] < pushed_before:
                taken.append(jobs.popleft()[1])
            if not jobs:
                del self._waiting[name]
                self._plenty.discard(name)
                self._crowded.discard(name)
                if not self._is_at_work(name):
                    self._earned.pop(name, None)
        self._turn = deque(name for name in self._turn if name in self._waiting)
        self._count -= len(taken)
        self._octets -= sum(map(_octets, taken))
        return taken


def _take_one(counts: dict[str, int], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]


def _octets(job: Job) -> int:
    return job.content.size if job.content is not None else 0
