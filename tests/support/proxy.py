"""What stands in front of a listener with the PROXY protocol: a load balancer's side of it."""

import contextlib
import struct
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from config.settings import Listener
from tests.support.certificates import Identity
from tests.support.submission import Bench, Conversation, run_server

CLIENT, PORT = "192.0.2.1", 51234
V1 = f"PROXY TCP4 {CLIENT} 198.51.100.7 {PORT} 587\r\n".encode()
V1_IPV6 = f"PROXY TCP6 2001:db8::1 2001:db8::7 {PORT} 587\r\n".encode()
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"

PROXIED = Listener(address="127.0.0.1:0", proxy_protocol=True)
LOOPBACK = ("127.0.0.1/32",)


def v2(client: str = CLIENT, tlv: bytes = b"") -> bytes:
    """Return a header of version 2."""
    address = ip_address(client)
    family = 0x11 if address.version == 4 else 0x21
    rest = address.packed * 2 + struct.pack("!HH", PORT, 587) + tlv
    return SIGNATURE + bytes([0x21, family]) + struct.pack("!H", len(rest)) + rest


def encrypting(identity: Identity, tls: str) -> Listener:
    """Return a listener behind a balancer, with a certificate."""
    return Listener(
        address="127.0.0.1:0",
        tls=tls,  # type: ignore[arg-type]
        proxy_protocol=True,
        certificate=identity.certificate,
        private_key=identity.private_key,
    )


@contextlib.asynccontextmanager
async def run_behind(state: Path, *listeners: Listener, **submission: Any) -> AsyncIterator[Bench]:
    """Run a server that trusts nobody but believes the balancers on the loopback."""
    settings = {"trusted_networks": (), "trusted_proxies": LOOPBACK, **submission}
    async with run_server(state, *(listeners or (PROXIED,)), **settings) as bench:
        yield bench


async def submit(client: Conversation, reverse_path: str = "a@example.org") -> None:
    """Send one message in a session that has been greeted."""
    await client.begin(reverse_path)
    assert (await client.submit(b"Subject: x\r\n\r\nhi\r\n.\r\n"))[:3] == "250"
