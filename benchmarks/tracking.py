"""Looking at a record of ten million recipients.

    python -m benchmarks.tracking [--recipients 10000000] [--repeat 20] [--directory /tmp]
    python -m benchmarks.tracking --ledger FILE [--recipients 10000000] [--repeat 20]
    python -m benchmarks.tracking --store postgresql://… [--recipients 10000000] [--repeat 20]

A ledger in a file is written that has so much history over 60 days (`tests.support.history`), then
the index of its text is made. Each search and each count is repeated, warm, through the verbs that
the panel uses. With `--ledger` it is one that was written today, and stays; with `--store` one to
which such a file was moved (`sendtrace migrate`).
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg

from benchmarks.table import percentile, render
from tests.support.history import History, fill
from tracker import postgres, sqlite
from tracker.model import Scope
from tracker.search import Field, Query, Term
from tracker.sqlite.text.file import path_of
from tracker.store import Ledger
from tracker.views import Row

_PAGE = 50

_SCOPED, _WHOLE, _COUNTS = 50, 200, 50
"""Budgets in milliseconds: a page in a scope, a substring of everything, the counts beside it."""

Sizes = Callable[[], Awaitable[tuple[int, int]]]
"""Bytes of the index, and of the ledger."""


class Case(NamedTuple):
    """A search, as somebody makes it."""

    name: str
    query: Query
    scope: str
    page: int | None
    """None: no budget, for it is a walk along everything, which ends after a while."""
    counts: int | None
    """None: no budget, for there are too many to be counted in no time."""


def cases(row: Row) -> Iterator[Case]:
    """Yield searches for what is like `row`, which is weeks old, and for what is not there."""
    message, whom = row.message, row.recipient.forward_path
    for scope in ("account", "domain"):
        yield Case("newest", Query(), scope, _SCOPED, _COUNTS)
        yield Case("refused", _terms(("status", "permanent")), scope, _SCOPED, _COUNTS)
        yield Case("part of a subject", _terms(("subject", "agenda")), scope, _SCOPED, None)
    yield Case("newest", Query(), "all", _WHOLE, _COUNTS)
    yield Case("waiting", _terms(("status", "waiting")), "all", _WHOLE, _COUNTS)
    texts = {
        "an address": ("to", whom),
        "part of an address": ("any", whom.partition("@")[0]),
        "a subject": ("subject", message.header.subject),
        "a Message-ID": ("id", message.header.message_id),
        "part of a Message-ID": ("any", message.header.message_id[3:15]),
        "nothing": ("any", "zzqqxx"),
    }
    for name, term in texts.items():
        yield Case(name, _terms(term), "all", _WHOLE, _WHOLE)
    yield Case("a frequent word", _terms(("subject", "newsletter")), "all", _WHOLE, None)
    yield Case("an MX host", _terms(("mx", "mx1.place7.")), "all", _WHOLE, None)
    yield Case("a code that is rare", _terms(("code", "5.7.26")), "all", _WHOLE, _WHOLE)
    yield Case("a code", _terms(("code", "5.1.1")), "all", _WHOLE, None)
    yield Case("words of a reply", _terms(("text", "no such user")), "all", _WHOLE, None)
    yield Case("a category", _terms(("category", "greylisted")), "all", _WHOLE, _COUNTS)
    yield Case("a category that is rare", _terms(("category", "mailbox-full")), "all", _WHOLE, None)
    yield Case("size", _terms(("size", ">12KB")), "all", _WHOLE, None)
    yield Case("tls", _terms(("tls", "verified")), "all", _WHOLE, None)
    yield Case("tls that is rare", _terms(("tls", "none")), "all", None, None)
    yield Case("attempts", _terms(("attempts", ">=2")), "all", _WHOLE, None)
    yield Case("attempts that are rare", _terms(("attempts", ">=9")), "all", None, None)


def _terms(*terms: tuple[str, str]) -> Query:
    return Query(terms=tuple(Term(field=Field(field), value=value) for field, value in terms))


async def timed(repeat: int, action: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Return the median and the 95th percentile of milliseconds, after one time unmeasured."""
    await action()
    took = []
    for _ in range(repeat):
        began = time.perf_counter()
        await action()
        took.append((time.perf_counter() - began) * 1000)
    return percentile(took, 0.5), percentile(took, 0.95)


