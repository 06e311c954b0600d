"""Text that is erased or has come to its age leaves the index: what it says, and its file."""

import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.contract.ledger import accept_leased
from tests.contract.test_ages import DAY, go, walk
from tests.contract.test_search import term
from tests.support.clock import START
from tests.support.mail import make_attempt, make_settlement, make_submission
from tests.unit.tracker.sqlite.test_text_index import ALWAYS, found
from tracker.ages import Aging
from tracker.erasure import erase
from tracker.model import Outcome, Reply, Scope
from tracker.search import Field
from tracker.sql.aged import is_behind
from tracker.sql.values import first_id
from tracker.sqlite import open_ledger
from tracker.sqlite.ledger import SqliteLedger
from tracker.sqlite.text.file import path_of
from tracker.store import Ledger
from tracker.traces import Address

LATER = START + 30 * DAY
SECOND = timedelta(seconds=1)
BOB = "bob.ǁǂǃ@example.net"
WORDS = {
    Field.TO: "ǁǂǃ",
    Field.SUBJECT: "ȡȣȥ",
    Field.IP: "198.51.100.77",
    Field.TEXT: "ɐɑɒ",
}
"""What only one message has, by where; each such letter begins no other word."""


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    """A ledger with that message among others, all of it indexed."""
    ledger = await open_ledger(path, effort=ALWAYS)
    await put(ledger, *(f"u{n}@example.com" for n in range(40)))
    await put(ledger, BOB, subject=WORDS[Field.SUBJECT], client_address=WORDS[Field.IP])
    # Only whole blocks are indexed: who comes last by his id is in none.
    await put(ledger, *(f"v{n}@example.com" for n in range(40)), now=START + SECOND)
    await catch_up(ledger, LATER)
    yield ledger
    await ledger.close()


async def put(
    ledger: Ledger,
    *to: str,
    subject: str = "hello",
    client_address: str = "192.0.2.7",
    now: datetime = START,
) -> None:
    """Put a message on record that came back from everybody."""
    submission = make_submission(
        *to, subject=subject, client_address=client_address, account="alice@example.com", now=now
    )
    for job in await accept_leased(ledger, submission, now):
        words = WORDS[Field.TEXT] if BOB in to else "unknown"
        reply = Reply(code=550, lines=(f"5.1.1 {words}",))
        attempts = [make_attempt(one, Outcome.FAILED, reply=reply) for one in job.recipients]
        settlement = make_settlement(job, Outcome.FAILED)
        await ledger.settle(replace(settlement, attempts=tuple(attempts)))


async def catch_up(ledger: Ledger, now: datetime) -> None:
    while await ledger.index_text(now):
        pass


def octets(path: Path) -> bytes:
    """Return what stands in the files of the index."""
    index = path_of(path)
    beside = index.with_name(f"{index.name}-wal")
    return index.read_bytes() + (beside.read_bytes() if beside.exists() else b"")


def stands(path: Path, word: str) -> bool:
    """Say whether the octets of a word stand in the files, but the first: those may be shared."""
    return word.lower().encode()[1:] in octets(path)


def terms(path: Path) -> set[str]:
    """Return all trigrams of the index, and those that were counted."""
    with closing(sqlite3.connect(path_of(path))) as connection:
        found = {row[0] for row in connection.execute("SELECT text FROM trigrams")}
        for (part,) in connection.execute("SELECT n FROM parts").fetchall():
            connection.execute(
                f"CREATE VIRTUAL TABLE temp.v{part} USING fts5vocab(main, words_{part}, row)"
            )
            found |= {row[0] for row in connection.execute(f"SELECT term FROM temp.v{part}")}
        return found


async def erase_bob(ledger: Ledger) -> None:
    await erase(
        ledger,
        Address(BOB),
        b"k" * 32,
        actor="admin@example.com",
        client="192.0.2.1",
        now=LATER,
        entropy=os.urandom,
        cancel=False,
    )


def age(part: Aging) -> Callable[[Ledger], Awaitable[object]]:
    return lambda ledger: go(ledger, walk(part), LATER)


GONE = {
    "erased": (erase_bob, timedelta(), [Field.TO, Field.SUBJECT, Field.TEXT]),
    "subject": (age(Aging.SUBJECT), DAY, [Field.SUBJECT]),
    "client": (age(Aging.CLIENT), DAY, [Field.IP]),
    "replies": (age(Aging.REPLIES), DAY, [Field.TEXT]),
}


