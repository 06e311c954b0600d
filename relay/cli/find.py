"""Finding recipients for a command: by the search grammar, everywhere, as the operator."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import typer

from config.loader import Loaded
from relay.cli.common import CommandFailed, with_ledger
from tracker.model import MessageId, RecipientId, Refusal, RefusalId, Scope, Status
from tracker.search import (
    MAIL,
    NOT_TAKEN,
    Field,
    Query,
    QueryError,
    Sought,
    Term,
    parse,
    recognize,
)
from tracker.store import Ledger
from tracker.views import Row, Timeline

EVERYTHING = Scope()
"""An operator at the command line sees the whole ledger."""
_PAGE = 500
_CUT = (
    "sendtrace: not searched to the end in the time that a search has, so there may be more; "
    "let it look at less with since: and until:"
)


def _query_of(words: Sequence[str] | None, loaded: Loaded, sought: Sought = MAIL) -> Query:
    text, zone = " ".join(words or ()), ZoneInfo(loaded.settings.panel.time_zone)
    try:
        return parse(recognize(text) or text, now=datetime.now(UTC), zone=zone, sought=sought)
    except QueryError as error:
        raise CommandFailed(str(error), status=2) from None


def find_message(config: Path | None, identifier: str) -> Timeline:
    """Return everything about one message. Raises CommandFailed when there is none."""
    message = MessageId(identifier.strip().upper())
    timeline = with_ledger(config, lambda ledger, _: ledger.timeline(message, EVERYTHING))
    if timeline is None:
        raise CommandFailed(f"there is no message {identifier}; `sendtrace trace` finds ids")
    return timeline


async def find(
    ledger: Ledger,
    loaded: Loaded,
    words: Sequence[str] | None,
    limit: int,
    statuses: frozenset[Status] | None,
) -> list[Row]:
    """Return at most `limit` rows, newest first; say so where not everything was searched."""
    found: list[Row] = []
    async with aclosing(find_pages(ledger, loaded, words, statuses, min(limit, _PAGE))) as pages:
        async for rows in pages:
            found.extend(rows)
            if len(found) >= limit:
                break
    return found[:limit]


async def find_pages(
    ledger: Ledger,
    loaded: Loaded,
    words: Sequence[str] | None,
    statuses: frozenset[Status] | None,
    size: int = _PAGE,
) -> AsyncGenerator[Sequence[Row], None]:
    """Yield all rows in pages, newest first; say so where not everything was searched."""
    query = _query_of(words, loaded)
    if statuses is not None:
        query = msgspec.structs.replace(query, terms=(*query.terms, _one_of(statuses)))
    before: RecipientId | None = None
    while True:
        page = await ledger.search(query, EVERYTHING, limit=size, before=before)
        yield page.rows
        if page.cut and page.older == before:
            typer.echo(_CUT, err=True)
            return
        before = page.older
        if before is None:
            return


async def find_refused(
    ledger: Ledger, loaded: Loaded, words: Sequence[str] | None, limit: int
) -> list[Refusal]:
    """Return at most `limit` of what was not taken, newest first; say so where it was cut."""
    query = _query_of(words, loaded, NOT_TAKEN)
    found: list[Refusal] = []
    before: RefusalId | None = None
    while len(found) < limit:
        missing = min(limit - len(found), _PAGE)
        page = await ledger.refusals(query, EVERYTHING, limit=missing, before=before)
        found.extend(page.rows)
        if page.cut and page.older == before:
            typer.echo(_CUT, err=True)
            break
        before = page.older
        if before is None:
            break
    return found


def _one_of(statuses: frozenset[Status]) -> Term:
    value = "held" if statuses == {Status.HELD} else "waiting"
    return Term(field=Field.STATUS, value=value)
