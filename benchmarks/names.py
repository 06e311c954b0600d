"""Made-up domains, each with an address of its own on loopback, and a name server for them."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from tests.support.dns_server import DnsServer


def address_of(number: int) -> str:
    """Return the address in 127.0.0.0/8 of the domain of a number; not 127.0.0.x."""
    high, low = divmod(number, 250)
    return f"127.{high // 250 + 1}.{high % 250}.{low + 1}"


def domain_of(number: int) -> str:
    """Return the domain whose name tells its address to whoever can compute it."""
    return f"place.{'-'.join(address_of(number).split('.')[1:])}.example"


@contextmanager
def serving(domains: int) -> Iterator[int]:
    """Run a name server that knows so many domains, in a process of its own; its port."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs, domains), daemon=True)
    process.start()
    try:
        port: int = ours.recv()
        yield port
    finally:
        process.kill()
        process.join()


def _serve(pipe: Connection, domains: int) -> None:
    asyncio.run(_serve_for_ever(pipe, domains))


async def _serve_for_ever(pipe: Connection, domains: int) -> None:
    zones = {
        domain_of(number): {"MX": [f"10 {domain_of(number)}."], "A": [address_of(number)]}
        for number in range(domains)
    }
    async with DnsServer(zones) as server:
        pipe.send(server.port)
        await asyncio.Event().wait()
