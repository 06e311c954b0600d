"""Passwords: hashing, verifying, remembering, bounds."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from tests.support.clock import FakeClock
from tracker.passwords import Passwords, PasswordsBusy

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class CountingHasher(PasswordHasher):
    """Counts how often a password is really verified, and against what."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.verified.append(hash)
        return super().verify(hash, password)


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def passwords(hasher: CountingHasher, clock: FakeClock) -> AsyncIterator[Passwords]:
    passwords = Passwords(hasher, monotonic=clock.monotonic)
    yield passwords
    passwords.close()


async def test_the_right_password_and_no_other(passwords: Passwords) -> None:
    made = await passwords.hash("päss")
    assert made.startswith("$argon2id$")
    assert await passwords.verify("a@x.org", "päss", made)
    assert not await passwords.verify("a@x.org", "pass", made)
    assert not await passwords.verify("a@x.org", "", made)


async def test_nobody_costs_as_much_as_somebody(
    passwords: Passwords, hasher: CountingHasher
) -> None:
    made = await passwords.hash("secret")
    await passwords.verify("a@x.org", "wrong", made)
    assert not await passwords.verify("nobody@x.org", "wrong", None)
    known, unknown = (str(text).split("$") for text in hasher.verified)
    assert known[:4] == unknown[:4], "same algorithm, version and costs"
    assert [len(part) for part in known] == [len(part) for part in unknown]


async def test_a_hash_that_is_none_matches_nothing(passwords: Passwords) -> None:
    assert not await passwords.verify("a@x.org", "", "")
    assert not await passwords.verify("a@x.org", "x", "not a hash")


async def test_a_log_in_is_remembered_for_five_minutes(
    passwords: Passwords, hasher: CountingHasher, clock: FakeClock
) -> None:
    made = await passwords.hash("secret")
    for _ in range(3):
        assert await passwords.verify("a@x.org", "secret", made)
    assert len(hasher.verified) == 1
    clock.advance(timedelta(minutes=5))
    assert await passwords.verify("a@x.org", "secret", made)
    assert len(hasher.verified) == 2


async def test_what_is_remembered_ends_with_the_password(passwords: Passwords) -> None:
    old, new = await passwords.hash("old"), await passwords.hash("new")
    assert await passwords.verify("a@x.org", "old", old)
    assert not await passwords.verify("a@x.org", "old", new)
    assert not await passwords.verify("a@x.org", "old", None)


async def test_what_is_remembered_is_for_one_address(
    passwords: Passwords, hasher: CountingHasher
) -> None:
    made = await passwords.hash("secret")
    await passwords.verify("ab", "secret", made)
    await passwords.verify("a", "bsecret", made)
    await passwords.verify("b", "secret", made)
    assert len(hasher.verified) == 3


async def test_waiting_is_bounded() -> None:
    passwords = Passwords(CHEAP, threads=1, waiting=1)
    try:
        outcomes = await asyncio.gather(
            *(passwords.hash("x") for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(outcome, PasswordsBusy) for outcome in outcomes) == 3
        assert await passwords.hash("x"), "room again"
    finally:
        passwords.close()
