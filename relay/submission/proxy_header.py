"""The PROXY protocol, versions 1 and 2: a load balancer names the client before anything else.

The specification is `proxy-protocol.txt` of HAProxy. What is here neither reads nor waits: it looks
at what was read so far and says what that means, or how many more octets surely belong to the
header. Who reads no more than that leaves everything behind the header where it is, which matters
when that is the beginning of a TLS handshake.
"""

from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple

V2_LIMIT: Final = 536
"""Octets of the longest header of version 2 that is taken: what a sender may put into the first
segment of any connection. Addresses need 232 at most, the rest are extensions (TLV)."""

_V1_LIMIT: Final = 107
"""Octets of the longest header of version 1, with CRLF."""

_V1_SIGNATURE: Final = b"PROXY "
_V2_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"

_V1_SHORTEST: Final = {
    b"PROXY U": len(b"PROXY UNKNOWN\r\n"),
    b"PROXY TCP4": len(b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"),
    b"PROXY TCP6": len(b"PROXY TCP6 :: :: 0 0\r\n"),
}
FIRST_WANTED: Final = len(b"PROXY UNKNOWN\r\n")
"""Octets to read first: those of the shortest header there is."""

_V2_FIXED: Final = 16
"""Octets of version 2 before the addresses: signature, version and command, family, length."""
_V2_LOCAL, _V2_PROXY = 0x20, 0x21
_V2_TCP4, _V2_TCP6 = 0x11, 0x21
_V2_ADDRESSES: Final = {
    0x00: 0,
    _V2_TCP4: 12,
    0x12: 12,
    _V2_TCP6: 36,
    0x22: 36,
    0x31: 216,
    0x32: 216,
}
"""Octets of the addresses by family and transport: unspecified, TCP and UDP over IPv4 and IPv6, and
sockets of the file system."""


class Source(NamedTuple):
    """Where the balancer's client is."""

    address: IPv4Address | IPv6Address
    port: int


class Header(NamedTuple):
    """A whole header. Without a source, the connection's own peer is the client.

    That is so for the balancer's own connections (its health checks), and for clients which have
    no address that we know what to do with.
    """

    source: Source | None


class Incomplete(NamedTuple):
    """What was read is only the beginning of a header."""

    wanted: int
    """Octets that surely belong to the rest of it, one at least."""


class MalformedHeader(Exception):
    """This is no header of the PROXY protocol; the message says in which way."""


def parse_proxy_header(octets: bytes) -> Header | Incomplete:
    """Return what `octets`, all that was read so far, mean. Raises MalformedHeader.

    It is for readers that never read more than was wanted, FIRST_WANTED in the beginning: anything
    behind the header counts as part of it and makes it malformed.
    """
    if octets[: len(_V2_SIGNATURE)] == _V2_SIGNATURE[: len(octets)]:
        # No octet yet is the beginning of both versions; the shorter one says how much to read.
        return _parse_v2(octets) if octets else Incomplete(FIRST_WANTED)
    if octets[: len(_V1_SIGNATURE)] == _V1_SIGNATURE[: len(octets)]:
        return _parse_v1(octets)
    raise MalformedHeader("it begins like neither version of the PROXY protocol")


def _parse_v1(octets: bytes) -> Header | Incomplete:
    """Read the line of version 1 (section 2.1)."""
    end = octets.find(b"\n")
    if end < 0:
        if len(octets) >= _V1_LIMIT:
            raise MalformedHeader(f"no CRLF within the first {_V1_LIMIT} octets")
        return Incomplete(_still_wanted(octets))
    line = octets[:-2]
    if octets[-2:] != b"\r\n" or end != len(octets) - 1 or b"\r" in line:
        raise MalformedHeader("a line that does not end with its first CRLF")
    words = line.split(b" ")
    if words[1] == b"UNKNOWN":
        return Header(None)  # what follows on the line means nothing
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise MalformedHeader("not PROXY, TCP4 or TCP6, two addresses and two ports")
    kind = IPv4Address if words[1] == b"TCP4" else IPv6Address
    sources = [Source(_parse_address(kind, words[at]), _parse_port(words[at + 2])) for at in (2, 3)]
    return Header(sources[0])


def _still_wanted(octets: bytes) -> int:
    """Return how many octets a line of version 1 has at least beyond the ones at hand."""
    shortest = next(
        (length for start, length in _V1_SHORTEST.items() if octets.startswith(start)), FIRST_WANTED
    )
    line_end = 1 if octets.endswith(b"\r") else 2
    return min(max(shortest - len(octets), line_end), _V1_LIMIT - len(octets))


def _parse_address(
    kind: type[IPv4Address] | type[IPv6Address], word: bytes
) -> IPv4Address | IPv6Address:
    try:
        address = kind(word.decode("ascii"))
    except (UnicodeDecodeError, AddressValueError):
        raise MalformedHeader("an address that is none of its family") from None
    if b"%" in word:
        raise MalformedHeader("an address with a zone")
    return address


def _parse_port(word: bytes) -> int:
    is_number = word.isdigit() and len(word) <= 5 and (word == b"0" or word[:1] != b"0")
    if not is_number or int(word) > 0xFFFF:
        raise MalformedHeader("a port that is no number from 0 to 65535")
    return int(word)


def _parse_v2(octets: bytes) -> Header | Incomplete:
    """Read the block of version 2 (section 2.2); extensions behind the addresses are skipped."""
    if len(octets) < _V2_FIXED:
        return Incomplete(_V2_FIXED - len(octets))
    command, family = octets[12], octets[13]
    length = _V2_FIXED + int.from_bytes(octets[14:16], "big")
    if command not in (_V2_LOCAL, _V2_PROXY):
        raise MalformedHeader("a version or command that version 2 does not have")
    if length > V2_LIMIT:
        raise MalformedHeader(f"longer than {V2_LIMIT} octets")
    if command == _V2_PROXY:
        _check_family(family, length)
    if len(octets) < length:
        return Incomplete(length - len(octets))
    if len(octets) > length:
        raise MalformedHeader("longer than it says")
    return Header(_read_v2_source(octets, family) if command == _V2_PROXY else None)


def _check_family(family: int, length: int) -> None:
    addresses = _V2_ADDRESSES.get(family)
    if addresses is None:
        raise MalformedHeader("a family or transport that version 2 does not have")
    if length < _V2_FIXED + addresses:
        raise MalformedHeader("too short for its addresses")


def _read_v2_source(octets: bytes, family: int) -> Source | None:
    if family == _V2_TCP4:
        return Source(ip_address(octets[16:20]), int.from_bytes(octets[24:26], "big"))
    if family == _V2_TCP6:
        return Source(ip_address(octets[16:32]), int.from_bytes(octets[48:50], "big"))
    return None
