"""How long the panel's looks take in a large ledger in PostgreSQL, and how large that is.

    python -m benchmarks.panel [--recipients 1000000] [--days 60] [--repeat 20] [--version 16]

The mail is written into the tables at once: one recipient, one attempt and no content for each
message, a few of the last three days waiting. Every look runs `--repeat` times on a warm cache.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.support.postgres import Server, installation, running
from tests.unit.tracker.postgres.past import ACCOUNTS, BEGIN, write_past
from tracker.model import Scope
from tracker.postgres import open_ledger
from tracker.search import Field, Query, Term
from tracker.store import Ledger

_PAGE = 50
_COUNTED = 1000
_DAY = timedelta(days=1)

Look = Callable[[], Awaitable[object]]

_SIZES = """
SELECT regexp_replace(relname, '_[0-9]{8}$', ''), sum(pg_table_size(oid))::bigint,
       sum(pg_indexes_size(oid))::bigint
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
GROUP BY 1 HAVING sum(pg_total_relation_size(oid)) > 1000000 ORDER BY 1
"""


def _of(field: Field, value: str) -> tuple[Term, ...]:
    return (Term(field=field, value=value),)


async def looks(ledger: Ledger, days: int, per_day: int) -> dict[str, Look]:
    """Return what is measured, by its name."""
    everything, alice = Scope(), Scope(account=ACCOUNTS[7])
    today = BEGIN + (days - 1) * _DAY
    last_day, all_days = Query(since=today), Query(since=BEGIN)
    (row, *_) = (await ledger.search(last_day, everything, limit=_PAGE)).rows
    bounced = Query(since=BEGIN, terms=_of(Field.STATUS, "bounced"))
    one = Query(since=BEGIN, terms=_of(Field.TO, f"bob{per_day // 2}@"))
    nobody = Query(since=today - 6 * _DAY, terms=_of(Field.SUBJECT, "nowhere"))
    return {
        "newest page of today": lambda: ledger.search(last_day, everything, limit=_PAGE),
        "newest page of an account": lambda: ledger.search(all_days, alice, limit=_PAGE),
        "newest page of what bounced": lambda: ledger.search(bounced, everything, limit=_PAGE),
        "statuses of today": lambda: ledger.summarize(last_day, everything, cap=_COUNTED),
        "statuses of an account, all days": lambda: ledger.summarize(all_days, alice, cap=_COUNTED),
        "timeline of a message": lambda: ledger.timeline(row.message.id, everything),
        "part of an address, all days": lambda: ledger.search(one, everything, limit=_PAGE),
        "subject that nobody has, 7 days": lambda: ledger.search(nobody, everything, limit=_PAGE),
        "destinations": lambda: ledger.destinations(everything, 100),
        "balance of all days": lambda: ledger.balance(BEGIN),
    }


async def run(url: str, days: int, per_day: int, repeat: int) -> None:
    """Print the median and the longest time of every look, in milliseconds."""
    ledger = await open_ledger(url)
    print(f"{'':36}{'median ms':>10}{'longest':>10}")
    for name, look in (await looks(ledger, days, per_day)).items():
        times = []
        for _ in range(repeat):
            began = time.perf_counter()
            await look()
            times.append((time.perf_counter() - began) * 1e3)
        print(f"{name:36}{statistics.median(times):10.1f}{max(times):10.1f}", flush=True)
    await ledger.close()


def print_sizes(server: Server, database: str, recipients: int) -> None:
    """Print the octets on disk for each recipient, with and without indexes."""
    print(f"\n{'octets for a recipient':36}{'rows':>10}{'indexes':>10}")
    for name, rows, indexes in server.query(_SIZES, database):
        print(f"{name:36}{int(rows) / recipients:10.0f}{int(indexes) / recipients:10.0f}")


def main() -> None:
    """Write the ledger, then look."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--version", default="16", help="of PostgreSQL")
    options = parser.parse_args()
    installed = installation(options.version)
    if installed is None:
        parser.error(f"PostgreSQL {options.version} is not installed")
    per_day = options.recipients // options.days
    with running(installed, shared_buffers="1GB", max_wal_size="4GB") as server:
        url = write_past(server, "past", days=options.days, per_day=per_day)
        server.query("VACUUM ANALYZE", "past")
        asyncio.run(run(url, options.days, per_day, options.repeat))
        print_sizes(server, "past", per_day * options.days)


if __name__ == "__main__":
    main()
