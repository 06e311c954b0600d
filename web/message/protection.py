"""How a connection was protected, in words that need no knowledge of TLS. Pure."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from tracker.model import Phase, TargetTry, TlsFacts, Verification

_VERIFIED: Final = {
    Verification.NONE: "certificate not verified",
    Verification.PKIX: "certificate verified by a certificate authority (PKIX)",
    Verification.DANE: "certificate verified by DANE",
}
_MEANS: Final = {
    Verification.NONE: "Nobody on the way could read it, but nothing proves that the other end was "
    "the right server. That is usual between mail servers whose domain publishes no policy.",
    Verification.PKIX: "Nobody on the way could read it, and a certificate authority vouches that "
    "this host may use its name.",
    Verification.DANE: "Nobody on the way could read it, and the receiver's domain itself names "
    "this certificate in signed DNS.",
}
_IN_CLEAR: Final = "It was not encrypted: whoever is on the way can read it."
_BEFORE_TLS: Final = frozenset({Phase.ROUTING, Phase.DNS, Phase.CONNECT})
"""Where a connection ends that has not come as far as encryption."""
_TOO_EARLY: Final = frozenset({Phase.GREETING, Phase.EHLO, Phase.STARTTLS})
_POLICIES: Final = {
    "off": "no encryption",
    "opportunistic": "encryption if the server offers it",
    "verified": "encryption with a verified certificate, or nothing",
    "implicit": "encryption from the first octet",
}


class Protection(NamedTuple):
    """What is told about the encryption of one connection."""

    words: str
    """"Encrypted with TLS 1.3; certificate verified by DANE"."""
    meaning: str
    certificate: str
    """Cipher and certificate; empty without TLS."""
    policy: str
    """What was asked of the connection; empty where nothing was."""


def protection_of(tried: TargetTry) -> Protection | None:
    """Return how `tried` was protected; None where no connection came about."""
    if tried.skipped or tried.phase in _BEFORE_TLS:
        return None
    policy = _POLICIES.get(tried.tls_policy, tried.tls_policy)
    if tried.tls is None:
        meaning = "" if tried.phase in _TOO_EARLY else _IN_CLEAR
        return Protection(_without(tried), meaning, "", policy)
    return Protection(
        words=encrypted(tried.tls),
        meaning=_MEANS[tried.tls.verified_by],
        certificate="; ".join(_certificate(tried.tls)),
        policy=policy,
    )


def encrypted(tls: TlsFacts) -> str:
    """Return "Encrypted with TLS 1.3; certificate verified by DANE"."""
    return f"Encrypted with {version_of(tls.version)}; {_VERIFIED[tls.verified_by]}"


def version_of(version: str) -> str:
    """Return "TLS 1.3" for "TLSv1.3", and what follows as it is."""
    return version.replace("TLSv", "TLS ", 1)


def _without(tried: TargetTry) -> str:
    if tried.phase in _TOO_EARLY:
        begun = "It ended before encryption could begin"
        return f"{begun}: {tried.tls_problem}" if tried.tls_problem else begun
    return f"Not encrypted: {tried.tls_problem}" if tried.tls_problem else "Not encrypted"


def _certificate(tls: TlsFacts) -> Iterator[str]:
    yield f"cipher {tls.cipher}"
    if tls.peer_names:
        yield f"the certificate names {', '.join(tls.peer_names)}"
    if tls.issuer:
        yield f"issued by {tls.issuer}"
    if tls.not_after:
        yield f"valid until {tls.not_after}"
