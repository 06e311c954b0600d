"""Finding, exporting and erasing whatever is on record about an address, in small steps."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from tracker.entropy import Entropy
from tracker.model import (
    Access,
    AccessId,
    AccessKind,
    MessageId,
    Recipient,
    RecipientId,
    Scope,
    Status,
    new_id,
)
from tracker.states import OPEN
from tracker.store import Ledger
from tracker.traces import Address, Elsewhere, Part, Trace
from tracker.views import Timeline

STEP: Final = 500
"""Messages that are looked through at once."""
_FEW: Final = 10
"""Messages that are rewritten in one transaction, while mail waits for it."""
_EVERYTHING: Final = Scope()


class Refused(Exception):
    """Nothing was erased; the text says why and what to do."""


class TooMuch(Exception):
    """The record is larger than somebody who waits has time."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What is on record about an address."""

    traces: tuple[Trace, ...]
    elsewhere: tuple[Elsewhere, ...]
    has_account: bool
    own_open: tuple[RecipientId, ...]
    """Recipients that still wait and are of this address, or of mail that it sent."""
    others_open: int
    """Recipients that still wait of mail to this address and others."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many messages, by what the address is to them."""
        counts = Counter(trace.part.value for trace in self.traces)
        return {part.value: counts[part.value] for part in Part}

    @property
    def tables(self) -> Mapping[str, int]:
        """How many rows of which tables besides the mail."""
        counts: Counter[str] = Counter()
        for one in self.elsewhere:
            counts[one.table] += one.rows
        return dict(counts)

    @property
    def is_nothing(self) -> bool:
        """True when nothing is on record."""
        return not (self.traces or self.elsewhere or self.has_account)


async def search(ledger: Ledger, address: Address) -> AsyncIterator[Sequence[Trace]]:
    """Yield where an address is found, step by step, oldest mail first."""
    after = ""
    while True:
        traces = await ledger.find_traces(address, after, STEP)
        yield traces.found
        if not traces.last:
            return
        after = traces.last


async def find(ledger: Ledger, address: Address, *, patience: float | None = None) -> Found:
    """Return what is on record about an address.

    Raises TooMuch when that takes more than about `patience` seconds, and StoreError.
    """
    clock = asyncio.get_running_loop().time
    began, traces = clock(), list[Trace]()
    async for step in search(ledger, address):
        traces += step
        if patience is not None and clock() - began > patience:
            raise TooMuch
    own: list[RecipientId] = []
    others = 0
    for trace in traces:
        timeline = await ledger.timeline(MessageId(trace.message_id), _EVERYTHING)
        if timeline is None or trace.part is Part.MENTIONED:
            continue
        still = [one for one in timeline.recipients if one.status in OPEN]
        its = [one.id for one in still if _is_its(one, trace, address)]
        own += its
        others += len(still) - len(its)
    return Found(
        traces=tuple(traces),
        elsewhere=tuple(await ledger.find_elsewhere(address)),
        has_account=await ledger.account(address.normal) is not None,
        own_open=tuple(own),
        others_open=others,
    )


def _is_its(recipient: Recipient, trace: Trace, address: Address) -> bool:
    return trace.part is Part.SENT or address.is_in(recipient.forward_path)


async def export(
    ledger: Ledger, address: Address, found: Found
) -> AsyncIterator[Mapping[str, Any]]:
    """Yield what was found: a message at a time, then what is elsewhere.

    Of mail to several recipients only what concerns the address, because the rest is about others.
    """
    for trace in found.traces:
        timeline = await ledger.timeline(MessageId(trace.message_id), _EVERYTHING)
        if timeline is not None:
            yield {"as": trace.part.value, **_facts(timeline, trace, address)}
    for one in found.elsewhere:
        yield {"as": "elsewhere", **one._asdict()}


def _facts(timeline: Timeline, trace: Trace, address: Address) -> Mapping[str, Any]:
    its = {one.id for one in timeline.recipients if _is_its(one, trace, address)}
    facts: dict[str, Any] = msgspec.to_builtins(
        {
            "message": timeline.message,
            "recipients": [one for one in timeline.recipients if one.id in its],
            "attempts": [one for one in timeline.attempts if one.recipient_id in its],
            "events": [one for one in timeline.events if one.recipient_id in its],
        }
    )
    return facts


async def erase(
    ledger: Ledger,
    address: Address,
    key: bytes,
    *,
    actor: str,
    client: str,
    now: datetime,
    entropy: Entropy,
    cancel: bool,
    patience: float | None = None,
) -> int:
    """Erase an address; return in how many messages and other rows it stood.

    With `cancel`, its mail that still waits is cancelled first. What was done is in the access
    log, under the pseudonym. It can be done again at any time; what is gone stays gone. Raises
    Refused, StoreError.
    """
    found = await find(ledger, address, patience=patience)
    if cancel and found.own_open:
        await _cancel(ledger, found.own_open, actor, now)
        found = await find(ledger, address)
    _check(found)
    pseudonym, erased = address.pseudonym(key), 0
    ids = [MessageId(trace.message_id) for trace in found.traces]
    for start in range(0, len(ids), _FEW):
        erased += await ledger.erase_traces(address, ids[start : start + _FEW], pseudonym)
    erased += await ledger.erase_elsewhere(address, pseudonym)
    done = f"erased {pseudonym}: {erased} messages and entries"
    await record(ledger, done, actor=actor, client=client, now=now, entropy=entropy)
    return erased


async def record(
    ledger: Ledger, what: str, *, actor: str, client: str, now: datetime, entropy: Entropy
) -> None:
    """Put on record that somebody asked about an address; `what` does not name it."""
    access = Access(
        id=AccessId(new_id(now, entropy(8))),
        at=now,
        actor=actor,
        client=client,
        kind=AccessKind.PRIVACY,
        page=what,
        account="",
    )
    await ledger.record_accesses([access])


async def _cancel(
    ledger: Ledger, recipients: Sequence[RecipientId], actor: str, now: datetime
) -> None:
    await ledger.change_status(
        recipients,
        Status.CANCELLED,
        scope=_EVERYTHING,
        actor=actor,
        reason="its address is erased",
        now=now,
    )


def _check(found: Found) -> None:
    """Raise Refused where something would be left, or would be lost."""
    if found.has_account:
        raise Refused("There is an account with this address: remove the account first.")
    if count := len(found.own_open):
        raise Refused(
            f"Mail of this address still waits for {count} of its recipients: cancel it, or wait "
            "until it is delivered or returned."
        )
    if found.others_open:
        raise Refused(
            f"Mail to this address and others still waits for {found.others_open} other "
            "recipients: wait until it is delivered or returned."
        )
