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
from tracker.model import MessageId, RecipientId, Refusal, Scope, Status
from tracker.search import Field, Query, QueryError, Term, parse, recognize
from tracker.store import Ledger
from tracker.views import Row, Timeline

EVERYTHING = Scope()
"""An operator at the command line sees the whole ledger."""
_PAGE = 500
_CUT = (
    "sendtrace: not searched to the end in the time that a search has, so there may be more; "
    "let it look at less with since: and until:"
)


def _query_of(words: Sequence[str] | None, zone: str) -> Query:
    text = " ".join(words or ())
    try:
        return parse(recognize(text) or text, now=datetime.now(UTC), zone=ZoneInfo(zone))
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
    query = _query_of(words, loaded.settings.panel.time_zone)
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
) -> Sequence[Refusal]:
    query = _query_of(words, loaded.settings.panel.time_zone)
    if query.terms:
        raise CommandFailed("With --refused only since: and until: can be asked for.", status=2)
    return await ledger.refusals(EVERYTHING, since=query.since, until=query.until, limit=limit)


def _one_of(statuses: frozenset[Status]) -> Term:
    value = "held" if statuses == {Status.HELD} else "waiting"
    return Term(field=Field.STATUS, value=value)
