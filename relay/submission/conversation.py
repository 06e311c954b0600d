"""What is said in one SMTP connection: command after command, their limits, and the farewell.
What the commands do, others say.

aiosmtpd provides the protocol class and how commands are found; everything that touches octets is
ours, because its reader takes a bare LF for a line end, its timers only know commands, and its
replies carry no enhanced status codes (RFC 2034).

There is no task for a connection. A command is a plain method that is done when it returns; one
that has to wait is a coroutine and gets a task of its own, and what arrives meanwhile is kept for
after it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, assert_never

import structlog

from relay.submission.admission import SHUTTING_DOWN
from relay.submission.commands import Refused, Transaction
from relay.submission.connection import FOREVER, Connection, ConnectionEnded
from relay.submission.core import Command, Content, Malformed
from relay.submission.reception import Reception

BAD_COMMANDS_LIMIT = 20
"""Refused commands in a row."""

IDLE_COMMANDS_LIMIT = 200
"""Commands that move no mail, since the connection began or its last message."""

STEPS = 100
"""Commands of one client that are worked off before others get their turn."""

_MAIL_COMMANDS = frozenset({"MAIL", "RCPT", "DATA", "AUTH", "STARTTLS"})

_FOREIGN = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH"})
"""A web page can make a browser inside a trusted network speak to us; it begins like this."""

_BAD = ("50", "53")
"""How replies to commands begin that nobody gives who knows what he does."""

_TOO_SLOW = "421 4.4.2 You took too long, closing the connection"

log = structlog.get_logger(__name__)

Doing = Coroutine[Any, Any, None] | None
"""What a command has yet to do when its method returns; None when it is done."""


class ClientTimedOut(Exception):
    """The client sent nothing for too long."""


class Conversation(Connection):
    """Reads commands, dispatches them, and ends well whatever happens."""

    _commands: ClassVar[dict[str, Callable[..., Doing]]] = {}
    """Methods by verb."""

    transaction: Transaction | None = None
    reception: Reception | None = None
    """Not None: what arrives is content."""
    helo = ""
    """Argument of HELO or EHLO; empty before it."""
    is_extended = False
    """True after EHLO."""
    is_over = False
    _task: asyncio.Task[None] | None = None
    """The command that has to wait."""
    _line_arrives: asyncio.Future[None] | None = None
    """Not None: that command waits for a line of the client."""
    _is_scheduled = False
    _is_stopping = False
    _bad_commands = 0
    _idle_commands = 0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        names = {name for base in cls.__mro__ for name in vars(base) if name.startswith("smtp_")}
        cls._commands = {name.removeprefix("smtp_"): getattr(cls, name) for name in names}

    def begin(self) -> None:
        self.say(f"220 {self.hostname} {self.__ident__}")
        self._await_client()
        self.work()

    # --- working off ----------------------------------------------------------------------------

    def work(self) -> None:
        """Work off what has arrived, until something has to wait or others are to have their turn.

        Replies leave at the end of it. It may be called at any time.
        """
        if self._line_arrives is not None:
            self._wake(None)
        elif not self._must_wait():
            steps = 0
            while self._task is None and not self.is_over and steps < STEPS and self._take_step():
                steps += 1
            if self._task is None and steps:
                self._await_client()
            if steps == STEPS:
                self._is_scheduled = True
                self.loop.call_soon(self._take_turn)
            self.send()
            if self.is_over and self._task is None:
                self.close()
        if self._is_paused:
            self.keep_pace()

    def _must_wait(self) -> bool:
        """Say whether this is not the time: something is being done, or will be, or all was."""
        return (
            self._task is not None
            or self._is_scheduled
            or self._has_ended
            or not self._has_begun
            or (self._is_blocked and not self.is_over)
        )

    def _take_turn(self) -> None:
        self._is_scheduled = False
        self.work()

    def _take_step(self) -> bool:
        """Do what comes next; False when nothing has come."""
        if self._is_stopping and self.transaction is None:
            self.hang_up(SHUTTING_DOWN)
            return True
        is_understood = False
        command: Command | None = None
        try:
            event = self.core.next_event()
            is_understood = True
            if event is None:
                self.is_over = self._has_said_all
                return False
            if isinstance(event, Command):
                command = event
                self._obey(event)
            elif isinstance(event, Content):
                self._receive(event)
            elif isinstance(event, Malformed):
                self.say(event.reply)
            else:
                assert_never(event)
        except Refused as refused:
            self.say(refused.reply)
            self.note_refused(command, refused.reply)
        except Exception as error:
            self._recover(error, is_understood=is_understood)
        return True

    def _obey(self, command: Command) -> None:
        verb = command.verb
        if verb not in _MAIL_COMMANDS:
            if verb in _FOREIGN:
                self.hang_up("421 4.7.0 This is SMTP")
                return
            self._idle_commands += 1
            if self._idle_commands > IDLE_COMMANDS_LIMIT:
                self.hang_up("421 4.7.0 Too many commands without mail")
                return
        method = self._commands.get(verb)
        if method is None:
            raise Refused("500 5.5.2 Command not recognized")
        doing = method(self, command.argument)
        if doing is not None:
            self._begin(doing, command)

    def note_refused(self, command: Command | None, reply: str) -> None:
        """Take note of a refused command. It must not fail."""

    def _receive(self, content: Content) -> None:
        reception = self.reception
        if reception is None:
            raise RuntimeError("content came that nobody asked for")
        reception.add(content.octets)
        if content.is_last:
            self.reception = None
            self._begin(self.take_message(reception))

    async def take_message(self, reception: Reception) -> None:
        """Answer for a message that has come to its end. Raises Refused."""
        raise NotImplementedError

    def _recover(self, error: Exception, *, is_understood: bool = True) -> None:
        """Answer for a fault of ours; where we do not know what follows, only closing is safe.

        So it is in the middle of content. The client learns of a fault and nothing else.
        """
        log.error("fault in a submission", client=self.client_address, exc_info=error)
        if self.reception is not None or not is_understood:
            self.hang_up("421 4.3.0 Local error, try again later")
        else:
            self.say("451 4.3.0 Local error, try again later")

    # --- what has to wait -----------------------------------------------------------------------

    def _begin(self, doing: Coroutine[Any, Any, None], command: Command | None = None) -> None:
        self.deadline = FOREVER
        self._task = self.loop.create_task(self._do(doing, command))

    async def _do(self, doing: Coroutine[Any, Any, None], command: Command | None) -> None:
        """Do it to its end; then go on with what arrived meanwhile."""
        try:
            await doing
        except Refused as refused:
            self.say(refused.reply)
            self.note_refused(command, refused.reply)
        except ConnectionEnded:
            self.is_over = True
        except ClientTimedOut:
            self._give_up()
        except asyncio.CancelledError:
            self.hang_up(SHUTTING_DOWN)
        except Exception as error:
            self._recover(error)
        self._task = None
        self._await_client()
        self.work()

    async def read_line(self) -> bytes | Malformed:
        """Return the client's next line, for a command that asks back.

        Raises ClientTimedOut, ConnectionEnded.
        """
        self._await_client()
        while (line := self.core.next_line()) is None:
            if self._has_said_all:
                raise ConnectionEnded
            self.send()
            self._line_arrives = self.loop.create_future()
            await self._line_arrives
        self.deadline = FOREVER
        return line

    def _wake(self, error: Exception | None) -> None:
        waiter, self._line_arrives = self._line_arrives, None
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)

    # --- saying, waiting for the client ---------------------------------------------------------

    def say(self, reply: str) -> None:
        """Leave a reply to be sent when all that has arrived is worked off."""
        self._replies.append(reply)
        if reply[:2] not in _BAD:
            self._bad_commands = 0
            return
        self._bad_commands += 1
        if self._bad_commands >= BAD_COMMANDS_LIMIT and not self.is_over:
            self.hang_up("421 4.7.0 Too many errors")

    async def push(self, status: str | bytes) -> None:
        """Say it: this is how the base class replies."""
        self.say(status.decode() if isinstance(status, bytes) else status)

    def hang_up(self, reply: str) -> None:
        """Say `reply` and end the conversation."""
        self.is_over = True
        self.say(reply)

    def mail_has_moved(self) -> None:
        """Take note of an accepted message: the client is not just passing time."""
        self._idle_commands = 0

    def _await_client(self) -> None:
        """Set the time by which the client must have gone on: for a whole line, or for content."""
        now = self.loop.time()
        patience = self.services.patience
        if self.reception is None:
            self.deadline = now + patience.command
        else:
            self.deadline = min(now + patience.progress, self.reception.end)

    def time_out(self) -> None:
        """End: the client has not gone on in time, or not read our last reply."""
        if self._has_ended:
            self.abort()
        elif self._line_arrives is not None:
            self._wake(ClientTimedOut())
        else:
            self._give_up()
            self.close()

    def _give_up(self) -> None:
        self.hang_up(_TOO_SLOW)
        if self._is_blocked:
            self.abort()  # it would not read that either

    # --- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        super().close()
        if self.reception is not None:
            self.reception.drop()

    def stop(self) -> None:
        """End now if nothing is under way, else after the transaction."""
        self._is_stopping = True
        self.work()

    def cut(self) -> None:
        """End now, whatever is under way; a message that is not yet ours is not answered 250."""
        self.is_over = True
        if self._task is not None:
            # Not at once: a task that is cancelled before its first step would not say anything.
            self.loop.call_soon(self._task.cancel)
        elif not self._has_ended:
            self.hang_up(SHUTTING_DOWN)
            self.close()