@pytest.mark.parametrize(("act", "wait", "fields"), GONE.values(), ids=GONE.keys())
async def test_what_is_gone_is_not_in_the_index(
    ledger: SqliteLedger,
    path: Path,
    act: Callable[[Ledger], Awaitable[object]],
    wait: timedelta,
    fields: list[Field],
) -> None:
    for field, word in WORDS.items():
        assert await found(ledger, field, word) == [BOB]
        assert word[:3] in terms(path)
    letters = {word for word in WORDS.values() if not word.isascii()}
    assert all(stands(path, word) for word in letters)
    await act(ledger)
    for field in fields:
        assert await found(ledger, field, WORDS[field]) == []
    await catch_up(ledger, LATER + wait)
    for field in fields:
        assert await found(ledger, field, WORDS[field]) == []
        assert not {WORDS[field][n : n + 3] for n in range(len(WORDS[field]) - 2)} & (
            terms(path) - terms_of_others()
        )
        assert not stands(path, WORDS[field])
    left = set(WORDS) - set(fields)
    for field in left:
        assert len(await found(ledger, field, WORDS[field])) == 1
    assert all(stands(path, WORDS[field]) for field in left if WORDS[field] in letters)


def terms_of_others() -> set[str]:
    """Return trigrams of the client's address that other addresses have as well."""
    other = "198.51.100.25"
    return {other[n : n + 3] for n in range(len(other) - 2)}


async def test_ages_make_a_part_anew_once_a_day(ledger: SqliteLedger, path: Path) -> None:
    await age(Aging.SUBJECT)(ledger)
    await catch_up(ledger, LATER + DAY - timedelta(seconds=1))
    assert stands(path, WORDS[Field.SUBJECT])
    await catch_up(ledger, LATER + DAY)
    assert not stands(path, WORDS[Field.SUBJECT])


@pytest.mark.parametrize("after", [SECOND / 2, 2 * SECOND], ids=["one stays", "nobody stays"])
async def test_mail_that_goes_early_with_its_domain(
    ledger: SqliteLedger, path: Path, after: timedelta
) -> None:
    now = START + after  # among those who are indexed, or behind them
    submission = make_submission("kept@example.org", account="bob@example.net", now=now)
    await ledger.accept(submission, now, None)
    while await ledger.prune_domains(["example.com"], LATER, 1):
        pass
    await catch_up(ledger, LATER + DAY)
    assert not any(stands(path, word) for word in WORDS.values())
    page = await ledger.search(term(Field.TO, "kept@"), Scope(), limit=10)
    assert [row.recipient.forward_path for row in page.rows] == ["kept@example.org"]


async def test_searches_and_late_attempts_go_on_while_a_part_is_made_anew(
    ledger: SqliteLedger, path: Path
) -> None:
    now = START + DAY
    submission = make_submission(*(f"w{n}@example.com" for n in range(600)), now=now)
    (job,) = await accept_leased(ledger, submission, now)
    await catch_up(ledger, LATER)
    await erase_bob(ledger)
    await ledger.index_text(LATER)  # begins
    await ledger.settle(make_settlement(job, Outcome.FAILED, now=now))
    everybody = {one.forward_path for one in job.recipients}
    assert await said(ledger, "no such user") == everybody
    await catch_up(ledger, LATER)
    assert await said(ledger, "no such user") == everybody
    assert not stands(path, WORDS[Field.TO])


async def said(ledger: Ledger, words: str) -> set[str]:
    page = await ledger.search(term(Field.TEXT, words), Scope(), limit=1000)
    return {row.recipient.forward_path for row in page.rows}


def at(hours: float) -> str:
    return first_id(START + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("then", "now", "behind"),
    [
        ({}, {}, False),
        ({}, {"a": at(-2)}, False),
        ({}, {"a": at(-0.5)}, True),
        ({}, {"a": at(5)}, True),
        ({}, {"a": at(50)}, True),
        ({"a": at(5)}, {"a": at(5)}, False),
        ({"a": at(5)}, {"a": at(6)}, True),
        ({"a": at(11)}, {"a": at(12)}, False),
        ({"a": at(11)}, {"a": at(12), "b": at(1)}, True),
        ({"gone": at(1)}, {}, False),
    ],
)
def test_a_part_is_behind_where_a_walk_went(
    then: dict[str, str], now: dict[str, str], behind: bool
) -> None:
    assert is_behind(at(0), at(10), then, now) is behind
