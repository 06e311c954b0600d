# ruff: noqa: N802 - aiosmtpd finds a command by the name of its method
"""AUTH (RFC 4954) with PLAIN (RFC 4616) and LOGIN."""

import base64
import binascii
from functools import partial
from typing import Final

import structlog

from relay.submission.commands import Refused
from relay.submission.conversation import Conversation
from relay.submission.core import Malformed
from relay.submission.intake import AuthenticationResult
from tracker.guard import Blocked
from tracker.model import Account
from tracker.passwords import PasswordsBusy
from tracker.store import StoreError

MECHANISMS = ("PLAIN", "LOGIN")

VOUCHED_FOR: Final = 60.0
"""Seconds for which a log-in holds before the account is looked up again."""

log = structlog.get_logger(__name__)


class AuthenticatingConversation(Conversation):
    """A conversation whose client may say who it is."""

    account: Account | None = None
    _vouched_until = 0.0
    _failures = 0

    @property
    def may_authenticate(self) -> bool:
        """True when AUTH may be used now; passwords cross no foreign network in clear text."""
        is_private = self.tls_layer is not None or self.is_trusted
        return self.door.auth != "off" and self.account is None and is_private

    async def smtp_AUTH(self, arg: str) -> None:
        """Log in with a mechanism and, if the client likes, its initial response."""
        self._check_auth_allowed()
        words = arg.split(" ")
        if not arg or len(words) > 2:
            raise Refused("501 5.5.4 Syntax: AUTH mechanism [initial-response]")
        mechanism = words[0].upper()
        if mechanism not in MECHANISMS:
            raise Refused("504 5.5.4 This mechanism is not known here")
        initial = words[1] if len(words) == 2 else None
        if self.services.guard.blocked_until(self._keys) is not None:
            self._block()
            return
        ask = self._ask_plain if mechanism == "PLAIN" else self._ask_login
        await self._log_in(*await ask(initial))

    @property
    def _keys(self) -> tuple[str]:
        """By what wrong passwords are counted: not by account, or anybody could lock anybody out.

        The panel counts under other names, and so for itself.
        """
        return (f"smtp client {self.client}",)

    def _block(self) -> None:
        self.services.observer.authentication(AuthenticationResult.BLOCKED)
        self.hang_up("421 4.7.0 Too many failed log-ins from your address")

    def _check_auth_allowed(self) -> None:
        if not self.is_extended:
            raise Refused("503 5.5.1 Send EHLO first")
        if self.door.auth == "off":
            raise Refused("502 5.5.1 AUTH is not available here")
        if self.account is not None:
            raise Refused("503 5.5.1 You are logged in already")
        if self.transaction is not None:
            raise Refused("503 5.5.1 Not in a transaction (RFC 4954 4)")
        if not self.may_authenticate:
            raise Refused("538 5.7.11 Encryption is required to log in")

    async def _ask_plain(self, initial: str | None) -> tuple[str, str]:
        octets = await self._challenge(b"") if initial is None else _decode(initial)
        parts = octets.split(b"\0")
        if len(parts) != 3:
            raise Refused("501 5.5.2 PLAIN has three parts (RFC 4616 2)")
        authorization, authentication, password = map(_to_text, parts)
        if authorization and authorization.lower() != authentication.lower():
            raise Refused("535 5.7.8 Nobody may act as somebody else here")
        return authentication, password

    async def _ask_login(self, initial: str | None) -> tuple[str, str]:
        octets = await self._challenge(b"Username:") if initial is None else _decode(initial)
        return _to_text(octets), _to_text(await self._challenge(b"Password:"))

    async def _challenge(self, text: bytes) -> bytes:
        self.say(f"334 {base64.b64encode(text).decode()}")
        line = await self.read_line()
        if isinstance(line, Malformed):
            raise Refused("500 5.5.2 This is not a line of an AUTH exchange")
        if line == b"*":
            raise Refused("501 5.7.0 Log-in cancelled")
        return _decode(line.decode("ascii", "replace"))

    async def _log_in(self, address: str, password: str) -> None:
        self.send()
        try:
            account = await self.services.guard.watch(
                self._keys, partial(self._verify, address.lower(), password)
            )
        except Blocked:
            self._block()
            return
        except (StoreError, PasswordsBusy):
            raise Refused("454 4.7.0 Log-in is not possible now, try again later") from None
        if account is None:
            self._fail(address)
            return
        self._believe(account)
        self.services.observer.authentication(AuthenticationResult.SUCCEEDED)
        self.say("235 2.7.0 Welcome")

    def _believe(self, account: Account) -> None:
        self.account = account
        self._vouched_until = self.services.clock.monotonic() + VOUCHED_FOR

    @property
    def is_log_in_old(self) -> bool:
        """True when somebody may have removed the account, or changed it, since it was read."""
        return self.account is not None and self.services.clock.monotonic() >= self._vouched_until

    async def renew_log_in(self) -> None:
        """Go by the account as it is now; hang up when it is gone, or its password another one.

        With the ledger away it holds: no message is taken then, whoever it is from.
        """
        before = self.account
        if before is None:
            return
        try:
            account = await self.services.accounts.account(before.address)
        except StoreError:
            return
        if account is None or account.password_hash != before.password_hash:
            self.account = None
            log.warning("log-in ended", client=self.client_address, account=before.address)
            self.hang_up("421 4.7.0 This account was removed or has a new password, log in again")
            return
        self._believe(account)

    async def _verify(self, address: str, password: str) -> Account | None:
        """Return the account if the password is right; None takes the same time."""
        account = await self.services.accounts.account(address)
        password_hash = account.password_hash if account is not None else None
        is_right = await self.services.passwords.verify(address, password, password_hash)
        return account if is_right else None

    def _fail(self, address: str) -> None:
        self._failures += 1
        self.services.observer.authentication(AuthenticationResult.FAILED)
        log.warning("log-in failed", client=self.client_address, account=address[:256])
        if self._failures >= self.services.settings.submission.auth_failures_per_connection:
            self.hang_up("421 4.7.0 Too many failed log-ins")
            return
        raise Refused("535 5.7.8 Address or password is wrong")


def _decode(text: str) -> bytes:
    """Return the octets behind base64; a single `=` stands for none (RFC 4954 4)."""
    if text == "=":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("501 5.5.2 This is not base64") from None


def _to_text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Refused("501 5.5.2 Address and password are UTF-8 (RFC 4616 2)") from None
