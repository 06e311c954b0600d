"""The relays that are measured beside each other."""

from collections.abc import Sequence

from benchmarks.peers.exim import EXIM
from benchmarks.peers.haraka import HARAKA
from benchmarks.peers.opensmtpd import OPENSMTPD
from benchmarks.peers.peer import NextHop, Peer, Relay
from benchmarks.peers.postfix import POSTFIX
from benchmarks.peers.sendtrace import SENDTRACE

PEERS = (POSTFIX, EXIM, OPENSMTPD, HARAKA, SENDTRACE)
"""The first is what the others are compared to."""


def present(names: list[str] | None = None) -> list[Peer]:
    """Return the peers of these names (all: None) that can run here; say why others cannot."""
    wanted = [peer for peer in PEERS if names is None or peer.name.lower() in names]
    for peer in wanted:
        if why := peer.missing():
            print(f"{peer.name} is left out: {why}", flush=True)
    return [peer for peer in wanted if peer.missing() is None]


def footnotes(peers: Sequence[Peer]) -> str:
    """Say which versions were measured, and how they were set."""
    return "\n".join(f"{peer.name} {peer.version()}: {peer.settings}." for peer in peers)


__all__ = ["PEERS", "SENDTRACE", "NextHop", "Peer", "Relay", "footnotes", "present"]
