"""A connection that is ready for mail: greeting, EHLO, STARTTLS, AUTH.

Every step is bounded in time and size and is written down as evidence. What ends a session
before it is ready raises SessionFault.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Sequence
from functools import partial

import msgspec
from aiosmtplib import SMTPException
from aiosmtplib.esmtp import parse_esmtp_extensions

from config.settings import DeliveryTimeouts
from relay.clock import Clock
from relay.tls import BrokenTls, ClientTls
from relay.transport.auth import log_in
from relay.transport.commands import Extensions
from relay.transport.evidence import Evidence, SessionFault
from relay.transport.wire import Wire, WireFault, ends_session
from tracker.model import Origin, Phase, Reply, Target

_OUR_FAULTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of a socket that say something about this machine and nothing about the target."""
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
"""Errors of a machine that has no address of the target's family."""
_PROBLEM = 500
"""Characters of what went wrong with TLS that go on record."""


class Manner(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """How we present ourselves to a target, and what we demand of it."""

    ehlo_name: str
    tls: str
    """"off", "opportunistic", "verified" (STARTTLS) or "implicit"; the last two are demands."""
    source_address: str | None = None
    username: str | None = None
    password: str | None = None
    allow_cleartext_password: bool = False

    @property
    def demands_tls(self) -> bool:
        return self.tls in ("verified", "implicit")


class Session:
    """One connection to one target. `open` it, hand it to transactions, then `quit` or `abort`."""

    def __init__(
        self,
        target: Target,
        manner: Manner,
        timeouts: DeliveryTimeouts,
        clock: Clock,
        tls: ClientTls,
        broken_tls: BrokenTls,
    ) -> None:
        self.target = target
        self.manner = manner
        self.timeouts = timeouts
        self.evidence = Evidence(target, clock, manner.tls)
        self.extensions = Extensions()
        self.opened_at = self.idle_since = clock.monotonic()
        self.transactions = 0
        self.needs_reset = False
        """True when the last transaction left something behind."""
        self._clock = clock
        self._tls = tls
        self._broken_tls = broken_tls
        self._wire: Wire | None = None
        self._patience = _patience_of(timeouts)

    @property
    def wire(self) -> Wire:
        """The open connection."""
        if self._wire is None:
            raise SessionFault(Phase.CONNECT, "Not connected", Origin.LOCAL)
        return self._wire

    @property
    def is_usable(self) -> bool:
        """True while nothing speaks against another transaction."""
        return self._wire is not None and self._wire.is_usable

    async def open(self) -> None:
        """Make it ready for mail. Raises SessionFault, after which the connection is cut."""
        try:
            if self.manner.tls == "opportunistic":
                await self._open_opportunistically()
            else:
                await self._open(starttls=self.manner.tls == "verified")
        except BaseException:
            self.abort()
            raise

    async def _open_opportunistically(self) -> None:
        """Use STARTTLS where it works; a broken handshake costs the connection, not the mail."""
        known = self._broken_tls.problem_of(self.target.host)
        if known is not None:
            self.evidence.tls_problem = f"Not tried, it failed before: {known}"
        try:
            await self._open(starttls=known is None)
        except SessionFault as fault:
            if not self._is_about_tls(fault):
                raise
            self.abort()
            self.evidence.tls, self.evidence.tls_problem = None, str(fault)[:_PROBLEM]
            await self._open(starttls=False)
            # Only now: a server that is just closing down has broken TLS and all else.
            self._broken_tls.remember(self.target.host, str(fault)[:_PROBLEM])

    def _is_about_tls(self, fault: SessionFault) -> bool:
        """Say whether clear text may help.

        In TLS 1.3 a server that wants a certificate of ours hangs up when our side of the
        handshake is done: no word has come through it yet. And what is said against greeting it
        anew, it had not said before.
        """
        if fault.phase is not Phase.EHLO or self.evidence.tls is None:
            return fault.phase is Phase.STARTTLS
        is_refused = fault.reply is None or fault.reply.is_permanent
        return is_refused and fault.origin is not Origin.POLICY

    async def _open(self, *, starttls: bool) -> None:
        await self._connect()
        greeting = await self.answer("(greeting)", Phase.GREETING)
        if greeting.code != 220:
            raise SessionFault(Phase.GREETING, "", Origin.REMOTE, greeting)
        await self._say_hello()
        if starttls:
            await self._start_tls()
        if self.manner.username is not None:
            await self._log_in(self.manner.username, self.manner.password or "")

    async def _connect(self) -> None:
        """Connect by TCP, and in TLS from the beginning where the manner says so."""
        evidence = self.evidence
        evidence.start_step()
        implicit = self.manner.tls == "implicit"
        connection = await self._dial()
        phase = Phase.STARTTLS if implicit else Phase.CONNECT
        seconds = self.timeouts.starttls.total_seconds()
        try:
            _, self._wire = await asyncio.get_running_loop().create_connection(
                partial(Wire, self._clock.monotonic),
                sock=connection,
                ssl=self._tls.verified if implicit else None,
                server_hostname=self.target.host if implicit else None,
                ssl_handshake_timeout=seconds if implicit else None,
            )
        except (OSError, ValueError, TimeoutError) as problem:
            connection.close()
            origin = Origin.POLICY if implicit else Origin.NETWORK
            raise SessionFault(phase, _handshake_detail(problem), origin) from problem
        if implicit:
            self._note_tls()

    async def _dial(self) -> socket.socket:
        """Return a connected socket. Raises SessionFault."""
        address = self.target.address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        seconds = self.timeouts.connect.total_seconds()
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.setblocking(False)
                self._bind(connection)
                async with asyncio.timeout(seconds):
                    await asyncio.get_running_loop().sock_connect(
                        connection, (address, self.target.port)
                    )
                self.evidence.source_address = connection.getsockname()[0]
            except BaseException:
                connection.close()
                raise
        except OSError as problem:
            if isinstance(problem, TimeoutError) and problem.errno is None:
                detail = f"No connection within {seconds:g} s"
            else:
                detail = os_detail(problem)
            ours = problem.errno in _OUR_FAULTS
            raise SessionFault(
                Phase.CONNECT,
                detail,
                Origin.LOCAL if ours else Origin.NETWORK,
                has_way=not ours and problem.errno not in _NO_WAY,
            ) from problem
        return connection

    def _bind(self, connection: socket.socket) -> None:
        """Send from the address that is set. Raises SessionFault when it is not ours."""
        source = self.manner.source_address
        if source is None:
            return
        try:
            connection.bind((source, 0))
        except OSError as problem:
            detail = f"The source address {source} cannot be used: {os_detail(problem)}"
            raise SessionFault(Phase.CONNECT, detail, Origin.LOCAL, has_way=False) from problem

    async def _say_hello(self) -> None:
        """Say EHLO, or HELO to a server that does not know it (RFC 5321 3.2)."""
        name = self.manner.ehlo_name
        self.evidence.ehlo_name = name
        reply = await self.ask(f"EHLO {name}", Phase.EHLO)
        if reply.is_permanent and not self.manner.demands_tls and self.manner.username is None:
            reply = await self.ask(f"HELO {name}", Phase.EHLO)
            self._take_extensions(())
        else:
            self._take_extensions(reply.lines)
        if not reply.is_positive:
            raise SessionFault(Phase.EHLO, "", Origin.REMOTE, reply)
        peer = reply.lines[0].split(" ", 1)[0].lower() if reply.lines else ""
        if peer == name.lower() and not self.target.address.startswith(("127.", "::1")):
            # Behind address translation our own MX may look like somebody else's.
            detail = f"4.4.6 Mail loops back: the host at {self.target.address} calls itself {name}"
            raise SessionFault(Phase.EHLO, detail, Origin.POLICY)

    def _take_extensions(self, lines: tuple[str, ...]) -> None:
        parameters, mechanisms = parse_esmtp_extensions("\n".join(lines))
        self.extensions = Extensions.of(parameters, mechanisms)
        self.evidence.extensions = self.extensions.keywords

    async def _start_tls(self) -> None:
        """Turn to TLS (RFC 3207). Raises SessionFault in the phase STARTTLS."""
        demanded = self.manner.demands_tls
        origin = Origin.POLICY if demanded else Origin.REMOTE
        if "STARTTLS" not in self.extensions:
            if demanded:
                detail = "4.7.5 TLS is demanded and the server does not offer it"
                raise SessionFault(Phase.STARTTLS, detail, origin)
            return
        context = self._tls.verified if demanded else self._tls.opportunistic
        seconds = self.timeouts.starttls.total_seconds()
        self.evidence.start_step()
        try:
            reply = await self.wire.upgrade(context, self.target.host, seconds)
        except WireFault as fault:
            self.evidence.step("STARTTLS", fault.reply)
            raise SessionFault(Phase.STARTTLS, fault.detail, origin, fault.reply) from fault
        except (OSError, SMTPException, ValueError) as problem:
            self.evidence.step("STARTTLS", self.wire.upgrade_reply)
            detail = _handshake_detail(problem)
            raise SessionFault(Phase.STARTTLS, detail, origin) from problem
        self.evidence.step("STARTTLS", reply)
        if reply.code == 220:
            self._note_tls()
            await self._say_hello()
        elif demanded or ends_session(reply):
            raise SessionFault(Phase.STARTTLS, "", origin, reply)
        else:
            self.evidence.tls_problem = f"STARTTLS was refused: {reply.text}"[:_PROBLEM]

    async def _log_in(self, username: str, password: str) -> None:
        """Authenticate, where the password may be sent. Raises SessionFault."""
        if not (self.is_verified or self.manner.allow_cleartext_password):
            detail = "4.7.8 The password is not sent: TLS is absent or the certificate not verified"
            raise SessionFault(Phase.AUTH, detail, Origin.POLICY)

        async def ask(command: str, shown: str) -> Reply:
            return await self.ask(command, Phase.AUTH, shown)

        await log_in(ask, self.extensions.auth, username, password)

    def _note_tls(self) -> None:
        transport = self.wire.transport
        session = transport.get_extra_info("ssl_object") if transport else None
        if session is not None:
            self.evidence.tls = self._tls.facts_of(session, self.target.host)

    @property
    def is_verified(self) -> bool:
        """True when the handshake itself has verified the target's certificate.

        What the record says of a session that demanded nothing is no ground to trust it.
        """
        return self.manner.demands_tls and self.evidence.tls is not None

    # --- talking -------------------------------------------------------------------------------

    async def ask(self, command: str, phase: Phase, shown: str | None = None) -> Reply:
        """Send a command and return its reply. Raises SessionFault; see `answer`.

        `shown` is what goes on record in its place.
        """
        self.send([command], phase)
        return await self.answer(shown or command, phase)

    def send(self, commands: Sequence[str], phase: Phase) -> None:
        """Send commands in one go. Raises SessionFault."""
        self.evidence.start_step()
        try:
            self.wire.send(commands)
        except WireFault as fault:
            raise self.broken(fault, phase) from fault
        except ValueError as problem:
            raise SessionFault(phase, f"Not sent: {problem}", Origin.LOCAL) from problem

    async def answer(self, shown: str, phase: Phase) -> Reply:
        """Wait for the next reply and return it. Raises SessionFault; see `take`."""
        await self.gather((phase,))
        return self.take(shown, phase)

    async def gather(self, phases: Sequence[Phase]) -> None:
        """Wait for one reply in each of `phases`, as far as they come; `take` tells."""
        patience = self._patience
        await self.wire.gather([patience[phase] for phase in phases])

    def take(self, shown: str, phase: Phase) -> Reply:
        """Return the next gathered reply. Raises SessionFault when there is none to be had.

        Besides, 421 ends the session (RFC 5321 3.8), and so does a code that is none.
        """
        try:
            reply, came_at = self.wire.take()
        except WireFault as fault:
            self.evidence.step(shown, fault.reply)
            raise self.broken(fault, phase) from fault
        self.evidence.greeted = True
        self.evidence.step(shown, reply, came_at)
        if ends_session(reply):
            detail = f"The reply code {reply.code:03} does not exist (RFC 5321 4.2.1)"
            raise SessionFault(phase, "" if reply.code == 421 else detail, Origin.REMOTE, reply)
        return reply

    def broken(self, fault: WireFault, phase: Phase) -> SessionFault:
        """Return what a fault of the connection means for the session."""
        return SessionFault(phase, fault.detail, fault.origin, fault.reply)

    async def reset(self) -> None:
        """Clear what the last transaction left behind (RFC 5321 4.1.1.5). Raises SessionFault."""
        self.send(["RSET"], Phase.MAIL)
        try:
            reply = await self.wire.reply(self.timeouts.rset.total_seconds())
        except WireFault as fault:
            raise self.broken(fault, Phase.MAIL) from fault
        self.evidence.step("RSET", reply)
        if not reply.is_positive:
            raise SessionFault(Phase.MAIL, "RSET was refused", Origin.REMOTE, reply)
        self.needs_reset = False

    async def quit(self) -> None:
        """Take leave (RFC 5321 4.1.1.10) and close. Raises nothing: no mail depends on it."""
        if self._wire is None:
            return
        try:
            self._wire.send(["QUIT"])
            await self._wire.reply(self.timeouts.quit.total_seconds())
        except WireFault:
            self._wire.abort()
        finally:
            self._wire.close()

    def abort(self) -> None:
        """Cut the connection."""
        if self._wire is not None:
            self._wire.abort()


def _patience_of(timeouts: DeliveryTimeouts) -> dict[Phase, float]:
    """Return how long we wait for a reply in each phase, in seconds."""
    waits = {
        Phase.GREETING: timeouts.greeting,
        Phase.EHLO: timeouts.ehlo,
        Phase.AUTH: timeouts.auth,
        Phase.MAIL: timeouts.mail,
        Phase.RCPT: timeouts.rcpt,
        Phase.DATA: timeouts.data,
        Phase.FINAL_DOT: timeouts.final_dot,
    }
    return {phase: wait.total_seconds() for phase, wait in waits.items()}


def os_detail(problem: OSError) -> str:
    """Return what the operating system says, e.g. "Connection refused"."""
    if problem.errno is not None and not isinstance(problem, ssl.SSLError):
        return os.strerror(problem.errno)
    return str(problem) or type(problem).__name__


def _handshake_detail(problem: Exception) -> str:
    """Return why there is no TLS session."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"The certificate does not verify: {problem.verify_message}"
    if isinstance(problem, ssl.SSLError):
        return f"The TLS handshake failed: {problem.reason or problem}"
    text = os_detail(problem) if isinstance(problem, OSError) else str(problem)
    return f"The TLS handshake failed: {text or type(problem).__name__}"