async def look(ledger: Ledger, end: datetime, repeat: int) -> None:
    """Measure searches and counts, and print them."""
    weeks_ago = Query(until=end - timedelta(days=40))
    row = (await ledger.search(weeks_ago, Scope(), limit=_PAGE)).rows[-1]
    account = row.message.account or ""
    scopes = {
        "account": Scope(account=account),
        "domain": Scope(domain=account.partition("@")[2]),
        "all": Scope(),
    }
    lines = []
    for case in cases(row):
        scope = scopes[case.scope]
        page = await ledger.search(case.query, scope, limit=_PAGE)
        counts = await ledger.summarize(case.query, scope)
        search = await timed(3 if page.cut else repeat, _search(ledger, case.query, scope))
        count = await timed(3 if counts.cut else repeat, _count(ledger, case.query, scope))
        found = f"{len(page.rows)}{'+' if page.cut else ''}"
        lines.append(_line(case, "page", found, search, case.page))
        what = f"{sum(counts.values())}{'+' if counts.cut else ''}"
        lines.append(_line(case, "counts", what, count, case.counts))
    titles = ["what", "of", "", "found", "p50 ms", "p95 ms", "budget", "verdict"]
    print(f"\n{render(titles, lines)}")


def _search(ledger: Ledger, query: Query, scope: Scope) -> Callable[[], Awaitable[object]]:
    return lambda: ledger.search(query, scope, limit=_PAGE)


def _count(ledger: Ledger, query: Query, scope: Scope) -> Callable[[], Awaitable[object]]:
    return lambda: ledger.summarize(query, scope)


def _line(
    case: Case, what: str, found: object, took: tuple[float, float], budget: int | None
) -> list[str]:
    p50, p95 = took
    verdict = "-" if budget is None else ("met" if p95 <= budget else "missed")
    shown = "-" if budget is None else str(budget)
    return [case.name, case.scope, what, str(found), f"{p50:.1f}", f"{p95:.1f}", shown, verdict]


async def index(ledger: Ledger, recipients: int, sizes: Sizes) -> None:
    """Make the index of the text, and print what it cost."""
    began, worked = time.perf_counter(), time.process_time()
    while await ledger.index_text(datetime.now(UTC)):
        pass
    took, cpu = time.perf_counter() - began, time.process_time() - worked
    size, own = await sizes()
    print(
        f"\nindex: {took:.0f} s, {cpu / recipients * 1e6:.0f} µs of processor time here and"
        f" {size / recipients:.0f} bytes for each recipient; the ledger has"
        f" {own / recipients:.0f} bytes for each"
    )


_SIZES = """
SELECT sum(pg_total_relation_size(oid)) FILTER (WHERE relname LIKE 'text\\_%')::bigint,
       sum(pg_total_relation_size(oid)) FILTER (WHERE relname NOT LIKE 'text\\_%')::bigint
FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
"""


async def measure(path: Path, history: History, repeat: int) -> None:
    """Measure everything on a ledger that has been written to a file."""

    async def sizes() -> tuple[int, int]:
        return await asyncio.to_thread(lambda: (path_of(path).stat().st_size, path.stat().st_size))

    await _measure(await sqlite.open_ledger(path), history, repeat, sizes)


async def measure_store(url: str, history: History, repeat: int) -> None:
    """Measure everything on a ledger that is in a database."""

    async def sizes() -> tuple[int, int]:
        connection = await asyncpg.connect(url)
        size, own = await connection.fetchrow(_SIZES)
        await connection.close()
        return size, own

    await _measure(await postgres.open_ledger(url), history, repeat, sizes)


async def _measure(ledger: Ledger, history: History, repeat: int, sizes: Sizes) -> None:
    try:
        await index(ledger, history.recipients, sizes)
        await look(ledger, history.end, repeat)
    finally:
        await ledger.close()


def main() -> None:
    """Write a ledger, measure it and remove it; or measure one that is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipients", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--store", help="URL of a PostgreSQL database")
    options = parser.parse_args()
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if options.ledger is not None:
        there = History(options.recipients, end)
        asyncio.run(measure(options.ledger, there, options.repeat))
        return
    if options.store is not None:
        there = History(options.recipients, end)
        asyncio.run(measure_store(options.store, there, options.repeat))
        return
    with tempfile.TemporaryDirectory(prefix="bench-tracking-", dir=options.directory) as place:
        path = Path(place) / "ledger.db"
        history = History(options.recipients, end)
        began = time.perf_counter()
        fill(path, history)
        print(f"written in {time.perf_counter() - began:.0f} s", flush=True)
        asyncio.run(measure(path, history, options.repeat))


if __name__ == "__main__":
    main()
