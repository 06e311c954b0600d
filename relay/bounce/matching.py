"""Which of our recipients a report is about: by ids first, by guesses never."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from msgspec.structs import replace

from relay.bounce.report import BounceReport, Failure
from relay.dsn.wire import decode_xtext
from tracker.model import Message, MessageId, Recipient, Scope, Status
from tracker.search import Field, Query, Term
from tracker.store import Ledger

_EVERYTHING: Final = Scope()
_BEFORE: Final = timedelta(days=9)
"""How much earlier than another server we may have accepted a message."""
_AFTER: Final = timedelta(days=1)
"""By how much the clock of that one may be slow."""
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_MOST: Final = 200
"""Messages to one recipient that are looked through for an envelope id."""


class Match(NamedTuple):
    """The recipient that a report is about."""

    message: Message
    recipient: Recipient


async def find_recipient(ledger: Ledger, report: BounceReport, failure: Failure) -> Match | None:
    """Return whom `failure` is about; None when the record has nobody that it must be.

    Our own id in the returned header decides, then its Message-ID, then the envelope id.
    """
    for identifier in report.ours:
        if (match := await _in_message(ledger, identifier, failure)) is not None:
            return match
    for query in _ranges(report):
        if (match := await _search(ledger, report, failure, query)) is not None:
            return match
    return None


def _ranges(report: BounceReport) -> Iterator[Query]:
    """Yield where to look: first around the time that the report names, which is quickly done."""
    if (arrived := report.arrived_at) is not None and _EARLIEST < arrived < _LATEST:
        yield Query(since=arrived - _BEFORE, until=arrived + _AFTER)
    yield Query()


async def _search(
    ledger: Ledger, report: BounceReport, failure: Failure, within: Query
) -> Match | None:
    if report.message_id:
        query = _with(within, Field.ID, report.message_id)
        if (match := await _by_message_id(ledger, query, failure)) is not None:
            return match
    if report.envelope_id:
        return await _by_envelope_id(ledger, report.envelope_id, failure, within)
    return None


def _with(query: Query, field: Field, value: str) -> Query:
    return replace(query, terms=(Term(field=field, value=value, exact=True),))


async def _in_message(ledger: Ledger, identifier: MessageId, failure: Failure) -> Match | None:
    timeline = await ledger.timeline(identifier, _EVERYTHING)
    if timeline is None:
        return None
    return _pick(timeline.message, timeline.recipients, failure)


async def _by_message_id(ledger: Ledger, query: Query, failure: Failure) -> Match | None:
    """Of several messages with this Message-ID the newest one counts that was accepted."""
    page = await ledger.search(query, _EVERYTHING, limit=_MOST)
    messages = dict.fromkeys(row.message.id for row in page.rows)
    matches = [await _in_message(ledger, identifier, failure) for identifier in messages]
    found = [match for match in matches if match is not None]
    taken = [match for match in found if match.recipient.status is Status.DELIVERED]
    return next(iter(taken or found), None)


async def _by_envelope_id(
    ledger: Ledger, envelope_id: str, failure: Failure, within: Query
) -> Match | None:
    for address in _addresses(failure):
        query = _with(within, Field.TO, address)
        page = await ledger.search(query, _EVERYTHING, limit=_MOST)
        for row in page.rows:
            if envelope_id in (row.message.envid, decode_xtext(row.message.envid or "")):
                return Match(row.message, row.recipient)
    return None


def _pick(message: Message, recipients: Sequence[Recipient], failure: Failure) -> Match | None:
    """Return the recipient that is named; of a message to one alone, that one (RFC 3464 2.3.2).

    The address may have been rewritten on the way, so that the report names another one.
    """
    named = {address.lower() for address in _addresses(failure)}
    for recipient in recipients:
        if named & {recipient.forward_path.lower(), _orcpt(recipient).lower()}:
            return Match(message, recipient)
    return Match(message, recipients[0]) if len(recipients) == 1 else None


def _addresses(failure: Failure) -> Iterator[str]:
    yield from dict.fromkeys(filter(None, (failure.original_recipient, failure.final_recipient)))


def _orcpt(recipient: Recipient) -> str:
    return decode_xtext((recipient.orcpt or "").partition(";")[2])
