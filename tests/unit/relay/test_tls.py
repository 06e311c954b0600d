"""Hosts with broken TLS are remembered for a while; certificates are described and judged."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from relay.tls import BrokenTls, ClientTls
from tests.support.authority import Authority
from tests.support.clock import FakeClock
from tracker.model import Verification


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """Return the client's side of a TLS session between the two."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=host)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (near, far):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
    return near


@pytest.mark.parametrize(
    ("names", "host", "lasts", "verified_by"),
    [
        pytest.param(["mx.test"], "mx.test", 1, Verification.PKIX, id="good"),
        pytest.param(["a.test", "mx.test"], "mx.test", 1, Verification.PKIX, id="second name"),
        pytest.param(["*.mx.test"], "a.mx.test", 1, Verification.PKIX, id="wildcard"),
        pytest.param(["other.test"], "mx.test", 1, Verification.NONE, id="other name"),
        pytest.param(["mx.test"], "mx.test", -1, Verification.NONE, id="expired"),
        pytest.param(["mx.test"], "192.0.2.1", 1, Verification.NONE, id="address"),
    ],
)
def test_the_record_says_whether_the_certificate_would_verify(
    tmp_path: Path, names: list[str], host: str, lasts: int, verified_by: Verification
) -> None:
    authority = Authority(tmp_path)
    tls = ClientTls(authority.ca_file)
    server = authority.server(*names, lasts=timedelta(days=lasts))
    facts = tls.facts_of(shake_hands(tls.opportunistic, server, host), host)
    assert facts.verified_by is verified_by
    assert facts.peer_names == tuple(names)
    assert facts.issuer == "CN=Test Authority"
    assert facts.not_after is not None
    assert facts.version == "TLSv1.3"


def test_a_stranger_does_not_verify(tmp_path: Path) -> None:
    (tmp_path / "stranger").mkdir()
    server = Authority(tmp_path / "stranger").server("mx.test")
    tls = ClientTls(Authority(tmp_path).ca_file)
    facts = tls.facts_of(shake_hands(tls.opportunistic, server, "mx.test"), "mx.test")
    assert facts.verified_by is Verification.NONE


def test_the_authorities_of_the_system_can_be_read() -> None:
    assert ClientTls().verified.verify_mode is ssl.CERT_REQUIRED


def test_broken_tls_is_forgotten_in_time() -> None:
    clock = FakeClock()
    memory = BrokenTls(timedelta(days=3), clock)
    assert memory.problem_of("mx.test") is None
    memory.remember("mx.test", "bad handshake")
    assert memory.problem_of("mx.test") == "bad handshake"
    clock.advance(timedelta(days=3) - timedelta(seconds=1))
    assert memory.problem_of("mx.test") == "bad handshake"
    clock.advance(timedelta(seconds=1))
    assert memory.problem_of("mx.test") is None


def test_the_memory_is_bounded_and_keeps_the_latest() -> None:
    memory = BrokenTls(timedelta(days=3), FakeClock())
    for number in range(10_001):
        memory.remember(f"mx{number}.test", "bad")
    assert memory.problem_of("mx0.test") is None
    assert memory.problem_of("mx10000.test") == "bad"
