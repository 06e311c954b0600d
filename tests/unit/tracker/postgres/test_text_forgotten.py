"""Text that is erased, pruned or has come to its age leaves the index of text in the database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta

import pytest

from tests.conftest import MIGRATED
from tests.contract.ledger import accept_leased
from tests.contract.test_ages import DAY
from tests.contract.test_search import term
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tests.support.postgres import Server
from tests.unit.tracker.sqlite.test_text_forgotten import (
    BOB,
    GONE,
    LATER,
    SECOND,
    WORDS,
    age,
    catch_up,
    erase_bob,
    put,
    said,
)
from tests.unit.tracker.sqlite.test_text_index import found
from tracker.ages import Aging
from tracker.archive import Mark, Part
from tracker.model import Outcome, RecipientId, Scope
from tracker.postgres import open_ledger
from tracker.postgres.archive import open_archive
from tracker.postgres.find import Effort
from tracker.postgres.ledger import PostgresLedger
from tracker.postgres.text.pen import Sizes
from tracker.search import Field
from tracker.sql.trigrams import trigrams_of
from tracker.sql.values import first_id, stamp
from tracker.store import Ledger, StoreUnavailable

ALWAYS = Effort(short_walk=0)
SMALL = Sizes(at_once=16, segment=1, part=64, segments=4, unread=0, rest=0)


@pytest.fixture
def database(migrated_postgres: Server) -> Iterator[str]:
    """The name of a new ledger's database."""
    migrated_postgres.create_database("forgetful", MIGRATED)
    yield "forgetful"
    migrated_postgres.drop_database("forgetful")


async def open_eager(server: Server, database: str, sizes: Sizes = SMALL) -> PostgresLedger:
    url = server.url(database)
    return await open_ledger(url, trusts_caller=True, effort=ALWAYS, sizes=sizes)


async def put_all(ledger: Ledger) -> None:
    await put(ledger, *(f"u{n}@example.com" for n in range(40)))
    await put(ledger, BOB, subject=WORDS[Field.SUBJECT], client_address=WORDS[Field.IP])
    await put(ledger, *(f"v{n}@example.com" for n in range(40)), now=START + SECOND)


@pytest.fixture
async def ledger(migrated_postgres: Server, database: str) -> AsyncIterator[PostgresLedger]:
    """A ledger with Bob's message among others, all of it indexed."""
    ledger = await open_eager(migrated_postgres, database)
    await put_all(ledger)
    await catch_up(ledger, LATER)
    yield ledger
    await ledger.close()


@pytest.fixture
def trigrams(migrated_postgres: Server, database: str) -> Callable[[], set[str]]:
    """Returns every trigram that is in the index."""

    def look() -> set[str]:
        words = "SELECT trigram FROM text_words UNION SELECT trigram FROM text_segments"
        return {row[0] for row in migrated_postgres.query(words, database)}

    return look


def stands(field: Field, there: set[str]) -> bool:
    """Say whether what only Bob's message has is in the index."""
    others = trigrams_of("198.51.100.25")  # another address that is on record
    return bool((trigrams_of(WORDS[field]) - others) & there)


@pytest.mark.parametrize(("act", "wait", "fields"), GONE.values(), ids=GONE.keys())
async def test_what_is_gone_is_not_in_the_index(
    ledger: PostgresLedger,
    trigrams: Callable[[], set[str]],
    act: Callable[[Ledger], Awaitable[object]],
    wait: timedelta,
    fields: list[Field],
) -> None:
    for field, word in WORDS.items():
        assert await found(ledger, field, word) == [BOB]
        assert stands(field, trigrams())
    await act(ledger)
    await catch_up(ledger, LATER + wait)
    for field in fields:
        assert await found(ledger, field, WORDS[field]) == []
        assert not stands(field, trigrams())
    for field in set(WORDS) - set(fields):
        assert len(await found(ledger, field, WORDS[field])) == 1
        assert stands(field, trigrams())


async def test_ages_make_a_part_anew_once_a_day(
    ledger: PostgresLedger, trigrams: Callable[[], set[str]]
) -> None:
    await age(Aging.SUBJECT)(ledger)
    await catch_up(ledger, LATER + DAY - SECOND)
    assert stands(Field.SUBJECT, trigrams())
    await catch_up(ledger, LATER + DAY)
    assert not stands(Field.SUBJECT, trigrams())


@pytest.mark.parametrize("after", [SECOND / 2, 2 * SECOND], ids=["one stays", "nobody stays"])
async def test_mail_that_goes_early_with_its_domain(
    ledger: PostgresLedger, trigrams: Callable[[], set[str]], after: timedelta
) -> None:
    now = START + after
    submission = make_submission("kept@example.org", account="bob@example.net", now=now)
    await ledger.accept(submission, now, None)
    while await ledger.prune_domains(["example.com"], LATER, 1):
        pass
    await catch_up(ledger, LATER + DAY)
    assert not any(stands(field, trigrams()) for field in WORDS)
    page = await ledger.search(term(Field.TO, "kept@"), Scope(), limit=10)
    assert [row.recipient.forward_path for row in page.rows] == ["kept@example.org"]


