"""What is written down while we talk to a target; it becomes a `TargetTry` of the record."""

from collections.abc import Sequence
from datetime import datetime

from relay.clock import Clock
from tracker.model import Origin, Phase, Reply, Step, Target, TargetTry, TlsFacts


class SessionFault(Exception):
    """A session came to its end without a word on the recipients.

    Without `detail`, the `reply` says it all; with one, the reply is no more than a part of what
    went wrong, and its code means nothing.
    """

    def __init__(
        self,
        phase: Phase,
        detail: str,
        origin: Origin,
        reply: Reply | None = None,
        *,
        has_way: bool = True,
    ) -> None:
        super().__init__(detail or (reply.text if reply else ""))
        self.phase = phase
        self.detail = detail
        self.origin = origin
        self.reply = reply
        self.has_way = has_way
        """False when this machine knows no way to the address, e.g. has no IPv6."""


class Evidence:
    """Facts of a session, and the steps since `restart`."""

    def __init__(self, target: Target, clock: Clock, tls_policy: str) -> None:
        self.target = target
        self.tls_policy = tls_policy
        self.source_address: str | None = None
        self.ehlo_name: str | None = None
        self.tls: TlsFacts | None = None
        self.tls_problem: str | None = None
        self.extensions: tuple[str, ...] = ()
        self.greeted = False
        """True once the target has said anything in SMTP."""
        self.reused = False
        self.steps: list[Step] = []
        self._clock = clock
        self._started_at: datetime = clock.now()
        self._began = self._lap = clock.monotonic()

    def restart(self) -> None:
        """Begin the record of another transaction on the same session."""
        self.reused = True
        self.steps = []
        self._started_at = self._clock.now()
        self._began = self._lap = self._clock.monotonic()

    def start_step(self) -> None:
        """Measure the next step from now on."""
        self._lap = self._clock.monotonic()

    def step(self, command: str, reply: Reply | None, came_at: float | None = None) -> None:
        """Note a command and its reply; the time is what has passed since the step before.

        `came_at` is when the reply came, if not just now: those of a group are noted together.
        """
        at = self._clock.monotonic() if came_at is None else came_at
        milliseconds = round((at - self._lap) * 1000, 3)
        self._lap = at
        self.steps.append(Step(command=command, reply=reply, milliseconds=milliseconds))

    def to_try(
        self, phase: Phase, reply: Reply | None, detail: str, steps: Sequence[Step] | None = None
    ) -> TargetTry:
        """Return it as a part of the record; `steps` where not all concern the recipient."""
        return TargetTry(
            target=self.target,
            reused=self.reused,
            phase=phase,
            reply=reply,
            detail=detail,
            started_at=self._started_at,
            milliseconds=round((self._clock.monotonic() - self._began) * 1000, 3),
            source_address=self.source_address,
            ehlo_name=self.ehlo_name,
            tls_policy=self.tls_policy,
            tls=self.tls,
            tls_problem=self.tls_problem,
            extensions=self.extensions,
            steps=tuple(self.steps if steps is None else steps),
        )
