"""Finding recipients for a command: by the search grammar, everywhere, as the operator."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import typer

from config.loader import Loaded
from relay.cli.common import CommandFailed, with_ledger
from tracker.model import MessageId, RecipientId, Refusal, Scope, Status
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
from tracker.states import OPEN
from tracker.store import Ledger
from tracker.views import IdPage, Page, RefusalPage, Row, Timeline

_Found = TypeVar("_Found")
_Page = TypeVar("_Page", Page, IdPage, RefusalPage)

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
    return await _all(find_pages(ledger, loaded, words, statuses, limit))


async def find_pages(
    ledger: Ledger,
    loaded: Loaded,
    words: Sequence[str] | None,
    statuses: frozenset[Status] | None,
    limit: int | None = None,
) -> AsyncGenerator[Sequence[Row], None]:
    """Yield rows in pages, newest first, at most `limit`; say so where not all was searched."""
    search = partial(ledger.search, _among(loaded, words, statuses), EVERYTHING)
    async for page in _pages(lambda before, size: search(before=before, limit=size), _rows, limit):
        yield page


async def find_ids(
    ledger: Ledger,
    loaded: Loaded,
    words: Sequence[str] | None,
    statuses: frozenset[Status],
) -> AsyncGenerator[Sequence[RecipientId], None]:
    """Yield the ids of what `find_pages` yields the rows of."""
    search = partial(ledger.search_ids, _among(loaded, words, statuses), EVERYTHING)
    async for page in _pages(lambda before, size: search(before=before, limit=size), _ids):
        yield page


async def _all(pages: AsyncGenerator[Sequence[_Found], None]) -> list[_Found]:
    async with aclosing(pages):
        return [each async for page in pages for each in page]


async def _pages(
    search: Callable[[Any, int], Awaitable[_Page]],
    found_on: Callable[[_Page], Sequence[_Found]],
    limit: int | None = None,
) -> AsyncGenerator[Sequence[_Found], None]:
    """Yield what is found, a page at a time, until the end or until there are `limit`.

    No more than that is asked for. Says so where the time of a search was not enough. `search`
    takes where to go on, which is None at first and of the page's own kind then, and how many
    are wanted.
    """
    before, missing = None, limit
    while missing is None or missing > 0:
        page = await search(before, _PAGE if missing is None else min(missing, _PAGE))
        found = found_on(page)
        yield found
        missing = None if missing is None else missing - len(found)
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
    search = partial(ledger.refusals, _query_of(words, loaded, NOT_TAKEN), EVERYTHING)
    found = _pages(lambda before, size: search(before=before, limit=size), _refusals, limit)
    return await _all(found)


def _rows(page: Page) -> Sequence[Row]:
    return page.rows


def _ids(page: IdPage) -> Sequence[RecipientId]:
    return page.ids


def _refusals(page: RefusalPage) -> Sequence[Refusal]:
    return page.rows


def _among(
    loaded: Loaded, words: Sequence[str] | None, statuses: frozenset[Status] | None
) -> Query:
    """Return the search that `words` are, among recipients of some statuses that are open."""
    query = _query_of(words, loaded)
    if statuses is None:
        return query
    others = [
        Term(field=Field.STATUS, value=status, negated=True) for status in sorted(OPEN - statuses)
    ]
    waiting = Term(field=Field.STATUS, value="waiting")
    return msgspec.structs.replace(query, terms=(*query.terms, waiting, *others))
