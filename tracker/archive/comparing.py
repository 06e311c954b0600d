"""Whether two ledgers hold the same, octet by octet, and which messages differ if not."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from tracker.archive.protocol import Archive, Counts
from tracker.archive.rows import Record
from tracker.archive.tables import TABLES, Table
from tracker.sql.values import day_start

T = TypeVar("T")

_encode = msgspec.json.encode


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared, and in what the two differ."""

    messages: int
    attempts: int
    events: int
    octets: int
    """Of content."""
    recipients: dict[str, int]
    """By status."""
    digest: str
    """BLAKE2b of everything that the first of the two holds."""
    differences: tuple[str, ...]
    """In words; empty when there are none."""


async def compare(one: Archive, other: Archive, report: Callable[[int], None]) -> Comparison:
    """Read both ledgers and compare them; `report` hears how many messages it has been so far.

    Raises StoreUnavailable.
    """
    whole, compared, after = hashlib.blake2b(digest_size=32), 0, ""
    differences: list[str] = []
    while (last := await one.span(after)) is not None:
        here, there = await asyncio.gather(_digests(one, after, last), _digests(other, after, last))
        differences += _different_messages(here, there)
        for digest in here.values():
            whole.update(digest)
        compared, after = compared + len(here), last
        report(compared)
    for table in TABLES:
        rows, their_rows = await _both(_digest_rows(one, table), _digest_rows(other, table))
        if rows != their_rows:
            differences.append(f"the table {table.name}")
        whole.update(rows)
    counts = await one.counts()
    differences += _different_counts(counts, await other.counts())
    return _comparison(counts, whole.hexdigest(), differences)


def _comparison(counts: Counts, digest: str, differences: list[str]) -> Comparison:
    by_status: dict[str, int] = {}
    for each in counts.recipients:
        by_status[each.status] = by_status.get(each.status, 0) + each.recipients
    return Comparison(
        messages=counts.messages,
        attempts=counts.attempts,
        events=counts.events,
        octets=counts.octets,
        recipients=by_status,
        digest=digest,
        differences=tuple(differences),
    )


def _different_messages(here: Mapping[str, bytes], there: Mapping[str, bytes]) -> Iterator[str]:
    for message_id in sorted(here.keys() | there.keys()):
        if here.get(message_id) != there.get(message_id):
            yield f"message {message_id}"


def _different_counts(here: Counts, there: Counts) -> Iterator[str]:
    for field in ("messages", "attempts", "events", "octets"):
        mine, theirs = getattr(here, field), getattr(there, field)
        if mine != theirs:
            yield f"the number of {field}: {mine} here, {theirs} there"
    for day, status in sorted({each[:2] for each in here.recipients + there.recipients}):
        mine, theirs = _count(here, day, status), _count(there, day, status)
        if mine != theirs:
            date = day_start(day).date()
            yield f"recipients of {date} that are {status}: {mine} here, {theirs} there"


def _count(counts: Counts, day: int, status: str) -> int:
    found = (each.recipients for each in counts.recipients if each[:2] == (day, status))
    return next(found, 0)


async def _both(one: Awaitable[T], other: Awaitable[T]) -> tuple[T, T]:
    """Wait for both, also when one fails: neither ledger is left in the middle of something."""
    here, there = await asyncio.gather(one, other, return_exceptions=True)
    if isinstance(here, BaseException):
        raise here
    if isinstance(there, BaseException):
        raise there
    return here, there


async def _digests(archive: Archive, after: str, last: str) -> dict[str, bytes]:
    """Return a digest of each message of a span, in order."""
    contents: dict[str, Any] = {}
    async for piece in archive.pieces(after, last):
        if piece.message_id not in contents:
            contents[piece.message_id] = hashlib.blake2b(digest_size=32)
        contents[piece.message_id].update(piece.data)
    records = await archive.read(after, last)
    return {each.message.id: _digest(each, contents.get(each.message.id)) for each in records}


def _digest(record: Record, content: Any) -> bytes:
    """Return the digest of a record; no content is another thing than empty content."""
    octets = _encode((record, None if content is None else content.hexdigest()))
    return hashlib.blake2b(octets, digest_size=32).digest()


async def _digest_rows(archive: Archive, table: Table) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    async for some in archive.rows(table):
        for row in some:
            digest.update(_encode(row))
    return digest.digest()
