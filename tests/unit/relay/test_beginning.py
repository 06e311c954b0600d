"""A process that needs room waits for it, says so once, and begins by itself."""

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import Settings, StoreSettings
from relay.beginning import begin_patiently
from relay.supervisor import Ties
from tracker.store import SchemaTooNew, StoreUnavailable


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        hostname="relay.test",
        state_directory=tmp_path,
        store=StoreSettings(url=f"sqlite:///{tmp_path}/ledger.db"),
    )


@pytest.fixture
def pipes() -> Iterator[tuple[Ties, int]]:
    """What ties a process to its supervisor, and the end whose closing is the supervisor's."""
    lifeline, life = os.pipe()
    reports, report = os.pipe()
    yield Ties(lifeline, report), life
    for descriptor in (lifeline, reports, report):
        os.close(descriptor)


class Beginning:
    """Fails with one problem after the other, then succeeds."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)

    async def __call__(self) -> str:
        if self.problems:
            raise self.problems.pop(0)
        return "begun"


def full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


async def test_it_begins_when_there_is_room_and_has_said_once_what_it_waits_for(
    settings: Settings, pipes: tuple[Ties, int]
) -> None:
    ties, life = pipes
    with capture_logs() as events:
        begun = await begin_patiently(
            Beginning(full(), full(), full()), settings, ties, pause=0.001
        )
    assert begun == "begun"
    assert [event["event"] for event in events] == [
        "no room to start; waiting for it",
        "there is room again; started",
    ]
    assert events[0]["problem"] == "[Errno 28] No space left on device"
    assert events[0]["then"] == "it starts by itself within 0.001 s"
    os.close(life)


async def test_where_there_is_room_it_begins_and_says_nothing(
    settings: Settings, pipes: tuple[Ties, int]
) -> None:
    ties, life = pipes
    with capture_logs() as events:
        assert await begin_patiently(Beginning(), settings, ties) == "begun"
    assert events == []
    os.close(life)


async def test_the_supervisor_is_told_that_it_lives_and_does_not_serve_yet(
    settings: Settings,
) -> None:
    lifeline, life = os.pipe()
    reports, report = os.pipe()

    async def begin() -> bytes:
        return await asyncio.to_thread(os.read, reports, 100)

    said = await begin_patiently(begin, settings, Ties(lifeline, report))
    assert said == (-os.getpid()).to_bytes(4, "little", signed=True)
    for descriptor in (lifeline, life, reports, report):
        os.close(descriptor)


async def test_what_fails_for_another_reason_fails(
    settings: Settings, pipes: tuple[Ties, int]
) -> None:
    ties, life = pipes
    problem = OSError(errno.EADDRINUSE, "Address already in use")
    with pytest.raises(OSError, match="Address already in use"):
        await begin_patiently(Beginning(problem), settings, ties)
    os.close(life)


@pytest.mark.parametrize(
    ("problem", "waits"),
    [
        pytest.param(StoreUnavailable("disk I/O error"), True, id="ledger"),
        pytest.param(SchemaTooNew("of a later release"), False, id="later release"),
        pytest.param(OSError(errno.EADDRINUSE, "in use"), False, id="address"),
    ],
)
async def test_with_too_little_room_not_everything_is_put_down_to_it(
    settings: Settings,
    pipes: tuple[Ties, int],
    monkeypatch: pytest.MonkeyPatch,
    problem: Exception,
    waits: bool,
) -> None:
    """SQLite has more than one way to say that a disk is full."""
    ties, life = pipes
    monkeypatch.setattr("relay.beginning.WORKER_NEEDS", 1 << 60)
    with capture_logs() as events, nullcontext() if waits else pytest.raises(type(problem)):
        assert await begin_patiently(Beginning(problem), settings, ties, pause=0.001) == "begun"
    assert bool(events) is waits
    if waits:
        assert f"the disk of {settings.state_directory} has " in events[0]["missing"]
    os.close(life)


async def test_nobody_waits_longer_than_the_supervisor_lives(
    settings: Settings, pipes: tuple[Ties, int]
) -> None:
    ties, life = pipes
    os.close(life)
    with capture_logs():
        assert await begin_patiently(Beginning(full()), settings, ties, pause=60) is None
