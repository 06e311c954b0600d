"""What has come of an attempt so far, for the recipients that go one way together.

It gathers tries and rulings while `relay.deliver` goes from target to target, and makes one
`Attempt` for each recipient of them in the end.
"""

from datetime import datetime
from typing import NamedTuple

from relay.classify import PHASES, Classified, classify_reply, classify_silence
from relay.clock import Clock
from relay.regroup import regroup
from relay.resolve import Refusal
from relay.transport.evidence import Evidence, SessionFault
from relay.transport.transaction import Ruling, Transaction
from tracker.model import (
    Attempt,
    AttemptId,
    Job,
    Origin,
    Outcome,
    Phase,
    Recipient,
    RecipientId,
    Target,
    TargetTry,
)
from tracker.routing import Way


class _Failure(NamedTuple):
    """How a target failed those who were still undecided."""

    fault: SessionFault
    target: Target
    transaction: Transaction | None = None
    """In which it happened, if it came to one: it may have been about one recipient."""

    def weight_for(self, recipient: RecipientId) -> tuple[bool, int, bool]:
        """Return how much it tells about `recipient`: the greatest counts.

        That of a transaction with him, then the one that came furthest, then the one that was about
        him and not about another.
        """
        transaction = self.transaction
        if transaction is None:
            return True, self.depth, True
        return transaction.is_with(recipient), self.depth, transaction.is_about(recipient)

    def ruling_on(self, recipient: RecipientId) -> Ruling:
        """Return what it means for `recipient`."""
        met = self.transaction.fault_for(recipient) if self.transaction else None
        fault = met or self.fault
        outcome, origin = _classify(fault)
        return Ruling(
            outcome=outcome,
            origin=origin,
            phase=fault.phase,
            reply=fault.reply,
            detail=fault.detail,
        )

    @property
    def is_lasting(self) -> bool:
        """True when to try again is of no use."""
        return _classify(self.fault).outcome is Outcome.FAILED

    @property
    def depth(self) -> int:
        """How far we had come: the further, the more the failure tells."""
        return PHASES.index(self.fault.phase)


def _classify(fault: SessionFault) -> Classified:
    if fault.reply is not None and not fault.detail:
        return classify_reply(fault.reply, fault.phase)
    return classify_silence(fault.phase, fault.origin)


