"""How the mail servers of the simulated internet behave, one class for each kind.

Each is a handler of aiosmtpd and keeps nothing but what its manner needs.
"""

import asyncio
import itertools
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

_SERIAL = itertools.count(0x4C8F21A30, 0x1D3)


class Accepting:
    """Takes everything."""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.answer_recipient(envelope.mail_from or "", address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        return f"250 2.0.0 Ok: queued as {next(_SERIAL):X}"

    def answer_recipient(self, reverse_path: str, forward_path: str) -> str:
        """Return the reply to RCPT."""
        return "250 2.1.5 Ok"


class Greylisting(Accepting):
    """Turns every new pair of reverse-path and forward-path away a number of times."""

    def __init__(self, refusals: int) -> None:
        self._refusals = refusals
        self._seen: dict[tuple[str, str], int] = {}

    def answer_recipient(self, reverse_path: str, forward_path: str) -> str:
        times = self._seen.get((reverse_path, forward_path), 0)
        self._seen[reverse_path, forward_path] = times + 1
        if times < self._refusals:
            return "451 4.7.1 Greylisted, please try again in a few seconds"
        return super().answer_recipient(reverse_path, forward_path)


class Refusing(Accepting):
    """Knows replies for some local parts; anybody else gets the one for "*"."""

    def __init__(self, replies: dict[str, str]) -> None:
        self._replies = replies

    def answer_recipient(self, reverse_path: str, forward_path: str) -> str:
        local_part = forward_path.rpartition("@")[0]
        reply = self._replies.get(local_part) or self._replies["*"]
        return reply.format(address=forward_path)


class Slow(Accepting):
    """Thinks before it answers the final dot."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self._seconds)
        return await super().handle_DATA(server, session, envelope)


class Dropping(Accepting):
    """Hangs up after the final dot of the first messages, without a word (RFC 1047)."""

    def __init__(self, drops: int) -> None:
        self._drops = drops

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self._drops > 0 and server.transport is not None:
            self._drops -= 1
            cast(asyncio.WriteTransport, server.transport).abort()
        return await super().handle_DATA(server, session, envelope)
