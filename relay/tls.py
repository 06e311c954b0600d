"""TLS towards other servers: contexts, what a session's TLS amounts to, and who gets it wrong.

Opportunistic TLS takes any certificate and old protocol versions too: the alternative is clear
text, which is worse (RFC 7435). Routes that demand TLS verify it like everybody else does.
"""

import ssl
from collections import OrderedDict
from datetime import UTC, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from relay.clock import Clock
from tracker.model import TlsFacts, Verification

_REMEMBERED = 10_000
"""Hosts with broken TLS that are remembered."""
_NAMES = 50
"""Names of a certificate that go on record."""


class ClientTls:
    """The two contexts of this process; building one costs as much as a hundred deliveries."""

    def __init__(self, ca_file: Path | None = None) -> None:
        """Trust `ca_file` instead of the system's certificate authorities, if given."""
        self.verified = ssl.create_default_context(cafile=ca_file)
        self.opportunistic = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.opportunistic.check_hostname = False
        self.opportunistic.verify_mode = ssl.CERT_NONE
        self.opportunistic.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        self.opportunistic.set_ciphers("DEFAULT:@SECLEVEL=0")


class BrokenTls:
    """Hosts whose TLS failed lately: with them we speak in clear at once."""

    def __init__(self, memory: timedelta, clock: Clock) -> None:
        self._memory = memory.total_seconds()
        self._clock = clock
        self._until: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def remember(self, host: str, problem: str) -> None:
        """Note that TLS with `host` failed, and how."""
        self._until[host] = (self._clock.monotonic() + self._memory, problem)
        self._until.move_to_end(host)
        if len(self._until) > _REMEMBERED:
            self._until.popitem(last=False)

    def problem_of(self, host: str) -> str | None:
        """Return what failed with `host`, or None when TLS is worth a try."""
        known = self._until.get(host)
        if known is None:
            return None
        if known[0] <= self._clock.monotonic():
            del self._until[host]
            return None
        return known[1]


def facts_of(session: ssl.SSLObject | ssl.SSLSocket) -> TlsFacts:
    """Return what a TLS session amounts to."""
    cipher = session.cipher()
    octets = session.getpeercert(binary_form=True)
    verified = session.context.verify_mode is ssl.CERT_REQUIRED
    names, issuer, not_after = _described(octets) if octets else ((), None, None)
    return TlsFacts(
        version=session.version() or "",
        cipher=cipher[0] if cipher else "",
        verified_by=Verification.PKIX if verified else Verification.NONE,
        peer_names=names,
        issuer=issuer,
        not_after=not_after,
    )


def _described(octets: bytes) -> tuple[tuple[str, ...], str | None, str | None]:
    """Return names, issuer and end of validity of a certificate; nothing of one that is broken."""
    try:
        certificate = x509.load_der_x509_certificate(octets)
        names = _names_of(certificate)
        issuer = certificate.issuer.rfc4514_string()[:500]
        not_after = certificate.not_valid_after_utc.astimezone(UTC).isoformat()
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return (), None, None
    return names[:_NAMES], issuer, not_after


def _names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names, or the common name of old certificates without any."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        attributes = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(attribute.value) for attribute in attributes)
    return tuple(found.value.get_values_for_type(x509.DNSName))
