"""What stops mail for a group of MX hosts on our side: no free connection, or the rate limit.

Both limits are the cluster's, of which this worker has a share. What it may not deliver now goes
back to the ledger untried, for whichever worker may; and destinations whose mail was stopped here
are not claimed again as long as it would only be stopped once more.
"""

from datetime import timedelta
from typing import NamedTuple

from config.settings import DeliverySettings
from relay.clock import Clock
from relay.limits import GroupSlots, NoSlots
from relay.rates import Rates
from relay.share import share_in
from tracker.model import Census, Gate, Job, LeaseToken, Postponement

_REMEMBERED = 10_000
"""Destinations that are passed over at most; the others are claimed, and stopped once more."""


_TRUSTED = 300.0
"""Seconds that a destination is taken to belong to the group that it was found in."""


class _Stopped(NamedTuple):
    group: str
    until: float


class Gates:
    """Lets jobs through to their group, or says why not."""

    def __init__(self, settings: DeliverySettings, clock: Clock) -> None:
        self._slots = GroupSlots(
            initial=settings.concurrency_initial, maximum=settings.concurrency_max
        )
        self._most = settings.concurrency_max
        self._rates = Rates(settings.rate_max)
        self._words = (
            "1 message a minute"
            if settings.rate_max == 1
            else f"{settings.rate_max} messages a minute"
        )
        self._clock = clock
        self._stopped: dict[str, _Stopped] = {}
        """What is remembered of mail that was stopped, by destination."""

    def rebalance(self, census: Census, lease: LeaseToken) -> None:
        """Share the limits with whoever is alive. We are who holds `lease`, if that is alive."""
        share = share_in(census, lease)
        if share is not None:
            self._slots.rebalance(share)
            # Who has no connection needs no tokens either.
            sending = min(share.workers, self._most)
            self._rates.rebalance(sending, self._clock.monotonic())

    async def enter(self, group: str, job: Job) -> Postponement | None:
        """Wait for a connection to `group` and hold it until `leave`, or return why `job` may not.

        A token of the rate is taken last: waiting for a connection must not save up tokens.
        """
        stopped = await self._stop(group, job)
        if stopped is not None and len(self._stopped) < _REMEMBERED:
            until = self._clock.monotonic() + _TRUSTED
            self._stopped[job.destination] = _Stopped(group, until)
        return stopped

    def leave(self, group: str) -> None:
        """Give back what `enter` has let somebody hold."""
        self._slots.free(group)

    def spare(self, group: str) -> int:
        """Return how many connections to `group` may be open beside those that are held."""
        return self._slots.spare(group)

    def feed_back(self, group: str, *, good: bool) -> None:
        """Let the outcome of one delivery move the limit of `group`."""
        self._slots.feed_back(group, good=good)

    @property
    def closed(self) -> frozenset[str]:
        """Destinations whose mail would be stopped here if it were claimed now."""
        if self._stopped:
            now = self._clock.monotonic()
            self._stopped = {
                destination: stopped
                for destination, stopped in self._stopped.items()
                if now < stopped.until and self._is_shut(stopped.group, now)
            }
        return frozenset(self._stopped)

    def _is_shut(self, group: str, now: float) -> bool:
        return not self._slots.maximum(group) or self._rates.is_spent(group, now)

    async def _stop(self, group: str, job: Job) -> Postponement | None:
        """Return why `job` may not go; else a connection is held."""
        if self._rates.is_limited:
            now = self._clock.monotonic()
            if self._slots.maximum(group) and self._rates.is_spent(group, now):
                # At the same moment: a token that comes meanwhile would let it go without
                # connection.
                return self._without_token(group, job, now)
        try:
            await self._slots.take(group)
        except NoSlots:
            return self._without_share(group)
        if not self._rates.is_limited:
            return None
        stopped = self._without_token(group, job, self._clock.monotonic())
        if stopped is not None:
            self._slots.free(group)
        return stopped

    def _without_share(self, group: str) -> Postponement:
        return Postponement(
            gate=Gate.CONCURRENCY,
            until=self._clock.now(),
            detail=f"All connections to {group} belong to other workers",
        )

    def _without_token(self, group: str, job: Job, now: float) -> Postponement | None:
        """Take a token; else say when the turn of `job` comes, by its deadline at the latest."""
        has_waited = not job.is_fresh
        wait = self._rates.take(group, now, has_waited=has_waited)
        if not wait:
            return None
        deadline = min(recipient.expires_at for recipient in job.recipients)
        return Postponement(
            gate=Gate.RATE,
            until=min(self._clock.now() + timedelta(seconds=wait), deadline),
            detail=f"{group} gets at most {self._words}",
        )
