"""A small internet on the loopback: a name server and mail servers of every temper.

Every exchange has an address of its own in 127.0.0.0/8; all share one port, as on the real
internet. Nothing here reaches another machine.
"""

import contextlib
import socket
import ssl
import tempfile
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.smtp import SMTP

from relay.clock import SystemClock
from relay.demo import nameserver
from relay.demo.certificate import make_self_signed
from relay.demo.manners import Accepting, Dropping, Greylisting, Refusing, Slow

_ADDRESS = "127.0.0.1"
"""Of the name server."""


@dataclass(frozen=True)
class Exchange:
    """A mail server: `manner` None is a machine where nobody listens."""

    host: str
    address: str
    manner: Accepting | None
    tls: bool = False


@dataclass(frozen=True)
class Domain:
    """A mail domain and its exchanges, the preferred one first."""

    name: str
    exchanges: tuple[str, ...]
    about: str
    """What a newcomer can see there."""


@dataclass(frozen=True)
class Internet:
    """Where the simulated internet can be found."""

    nameserver: str
    """Address and port."""
    port: int
    """Of every mail server."""


def exchanges() -> tuple[Exchange, ...]:
    """Return the mail servers, as new as on their first day."""
    blocked = (
        "550 5.7.1 Service unavailable; client [127.0.0.1] blocked using "
        "bl.gatekeeper.example; see https://bl.gatekeeper.example/query/127.0.0.1"
    )
    full = {
        "*": "452 4.2.2 <{address}>: Mailbox is full, the owner has been told",
        "archive": "552 5.2.2 <{address}>: Mailbox is over quota and closed",
    }
    unknown = {
        "*": "550 5.1.1 <{address}>: Recipient address rejected: User unknown",
        "postmaster": "250 2.1.5 Ok",
    }
    return (
        Exchange("mx.bluebird.example", "127.0.0.2", Accepting(), tls=True),
        Exchange("mx.greycastle.example", "127.0.0.3", Greylisting(refusals=2)),
        Exchange("mx.fullhouse.example", "127.0.0.4", Refusing(full)),
        Exchange("mx.nobodyhome.example", "127.0.0.5", Refusing(unknown)),
        Exchange("mx.ghostport.example", "127.0.0.6", None),
        Exchange("mx.slowpoke.example", "127.0.0.7", Slow(seconds=8)),
        Exchange("mx.dropbear.example", "127.0.0.8", Dropping(drops=1)),
        Exchange("mx.gatekeeper.example", "127.0.0.9", Refusing({"*": blocked})),
    )


DOMAINS = (
    Domain("northwind.example", ("mx.bluebird.example",), "the senders live here"),
    Domain("bluebird.example", ("mx.bluebird.example",), "accepts, over TLS"),
    Domain("greycastle.example", ("mx.greycastle.example",), "greylists, then accepts"),
    Domain("fullhouse.example", ("mx.fullhouse.example",), "full mailboxes"),
    Domain("nobodyhome.example", ("mx.nobodyhome.example",), "knows no such user"),
    Domain("ghostport.example", ("mx.ghostport.example",), "refuses connections"),
    Domain("slowpoke.example", ("mx.slowpoke.example",), "takes eight seconds to say yes"),
    Domain("dropbear.example", ("mx.dropbear.example",), "hangs up after the final dot, once"),
    Domain("gatekeeper.example", ("mx.gatekeeper.example",), "has us on a blocklist"),
    Domain(
        "twodoors.example",
        ("mx.ghostport.example", "mx.bluebird.example"),
        "first exchange dead, second one accepts",
    ),
    Domain("nomail.example", (".",), "says that it takes no mail (RFC 7505)"),
)


@asynccontextmanager
async def serve() -> AsyncIterator[Internet]:
    """Run the simulated internet. Raises OSError when the loopback has no room for it."""
    servers = exchanges()
    port = _free_port([exchange.address for exchange in servers])
    dns_port = _free_port([_ADDRESS])
    async with AsyncExitStack() as stack:
        records = nameserver.parse_records(_records(servers))
        await stack.enter_async_context(nameserver.serve(records, _ADDRESS, dns_port))
        for exchange in servers:
            if exchange.manner is not None:
                await stack.enter_async_context(_serve_mail(exchange, exchange.manner, port))
        yield Internet(nameserver=f"{_ADDRESS}:{dns_port}", port=port)


@asynccontextmanager
async def _serve_mail(exchange: Exchange, manner: Accepting, port: int) -> AsyncIterator[None]:
    loop = get_running_loop()
    context = _make_tls(exchange) if exchange.tls else None
    server = await loop.create_server(
        lambda: SMTP(
            manner,
            hostname=exchange.host,
            tls_context=context,
            enable_SMTPUTF8=True,
            loop=loop,
        ),
        exchange.address,
        port,
    )
    try:
        yield
    finally:
        server.close()


def _make_tls(exchange: Exchange) -> ssl.SSLContext:
    certificate, key = make_self_signed(exchange.host, exchange.address, SystemClock().now())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:  # ssl reads certificates from files only
        Path(file.name).write_bytes(certificate + key)
        context.load_cert_chain(file.name)
    return context


def _records(servers: tuple[Exchange, ...]) -> Iterator[str]:
    for server in servers:
        yield f"{server.host}. A {server.address}"
    for domain in DOMAINS:
        for preference, host in enumerate(domain.exchanges):
            yield f"{domain.name}. MX {preference * 10} {host.rstrip('.')}."


def _free_port(addresses: list[str]) -> int:
    """Return a port that is free on every one of `addresses`."""
    for _ in range(100):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            port = 0
            for address in addresses:
                bound = stack.enter_context(socket.socket())
                bound.bind((address, port))
                port = bound.getsockname()[1]
            return port
    raise OSError("no port is free on all addresses of the demo")
