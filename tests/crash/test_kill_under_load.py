"""kill -9 and SIGTERM in the middle of thousands of messages: nothing acknowledged is lost."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.crash.sender import Sender
from tests.crash.sink import Sink, serve_sink
from tests.support.service import Service
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

ROUTES = """
[retry]
schedule = ["1s"]
destination_backoff = ["1s"]

[[routes]]
domain = "*"
next_hop = "127.0.0.1:{port}"
"""


def service_for(sink: Sink, directory: Path) -> Service:
    directory.mkdir()
    return Service(directory, settings=ROUTES.format(port=sink.port))


@pytest.fixture
def sink_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "sink"
    directory.mkdir()
    return directory


def wait_for_all(sink: Sink, tokens: set[str]) -> None:
    wait_until(
        lambda: tokens <= sink.copies().keys(),
        "every acknowledged message to arrive",
        timeout=400,
    )


def wait_until_settled(service: Service) -> None:
    wait_until(
        lambda: service.trace("status:waiting", limit=1) == [], "an empty queue", timeout=200
    )


def duplicates_of(sink: Sink) -> dict[str, int]:
    return {token: count - 1 for token, count in sink.copies().items() if count > 1}


def has_uncertain_attempt(service: Service, token: str) -> bool:
    (row,) = service.trace(f'subject:"{token}"')
    attempts = service.timeline(row["message"]["id"])["attempts"]
    return any(attempt["outcome"] == "uncertain" for attempt in attempts)


async def test_kill_9_loses_nothing(
    tmp_path: Path, sink_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_sink(sink_directory) as sink:
        service = service_for(sink, tmp_path / "relay")
        sender = Sender(service.submission_port, [f"message-{n:04}" for n in range(5000)])
        with service.running():
            sending = asyncio.create_task(sender.run(connections=20))
            for killed_after in (1500, 3500):
                await sender.wait_for(killed_after)
                await asyncio.to_thread(service.kill)
                await asyncio.to_thread(service.start)
            await sending
            assert len(sender.acknowledged) + len(sender.unknown) == 5000
            await asyncio.to_thread(wait_for_all, sink, sender.acknowledged)
            await asyncio.to_thread(wait_until_settled, service)
            duplicates = duplicates_of(sink)
            for token in duplicates:
                assert has_uncertain_attempt(service, token), f"{token} has no uncertain attempt"
    with capsys.disabled():
        print(
            f"\nkill -9 twice in 5,000 messages: {len(sender.acknowledged)} acknowledged, 0 lost, "
            f"{sum(duplicates.values())} duplicates, all on record as uncertain"
        )


def workers_of(service: Service) -> list[int]:
    """Return the worker processes, oldest first; the panel's process is the last child."""
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text(encoding="ascii")
    return [int(pid) for pid in children.split()][:-1]


async def test_the_death_of_one_worker_loses_nothing(tmp_path: Path, sink_directory: Path) -> None:
    with serve_sink(sink_directory) as sink:
        service = service_for(sink, tmp_path / "relay")
        sender = Sender(service.submission_port, [f"message-{n:04}" for n in range(1500)])
        with service.running():
            sending = asyncio.create_task(sender.run(connections=10))
            await sender.wait_for(500)
            os.kill(workers_of(service)[0], signal.SIGKILL)
            await sending
            await asyncio.to_thread(wait_for_all, sink, sender.acknowledged)
            await asyncio.to_thread(wait_until_settled, service)
            for token in duplicates_of(sink):
                assert has_uncertain_attempt(service, token), f"{token} has no uncertain attempt"
            assert len(workers_of(service)) == service.workers


async def test_sigterm_loses_nothing_and_duplicates_nothing(
    tmp_path: Path, sink_directory: Path
) -> None:
    with serve_sink(sink_directory) as sink:
        service = service_for(sink, tmp_path / "relay")
        sender = Sender(service.submission_port, [f"message-{n:04}" for n in range(3000)])
        with service.running():
            sending = asyncio.create_task(sender.run(connections=20))
            await sender.wait_for(1000)
            assert await asyncio.to_thread(service.terminate) == 0
            await asyncio.to_thread(service.start)
            await sending
            await asyncio.to_thread(wait_for_all, sink, sender.acknowledged)
            await asyncio.to_thread(wait_until_settled, service)
    assert duplicates_of(sink) == {}
