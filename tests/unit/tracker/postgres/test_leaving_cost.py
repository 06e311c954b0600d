"""What it costs that a recipient leaves the queue, however much content is stored.

The trigger's plans are made when nothing waits and the server has just found that out: the worst
that the planner can know.
"""

import asyncio

import asyncpg

from tests.support.clock import START
from tests.support.mail import make_submission
from tracker.postgres import open_ledger

MANY = 600

_TABLES = "('content'::regclass, 'open_counts'::regclass)"

_READ = f"""
SELECT sum(pg_stat_get_xact_tuples_returned(oid))::bigint FROM pg_class
WHERE oid IN {_TABLES} OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN {_TABLES})
"""


async def test_content_of_others_is_not_read(url: str, outside: asyncpg.Connection) -> None:
    await outside.execute("VACUUM ANALYZE content, open_counts")
    await outside.execute("SET enable_seqscan = off; DELETE FROM queue")
    ledger = await open_ledger(url, trusts_caller=True)
    several = make_submission("a@one.example", "b@two.example")
    mail = [several, *(make_submission(*_pair(n)) for n in range(MANY))]
    await asyncio.gather(*(ledger.accept(each, START, None) for each in mail))
    await ledger.close()
    async with outside.transaction():
        before = await outside.fetchval(_READ)
        gone = await outside.execute("DELETE FROM queue WHERE message_id = $1", several.id)
        read = await outside.fetchval(_READ) - before
        left = await outside.fetchval("SELECT count(*) FROM content")
        # The queue alone was changed: what became of the recipients is not on record.
        await outside.execute(
            "INSERT INTO results SELECT id, accepted_at, account, account_domain, 'cancelled',"
            " accepted_at, 0, NULL, 'accepted', NULL FROM recipients WHERE message_id = $1",
            several.id,
        )
    assert gone == "DELETE 2"
    assert left == MANY
    assert 0 < read < 20


def _pair(n: int) -> tuple[str, ...]:
    """Every other message has two recipients."""
    return (f"a{n}@one.example", f"b{n}@two.example")[: 1 + n % 2]
