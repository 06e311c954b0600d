"""A name server for made-up zones: answers from a table, over UDP and TCP."""

import asyncio
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = Mapping[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset]

_AUTHORITY = dns.rrset.from_text(
    ".", 5, "IN", "SOA", "ns.example. hostmaster.example. 1 3600 600 86400 5"
)
"""Sent with negative answers, so that resolvers forget them after 5 seconds (RFC 2308 5)."""


def parse_records(lines: Iterable[str]) -> Records:
    """Return the record sets that `lines` ("name type data") describe."""
    data: defaultdict[tuple[dns.name.Name, dns.rdatatype.RdataType], list[str]] = defaultdict(list)
    for line in lines:
        owner, kind, value = line.split(maxsplit=2)
        data[dns.name.from_text(owner), dns.rdatatype.from_text(kind)].append(value)
    return {
        (name, rdtype): dns.rrset.from_text_list(name, 60, "IN", rdtype, values)
        for (name, rdtype), values in data.items()
    }


def answer(records: Records, wire: bytes) -> bytes | None:
    """Return the reply to the query in `wire`; None to one that cannot be read."""
    try:
        query = dns.message.from_wire(wire)
        question = query.question[0]
    except (dns.exception.DNSException, IndexError):
        return None
    reply = dns.message.make_response(query, recursion_available=True)
    if found := records.get((question.name, question.rdtype)):
        reply.answer.append(found)
    else:
        reply.authority.append(_AUTHORITY)
        if not any(name.is_subdomain(question.name) for name, _ in records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    """DNS over UDP (RFC 1035 4.2.1)."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | bytes, int]) -> None:
        reply = answer(self._records, data)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)


@asynccontextmanager
async def serve(records: Records, address: str, port: int) -> AsyncIterator[None]:
    """Answer from `records` at `address` and `port` over UDP and TCP."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """DNS over TCP: each message behind its length (RFC 1035 4.2.2)."""
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                reply = answer(records, await reader.readexactly(length))
                if reply is None:
                    break
                writer.write(struct.pack("!H", len(reply)) + reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has what it wanted
        finally:
            writer.close()

    loop = asyncio.get_running_loop()
    streams = await asyncio.start_server(converse, address, port)
    try:
        datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(records), local_addr=(address, port)
        )
    except OSError:
        streams.close()
        raise
    try:
        yield
    finally:
        datagrams.close()
        streams.close()