async def test_the_text_goes_with_the_last_of_its_mail(
    ledger: PostgresLedger, trigrams: Callable[[], set[str]]
) -> None:
    while await ledger.prune((START + 2 * DAY).date(), 100):
        pass
    await catch_up(ledger, LATER)
    assert trigrams() == set()


async def test_a_week_after_it_was_pruned_text_is_gone_though_other_mail_is_not(
    ledger: PostgresLedger, trigrams: Callable[[], set[str]]
) -> None:
    await put(ledger, *(f"w{n}@example.com" for n in range(40)), now=START + 8 * DAY)
    await catch_up(ledger, LATER)
    while await ledger.prune((START + 2 * DAY).date(), 100):
        pass
    await catch_up(ledger, LATER)
    assert not any(stands(field, trigrams()) for field in WORDS)
    assert await found(ledger, Field.TO, "w7@") == ["w7@example.com"]


async def test_searches_and_late_attempts_go_on_while_a_part_is_made_anew(
    ledger: PostgresLedger, trigrams: Callable[[], set[str]]
) -> None:
    now = START + DAY
    submission = make_submission(*(f"w{n}@example.com" for n in range(100)), now=now)
    (job,) = await accept_leased(ledger, submission, now)
    await catch_up(ledger, LATER)
    await erase_bob(ledger)
    await ledger.index_text(LATER)  # begins
    await ledger.index_text(LATER)
    await ledger.settle(make_settlement(job, Outcome.FAILED, now=now))
    everybody = {one.forward_path for one in job.recipients}
    assert await said(ledger, "no such user") == everybody
    await catch_up(ledger, LATER)
    assert await said(ledger, "no such user") == everybody
    assert not stands(Field.TO, trigrams())


async def test_what_is_erased_while_its_part_is_made_anew_is_gone(
    migrated_postgres: Server, database: str, trigrams: Callable[[], set[str]]
) -> None:
    ledger = await open_eager(migrated_postgres, database, SMALL._replace(segment=4))
    await put_all(ledger)
    await catch_up(ledger, LATER)
    page = await ledger.search(term(Field.TO, "v7@"), Scope(), limit=1)
    await ledger.forget_text([page.rows[0].recipient.id])
    assert stands(Field.TO, trigrams())
    await ledger.index_text(LATER)  # begins
    for _ in range(3):  # Bob's block is the third
        await ledger.index_text(LATER)
    await erase_bob(ledger)
    await catch_up(ledger, LATER)
    assert not stands(Field.TO, trigrams())
    assert await found(ledger, Field.TO, "v7@") == ["v7@example.com"]
    await ledger.close()


async def test_what_is_erased_before_it_was_written_is_never_in_the_index(
    migrated_postgres: Server, database: str, trigrams: Callable[[], set[str]]
) -> None:
    ledger = await open_eager(migrated_postgres, database, SMALL._replace(segment=8))
    await put_all(ledger)
    await catch_up(ledger, LATER)
    assert trigrams() == set()
    await erase_bob(ledger)
    await put(ledger, *(f"w{n}@example.com" for n in range(80)), now=START + 2 * SECOND)
    await catch_up(ledger, LATER)
    assert trigrams()
    assert not stands(Field.TO, trigrams())
    await ledger.close()


async def test_whoever_dies_over_it_leaves_it_to_the_next(
    ledger: PostgresLedger,
    migrated_postgres: Server,
    database: str,
    trigrams: Callable[[], set[str]],
) -> None:
    await erase_bob(ledger)
    for _ in range(3):
        await ledger.index_text(LATER)
    assert migrated_postgres.query("SELECT 1 FROM text_parts WHERE NOT is_used", database)
    another = await open_eager(migrated_postgres, database)
    await catch_up(another, LATER)
    assert not stands(Field.TO, trigrams())
    assert await found(another, Field.TO, "v7@") == ["v7@example.com"]
    assert not migrated_postgres.query("SELECT 1 FROM text_parts WHERE NOT is_used", database)
    # Whoever was only held up notices that it was overtaken, and goes on from there.
    await ledger.forget_text([RecipientId(first_id(START))])
    with pytest.raises(StoreUnavailable, match="another process"):
        await ledger.index_text(LATER)
    await catch_up(ledger, LATER)
    await another.close()


async def test_mail_of_a_clock_that_was_far_behind_is_found_in_the_end(
    ledger: PostgresLedger,
) -> None:
    now = START + SECOND / 2
    await ledger.accept(make_submission("late@example.org", now=now), now, None)
    assert await found(ledger, Field.TO, "late@") == []
    for _ in range(9):
        await ledger.index_text(LATER - 25 * DAY)
    assert await found(ledger, Field.TO, "late@") == ["late@example.org"]


async def test_a_ledger_that_moves_in_has_nothing_of_the_index_that_was_there(
    ledger: PostgresLedger, migrated_postgres: Server, database: str
) -> None:
    archive = await open_archive(migrated_postgres.url(database))
    mark = Mark("A", Part.TARGET, "sqlite:///old.db", stamp(START))
    await archive.enter(mark, lambda _: None)
    await archive.close()
    for table in ("text_parts", "text_blocks", "text_words", "text_segments", "text_open"):
        assert migrated_postgres.query(f"SELECT count(*) FROM {table}", database) == [["0"]]
    assert await found(ledger, Field.TO, "v7@") == ["v7@example.com"]
