"""The corrections of an operator, and what they are made from and applied to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tracker.explain import RuleBook
from tracker.explain.correction import Correction, RuleAct
from tracker.model import Attempt
from tracker.views import OlderJudgements, Reclassifying


class Rules(Protocol):
    """The corrections of an operator, and what they are made from and applied to."""

    async def corrections(self) -> Sequence[Correction]:
        """Return all, the one that is tried first at the head: the newest."""
        ...

    async def rule_acts(self, limit: int) -> Sequence[RuleAct]:
        """Return who changed the corrections, newest first."""
        ...

    async def add_correction(self, correction: Correction) -> bool:
        """Add; False when there are as many as there may be."""
        ...

    async def switch_correction(self, id: str, *, on: bool, actor: str, now: datetime) -> bool:
        """Switch it on or off; False when there is nothing to switch."""
        ...

    async def remove_correction(self, id: str, *, actor: str, now: datetime) -> bool:
        """Remove it; that it was there stays on record. False when it is not there."""
        ...

    async def adopt_rules(self, digest: str, version: str, now: datetime) -> bool:
        """Note that the shipped rules of `version` are gone by from now on; False when it is known.

        `digest` tells them from others. It is no correction: the rule book stays as it is.
        """
        ...

    async def older_judgements(self, limit: int) -> OlderJudgements:
        """Count, up to `limit`, what the rules of an earlier release judged and nobody since."""
        ...

    async def rule_book(self) -> RuleBook:
        """Return the rules with the corrections as they are now; settlements go by them, too.

        Other processes learn of a correction by asking.
        """
        ...

    async def last_refused(
        self, since: datetime, limit: int, category: str | None = None
    ) -> Sequence[Attempt]:
        """Return last attempts that delivered nothing, newest first, of mail accepted since.

        Looks at `limit` recipients of each status, so that it always ends soon.
        """
        ...

    async def categories(self, since: datetime, limit: int) -> Mapping[str, int]:
        """Count the recipients that `last_refused` would look at by category."""
        ...

    async def reclassification(self) -> Reclassifying | None:
        """Return how far judging the record anew has come, or came last time."""
        ...

    async def begin_reclassifying(self, actor: str, now: datetime) -> Reclassifying:
        """Have all that is on record now judged anew; starts over what is not done yet."""
        ...

    async def reclassify(self, limit: int, now: datetime) -> Reclassifying | None:
        """Judge the attempts at the next `limit` recipients anew; None when nothing is to do.

        It may be repeated and interrupted at will; one process at a time should do it.
        """
        ...
