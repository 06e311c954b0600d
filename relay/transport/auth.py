"""AUTH at a smarthost (RFC 4954). What we send for it appears in no record and no log."""

from collections.abc import Awaitable, Callable, Collection

from aiosmtplib.auth import auth_login_encode, auth_plain_encode

from relay.transport.evidence import SessionFault
from tracker.model import Origin, Phase, Reply

Ask = Callable[[str, str], Awaitable[Reply]]
"""Sends a command and returns its reply; the second argument is what goes on record instead."""


async def log_in(ask: Ask, mechanisms: Collection[str], username: str, password: str) -> None:
    """Authenticate by the best of `mechanisms`, which are in lower case. Raises SessionFault."""
    if "plain" in mechanisms:
        initial = auth_plain_encode(username, password).decode("ascii")
        reply = await ask(f"AUTH PLAIN {initial}", "AUTH PLAIN")
    elif "login" in mechanisms:
        reply = await _log_in_stepwise(ask, username, password)
    else:
        detail = "4.7.8 The next hop offers neither AUTH PLAIN nor AUTH LOGIN"
        raise SessionFault(Phase.AUTH, detail, Origin.LOCAL)
    if reply.code != 235:
        raise SessionFault(Phase.AUTH, "", Origin.LOCAL, reply)


async def _log_in_stepwise(ask: Ask, username: str, password: str) -> Reply:
    """Use LOGIN, which asks for name and password in turn."""
    reply = await ask("AUTH LOGIN", "AUTH LOGIN")
    for secret in auth_login_encode(username, password):
        if reply.code != 334:
            break
        reply = await ask(secret.decode("ascii"), "(AUTH LOGIN continued)")
    return reply
