"""Carries one job to its destination: one attempt at each of its recipients.

Targets are tried in order until every recipient has been told something final for this attempt.
No transaction of the ledger is open meanwhile, and nothing here decides what an attempt means for
the queue: that is `relay.decide`.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from config.settings import Settings
from relay.clock import Clock
from relay.course import Course
from relay.dns import Resolver, ResolverSilent
from relay.gates import Gates
from relay.handover import Enter, Handover
from relay.pool import Pool
from relay.resolve import Candidate, Resolution, Rules, targets
from relay.tls import ClientTls
from relay.transport.content import Source
from tracker.model import (
    Attempt,
    Gate,
    Job,
    Origin,
    Phase,
    Postponement,
    Recipient,
    WholeContent,
)
from tracker.routing import Routes, Way

_DNS_PAUSE = timedelta(seconds=30)
"""How long mail waits when our own resolver answers nothing."""
_LOCAL_PAUSE = timedelta(minutes=1)
"""How long mail waits after a fault of this machine, such as no free descriptors."""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt at a job has brought."""

    attempts: tuple[Attempt, ...]
    """Exactly one for each recipient of the job, unless it was broken off."""
    reachable: bool | None
    """Whether any target of the destination greeted us, and let us in where it has to; None when
    we did not get to dial."""
    detail: str = ""
    """Why it was not reachable."""
    group: str = ""
    """The name that the hosts of the provider share; empty when unknown."""


class BrokenOff(Exception):
    """A delivery was ended from this side when some of its recipients had been ruled on.

    What ended it is the cause.
    """

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        super().__init__(f"{len(attempts)} recipients had been ruled on")
        self.attempts = attempts
        """One for each of them."""


class Delivery:
    """Carries jobs. One for each process; `deliver` may run many times at once."""

    def __init__(
        self,
        *,
        settings: Settings,
        routes: Routes,
        resolver: Resolver,
        clock: Clock,
        pool: Pool,
        tls: ClientTls,
        gates: Gates,
        enter: Enter,
        node: str,
        config_revision: str,
        own_addresses: Sequence[str] = (),
    ) -> None:
        """`own_addresses` are those at which mail for this very relay arrives."""
        self._resolver = resolver
        self._clock = clock
        self._gates = gates
        self._node = node
        self._config_revision = config_revision
        self._rules = Rules.of(settings, own_addresses)
        self._routes = routes
        self._lasting: dict[str, Resolution] = {}
        """What need not be looked up again, by the pattern of its route."""
        self._handover = Handover(
            settings=settings,
            clock=clock,
            pool=pool,
            tls=tls,
            spare=gates.spare,
            enter=enter,
        )

    async def deliver(self, job: Job, source: Source) -> Delivered | Postponement:
        """Try every recipient of `job` once.

        `source` may be read several times, for several transactions or targets. Recipients whose
        route has changed since they were queued go where they are to go now; those that somebody
        has sent another way go there.

        Whatever ends it from this side, cancellation included, raises BrokenOff when there is
        anything to tell by then: who has the message must not get it again.
        """
        courses = self._plan(job)
        try:
            results = [(course, await self._follow(course, source)) for course in courses]
        except (Exception, asyncio.CancelledError) as fault:
            known = [attempt for course in courses for attempt in course.so_far()]
            if not known:
                raise
            raise BrokenOff(known) from fault
        stopped = [(course, why) for course, why in results if why is not None]
        if len(stopped) == len(courses):
            return min((why for _, why in stopped), key=lambda why: why.until)
        for course, why in stopped:
            course.postpone(why.detail)
        attempts = tuple(attempt for course in courses for attempt in course.attempts())
        reached = [course.reachable for course in courses if course.reachable is not None]
        return Delivered(
            attempts=attempts,
            reachable=any(reached) if reached else None,
            detail=next((course.trouble for course in courses if course.trouble), ""),
            group=courses[0].group,
        )

    async def probe(self, job: Job) -> Attempt | Postponement:
        """Ask whether the only recipient of `job` would be taken now; no message is sent.

        What comes of it counts as no attempt.
        """
        (course,) = self._plan(job, is_probe=True)
        stopped = await self._follow(course, WholeContent(b""))
        return stopped or course.attempts()[0]

    def _plan(self, job: Job, *, is_probe: bool = False) -> list[Course]:
        """Group the recipients by the way they are to go now: nearly always one."""
        ways: dict[tuple[str, str], tuple[Way, list[Recipient]]] = {}
        for recipient in job.recipients:
            way = self._routes.way_for(recipient.domain, recipient.next_hop)
            key = (way.destination, way.pattern)
            if key in ways:
                ways[key][1].append(recipient)
            else:
                ways[key] = (way, [recipient])
        return [
            Course(
                job=job,
                recipients=tuple(recipients),
                way=way,
                clock=self._clock,
                node=self._node,
                config_revision=self._config_revision,
                is_probe=is_probe,
            )
            for way, recipients in ways.values()
        ]

    async def _follow(self, course: Course, source: Source) -> Postponement | None:
        """Resolve and try the targets. Returns what a local gate had to say."""
        try:
            resolution = await self._resolve(course)
        except ResolverSilent as silence:
            until = self._clock.now() + _DNS_PAUSE
            return Postponement(gate=Gate.DNS, until=until, detail=str(silence))
        course.group = resolution.group
        if resolution.refusal is not None:
            for candidate in resolution.candidates:
                course.skip(candidate.target, candidate.barred)
            course.refuse(resolution.refusal)
            return None
        stopped = await self._gates.enter(resolution.group, course.job)
        if stopped is not None:
            return stopped
        try:
            return await self._try_targets(course, resolution, source)
        finally:
            self._gates.leave(resolution.group)

    async def _resolve(self, course: Course) -> Resolution:
        """Return the targets. Raises ResolverSilent."""
        pattern = course.way.pattern
        resolution = self._lasting.get(pattern)
        if resolution is None:
            resolution = await targets(
                course.recipients[0].domain,
                course.way.route,
                self._resolver,
                self._rules,
                attempt=course.number,
                chance=self._clock.chance,
            )
            if resolution.is_lasting:
                self._lasting[pattern] = resolution
        return resolution

    async def _try_targets(
        self, course: Course, resolution: Resolution, source: Source
    ) -> Postponement | None:
        for candidate in self._in_order(course, resolution.candidates):
            if not course.undecided:
                break
            if candidate.barred:
                course.skip(candidate.target, candidate.barred)
            elif course.dialled >= self._rules.limit:
                why = f"Not tried: {course.dialled} addresses are enough for one attempt"
                course.skip(candidate.target, why)
            else:
                fault = await self._handover.hand_over(course, candidate.target, source)
                if fault is not None and fault.origin is Origin.LOCAL and course.is_untried:
                    until = self._clock.now() + _LOCAL_PAUSE
                    return Postponement(gate=Gate.LOCAL, until=until, detail=fault.detail)
                if fault is not None and fault.phase is Phase.AUTH:
                    break  # the same password again only leads to a locked account
        return None

    def _in_order(self, course: Course, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Put first, of those that are as good as the first, whom we have a connection to.

        Among equal exchanges chance decides (RFC 5321 5.1), but for each connection and not for
        each message: else most would have to open one. A later attempt is not held to whom an
        earlier one has been to.
        """
        if len(candidates) > 1 and course.number == 1:
            for candidate in candidates:
                if candidate.target.preference != candidates[0].target.preference:
                    break
                if not candidate.barred and self._handover.has_session(course, candidate.target):
                    return [candidate, *[each for each in candidates if each is not candidate]]
        return candidates
