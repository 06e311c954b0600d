"""Ledgers to be moved: empty ones in pairs, what is put into them, archives that misbehave."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.archives import give_back_all
from tests.contract.conftest import NewLocator, name_databases, name_files
from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    open_by_locator,
    recipients,
)
from tests.contract.population import populate
from tests.contract.test_people import ALICE, BOB, SESSION
from tests.contract.test_rules import correction
from tests.support.clock import START
from tests.support.looks import make_access
from tests.support.mail import make_refusal, make_settlement, make_submission, mint
from tests.support.postgres import Server
from tracker.model import (
    DestinationChange,
    Gate,
    Habits,
    MessageKind,
    Outcome,
    SavedSearch,
    Status,
)

DAY = timedelta(days=1)
LARGE = bytes(range(256)) * 4 * 1024 + b"end"
KINDS = ("sqlite", "postgresql")

NewPair = Callable[[], tuple[str, str]]


@pytest.fixture
def namers(tmp_path: Path, migrated_postgres: Server) -> Iterator[dict[str, NewLocator]]:
    """Name new ledgers of each kind."""
    with ExitStack() as stack:
        yield {
            "sqlite": stack.enter_context(contextmanager(name_files)(tmp_path)),
            "postgresql": stack.enter_context(contextmanager(name_databases)(migrated_postgres)),
        }


@pytest.fixture(params=[(one, other) for one in KINDS for other in KINDS], ids=" to ".join)
def new_pair(
    request: pytest.FixtureRequest, namers: dict[str, NewLocator]
) -> Callable[[], tuple[str, str]]:
    """Names a new ledger to move and an empty one to move it to."""
    one, other = request.param
    return lambda: (namers[one](), namers[other]())


@pytest.fixture
def pair(new_pair: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """A ledger to move and an empty one to move it to."""
    return new_pair()


@pytest.fixture(params=KINDS)
def alike(request: pytest.FixtureRequest, namers: dict[str, NewLocator]) -> tuple[str, str]:
    """Two ledgers of one kind."""
    return namers[request.param](), namers[request.param]()


@pytest.fixture(params=KINDS)
def unchecked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new ledger that is not looked through in the end: what is in it need not make sense."""
    if request.param == "sqlite":
        yield f"sqlite:{tmp_path / 'unchecked.db'}"
        return
    server: Server = request.getfixturevalue("postgres")
    yield server.create_database("unchecked")
    server.drop_database("unchecked")


async def fill(locator: str) -> None:
    """Put mail of every kind into a ledger that is then at rest."""
    await fill_a_little(locator)
    ledger = await open_by_locator(locator)
    await populate(ledger)
    await add_special_mail(ledger)
    await give_back_all(ledger)
    await ledger.close()


async def fill_a_little(locator: str) -> None:
    """Put a row of everything that can be on record into a ledger that is then at rest."""
    ledger = await open_by_locator(locator)
    await add_what_is_forgotten(ledger)
    (job,) = await accept_leased(ledger)
    await ledger.settle(make_settlement(job, Outcome.DEFERRED))
    ids = [each.id for each in job.recipients]
    await ledger.change_status(
        ids, Status.CANCELLED, scope=EVERYTHING, actor="op", reason="", now=START
    )
    later = START + timedelta(seconds=1)
    await ledger.accept(make_submission("u@waiting.example", now=later), later, None)
    await ledger.add_account(ALICE)
    await ledger.add_account(BOB)
    await ledger.record_accesses([make_access(), make_access(messages=(job.message.id,))])
    await ledger.add_session(SESSION)
    saved = SavedSearch(
        id=mint(START), owner=ALICE.address, name="late", text="since:2d", created_at=START
    )
    await ledger.save_search(saved)
    await ledger.note_search(ALICE.address, "to:bob", START)
    await ledger.keep_habits(BOB.address, Habits(outcome="all", zone="UTC", has_keys=False))
    await ledger.record_refusals([make_refusal(), make_refusal(account=None)])
    await ledger.add_correction(correction())
    await ledger.begin_reclassifying("alice", START)
    for at in (START, START, START + DAY):
        await ledger.record_failure(["client 192.0.2.1", "account x"], at, DAY)
    await give_back_all(ledger)
    await ledger.close()


async def add_what_is_forgotten(ledger: Ledger) -> None:
    """Let mail be delivered and pruned: only the day's counters know of it."""
    long_ago = START - 5 * DAY
    for outcome in (Outcome.DELIVERED, Outcome.FAILED):
        (job,) = await accept_leased(ledger, make_submission(now=long_ago), long_ago)
        await ledger.settle(make_settlement(job, outcome, now=long_ago))
    while await ledger.prune((START - DAY).date(), 10):
        pass
    assert await recipients(ledger) == []


async def add_special_mail(ledger: Ledger) -> None:
    """Add content of every size, a DSN, a message half delivered, a destination that is away."""
    for octets in (b"", b"x", LARGE):
        await ledger.accept(make_submission(content=octets), START, None)
    jobs = await accept_leased(ledger, make_submission("a@one.example", "b@two.example"))
    report = make_submission(
        "alice@example.com", reverse_path="", kind=MessageKind.DSN, reports_on=jobs[0].message.id
    )
    await ledger.settle(make_settlement(jobs[0], Outcome.FAILED, reports=(report,)))
    away = DestinationChange(
        destination="two.example",
        at=START,
        reachable=False,
        failures=3,
        next_probe_at=START + timedelta(minutes=7),
        detail="Connection timed out",
    )
    deferred = make_settlement(jobs[1], Outcome.DEFERRED)
    (change,) = deferred.changes
    told = replace(change, gate=Gate.DESTINATION, gate_detail="no answer", delay_dsn_at=START)
    await ledger.settle(replace(deferred, changes=(told,), destination=away))


async def add_many(locator: str, messages: int) -> None:
    """Add messages of so many recipients that few of them make a step of the transfer."""
    ledger = await open_by_locator(locator)
    names = [f"u{n}@one.example" for n in range(200)]
    for n in range(messages):
        now = START + timedelta(seconds=n)
        await ledger.accept(make_submission(*names, now=now, content=b"%d" % n), now, None)
    await ledger.close()


class Altered:
    """An archive that does something else than it was told; all else it does as told."""

    def __init__(self, archive: Any) -> None:
        self._archive = archive

    def __getattr__(self, name: str) -> Any:
        return getattr(self._archive, name)
