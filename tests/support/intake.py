"""Ends of the submission server for tests: where its messages, accounts and counts go."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from relay.submission import AuthenticationResult, SubmissionResult
from tracker.model import Account, Client, Content, Envelope, HeaderFacts, MessageId, Refusal, Role


@dataclass(frozen=True)
class Taken:
    """One message that was handed over, with its octets."""

    id: MessageId
    envelope: Envelope
    octets: bytes
    client: Client
    account: str | None
    header: HeaderFacts
    content_sha256: str


@dataclass
class RecordingRefusals:
    """Keeps what was refused, with whom it counts for."""

    noted: list[tuple[Refusal, str]] = field(default_factory=list)

    def note(self, refusal: Refusal, source: str) -> None:
        self.noted.append((refusal, source))


@dataclass
class RecordingIntake:
    """Takes every message into memory, or fails with `problem`; waits for `gate` before."""

    taken: list[Taken] = field(default_factory=list)
    problem: Exception | None = None
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(
        self,
        submission_id: MessageId,
        envelope: Envelope,
        content: Content,
        client: Client,
        account: str | None,
        header: HeaderFacts,
        content_sha256: str,
    ) -> MessageId:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        octets = b"".join(content.chunks())
        if len(octets) != content.size:
            raise AssertionError("the content has not the size it says")
        self.taken.append(
            Taken(submission_id, envelope, octets, client, account, header, content_sha256)
        )
        return submission_id


class MemoryAccounts:
    """Accounts in a dictionary."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self.problem: Exception | None = None

    async def add_account(self, account: Account) -> bool:
        return self._accounts.setdefault(account.address, account) is account

    async def account(self, address: str) -> Account | None:
        if self.problem is not None:
            raise self.problem
        return self._accounts.get(address)

    async def accounts(self) -> Sequence[Account]:
        return [self._accounts[address] for address in sorted(self._accounts)]

    async def set_password_hash(self, address: str, password_hash: str) -> bool:
        return self._change(address, password_hash=password_hash)

    async def set_role(self, address: str, role: Role) -> bool:
        return self._change(address, role=role)

    async def remove_account(self, address: str) -> bool:
        return self._accounts.pop(address, None) is not None

    def _change(self, address: str, **fields: object) -> bool:
        account = self._accounts.get(address)
        if account is not None:
            self._accounts[address] = msgspec.structs.replace(account, **fields)
        return account is not None


class MemoryFailures:
    """Wrong passwords in a dictionary; raises `problem` if there is one."""

    def __init__(self) -> None:
        self.failures: dict[str, list[datetime]] = {}
        self.problem: Exception | None = None

    async def record_failure(
        self, keys: Sequence[str], now: datetime, window: timedelta
    ) -> Sequence[Sequence[datetime]]:
        if self.problem is not None:
            raise self.problem
        for key in keys:
            self.failures.setdefault(key, []).append(now)
        return [[at for at in self.failures[key] if at > now - window] for key in keys]

    async def forget_failures(self, before: datetime) -> int:
        raise NotImplementedError


class CountingObserver:
    """Counts by name."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._changed = asyncio.Event()

    async def seen(self, name: str, within: float = 90.0) -> None:
        """Return as soon as `name` has been counted. Raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while not self.counts[name]:
                self._changed.clear()
                await self._changed.wait()

    def _count(self, name: str) -> None:
        self.counts[name] += 1
        self._changed.set()

    def connection_opened(self) -> None:
        self._count("opened")

    def connection_closed(self) -> None:
        self._count("closed")

    def connection_refused(self) -> None:
        self._count("connection refused")

    def submission(self, result: SubmissionResult) -> None:
        self._count(f"submission {result}")

    def authentication(self, result: AuthenticationResult) -> None:
        self._count(f"authentication {result}")
