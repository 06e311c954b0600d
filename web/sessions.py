"""Log-ins: a random token in a cookie, its hash in the ledger.

The cookie is the browser's business: `__Host-` binds it to this host, to TLS and to the whole
site, wherever TLS is spoken (RFC 6265bis 4.1.3.2). Every log-in makes a new token, so that one
planted before it opens nothing.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from tracker.model import Account, Session
from tracker.store import Accounts, Sessions

_TOKEN_BYTES: Final = 32
_REMEMBERED: Final = timedelta(days=7)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def cookie_name(name: str, *, secure: bool) -> str:
    """Return the name a cookie has for browsers."""
    return f"__Host-{name}" if secure else name


def set_cookie(
    response: web.StreamResponse,
    name: str,
    value: str,
    *,
    secure: bool,
    lifetime: timedelta | None = None,
) -> None:
    """Set a cookie that scripts cannot read and other sites' requests do not carry."""
    response.set_cookie(
        cookie_name(name, secure=secure),
        value,
        path="/",
        max_age=None if lifetime is None else int(lifetime.total_seconds()),
        secure=secure,
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: web.StreamResponse, name: str, *, secure: bool) -> None:
    """Make the browser forget a cookie."""
    set_cookie(response, name, "", secure=secure, lifetime=timedelta(0))


def make_token(entropy: Callable[[int], bytes]) -> str:
    """Return 256 random bits as text for cookies and forms."""
    return base64.urlsafe_b64encode(entropy(_TOKEN_BYTES)).rstrip(b"=").decode()


def looks_like_token(text: str) -> bool:
    """Say whether `make_token` could have made `text`."""
    return _TOKEN.fullmatch(text) is not None


def hash_token(token: str) -> str:
    """Return what the ledger keeps instead of the token."""
    return hashlib.blake2b(token.encode(), digest_size=32).hexdigest()


class LogIns:
    """Opens, finds and ends log-ins."""

    COOKIE: Final = "sendtrace"

    def __init__(
        self,
        *,
        sessions: Sessions,
        accounts: Accounts,
        lifetime: timedelta,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._lifetime = lifetime
        self._entropy = entropy

    async def open(
        self, response: web.StreamResponse, account: Account, now: datetime, *, secure: bool
    ) -> None:
        """Log `account` in: a new session, whose token goes out with `response`."""
        token, _ = await self.begin(account, now)
        self.give(response, token, secure=secure)

    def give(self, response: web.StreamResponse, token: str, *, secure: bool) -> None:
        """Send the token of a session out with `response`.

        The browser keeps it for some days more, when it opens nothing: by it we know that a
        log-in has ended, and say so.
        """
        lifetime = self._lifetime + _REMEMBERED
        set_cookie(response, self.COOKIE, token, secure=secure, lifetime=lifetime)

    async def begin(self, account: Account, now: datetime) -> tuple[str, Session]:
        """Make a new session of `account`; return the token that opens it, and the session."""
        token = make_token(self._entropy)
        session = Session(
            token_hash=hash_token(token),
            address=account.address,
            csrf_token=make_token(self._entropy),
            created_at=now,
            expires_at=now + self._lifetime,
        )
        await self._sessions.prune_sessions(now)
        await self._sessions.add_session(session)
        return token, session

    async def find(
        self, request: web.Request, now: datetime, *, secure: bool
    ) -> tuple[Session, Account] | None:
        """Return the session that a request belongs to and whose it is; None when nobody's."""
        token = request.cookies.get(cookie_name(self.COOKIE, secure=secure), "")
        if not looks_like_token(token):
            return None
        session = await self._sessions.session(hash_token(token), now)
        if session is None:
            return None
        account = await self._accounts.account(session.address)
        return None if account is None else (session, account)

    async def end(self, response: web.StreamResponse, session: Session, *, secure: bool) -> None:
        """Log out: the token opens nothing any more, wherever a copy of it is."""
        await self._sessions.remove_session(session.token_hash)
        drop_cookie(response, self.COOKIE, secure=secure)
