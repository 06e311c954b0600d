"""TLS towards other servers: contexts, what a session's TLS amounts to, and who gets it wrong.

Opportunistic TLS takes any certificate and old protocol versions too: the alternative is clear
text, which is worse (RFC 7435). Routes that demand TLS verify it like everybody else does.
"""

import ssl
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from relay.clock import Clock
from tracker.model import TlsFacts, Verification

_REMEMBERED = 10_000
"""Hosts with broken TLS that are remembered."""
_NAMES = 50
"""Names of a certificate that go on record."""
_CHAIN = 10
"""Certificates of a chain that are looked at."""
_DER = 2
"""The encoding of `_ssl.Certificate.public_bytes`."""


class ClientTls:
    """The contexts of this process; building one costs as much as a hundred deliveries."""

    def __init__(self, ca_file: Path | None = None) -> None:
        """Trust `ca_file` instead of the system's certificate authorities, if given."""
        self.verified = ssl.create_default_context(cafile=ca_file)
        self.opportunistic = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.opportunistic.check_hostname = False
        self.opportunistic.verify_mode = ssl.CERT_NONE
        self.opportunistic.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        self.opportunistic.set_ciphers("DEFAULT:@SECLEVEL=0")
        self._policy = _policy_of(self.verified)

    def facts_of(self, session: ssl.SSLObject, host: str) -> TlsFacts:
        """Return what a TLS session with `host` amounts to.

        Where verification was not demanded, it is made up for here: that costs less than a
        millisecond for each connection, and the record says what a demand would have met.
        """
        cipher = session.cipher()
        chain = _chain_of(session)
        verified = session.context.verify_mode is ssl.CERT_REQUIRED or self._vouches(chain, host)
        names, issuer, not_after = _described(chain[0]) if chain else ((), None, None)
        return TlsFacts(
            version=session.version() or "",
            cipher=cipher[0] if cipher else "",
            verified_by=Verification.PKIX if verified else Verification.NONE,
            peer_names=names,
            issuer=issuer,
            not_after=not_after,
        )

    def _vouches(self, chain: Sequence[bytes], host: str) -> bool:
        """Say whether the authorities vouch for `host` by `chain`, leaf first."""
        if self._policy is None or not chain:
            return False
        try:
            with _tolerance():
                leaf, *others = map(x509.load_der_x509_certificate, chain[:_CHAIN])
            self._policy.build_server_verifier(x509.DNSName(host)).verify(leaf, others)
        except (ValueError, UnsupportedAlgorithm, VerificationError):
            return False
        return True


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


def _policy_of(context: ssl.SSLContext) -> PolicyBuilder | None:
    """Return what verifies by the authorities that `context` trusts; None when it lists none."""
    with _tolerance():
        known = [x509.load_der_x509_certificate(c) for c in context.get_ca_certs(binary_form=True)]
    return PolicyBuilder().store(Store(known)) if known else None


def _chain_of(session: ssl.SSLObject) -> list[bytes]:
    """Return the peer's certificates as it sent them, leaf first.

    The chain is public since Python 3.13; before, the object inside has it.
    """
    source: Any = session
    if not hasattr(source, "get_unverified_chain"):
        source = source._sslobj
    chain = source.get_unverified_chain() or ()
    return [c if isinstance(c, bytes) else c.public_bytes(_DER) for c in chain]


@contextmanager
def _tolerance() -> Iterator[None]:
    """Read certificates that bend the rules without a warning for each of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


def _described(octets: bytes) -> tuple[tuple[str, ...], str | None, str | None]:
    """Return names, issuer and end of validity of a certificate; nothing of one that is broken."""
    try:
        with _tolerance():
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
