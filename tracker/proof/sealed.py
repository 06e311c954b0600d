"""A statement with its signature, as JSON, and how somebody else checks it. Pure.

What is signed is the statement in canonical JSON: keys in order, no spaces, UTF-8 (RFC 8785, of
which a statement needs no more than that, having neither fractions nor keys beyond ASCII).
"""

import base64
import json
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tracker.proof.seal import Seal, fingerprint
from tracker.proof.statement import FORMAT, Statement

ALGORITHM: Final = "Ed25519"
LARGEST: Final = 256 * 1024
"""Bytes of a certificate that are read."""


class NotACertificate(ValueError):
    """That is no handover certificate, or none that this version can read; the text says why."""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """By whom, and that nothing has changed since."""

    algorithm: str
    public_key: str
    """32 bytes in Base64."""
    value: str
    """64 bytes in Base64."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The whole document."""

    statement: Statement
    signature: Signature


class Verified(NamedTuple):
    """What a check came to."""

    statement: Statement
    genuine: bool
    """The signature is of this statement and by this key."""
    public_key: bytes

    @property
    def fingerprint(self) -> str:
        """Return what has to be compared with the one that the relay's operator has published."""
        return fingerprint(self.public_key)


def document(statement: Statement, seal: Seal) -> bytes:
    """Return the signed statement as JSON for people to read."""
    certificate = Certificate(
        statement=statement,
        signature=Signature(
            algorithm=ALGORITHM,
            public_key=base64.b64encode(seal.public_key).decode(),
            value=base64.b64encode(seal.sign(canonical(msgspec.to_builtins(statement)))).decode(),
        ),
    )
    return msgspec.json.format(msgspec.json.encode(certificate), indent=2) + b"\n"


def canonical(statement: object) -> bytes:
    """Return the octets that are signed."""
    text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def verify(octets: bytes) -> Verified:
    """Check a document; needs neither the ledger nor the relay. Raises NotACertificate."""
    if len(octets) > LARGEST:
        raise NotACertificate("It is too large to be a handover certificate.")
    if octets.startswith(b"%PDF"):
        raise NotACertificate(
            "This is the PDF: save the file handover.json that is attached to it, and verify that."
        )
    raw, certificate = _read(octets)
    if certificate.statement.format != FORMAT:
        raise NotACertificate(
            f"Its format is {certificate.statement.format!r}; this version reads {FORMAT!r}."
        )
    if certificate.signature.algorithm != ALGORITHM:
        raise NotACertificate(f"It is not signed with {ALGORITHM}.")
    key, value = _decode(certificate.signature)
    return Verified(certificate.statement, _is_by(key, value, canonical(raw)), key)


def _read(octets: bytes) -> tuple[object, Certificate]:
    """Return the statement as it is written, whatever fields it has, and what we know of it."""
    try:
        data = msgspec.json.decode(octets, type=dict[str, object])
        certificate = msgspec.convert(data, Certificate)
        return data["statement"], certificate
    except (msgspec.MsgspecError, KeyError, RecursionError, UnicodeDecodeError) as problem:
        raise NotACertificate(f"It is no handover certificate: {problem}.") from None


def _decode(signature: Signature) -> tuple[bytes, bytes]:
    try:
        key = base64.b64decode(signature.public_key, validate=True)
        value = base64.b64decode(signature.value, validate=True)
    except ValueError as problem:  # binascii.Error, or letters that are not ASCII
        raise NotACertificate(f"Its signature is damaged: {problem}.") from None
    if len(key) != 32:
        raise NotACertificate("Its signature is damaged: a public key has 32 bytes.")
    return key, value


def _is_by(key: bytes, value: bytes, octets: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(value, octets)
    except (InvalidSignature, ValueError):
        return False
    return True
