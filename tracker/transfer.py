"""Moving a whole ledger into another one, so that no mail is lost, doubled or sent from both.

Both ledgers are marked from the beginning on, and no relay works with a ledger that is marked.
The source stays as it was; only when the target has been read back and is the same, the source is
marked as moved and the target's mark is lifted, in this order. Whatever stops a transfer, the next
run goes on behind the last message that the target has for sure.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from tracker.archive import TABLES, Archive, Holdings, Mark, Part
from tracker.archive.comparing import Comparison, compare
from tracker.sql.values import moment, stamp


class TransferRefused(Exception):
    """The ledgers are not in a state for it; the message says why and what to do."""


class Stage(StrEnum):
    """What is being done."""

    COPYING = "copying"
    COMPARING = "comparing"


class Progress(NamedTuple):
    """How far a stage has got, in messages."""

    stage: Stage
    done: int
    total: int


class Transfer:
    """One run of a transfer; `mint` makes its id if it is a new one, `now` tells the time."""

    def __init__(
        self,
        source: Archive,
        target: Archive,
        *,
        mint: Callable[[], str],
        now: Callable[[], datetime],
        report: Callable[[Progress], None],
    ) -> None:
        self._source = source
        self._target = target
        self._mint = mint
        self._now = now
        self._report = report

    async def run(self) -> Comparison | None:
        """Move everything that is not moved yet; None when all of it was already.

        When the comparison has differences the target stays marked. Raises TransferRefused,
        StoreUnavailable, StoreError.
        """
        mark = await self._begin()
        if mark is None:
            return None
        total = await self._copy(mark)
        async with self._source.frozen():
            check_at_rest(await self._source.holdings())
            comparison = await compare(
                self._source,
                self._target,
                lambda done: self._report(Progress(Stage.COMPARING, done, total)),
            )
            if not comparison.differences:
                await self._source.end(mark.id, stamp(self._now()))
        if not comparison.differences:
            await self._target.end(mark.id, stamp(self._now()))
        return comparison

    async def _begin(self) -> Mark | None:
        """Mark both ledgers; return the target's mark, None when the transfer is complete."""
        if self._source.place == self._target.place:
            raise TransferRefused("a ledger cannot be moved to where it is")
        leaving = leaving_mark(await self._source.marks())
        arriving = arriving_mark(await self._target.marks(), leaving)
        if leaving is not None and arriving is not None and leaving.ended_at is not None:
            if arriving.ended_at is None:  # it was stopped between the two
                await self._target.end(arriving.id, leaving.ended_at)
            return None
        if leaving is not None and leaving.ended_at is not None:
            raise TransferRefused(
                f"the source was moved to {leaving.other} on {moment(leaving.ended_at):%Y-%m-%d}"
            )
        check_at_rest(await self._source.holdings())
        if arriving is not None:
            return arriving
        return await self._begin_anew(leaving)

    async def _begin_anew(self, former: Mark | None) -> Mark:
        """Put new marks on both; one of the source that led elsewhere leads nowhere any more."""
        mark = Mark(self._mint(), Part.TARGET, self._source.place, stamp(self._now()))
        await self._target.enter(mark, check_empty)
        leaving = mark._replace(part=Part.SOURCE, other=self._target.place)
        await self._source.enter(leaving, check_at_rest)
        if former is not None:
            await self._source.forget(former.id)
        for each in await self._target.marks():
            if each.part == Part.TARGET and each.ended_at is None and each.id != mark.id:
                await self._target.forget(each.id)  # of one that got no further than this
        return mark

    async def _copy(self, mark: Mark) -> int:
        """Copy what the target has not got yet; return how many messages the source has."""
        total = (await self._source.holdings()).messages
        self._report(Progress(Stage.COPYING, mark.messages, total))
        while (last := await self._source.span(mark.last_id)) is not None:
            records = await self._source.read(mark.last_id, last)
            async with aclosing(self._source.pieces(mark.last_id, last)) as pieces:
                mark = await self._target.write(records, pieces, mark)
            self._report(Progress(Stage.COPYING, mark.messages, total))
        for table in TABLES:
            async with aclosing(self._source.rows(table)) as rows:
                await self._target.replace(table, rows)
        await self._target.arrange()
        return total


async def call_off(source: Archive) -> Mark | None:
    """Let a ledger be used again that is being, or was, moved; return what was called off."""
    mark = leaving_mark(await source.marks())
    if mark is not None:
        await source.forget(mark.id)
    return mark


def leaving_mark(marks: Sequence[Mark]) -> Mark | None:
    """Return the mark of the transfer that leads out of a ledger, None when none does.

    Raises TransferRefused when the ledger is not whole itself.
    """
    for mark in marks:
        if mark.part == Part.TARGET and mark.ended_at is None:
            raise TransferRefused(
                f"the source is not complete: the transfer from {mark.other} is not"
            )
    return next((mark for mark in reversed(marks) if mark.part == Part.SOURCE), None)


def arriving_mark(marks: Sequence[Mark], leaving: Mark | None) -> Mark | None:
    """Return the target's mark of the transfer that `leaving` is of, None when it is to be made.

    Raises TransferRefused when the target is part of another one.
    """
    for mark in marks:
        if leaving is not None and mark.id == leaving.id:
            return mark
        if mark.part == Part.SOURCE:
            raise TransferRefused(f"the target is a ledger that is, or was, moved to {mark.other}")
        if mark.ended_at is None and mark.messages:
            raise TransferRefused(
                f"the target holds a part of another transfer, of {mark.other}, that began on "
                f"{moment(mark.began_at):%Y-%m-%d %H:%M} UTC; drop the target and make it anew"
            )
    return None


def check_at_rest(holdings: Holdings) -> None:
    """Raise TransferRefused when somebody works with the source, or died doing so."""
    if holdings.leases or holdings.leased:
        raise TransferRefused(
            "the source is not at rest: a worker has a lease on it. Stop the relay first; if it "
            "is stopped, it did not end cleanly: start and stop it once"
        )


def check_empty(holdings: Holdings) -> None:
    """Raise TransferRefused when a target is not new."""
    if holdings.leases:
        raise TransferRefused("a relay works with the target; stop it, and give an empty database")
    for field in ("messages", "accounts", "destinations", "days"):
        number = getattr(holdings, field)
        if number:
            raise TransferRefused(
                f"the target is not empty, it has {field} ({number}); give an empty database"
            )
