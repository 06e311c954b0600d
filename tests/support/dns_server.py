"""A DNS server on loopback, UDP and TCP on one port, with zones from a dictionary.

    async with DnsServer({"mx.test": {"A": ["192.0.2.1"]}}, failing={"bad.test": "SERVFAIL"}) as s:
        s.address   # "127.0.0.1:port"

Records are written as in a zone file; names are absolute, with or without the final dot. A name
that only has CNAME records is followed, as a resolver does. A name, or "name TYPE", in `failing`
gets the response code named there; with "SILENCE" no response at all, with "EMPTY" a packet that
is no DNS.
"""

import asyncio
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.support.ports import free_port

Zones = Mapping[str, Mapping[str, Sequence[str]]]
_CHAIN = 20
"""CNAME records that are followed; a loop ends here."""


class DnsServer:
    """Answers for `zones`; everything else does not exist."""

    def __init__(
        self, zones: Zones, *, failing: Mapping[str, str] | None = None, ttl: int = 60
    ) -> None:
        self.zones = {name.rstrip(".").lower(): dict(records) for name, records in zones.items()}
        self.failing = dict(failing or {})
        self.ttl = ttl
        self.asked: Counter[str] = Counter()
        """Queries by "NAME TYPE", of either transport."""
        self.by_tcp = 0
        self.reached = asyncio.Event()
        """Set by the first query."""
        self.silent = False
        """True: answer nobody anything."""
        self.held: asyncio.Event | None = None
        """When set, answers wait for it."""
        self.port = 0
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        # One that the system picks for TCP may be somebody's for UDP.
        self.port = free_port()
        self._tcp = await asyncio.start_server(self._serve_tcp, "127.0.0.1", self.port)
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), ("127.0.0.1", self.port)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._tcp is not None
        assert self._udp is not None
        self._tcp.close()
        self._udp.close()
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    def take_datagram(self, octets: bytes, peer: tuple[str, int]) -> None:
        """Answer a query that came by UDP."""
        task = asyncio.ensure_future(self._answer_datagram(octets, peer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_datagram(self, octets: bytes, peer: tuple[str, int]) -> None:
        assert self._udp is not None
        response = await self._respond(octets, by_udp=True)
        if response is not None:
            self._udp.sendto(response, peer)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                response = await self._respond(await reader.readexactly(length), by_udp=False)
                if response is not None:
                    self.by_tcp += 1
                    writer.write(struct.pack("!H", len(response)) + response)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has what it wanted
        finally:
            self._answering.discard(task)
            writer.close()

    async def _respond(self, octets: bytes, *, by_udp: bool) -> bytes | None:
        query = cast(dns.message.QueryMessage, dns.message.from_wire(octets))
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        asked = f"{name} {dns.rdatatype.to_text(question.rdtype)}"
        self.asked[asked] += 1
        self.reached.set()
        fault = self.failing.get(asked) or self.failing.get(name)
        if self.held is not None:
            await self.held.wait()
        if self.silent or fault == "SILENCE":
            return None
        if fault == "EMPTY":
            return octets[:2]
        response = dns.message.make_response(query, recursion_available=True)
        if fault is not None:
            response.set_rcode(dns.rcode.from_text(fault))
        else:
            self._fill(response, name, question.rdtype)
        try:
            return response.to_wire(max_size=query.payload or 512 if by_udp else 65_535)
        except dns.exception.TooBig:
            response = dns.message.make_response(query, recursion_available=True)
            response.flags |= dns.flags.TC
            return response.to_wire()

    def _fill(
        self, response: dns.message.Message, name: str, kind: dns.rdatatype.RdataType
    ) -> None:
        """Put the records for `name` into `response`, and those its aliases lead to."""
        for _ in range(_CHAIN):
            records = self.zones.get(name)
            if records is None:
                if name:  # the root always exists
                    response.set_rcode(dns.rcode.NXDOMAIN)
                return
            wanted = dns.rdatatype.to_text(kind)
            alias = records.get("CNAME")
            for found in [wanted] if wanted in records else ["CNAME"] if alias else []:
                owner = dns.name.from_text(name or ".")
                response.answer.append(
                    dns.rrset.from_text_list(owner, self.ttl, "IN", found, list(records[found]))
                )
            if wanted in records or not alias:
                return
            name = alias[0].rstrip(".").lower()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.take_datagram(data, addr)
