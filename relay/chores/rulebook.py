"""Keeps the rules that explain replies up to date, and judges the record anew when asked to.

A correction that an operator writes anywhere is known here within `PERIOD`: what is settled from
then on is judged by it, and what is told to senders goes by it.
"""

from collections.abc import Callable
from typing import Final, Protocol

import structlog

from relay.absence import Absence
from relay.clock import Clock
from tracker.explain import RuleBook, shipped, shipped_digest
from tracker.store import Rules, Store, StoreUnavailable
from tracker.views import OlderJudgements, Reclassifying

PERIOD: Final = 20.0
"""Seconds between two looks at the corrections."""
_CHORE: Final = "reclassifying"
COUNTED: Final = 10_000
"""Recipients with a category by older rules that are counted at most: enough to know of them."""
_STEP: Final = 200
"""Recipients that are judged anew at once."""
_BREATH: Final = 0.05
"""Seconds between two steps, for mail that waits to be written."""


class Ruled(Rules, Store, Protocol):
    """The part of the ledger that is needed here."""


class Rulebook:
    """Every worker has one; the record is judged anew by one of them at a time."""

    def __init__(self, *, ledger: Ruled, clock: Clock, absence: Absence) -> None:
        self._ledger = ledger
        self._clock = clock
        self._absence = absence
        self._version = ""
        self._has_adopted = False
        self.book: RuleBook = shipped()
        """The rules as they were when this last looked; the shipped ones before."""
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as problem:
                self._absence.missed("rules", problem)
            except Exception:
                self._log.exception("looking at the rules hit a fault")
            else:
                self._absence.met("rules")
            await self._clock.sleep(PERIOD)

    async def refresh(self) -> None:
        """Take over the corrections. Raises StoreUnavailable."""
        book = await self._ledger.rule_book()
        if self._version not in ("", book.version):
            self._log.info("rules changed", version=book.version)
        self._version = book.version
        self.book = book

    async def look(self) -> None:
        """Take over the corrections, and do what is left of judging anew."""
        await self.refresh()
        await self._adopt()
        progress = await self._ledger.reclassification()
        if progress is not None and progress.ended_at is None:
            await reclassify(self._ledger, self._clock, lambda _: None)

    async def _adopt(self) -> None:
        """Put on record which rules came with this release; who is first says what that means."""
        if self._has_adopted:
            return
        now = self._clock.now()
        is_news = await self._ledger.adopt_rules(shipped_digest(), shipped().version, now)
        self._has_adopted = True
        older = await self._ledger.older_judgements(COUNTED) if is_news else None
        if older is not None and older.recipients:
            self._log.warning(
                "this release has other rules; the record is not judged anew by itself",
                older=f"{told_of(older)} the category that earlier rules gave",
                how="`sendtrace rules reclassify`, or the page Rules, judges it anew",
            )


def told_of(older: OlderJudgements) -> str:
    """Return how many recipients have it, as the beginning of a sentence."""
    if older.recipients == 1:
        return "1 recipient has"
    return (
        f"{older.recipients:,}{' or more' if older.recipients >= COUNTED else ''} recipients have"
    )


async def reclassify(
    ledger: Ruled, clock: Clock, tell: Callable[[Reclassifying], None]
) -> Reclassifying | None:
    """Judge anew what is left, step by step; `tell` of each step.

    Returns how it stands at the end; None when somebody else is at it.
    """
    async with ledger.alone(_CHORE) as mine:
        if not mine:
            return None
        while (progress := await ledger.reclassify(_STEP, clock.now())) is not None:
            tell(progress)
            await clock.sleep(_BREATH)
        return await ledger.reclassification()
