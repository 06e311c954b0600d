"""Archives: what a span is, how content is cut anew, what a mark means; and nothing is left out."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from tests.support.postgres import Server
from tracker.archive import (
    DAYS,
    TABLES,
    AttemptRow,
    EventRow,
    Holdings,
    Mark,
    MessageRow,
    Part,
    Piece,
    RecipientRow,
    StoredPiece,
    cut,
    end_of_span,
    refusal,
)
from tracker.postgres.migrate import migrate as migrate_postgres
from tracker.sql.values import stamp
from tracker.sqlite import migrate
from tracker.transfer import (
    TransferRefused,
    arriving_mark,
    check_at_rest,
    check_empty,
    leaving_mark,
)

# --- nothing is left out --------------------------------------------------------------------------

MOVED = {
    "messages": {*MessageRow._fields},
    "recipients": {*RecipientRow._fields},
    "attempts": {*AttemptRow._fields},
    "events": {*EventRow._fields},
    "content": {"message_id", "n", "data"},
    **{table.name: {*table.fields} for table in TABLES},
}
"""The columns of each table that a transfer takes along."""

OF_THE_LEDGER_ALONE = {"leases", "migrations", "pings", "transfers"}
"""Who works with it, what it is, and where it goes to: not what it holds."""

OF_SQLITE_ALONE = {"text_to_forget"}
"""What its index of text has to forget: a ledger that is moved makes a new one."""

OF_ITS_INDEX_OF_TEXT = {
    *("text_state", "text_parts", "text_blocks", "text_words", "text_segments", "text_open"),
    "text_to_forget",
}
"""All of the index lies in the database: a ledger that is moved makes a new one."""

WORKED_OUT_IN_SQLITE = {
    "messages": {"open_recipients"},
    "recipients": {"lease"},  # nobody holds any
}

WORKED_OUT_IN_POSTGRESQL = {
    "queue": {"lease", "claim"},  # nobody holds any
    "destinations": {"recheck_at", "recheck_past"},  # of transactions that are over
}


def test_everything_in_a_file_is_moved(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        found: dict[str, set[str]] = {}
        for table, column in connection.execute(
            "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
            " WHERE t.type = 'table'"
        ):
            found.setdefault(table, set()).add(column)
    for table in OF_THE_LEDGER_ALONE | OF_SQLITE_ALONE:
        del found[table]
    for table, columns in WORKED_OUT_IN_SQLITE.items():
        found[table] -= columns
    assert found == MOVED


async def test_everything_on_a_server_is_moved(postgres: Server) -> None:
    url = postgres.create_database("archived")
    await migrate_postgres(url)
    found: dict[str, set[str]] = {}
    for table, column in postgres.query(
        "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a"
        " ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition",
        "archived",
    ):
        found.setdefault(table, set()).add(column)
    postgres.drop_database("archived")
    for table in OF_THE_LEDGER_ALONE | OF_ITS_INDEX_OF_TEXT:
        del found[table]
    for table, columns in WORKED_OUT_IN_POSTGRESQL.items():
        found[table] -= columns
    # A recipient lies in one of two places besides its own; both name it as they like.
    found["recipients"] |= found.pop("queue") | found.pop("results") - {"recipient_id"}
    assert found.pop("open_counts") == {"message_id", "open_recipients"}
    assert found.pop("tallies") - {"backend"} == {*DAYS.fields}
    assert found == {table: columns for table, columns in MOVED.items() if table != DAYS.name}


# --- spans and pieces -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipients", "length"),
    [([], 0), ([5000], 1), ([1, 5000], 1), ([999, 1, 1], 2), ([1] * 600, 500), ([400] * 3, 2)],
)
def test_a_span_has_at_least_one_message_and_few_recipients(
    recipients: list[int], length: int
) -> None:
    messages = [(f"{n:026}", number) for n, number in enumerate(recipients)]
    assert end_of_span(messages) == (messages[length - 1][0] if length else None)


async def _cut(pieces: Sequence[Piece], size: int) -> list[StoredPiece]:
    async def each() -> AsyncIterator[Piece]:
        for piece in pieces:
            yield piece

    return [row async for row in cut(each(), size)]


@given(
    contents=st.lists(st.lists(st.binary(max_size=20), min_size=1), max_size=4),
    size=st.integers(1, 9),
)
async def test_content_is_cut_anew(contents: list[list[bytes]], size: int) -> None:
    pieces = [Piece(f"m{n}", data) for n, some in enumerate(contents) for data in some]
    rows = await _cut(pieces, size)
    for n, some in enumerate(contents):
        mine = [(number, data) for message_id, number, data in rows if message_id == f"m{n}"]
        assert [number for number, _ in mine] == list(range(len(mine)))
        assert b"".join(data for _, data in mine) == b"".join(some)
        assert all(len(data) == size for _, data in mine[:-1])
        assert mine == [(0, b"")] or 0 < len(mine[-1][1]) <= size


# --- marks ----------------------------------------------------------------------------------------

AT = stamp(START)
OUT = Mark("A", Part.SOURCE, "postgresql://db/mail", AT)
IN = Mark("A", Part.TARGET, "sqlite:///old.db", AT, last_id="X", messages=7)


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        (IN, "transfer from sqlite:///old.db into this ledger is not complete"),
        (OUT, "being moved to postgresql://db/mail"),
        (OUT._replace(ended_at=AT), "was moved to postgresql://db/mail on 2026-03-02"),
    ],
)
def test_a_ledger_on_the_move_is_not_used(mark: Mark, said: str) -> None:
    assert said in (refusal(mark) or "")


def test_a_ledger_that_has_arrived_is_used() -> None:
    assert refusal(IN._replace(ended_at=AT)) is None


def test_the_mark_that_leads_out_is_the_last_one() -> None:
    came = IN._replace(id="0", ended_at=AT)
    assert leaving_mark([]) is None
    assert leaving_mark([came]) is None
    assert leaving_mark([came, OUT, OUT._replace(id="B")]) == OUT._replace(id="B")


def test_a_ledger_that_is_not_whole_is_no_source() -> None:
    with pytest.raises(TransferRefused, match=r"transfer from sqlite:///old.db is not"):
        leaving_mark([IN])


def test_a_transfer_goes_on_with_the_mark_of_its_own() -> None:
    assert arriving_mark([IN], OUT) == IN
    assert arriving_mark([IN._replace(id="0", ended_at=AT)], None) is None
    assert arriving_mark([IN._replace(messages=0)], None) is None  # stopped before the first


@pytest.mark.parametrize("leaving", [None, OUT._replace(id="B")])
def test_part_of_another_transfer_is_left_alone(leaving: Mark | None) -> None:
    with pytest.raises(TransferRefused, match="2026-03-02 09:00 UTC; drop the target"):
        arriving_mark([IN], leaving)
    with pytest.raises(TransferRefused, match="is, or was, moved to"):
        arriving_mark([OUT], leaving)


NOTHING = Holdings(leases=0, leased=0, messages=0, days=0, destinations=0, accounts=0)


def test_what_is_at_rest_and_what_is_empty() -> None:
    check_at_rest(NOTHING._replace(messages=5, accounts=1))
    check_empty(NOTHING)
    for held in (NOTHING._replace(leases=1), NOTHING._replace(leased=1)):
        with pytest.raises(TransferRefused, match="start and stop it once"):
            check_at_rest(held)
    for field in ("leases", "messages", "days", "destinations", "accounts"):
        with pytest.raises(TransferRefused, match="give an empty database"):
            check_empty(NOTHING._replace(**{field: 1}))
