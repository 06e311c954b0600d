"""AUTH at a smarthost (RFC 4954). What we send for it appears in no record and no log."""

from typing import TYPE_CHECKING

from aiosmtplib.auth import auth_login_encode, auth_plain_encode

from relay.transport.evidence import SessionFault
from tracker.model import Origin, Phase, Reply

if TYPE_CHECKING:
    from relay.transport.session import Session


async def log_in(session: "Session") -> None:
    """Authenticate with the manner's name and password. Raises SessionFault."""
    manner = session.manner
    if not (session.is_verified or manner.allow_cleartext_password):
        detail = "4.7.8 The password is not sent: TLS is absent or the certificate not verified"
        raise SessionFault(Phase.AUTH, detail, Origin.POLICY)
    username, password = manner.username or "", manner.password or ""
    if "plain" in session.extensions.auth:
        initial = auth_plain_encode(username, password).decode("ascii")
        reply = await _say(session, f"AUTH PLAIN {initial}", "AUTH PLAIN")
    elif "login" in session.extensions.auth:
        reply = await _log_in_stepwise(session, username, password)
    else:
        detail = "4.7.8 The next hop offers neither AUTH PLAIN nor AUTH LOGIN"
        raise SessionFault(Phase.AUTH, detail, Origin.LOCAL)
    if reply.code != 235:
        raise SessionFault(Phase.AUTH, "", Origin.LOCAL, reply)


async def _log_in_stepwise(session: "Session", username: str, password: str) -> Reply:
    """Use LOGIN, which asks for name and password in turn."""
    reply = await _say(session, "AUTH LOGIN", "AUTH LOGIN")
    for secret in auth_login_encode(username, password):
        if reply.code != 334:
            break
        reply = await _say(session, secret.decode("ascii"), "(AUTH LOGIN continued)")
    return reply


async def _say(session: "Session", command: str, shown: str) -> Reply:
    return await session.ask(command, Phase.AUTH, shown)