class Course:
    """One attempt at recipients with the same way."""

    def __init__(
        self,
        *,
        job: Job,
        recipients: tuple[Recipient, ...],
        way: Way,
        clock: Clock,
        node: str,
        config_revision: str,
        is_probe: bool = False,
    ) -> None:
        self.job = job
        self.is_probe = is_probe
        self.recipients = recipients
        self.way = way
        self.group = ""
        self.undecided = list(recipients)
        self.dialled = 0
        """Targets that were dialled, or whose open connection was used."""
        self.reachable: bool | None = None
        self.trouble = ""
        """Why it was not reachable."""
        self._clock = clock
        self._node = node
        self._config_revision = config_revision
        self._started_at = clock.now()
        self._tries: dict[RecipientId, list[TargetTry]] = {r.id: [] for r in recipients}
        self._decided: dict[RecipientId, tuple[Ruling, Target | None]] = {}
        self._failures: list[_Failure] = []
        self._may_regroup = True

    @property
    def number(self) -> int:
        """The number of this attempt, of the recipient tried most."""
        return max(recipient.attempts for recipient in self.recipients) + 1

    @property
    def is_untried(self) -> bool:
        """True while no target was dialled and none has said anything."""
        return not self.dialled and not self.reachable

    def skip(self, target: Target, why: str) -> None:
        """Note a target that is not dialled."""
        phase = Phase.CONNECT if target.address else Phase.DNS
        skipped = TargetTry(
            target=target, skipped=True, phase=phase, detail=why, started_at=self._clock.now()
        )
        for recipient in self.undecided:
            self._tries[recipient.id].append(skipped)

    def take_opening_fault(self, evidence: Evidence, fault: SessionFault) -> None:
        """Note a target with which no session came about."""
        self.dialled -= not fault.has_way
        # Who does not let us in is as good as out of reach: a password that is tried anew for each
        # message gets the account locked.
        lets_in = fault.phase is not Phase.AUTH
        self._note_reach(evidence.greeted and lets_in, str(fault))
        attempt = evidence.to_try(fault.phase, fault.reply, fault.detail)
        for recipient in self.undecided:
            self._tries[recipient.id].append(attempt)
        self._failures.append(_Failure(fault, evidence.target))

    def take_transaction(
        self, transaction: Transaction, recipients: list[Recipient], *, counts: bool
    ) -> None:
        """Note what `recipients` were told; a fault is one of the target if it `counts`."""
        self._note_reach(True, "")
        target = transaction.target
        for recipient, attempt in zip(recipients, transaction.tries(), strict=True):
            self._tries[recipient.id].append(attempt)
        for recipient_id, ruling in transaction.rulings.items():
            self._decided[recipient_id] = (ruling, target)
        self.undecided = [r for r in self.undecided if r.id not in self._decided]
        if transaction.fault is not None and counts:
            self._failures.append(_Failure(transaction.fault, target, transaction))

    def regroup(self, transaction: Transaction, limit: int) -> list[list[Recipient]]:
        """Return whom to try on one more session after `transaction` failed: once in an attempt.

        They are in groups for a transaction each; none unless it failed at a recipient.
        """
        suspects = transaction.suspects
        if not suspects or not self._may_regroup:
            return []
        behind = [r for r in self.undecided if not transaction.is_with(r.id)]
        groups = regroup(
            transaction.accepted,
            list(suspects.values()),
            [*transaction.unasked, *behind],
            number=self.number,
            limit=limit,
        )
        self._may_regroup = not groups
        return groups

    def refuse(self, refusal: Refusal) -> None:
        """Rule on everybody: there is no target."""
        if refusal.origin is Origin.NETWORK:
            self._note_reach(False, refusal.detail)
        ruling = Ruling(
            outcome=refusal.outcome,
            origin=refusal.origin,
            phase=refusal.phase,
            detail=refusal.detail,
        )
        self._rule_undecided(ruling, None)

    def postpone(self, detail: str) -> None:
        """Rule on everybody when a local gate closed and others of the job have been tried."""
        ruling = Ruling(
            outcome=Outcome.DEFERRED, origin=Origin.LOCAL, phase=Phase.ROUTING, detail=detail
        )
        self._rule_undecided(ruling, None)

    def attempts(self) -> tuple[Attempt, ...]:
        """Return one attempt for each recipient."""
        self._rule_by_failures()
        return self.so_far()

    def so_far(self) -> tuple[Attempt, ...]:
        """Return one attempt for each recipient that has been ruled on by now."""
        ended_at = self._clock.now()
        return tuple(
            self._attempt(recipient, *self._decided[recipient.id], ended_at)
            for recipient in self.recipients
            if recipient.id in self._decided
        )

    def _rule_by_failures(self) -> None:
        """Let the failure that tells most speak for each; temporary ones come before others."""
        waiting = [failure for failure in self._failures if not failure.is_lasting]
        for recipient in self.undecided:
            *_, decisive = sorted(
                waiting or self._failures, key=lambda each: each.weight_for(recipient.id)
            )
            self._decided[recipient.id] = (decisive.ruling_on(recipient.id), decisive.target)
        self.undecided = []

    def _rule_undecided(self, ruling: Ruling, target: Target | None) -> None:
        for recipient in self.undecided:
            self._decided[recipient.id] = (ruling, target)
        self.undecided = []

    def _note_reach(self, greeted: bool, trouble: str) -> None:
        if greeted:
            self.reachable, self.trouble = True, ""
        elif self.reachable is None:
            self.reachable, self.trouble = False, trouble

    def _attempt(
        self, recipient: Recipient, ruling: Ruling, target: Target | None, ended_at: datetime
    ) -> Attempt:
        return Attempt(
            id=AttemptId(self._clock.mint()),
            message_id=recipient.message_id,
            recipient_id=recipient.id,
            number=recipient.attempts + 1,
            trigger=self.job.trigger,
            started_at=self._started_at,
            ended_at=ended_at,
            outcome=ruling.outcome,
            origin=ruling.origin,
            phase=ruling.phase,
            reply=ruling.reply,
            detail=ruling.detail,
            destination=self.way.destination,
            target=target,
            tries=tuple(self._tries[recipient.id]),
            remote_queue_id=ruling.remote_queue_id,
            dsn_handed_on=ruling.dsn_handed_on,
            node=self._node,
            config_revision=self._config_revision,
        )
