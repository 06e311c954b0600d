"""The key that signs certificates: Ed25519 (RFC 8032), made when it is first needed."""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from config.settings import Settings
from tracker.belonging import make_directory, open_beside

NAME: Final = "handover.key"
"""File in the state directory."""


class SealUnfit(Exception):
    """The key cannot be read or made; the text says which file and why."""


class Seal:
    """Signs, and says by which key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = public_octets(key.public_key())

    def sign(self, octets: bytes) -> bytes:
        """Return the signature of `octets`, 64 bytes."""
        return self._key.sign(octets)


def key_path(settings: Settings) -> Path:
    """Return where the key is: as set, else in the state directory."""
    return settings.tracking.handover_key or settings.state_directory / NAME


def public_octets(key: Ed25519PublicKey) -> bytes:
    """Return the 32 bytes of a public key."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def fingerprint(public_key: bytes) -> str:
    """Return what people compare: SHA-256 of the public key in groups of four digits."""
    digits = hashlib.sha256(public_key).hexdigest()[:40]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def open_seal(path: Path) -> Seal:
    """Return the key in the PEM file `path`; make it when there is none. Raises SealUnfit.

    Several processes may come at the same time: the first one's key counts.
    """
    try:
        if not path.exists():
            make_directory(path.parent)
            _make(path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as problem:
        raise SealUnfit(
            f"the key that signs certificates, {path}: {problem.strerror}; the account that runs "
            "Sendtrace has to be able to read it, and to make it where there is none"
        ) from None
    except (ValueError, TypeError) as problem:
        raise SealUnfit(f"the key that signs certificates, {path}: {problem}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealUnfit(f"the key that signs certificates, {path}, is no Ed25519 key")
    return Seal(key)


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    half = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = open_beside(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link fails where there is a file already: nobody replaces a key that has signed.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(half)
    finally:
        half.unlink()
