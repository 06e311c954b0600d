"""Passwords: argon2id (RFC 9106), worked out in a few threads so that nobody else has to wait.

One verification costs about a tenth of a second and 64 MiB by design, which is why how many run
and how many wait is bounded, and why a correct password is remembered for a while. What is
remembered is a keyed digest, under a key that never leaves the process.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_Result = TypeVar("_Result")

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
"""Characters of a new password; hashing more is work for an attacker's sake."""

REMEMBERED_FOR = timedelta(minutes=5)
REMEMBERED_LIMIT = 10_000
"""Log-ins remembered at once; the oldest is forgotten first."""


class PasswordsBusy(Exception):
    """Too many verifications are waiting already; the client should try again later."""


class Passwords:
    """Makes and verifies password hashes."""

    def __init__(
        self,
        hasher: PasswordHasher | None = None,
        *,
        threads: int = 2,
        waiting: int = 100,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hasher = hasher or PasswordHasher()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._room = threads + waiting
        self._monotonic = monotonic
        self._key = os.urandom(32)
        self._remembered: OrderedDict[bytes, float] = OrderedDict()
        self._nobody = _compose_unmatched_hash(self._hasher)

    async def hash(self, password: str) -> str:
        """Return a new hash of `password`, in PHC string format. Raises PasswordsBusy."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, address: str, password: str, password_hash: str | None) -> bool:
        """Say whether `password` is the one behind `password_hash`.

        With None, for an address that has no account, it takes as long as with a hash and says
        no: time does not tell which addresses exist. Raises PasswordsBusy.
        """
        digest = self._digest(address, password, password_hash or "")
        if self._remembers(digest):
            return True
        is_right = await self._run(lambda: self._verify(password_hash, password))
        if is_right:
            self._remember(digest)
        return is_right

    def close(self) -> None:
        """Drop what is waiting, and let the threads end."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password_hash: str | None, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._room == 0:
            raise PasswordsBusy
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._room += 1

    def _digest(self, address: str, password: str, password_hash: str) -> bytes:
        """Return what a log-in is remembered by.

        The hash is in it, so that changing the password ends what was remembered.
        """
        parts = [part.encode("utf-8", "surrogatepass") for part in (address, password)]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, message + password_hash.encode(), hashlib.sha256)

    def _remembers(self, digest: bytes) -> bool:
        until = self._remembered.get(digest)
        if until is None:
            return False
        if until > self._monotonic():
            return True
        del self._remembered[digest]
        return False

    def _remember(self, digest: bytes) -> None:
        self._remembered[digest] = self._monotonic() + REMEMBERED_FOR.total_seconds()
        self._remembered.move_to_end(digest)
        if len(self._remembered) > REMEMBERED_LIMIT:
            self._remembered.popitem(last=False)


def _compose_unmatched_hash(hasher: PasswordHasher) -> str:
    """Return a well-formed hash with the costs of `hasher` that no known password matches."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt = _encode(os.urandom(hasher.salt_len))
    return f"$argon2id$v=19${costs}${salt}${_encode(os.urandom(hasher.hash_len))}"


def _encode(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii").rstrip("=")
