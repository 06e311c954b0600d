"""How soon it can be seen that mail was delivered, while a relay has much to do.

    python -m benchmarks.freshness [--share 0.5] [--rate N] [--size 5000] [--seconds 20]
                                   [--readers 3]

Messages are sent at regular intervals, at a share of what the relay can do (`benchmarks.latency`
tells how both is meant). Beside that some readers send a message each, again and again, to which
the sink replies half a second after the final dot, and look at it meanwhile: with the verb by which
the panel looks, in this process, again and again; and on the page of the message, whose event
stream is open. Measured is from the sink's reply to the final dot until either says that the
message is delivered.
"""

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

import aiohttp
import uvloop

from benchmarks.latency import capacity
from benchmarks.peers import SENDTRACE, NextHop
from benchmarks.peers.sendtrace import run
from benchmarks.run import placed
from benchmarks.stamping import Stamps, listening, new_stamps, send
from benchmarks.table import percentile, render
from tests.support.panel import token_of
from tests.support.ports import free_port
from tests.support.waiting import is_listening, wait_until
from tracker.model import Account, MessageId, Role, Scope, Status
from tracker.passwords import Passwords
from tracker.sqlite import open_ledger
from tracker.store import Ledger

_SAMPLES_FROM = 1_000_000_000
"""The numbers of the readers' messages."""
_DELAY = 0.5
_LOOK = 0.005
"""Seconds between two looks at the store."""
_PATIENCE = 60.0
_ADDRESS, _PASSWORD = "reader@example.com", "correct horse battery"


class Load(NamedTuple):
    """What the relay has to do, and for how long."""

    rate: float
    size: int
    seconds: float
    readers: int


class _Seen(NamedTuple):
    """Seconds from the reply until it could be seen."""

    store: list[float]
    page: list[float]


class _Relay(NamedTuple):
    port: int
    ledger: Ledger
    panel: aiohttp.ClientSession


async def _read(
    relay: _Relay, load: Load, stamps: Stamps, numbers: "count[int]", seen: _Seen
) -> None:
    """Send a message and see it delivered."""
    number = next(numbers)
    reply = await send(relay.port, number, "b@example.org", load.size, stamps)
    message = MessageId(reply.split()[-1])
    store, page = await asyncio.gather(
        _in_store(relay.ledger, message), _on_page(relay.panel, message)
    )
    timeline = await relay.ledger.timeline(message, Scope())
    assert timeline is not None
    assert [each.status for each in timeline.recipients] == [Status.DELIVERED]
    seen.store.append(store - stamps.replied[number])
    seen.page.append(page - stamps.replied[number])


async def _in_store(ledger: Ledger, message: MessageId) -> float:
    """Return when the store says that a message is final."""
    while True:
        versions = await ledger.versions([message])
        if message in versions and versions[message].is_final:
            return time.perf_counter()
        await asyncio.sleep(_LOOK)


async def _on_page(panel: aiohttp.ClientSession, message: MessageId) -> float:
    """Return when the open page of a message is told that it is final."""
    async with panel.get(f"/messages/{message}/live") as response:
        response.raise_for_status()
        async for line in response.content:
            if line == b"event: final\n":
                return time.perf_counter()
    raise ConnectionError("the page was told nothing")


@asynccontextmanager
async def _opened(path: Path, port: int, panel: int) -> AsyncIterator[_Relay]:
    """Look into a relay's ledger, and at its panel as somebody who may see everything."""
    ledger, passwords = await open_ledger(path), Passwords()
    try:
        account = Account(
            address=_ADDRESS,
            role=Role.ADMIN,
            password_hash=await passwords.hash(_PASSWORD),
            created_at=datetime.now(UTC),
        )
        await ledger.add_account(account)
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{panel}", cookie_jar=jar) as session:
            async with session.get("/login") as response:
                token = token_of(await response.text())
            form = {"csrf": token, "address": _ADDRESS, "password": _PASSWORD}
            async with session.post("/login", data=form) as response:
                response.raise_for_status()
            yield _Relay(port, ledger, session)
    finally:
        passwords.close()
        await ledger.close()


async def _exchange(relay: _Relay, load: Load, stamps: Stamps) -> _Seen:
    """Send everything, and return what the readers have seen."""
    loop, seen, numbers = asyncio.get_running_loop(), _Seen([], []), count(_SAMPLES_FROM)
    begin = loop.time()

    async def reader() -> None:
        while loop.time() < begin + load.seconds:
            # Else each would be sent right behind a look of the panel, which looks once a second.
            await asyncio.sleep(random.random())
            await _read(relay, load, stamps, numbers, seen)

    async with asyncio.timeout(load.seconds + _PATIENCE), asyncio.TaskGroup() as group:
        for _ in range(load.readers):
            group.create_task(reader())
        for number in range(int(load.rate * load.seconds)):
            await asyncio.sleep(begin + number / load.rate - loop.time())
            group.create_task(send(relay.port, number, "b@example.org", load.size, stamps))
    return seen


async def _measure(path: Path, ports: tuple[int, int, int], load: Load) -> _Seen:
    smtp, panel, sink = ports
    stamps = new_stamps()
    async with (
        listening("127.0.0.1", sink, stamps, delay=_DELAY, slow_from=_SAMPLES_FROM),
        _opened(path, smtp, panel) as relay,
    ):
        return await _exchange(relay, load, stamps)


def measure(load: Load) -> _Seen:
    """Run a relay and see."""
    sink, panel = free_port(), free_port()
    with placed(SENDTRACE) as place:
        directory, hop = place / "relay", NextHop(sink)
        with run(directory, hop, PANEL__ADDRESS=f"127.0.0.1:{panel}") as relay:
            wait_until(lambda: is_listening("127.0.0.1", panel), "the panel")
            ports = (relay.ports[0], panel, sink)
            return uvloop.run(_measure(directory / "ledger.db", ports, load))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=5000, help="of a message, in octets")
    parser.add_argument("--share", type=float, default=0.5, help="of what the relay can do")
    parser.add_argument("--rate", type=float, help="messages a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument(
        "--readers", type=int, default=3, help="the panel lets one person have five"
    )
    chosen = parser.parse_args()
    rate = chosen.rate or capacity(SENDTRACE, chosen.size) * chosen.share
    seen = measure(Load(rate, chosen.size, chosen.seconds, chosen.readers))
    rows = []
    for name, times in (("a look at the ledger", seen.store), ("the open page", seen.page)):
        shares = (percentile(times, share) * 1e3 for share in (0.5, 0.99, 1.0))
        rows.append([name, str(len(times)), *(f"{each:.0f}" for each in shares)])
    titles = ["delivered, as shown by", "messages", "p50 ms", "p99 ms", "max ms"]
    print(f"\nFreshness at {rate:.0f} messages a second\n\n{render(titles, rows)}")


if __name__ == "__main__":
    main()
