"""Hands recipients over to one target, over a session that waits or a new one."""

from collections.abc import Callable, Sequence
from functools import partial

from config.settings import Route, Settings
from relay.clock import Clock
from relay.course import Course
from relay.pool import Pool
from relay.tls import BrokenTls, ClientTls
from relay.transport.content import Source
from relay.transport.evidence import SessionFault
from relay.transport.probe import Probe
from relay.transport.session import Manner, Session
from relay.transport.transaction import Transaction
from tracker.model import LeaseToken, Recipient, RecipientId, Target

Enter = Callable[[LeaseToken, Sequence[RecipientId]], None]
"""Notes, for whoever comes after a crash, that the final dot for recipients is about to be sent.

Raises LeaseLost when the lease is not surely ours: then nothing may be sent.
"""


class Handover:
    """Speaks with targets for a `Delivery`, as the routes say."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        pool: Pool,
        tls: ClientTls,
        spare: Callable[[str], int],
        enter: Enter,
    ) -> None:
        """`spare` tells how many sessions of a group may be open beside those that are held."""
        self._settings = settings
        self._clock = clock
        self._pool = pool
        self._tls = tls
        self._broken_tls = BrokenTls(settings.delivery.broken_tls_memory, clock)
        self._spare = spare
        self._enter = enter
        self._manners = {
            route.domain: self._manner_on(route) for route in reversed(settings.routes)
        }
        self._plain_manner = Manner(
            ehlo_name=settings.hostname,
            tls=settings.delivery.tls,
            source_address=settings.delivery.source_address,
        )

    def has_session(self, course: Course, target: Target) -> bool:
        """Say whether a session with `target` waits for mail like this."""
        return self._pool.has(target, self._manner_of(course))

    async def hand_over(
        self, course: Course, target: Target, source: Source
    ) -> SessionFault | None:
        """Try one target until no recipient is left or it fails us; return how it failed.

        Where it broke off at one recipient, others get one more session.
        """
        manner = self._manner_of(course)
        session = self._pool.take(target, manner)
        course.dialled += 1
        while course.undecided:
            try:
                session = session or await self._open(course, target, manner)
            except SessionFault as problem:
                return problem
            recipients = course.undecided[: self._limit_on(session)]
            transaction, is_tired = await self._run_transaction(course, session, source, recipients)
            if transaction.fault is None and course.undecided and self._pool.may_go_on(session):
                session.evidence.restart()
                continue
            if transaction.fault is None:
                self._pool.give(session, course.group)
            elif not is_tired:
                groups = course.regroup(transaction, self._limit_on(session))
                return await self._try_groups(course, target, source, groups) or transaction.fault
            session = None
        return None

    async def _try_groups(
        self, course: Course, target: Target, source: Source, groups: Sequence[list[Recipient]]
    ) -> SessionFault | None:
        """Try group by group on one more session, until it fails; return how, if there is none."""
        if not groups:
            return None
        try:
            session = await self._open(course, target, self._manner_of(course))
        except SessionFault as problem:
            return problem
        for group in groups:
            transaction, _ = await self._run_transaction(course, session, source, group)
            if transaction.fault is not None:
                return None
            if group is groups[-1] or not self._pool.may_go_on(session):
                break
            session.evidence.restart()
        self._pool.give(session, course.group)
        return None

    async def _open(self, course: Course, target: Target, manner: Manner) -> Session:
        """Return a new session. Raises SessionFault, which is then on record."""
        await self._pool.make_room(course.group, self._spare(course.group))
        session = self._session(target, manner)
        try:
            await session.open()
        except SessionFault as problem:
            course.take_opening_fault(session.evidence, problem)
            raise
        return session

    def _limit_on(self, session: Session) -> int:
        """Return how many recipients a transaction may have."""
        limit = self._settings.delivery.recipients_per_transaction
        return min(limit, session.extensions.recipients_limit or limit)

    async def _run_transaction(
        self, course: Course, session: Session, source: Source, recipients: list[Recipient]
    ) -> tuple[Transaction, bool]:
        """Try `recipients`.

        The second value is true when its fault says nothing about the target: a session that had
        served before was refused before anything was taken. A fresh one is the answer to that.
        """
        # A probe takes the same way, and stops before the message.
        transaction = (Probe if course.is_probe else Transaction)(
            session,
            course.job.message,
            recipients,
            source,
            partial(self._enter, course.job.lease),
        )
        session.transactions += 1
        await transaction.run()
        is_tired = session.evidence.reused and transaction.is_untouched
        course.take_transaction(transaction, recipients, counts=not is_tired)
        if transaction.fault is not None:
            self._pool.dismiss(session, course.group)
        return transaction, is_tired

    def _session(self, target: Target, manner: Manner) -> Session:
        return Session(
            target,
            manner,
            self._settings.delivery.timeouts,
            self._clock,
            self._tls,
            self._broken_tls,
        )

    def _manner_on(self, route: Route) -> Manner:
        """Return how we talk to targets on `route`; a password turns TLS into a demand."""
        settings = self._settings
        tls = route.tls
        if tls == "opportunistic" and route.username and not route.allow_cleartext_password:
            tls = "verified"
        return Manner(
            ehlo_name=settings.hostname,
            tls=tls,
            source_address=settings.delivery.source_address,
            username=route.username,
            password=route.password,
            allow_cleartext_password=route.allow_cleartext_password,
        )

    def _manner_of(self, course: Course) -> Manner:
        return self._manners.get(course.way.pattern, self._plain_manner)
