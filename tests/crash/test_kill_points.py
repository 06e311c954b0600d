"""kill -9 at each named step of a message's life, and what the record says afterwards."""

import asyncio
import signal
import smtplib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.far_side import CONNECT, FINAL_DOT, RCPT, FarSide, serve_far_side
from tests.support.service import Service
from tests.support.waiting import wait_until

pytestmark = pytest.mark.acceptance

ROUTES = """
[retry]
schedule = ["500ms"]
destination_backoff = ["500ms"]

[[routes]]
domain = "*"
next_hop = "127.0.0.1:{port}"
"""
BOB = "bob@far.test"
UNKNOWN = "unknown@far.test"
ANNA = "anna@far.test"


@pytest.fixture
async def far_side() -> AsyncIterator[FarSide]:
    async with serve_far_side() as running:
        yield running


@pytest.fixture
async def service(tmp_path: Path, far_side: FarSide) -> AsyncIterator[Service]:
    # With a short lease, a worker that the machine keeps waiting would lose it to the other one.
    made = Service(tmp_path, settings=ROUTES.format(port=far_side.port), lease="30s")
    await asyncio.to_thread(made.start)
    yield made
    await asyncio.to_thread(made.terminate)  # not here: the far side has to answer its QUIT


async def submit(service: Service, forward_path: str) -> None:
    def send() -> None:
        with smtplib.SMTP("127.0.0.1", service.submission_port) as client:
            client.sendmail(ANNA, [forward_path], b"Subject: Test\r\n\r\nHello\r\n")

    await asyncio.to_thread(send)


async def kill_and_restart(service: Service) -> None:
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.start)


async def timeline_when(service: Service, forward_path: str, status: str) -> dict[str, Any]:
    """Return the timeline of the one message to `forward_path` once it has `status`."""

    def found() -> dict[str, Any] | None:
        (row,) = service.trace(f"to:{forward_path}")
        if row["recipient"]["status"] != status:
            return None
        return service.timeline(row["message"]["id"])

    return await asyncio.to_thread(wait_until, found, f"{forward_path} to be {status}")


def outcomes(timeline: dict[str, Any]) -> list[str]:
    return [attempt["outcome"] for attempt in timeline["attempts"]]


def events(timeline: dict[str, Any]) -> list[str]:
    return [event["kind"] for event in timeline["events"]]


async def test_in_the_middle_of_data_nothing_is_kept(service: Service, far_side: FarSide) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.submission_port)
    for line in (b"EHLO a.test", b"MAIL FROM:<>", b"RCPT TO:<bob@far.test>", b"DATA"):
        writer.write(line + b"\r\n")
    await reader.readuntil(b"354 ")
    writer.write(b"Subject: Half\r\n\r\nHalf of it\r\n")
    await writer.drain()
    await kill_and_restart(service)
    writer.close()
    assert service.trace("since:1d") == []
    assert far_side.taken == {}


@pytest.mark.parametrize("step", [CONNECT, RCPT])
async def test_before_the_final_dot_it_is_sent_once(
    service: Service, far_side: FarSide, step: str
) -> None:
    far_side.pause_at(step)
    await submit(service, BOB)
    await far_side.reached(step)
    await asyncio.to_thread(service.kill)
    far_side.go_on(step)
    await asyncio.to_thread(service.start)
    timeline = await timeline_when(service, BOB, "delivered")
    assert far_side.taken == {BOB: 1}
    assert outcomes(timeline) == ["delivered"]
    assert timeline["attempts"][0]["number"] == 1, "the interrupted one is not counted"
    assert "relay-restarted" in events(timeline)


async def test_between_the_final_dot_and_its_reply_it_is_uncertain(
    service: Service, far_side: FarSide
) -> None:
    far_side.pause_at(FINAL_DOT)
    await submit(service, BOB)
    await far_side.reached(FINAL_DOT)
    await asyncio.to_thread(service.kill)
    far_side.go_on(FINAL_DOT)
    await far_side.wait_for(BOB, 1)
    await asyncio.to_thread(service.start)
    timeline = await timeline_when(service, BOB, "delivered")
    assert far_side.taken == {BOB: 2}, "the one window in which mail arrives twice (RFC 1047)"
    assert outcomes(timeline) == ["uncertain", "delivered"]


async def test_after_their_250_and_before_our_commit_it_is_uncertain(
    service: Service, far_side: FarSide
) -> None:
    far_side.pause_at(FINAL_DOT)
    await submit(service, BOB)
    await far_side.reached(FINAL_DOT)
    service.signal_all(signal.SIGSTOP)
    far_side.go_on(FINAL_DOT)
    await far_side.wait_for(BOB, 1)
    await kill_and_restart(service)
    timeline = await timeline_when(service, BOB, "delivered")
    assert far_side.taken == {BOB: 2}
    assert outcomes(timeline) == ["uncertain", "delivered"]


async def test_in_doubt_it_is_held_where_that_is_preferred(
    tmp_path: Path, far_side: FarSide
) -> None:
    settings = ROUTES.format(port=far_side.port).replace("[retry]", '[retry]\nuncertain = "hold"')
    held = Service(tmp_path, settings=settings, lease="30s")
    await asyncio.to_thread(held.start)
    try:
        far_side.pause_at(FINAL_DOT)
        await submit(held, BOB)
        await far_side.reached(FINAL_DOT)
        held.signal_all(signal.SIGSTOP)
        far_side.go_on(FINAL_DOT)
        await far_side.wait_for(BOB, 1)
        await kill_and_restart(held)
        await submit(held, "later@far.test")
        await far_side.wait_for("later@far.test", 1)
        timeline = await timeline_when(held, BOB, "held")
    finally:
        await asyncio.to_thread(held.terminate)
    assert far_side.taken == {BOB: 1, "later@far.test": 1}
    assert outcomes(timeline) == ["uncertain"]


async def test_after_our_commit_it_stays_delivered(service: Service, far_side: FarSide) -> None:
    await submit(service, BOB)
    await timeline_when(service, BOB, "delivered")
    await kill_and_restart(service)
    await submit(service, "later@far.test")
    await far_side.wait_for("later@far.test", 1)
    assert far_side.taken == {BOB: 1, "later@far.test": 1}


async def test_before_a_bounce_is_settled_one_dsn_goes_out(
    service: Service, far_side: FarSide
) -> None:
    far_side.pause_at(RCPT)
    await submit(service, UNKNOWN)
    await far_side.reached(RCPT)
    service.signal_all(signal.SIGSTOP)
    far_side.go_on(RCPT)
    await kill_and_restart(service)
    timeline = await timeline_when(service, UNKNOWN, "bounced")
    assert outcomes(timeline) == ["failed"]
    assert events(timeline).count("dsn-sent") == 1
    await timeline_when(service, ANNA, "delivered")
    assert far_side.taken == {ANNA: 1}


async def test_while_the_dsn_waits_it_goes_out_once(service: Service, far_side: FarSide) -> None:
    far_side.pause_at(RCPT)
    await submit(service, UNKNOWN)
    await far_side.reached(RCPT)
    far_side.go_on(RCPT)
    far_side.pause_at(FINAL_DOT)
    timeline = await timeline_when(service, UNKNOWN, "bounced")
    await far_side.reached(FINAL_DOT)
    service.signal_all(signal.SIGSTOP)
    await kill_and_restart(service)
    far_side.go_on(FINAL_DOT)
    await timeline_when(service, ANNA, "delivered")
    assert outcomes(timeline) == ["failed"]
    assert len(service.trace(f"to:{ANNA}")) == 1, "one DSN, whatever became of its delivery"
