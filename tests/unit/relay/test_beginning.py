"""A process that needs room waits for it, says so once, and begins by itself."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import Settings, StoreSettings
from relay.beginning import begin_when_there_is_room
from relay.supervisor import Ties


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
        begun = await begin_when_there_is_room(
            Beginning(full(), full(), full()), settings, ties, pause=0.001
        )
    assert begun == "begun"
    assert [event["event"] for event in events] == [
        "no room to start; waiting for it",
        "there is room again; started",
    ]
    assert events[0]["problem"] == "[Errno 28] No space left on device"
    os.close(life)


async def test_where_there_is_room_it_begins_and_says_nothing(
    settings: Settings, pipes: tuple[Ties, int]
) -> None:
    ties, life = pipes
    with capture_logs() as events:
        assert await begin_when_there_is_room(Beginning(), settings, ties) == "begun"
    assert events == []
    os.close(life)


async def test_what_fails_for_another_reason_fails(
    settings: Settings, pipes: tuple[Ties, int]
) -> None:
    ties, life = pipes
    problem = OSError(errno.EADDRINUSE, "Address already in use")
    with pytest.raises(OSError, match="Address already in use"):
        await begin_when_there_is_room(Beginning(problem), settings, ties)
    os.close(life)


async def test_nobody_waits_longer_than_the_supervisor_lives(
    settings: Settings, pipes: tuple[Ties, int]
) -> None:
    ties, life = pipes
    os.close(life)
    with capture_logs():
        assert await begin_when_there_is_room(Beginning(full()), settings, ties, pause=60) is None
