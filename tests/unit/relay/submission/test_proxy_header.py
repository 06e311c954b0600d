"""The PROXY protocol: every form of a header, and every way to get it wrong."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.submission.proxy_header import (
    FIRST_WANTED,
    V2_LIMIT,
    Header,
    Incomplete,
    MalformedHeader,
    Source,
    parse_proxy_header,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
IPV4 = bytes([192, 0, 2, 1, 198, 51, 100, 7]) + (51234).to_bytes(2, "big") + b"\2\x4b"
IPV6 = (
    ip_address("2001:db8::1").packed
    + ip_address("2001:db8::7").packed
    + (51234).to_bytes(2, "big")
    + b"\2\x4b"
)
FROM_IPV4 = Source(ip_address("192.0.2.1"), 51234)
FROM_IPV6 = Source(ip_address("2001:db8::1"), 51234)
LONGEST_IPV6 = b"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"


def v2(command: int = 0x21, family: int = 0x11, rest: bytes = IPV4) -> bytes:
    """Return a header of version 2."""
    return SIGNATURE + bytes([command, family]) + len(rest).to_bytes(2, "big") + rest


def tlv(kind: int, value: bytes) -> bytes:
    """Return an extension."""
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


GOOD = {
    "v1 IPv4": (b"PROXY TCP4 192.0.2.1 198.51.100.7 51234 587\r\n", FROM_IPV4),
    "v1 IPv6": (b"PROXY TCP6 2001:db8::1 2001:db8::7 51234 587\r\n", FROM_IPV6),
    "v1 shortest IPv4": (
        b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n",
        Source(ip_address("0.0.0.0"), 0),
    ),
    "v1 shortest IPv6": (b"PROXY TCP6 :: :: 0 0\r\n", Source(ip_address("::"), 0)),
    "v1 longest IPv6": (
        b"PROXY TCP6 " + LONGEST_IPV6 + b" " + LONGEST_IPV6 + b" 65535 65535\r\n",
        Source(ip_address(LONGEST_IPV6.decode()), 65535),
    ),
    "v1 IPv4 in IPv6": (
        b"PROXY TCP6 ::ffff:192.0.2.1 ::1 51234 587\r\n",
        Source(ip_address("::ffff:192.0.2.1"), 51234),
    ),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", None),
    "v1 unknown, longest": (
        b"PROXY UNKNOWN " + LONGEST_IPV6 + b" " + LONGEST_IPV6 + b" 65535 65535\r\n",
        None,
    ),
    "v1 unknown with anything": (b"PROXY UNKNOWN \xff\0 nonsense\r\n", None),
    "v2 IPv4": (v2(), FROM_IPV4),
    "v2 IPv6": (v2(family=0x21, rest=IPV6), FROM_IPV6),
    "v2 local": (v2(0x20, 0x00, b""), None),
    "v2 local with addresses": (v2(0x20), None),
    "v2 local with a family that is none": (v2(0x20, 0xFF, b""), None),
    "v2 unspecified": (v2(family=0x00, rest=b""), None),
    "v2 unspecified with octets": (v2(family=0x00, rest=b"abc"), None),
    "v2 UDP over IPv4": (v2(family=0x12), None),
    "v2 UDP over IPv6": (v2(family=0x22, rest=IPV6), None),
    "v2 UNIX stream": (v2(family=0x31, rest=bytes(216)), None),
    "v2 UNIX datagram": (v2(family=0x32, rest=bytes(216)), None),
    "v2 with extensions": (v2(rest=IPV4 + tlv(2, b"mail.example.org") + tlv(4, b"")), FROM_IPV4),
    "v2 with extensions that are nonsense": (v2(rest=IPV4 + b"\2\xff\xff"), FROM_IPV4),
    "v2 as long as may be": (v2(rest=IPV4.ljust(V2_LIMIT - 16, b"\4")), FROM_IPV4),
}

MALFORMED = {
    "SMTP": b"EHLO client.example.net\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "an empty line": b"\r\n" + b"EHLO client.example.net\r\n",
    "another case": b"proxy TCP4 192.0.2.1 198.51.100.7 51234 587\r\n",
    "no space": b"PROXYTCP4 192.0.2.1 198.51.100.7 51234 587\r\n",
    "v1 two spaces": b"PROXY  TCP4 192.0.2.1 198.51.100.7 51234 587\r\n",
    "v1 a space at the end": b"PROXY TCP4 192.0.2.1 198.51.100.7 51234 587 \r\n",
    "v1 a tab": b"PROXY TCP4\t192.0.2.1 198.51.100.7 51234 587\r\n",
    "v1 nothing": b"PROXY \r\n".ljust(15, b" "),
    "v1 unknown family": b"PROXY UDP4 192.0.2.1 198.51.100.7 51234 587\r\n",
    "v1 longer word": b"PROXY UNKNOWNS\r\n",
    "v1 no addresses": b"PROXY TCP4        \r\n".ljust(32),
    "v1 a word is missing": b"PROXY TCP4 192.0.2.1 198.51.100.7 51234\r\n",
    "v1 a word too many": b"PROXY TCP4 192.0.2.1 198.51.100.7 51234 587 1\r\n",
    "v1 IPv6 as TCP4": b"PROXY TCP4 2001:db8::1 2001:db8::7 51234 587\r\n",
    "v1 IPv4 as TCP6": b"PROXY TCP6 192.0.2.1 198.51.100.7 51234 587\r\n",
    "v1 bad source": b"PROXY TCP4 192.0.2.256 198.51.100.7 51234 587\r\n",
    "v1 bad destination": b"PROXY TCP4 192.0.2.1 198.51.100 51234 587\r\n",
    "v1 leading zeros in an address": b"PROXY TCP4 192.0.02.1 198.51.100.7 51234 587\r\n",
    "v1 a zone": b"PROXY TCP6 fe80::1%eth0 fe80::2 51234 587\r\n",
    "v1 a network": b"PROXY TCP4 192.0.2.0/24 198.51.100.7 51234 587\r\n",
    "v1 not ASCII": b"PROXY TCP4 192.0.2.\xd9\xa1 198.51.100.7 51234 587\r\n",
    "v1 source port too large": b"PROXY TCP4 192.0.2.1 198.51.100.7 65536 587\r\n",
    "v1 destination port too large": b"PROXY TCP4 192.0.2.1 198.51.100.7 51234 65536\r\n",
    "v1 port with a leading zero": b"PROXY TCP4 192.0.2.1 198.51.100.7 051234 587\r\n",
    "v1 port with a sign": b"PROXY TCP4 192.0.2.1 198.51.100.7 +5123 587\r\n",
    "v1 negative port": b"PROXY TCP4 192.0.2.1 198.51.100.7 -1 587\r\n",
    "v1 no port": b"PROXY TCP4 192.0.2.1 198.51.100.7  587\r\n",
    "v1 port in hexadecimal": b"PROXY TCP4 192.0.2.1 198.51.100.7 0x50 587\r\n",
    "v1 port with an underscore": b"PROXY TCP4 192.0.2.1 198.51.100.7 5_12 587\r\n",
    "v1 bare LF": b"PROXY TCP4 192.0.2.1 198.51.100.7 51234 587\n",
    "v1 bare LF, more follows": b"PROXY UNKNOWN\nEHLO client\r\n",
    "v1 bare CR": b"PROXY UNKNOWN a\rb\r\n",
    "v1 two CR": b"PROXY UNKNOWN\r\r\n",
    "v1 too long": b"PROXY UNKNOWN ".ljust(107, b"x") + b"\r\n",
    "v1 one octet too long": b"PROXY UNKNOWN ".ljust(106, b"x") + b"\r\n",
    "v1 NUL in an address": b"PROXY TCP4 192.0.2.1\0 198.51.100.7 51234 587\r\n",
    "v2 broken signature": SIGNATURE[:-1] + b"\r" + v2()[12:],
    "v2 version 1": v2(0x11),
    "v2 version 3": v2(0x31),
    "v2 command 2": v2(0x22),
    "v2 command 15": v2(0x2F),
    "v2 family 4": v2(family=0x41),
    "v2 transport 0 of a family": v2(family=0x10),
    "v2 transport 3": v2(family=0x13),
    "v2 transport without a family": v2(family=0x01),
    "v2 no addresses": v2(rest=b""),
    "v2 short addresses": v2(rest=IPV4[:-1]),
    "v2 IPv6 with addresses of IPv4": v2(family=0x21),
    "v2 short UDP addresses": v2(family=0x22, rest=IPV4),
    "v2 short path": v2(family=0x31, rest=bytes(215)),
    "v2 one octet too long": v2(rest=IPV4.ljust(V2_LIMIT - 15, b"\4")),
    "v2 as long as can be said": SIGNATURE + b"\x21\x11\xff\xff" + IPV4,
    "v2 local, too long": v2(0x20, 0x00, bytes(V2_LIMIT)),
}

BEHIND = b"EHLO client.example.net\r\n\r\n\r\n"


def read(octets: bytes, most: int = V2_LIMIT) -> tuple[Header | Incomplete, bytes]:
    """Read as the entrance does, at most `most` octets at once; return the result and the rest."""
    step: Header | Incomplete = Incomplete(FIRST_WANTED)
    at = 0
    while isinstance(step, Incomplete) and at < len(octets):
        assert step.wanted > 0
        at += min(step.wanted, most, len(octets) - at)
        step = parse_proxy_header(octets[:at])
    return step, octets[at:]


@pytest.mark.parametrize(("octets", "source"), GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("most", [1, 2, 7, V2_LIMIT])
def test_a_header_is_read_and_nothing_behind_it(
    octets: bytes, source: Source | None, most: int
) -> None:
    assert read(octets + BEHIND, most) == (Header(source), BEHIND)


@pytest.mark.parametrize("octets", [octets for octets, _ in GOOD.values()], ids=GOOD)
def test_every_beginning_of_a_header_is_incomplete(octets: bytes) -> None:
    for end in range(len(octets)):
        step = parse_proxy_header(octets[:end])
        assert isinstance(step, Incomplete)
        assert 0 < step.wanted <= len(octets) - end, "it may not want what is behind the header"


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("most", [1, V2_LIMIT])
def test_malformed(octets: bytes, most: int) -> None:
    with pytest.raises(MalformedHeader):
        read(octets + BEHIND, most)


@pytest.mark.parametrize("octets", [b"P", b"PROXY", b"\r", SIGNATURE, b"PROXY UNKNOWN\r", b""])
def test_what_may_become_one_is_waited_for(octets: bytes) -> None:
    assert isinstance(parse_proxy_header(octets), Incomplete)


@pytest.mark.parametrize("octets", [octets for octets, _ in GOOD.values()], ids=GOOD)
def test_octets_behind_it_are_not_overlooked(octets: bytes) -> None:
    with pytest.raises(MalformedHeader):
        parse_proxy_header(octets + b"x")


def test_the_limit_of_version_1_is_the_specification_s() -> None:
    longest = b"PROXY UNKNOWN ".ljust(105, b"x") + b"\r\n"
    assert len(longest) == 107
    assert read(longest) == (Header(None), b"")


HOSTILE = st.one_of(
    st.binary(max_size=700),
    st.binary(max_size=700).map(lambda tail: SIGNATURE + tail),
    st.binary(max_size=300).map(lambda tail: b"PROXY TCP4 " + tail),
    st.text("PROXYTCUNKW46 :.0123456789abcdef\r\n%", max_size=120).map(
        lambda tail: b"PROXY " + tail.encode()
    ),
    st.tuples(
        st.sampled_from([octets for octets, _ in GOOD.values()]),
        st.integers(0, 120),
        st.integers(0, 255),
    ).map(lambda t: t[0][: t[1]] + bytes([t[2]]) + t[0][t[1] + 1 :]),
)


@given(HOSTILE, st.integers(1, V2_LIMIT))
def test_whatever_comes_the_end_is_one_of_three_and_bounded(octets: bytes, most: int) -> None:
    try:
        step, rest = read(octets, most)
    except MalformedHeader:
        return
    assert len(octets) - len(rest) <= V2_LIMIT
    assert isinstance(step, Header) or not rest, "incomplete only when nothing more came"


@given(
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)),
    st.integers(0, 0xFFFF),
    st.binary(max_size=200),
    st.booleans(),
)
def test_every_address_comes_through(address: object, port: int, tail: bytes, text: bool) -> None:
    source = Source(ip_address(str(address)), port)
    version = source.address.version
    if text:
        header = f"PROXY TCP{version} {source.address} {source.address} {port} 25\r\n".encode()
    else:
        block = source.address.packed * 2 + port.to_bytes(2, "big") + b"\0\x19"
        header = v2(family=0x11 if version == 4 else 0x21, rest=block)
    assert read(header + tail) == (Header(source), tail)
