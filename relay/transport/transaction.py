"""One mail transaction (RFC 5321 3.3): MAIL, RCPT, DATA, content and the final dot.

It writes down what each recipient has been told as it goes, so that a connection that breaks on
the third recipient loses nothing of the first two. `run` raises nothing: whoever has no ruling
afterwards is undecided, and `fault` says why.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import cached_property

import msgspec
from msgspec.structs import replace

from relay.classify import Classified, classify_reply, classify_silence, is_too_many_recipients
from relay.transport.commands import ascii_path, mail_command, rcpt_command
from relay.transport.content import (
    DotStuffer,
    Source,
    UnfitContent,
    UnreadableContent,
    header_is_ascii,
    pieces_of,
    read,
)
from relay.transport.evidence import SessionFault
from relay.transport.session import Session
from relay.transport.wire import WireFault
from tracker.model import (
    Body,
    Message,
    Origin,
    Outcome,
    Phase,
    Recipient,
    RecipientId,
    Reply,
    Step,
    Target,
    TargetTry,
)
from tracker.remote_id import remote_id_of

_ANOTHERS = "The server broke off at another recipient"
_OTHERS = "The session ended with the message to other recipients"
_LAST = 65_536
"""Octets at most that leave together with the final dot: while they do, a lost connection leaves
open whether the message was taken."""


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt at one recipient ended."""

    outcome: Outcome
    origin: Origin
    phase: Phase
    reply: Reply | None = None
    detail: str = ""
    remote_queue_id: str | None = None
    dsn_handed_on: bool = False


class Transaction:
    """One message to some of its recipients, over one session."""

    def __init__(
        self,
        session: Session,
        message: Message,
        recipients: Sequence[Recipient],
        source: Source,
        enter: Callable[[Sequence[RecipientId]], None],
    ) -> None:
        """`enter` is called just before the final dot with those it is sent for."""
        self.rulings: dict[RecipientId, Ruling] = {}
        self.postponed: list[Recipient] = []
        """Whom the server wants in another transaction: now, on the same session."""
        self.accepted: list[Recipient] = []
        self.fault: SessionFault | None = None
        self.suspects: dict[RecipientId, Recipient] = {}
        """At one of whom the server broke off; empty when it broke off at nobody's RCPT."""
        self.note = ""
        """What is worth knowing although it went well."""
        self._session = session
        self._message = message
        self._recipients = recipients
        self._source = source
        self._enter = enter
        self._smtputf8 = False
        self._pipelined = "PIPELINING" in session.extensions
        self._own_steps: dict[RecipientId, int] = {}
        self._asked: Recipient | None = None
        """Whose RCPT waits for its reply."""
        self._has_sent_group = False

    async def run(self) -> None:
        """Carry it through, as far as it goes."""
        try:
            if self._is_fit():
                willing = self._recipients if self._is_ascii() else await self._choose_alphabet()
                if willing:
                    await self._carry(willing)
        except SessionFault as fault:
            self._session.abort()
            self._note_fault(fault)
        except UnfitContent as problem:
            self._session.abort()
            self._rule_rest(Outcome.FAILED, Origin.LOCAL, Phase.CONTENT, f"5.6.0 {problem}")
        except UnreadableContent as problem:
            self._session.abort()
            self._rule_rest(Outcome.DEFERRED, Origin.LOCAL, Phase.CONTENT, f"4.3.0 {problem}")
        except BaseException:
            self._session.abort()
            raise

    @property
    def target(self) -> Target:
        """Whom we talk to."""
        return self._session.target

    @property
    def is_untouched(self) -> bool:
        """True when the server broke off before it took anything: it may have been tired of us."""
        fault = self.fault
        return fault is not None and fault.phase is Phase.MAIL and not self.rulings

    @property
    def unasked(self) -> list[Recipient]:
        """About whom the server had not been asked when it broke off at another recipient."""
        asked = {recipient.id for recipient in (*self.accepted, *self.postponed)}
        return [r for r in self._undecided() if r.id not in asked and r.id not in self.suspects]

    def fault_for(self, recipient: RecipientId) -> SessionFault | None:
        """Return the fault as it concerns `recipient`.

        A reply to another's RCPT is not to his; and where there was none, it says at whom. What
        became of the message to others leaves nothing open about him.
        """
        fault, others = self.fault, len(self.suspects) - 1
        if fault is not None and fault.phase is Phase.FINAL_DOT and recipient not in self.rulings:
            # To those whose final dot it was; whoever else is undecided was sent nothing.
            return SessionFault(Phase.RCPT, _OTHERS, fault.origin, fault.reply)
        if fault is None or fault.phase is not Phase.RCPT or others < 0:
            return fault
        is_another = recipient not in self.suspects
        if fault.reply is not None:
            detail = _ANOTHERS if is_another else fault.detail
        elif is_another:
            detail = f"{fault.detail}, at another recipient"
        elif others:
            detail = f"{fault.detail}, at this recipient or one of {others} more"
        elif len(self._recipients) > 1:
            detail = f"{fault.detail}, at this recipient"
        else:
            return fault
        return SessionFault(fault.phase, detail, fault.origin, fault.reply)

    def is_about(self, recipient: RecipientId) -> bool:
        """Say whether it may have been `recipient` at whom the server broke off."""
        return not self.suspects or recipient in self.suspects

    def is_with(self, recipient: RecipientId) -> bool:
        """Say whether `recipient` takes part in it."""
        return recipient in self._ids

    @cached_property
    def _ids(self) -> frozenset[RecipientId]:
        return frozenset(recipient.id for recipient in self._recipients)

    def tries(self) -> list[TargetTry]:
        """Return what the record says of this transaction to each recipient, in their order.

        Steps that concern other recipients are left out.
        """
        steps, own = self._session.evidence.steps, self._own_steps
        if len(self._recipients) == 1:
            return [self._try_of(self._recipients[0].id, steps)]
        first = min(own.values(), default=len(steps))
        head, tail = steps[:first], steps[first + len(own) :]
        tries: list[TargetTry] = []
        for recipient in self._recipients:
            at = own.get(recipient.id)
            middle = [] if at is None else steps[at : at + 1]
            tries.append(self._try_of(recipient.id, [*head, *middle, *tail]))
        return tries

    def _try_of(self, recipient: RecipientId, steps: Sequence[Step]) -> TargetTry:
        evidence = self._session.evidence
        ruling = self.rulings.get(recipient)
        if ruling is not None:
            detail = "; ".join(text for text in (ruling.detail, self.note) if text)
            return evidence.to_try(ruling.phase, ruling.reply, detail, steps)
        fault = self.fault_for(recipient)
        if fault is None:
            return evidence.to_try(Phase.RCPT, None, "Left to the next transaction", steps)
        return evidence.to_try(fault.phase, fault.reply, fault.detail, steps)

    # --- before a word is said -----------------------------------------------------------------

    def _is_fit(self) -> bool:
        """Say whether the server takes such a message; if not, everybody has a ruling."""
        extensions, message = self._session.extensions, self._message
        limit = extensions.size_limit
        if limit is not None and message.size > limit:
            detail = f"5.3.4 The message has {message.size} octets, the server takes {limit}"
            self._rule_rest(Outcome.FAILED, Origin.REMOTE, Phase.MAIL, detail)
            return False
        if message.body is Body.EIGHT_BIT_MIME and "8BITMIME" not in extensions:
            self.note = "Sent as it is, although the server does not announce 8BITMIME"
        return True

    def _is_ascii(self) -> bool:
        """Say whether every server takes header and envelope, as nearly always."""
        message = self._message
        if message.smtputf8 or not message.reverse_path.isascii():
            return False
        return all([recipient.forward_path.isascii() for recipient in self._recipients])

    async def _choose_alphabet(self) -> Sequence[Recipient]:
        """Use SMTPUTF8 (RFC 6531); where there is none, rule on those who need it."""
        message = self._message
        if "SMTPUTF8" in self._session.extensions:
            self._smtputf8 = True
            return self._recipients
        detail = "5.6.7 The server does not take internationalised mail (SMTPUTF8)"
        for_all = not ascii_path(message.reverse_path).isascii() or not (
            await header_is_ascii(self._source)
        )
        if for_all:
            self._rule_rest(Outcome.FAILED, Origin.REMOTE, Phase.MAIL, detail)
            return []
        willing = [r for r in self._recipients if ascii_path(r.forward_path).isascii()]
        kept = {recipient.id for recipient in willing}
        unwilling = [r for r in self._recipients if r.id not in kept]
        self._rule(unwilling, Classified(Outcome.FAILED, Origin.REMOTE), Phase.RCPT, detail=detail)
        return willing

    # --- the dialogue --------------------------------------------------------------------------

    async def _carry(self, recipients: Sequence[Recipient]) -> None:
        session = self._session
        if session.needs_reset:
            await session.reset()
        extensions = session.extensions
        mail = mail_command(self._message, extensions, smtputf8=self._smtputf8)
        rcpts = [rcpt_command(r, extensions, smtputf8=self._smtputf8) for r in recipients]
        if self._pipelined:
            session.send([mail, *rcpts, "DATA"], Phase.MAIL)
            self._has_sent_group = True
            await session.gather([Phase.MAIL, *[Phase.RCPT] * len(rcpts), Phase.DATA])
        reply = await self._ask(mail, Phase.MAIL)
        session.needs_reset = True
        if not reply.is_positive:
            await self._end_refused(reply, len(rcpts))
            return
        for recipient, rcpt in zip(recipients, rcpts, strict=True):
            self._own_steps[recipient.id] = len(session.evidence.steps)
            self._asked = recipient
            self._take_rcpt(recipient, await self._ask(rcpt, Phase.RCPT))
        self._asked = None
        if self.accepted:
            await self._send_data()
        elif self._pipelined:
            await self._drop_data()

    async def _ask(self, command: str, phase: Phase) -> Reply:
        """Return the reply to a command; with pipelining it has been sent, and waited for."""
        if self._pipelined:
            return self._session.take(command, phase)
        return await self._session.ask(command, phase)

    async def _end_refused(self, reply: Reply, rcpts: int) -> None:
        """End after a refused MAIL: 5yz is final, anything else is worth another target."""
        if reply.is_permanent:
            self._rule(self._undecided(), classify_reply(reply, Phase.MAIL), Phase.MAIL, reply)
        else:
            self.fault = SessionFault(Phase.MAIL, "", Origin.REMOTE, reply)
        if self._pipelined:
            for _ in range(rcpts):
                await self._session.answer("RCPT (after a refused MAIL)", Phase.RCPT)
            await self._drop_data()

    def _take_rcpt(self, recipient: Recipient, reply: Reply) -> None:
        if reply.is_positive:
            self.accepted.append(recipient)
        elif self.accepted and is_too_many_recipients(reply):
            self.postponed.append(recipient)
        else:
            self._rule([recipient], classify_reply(reply, Phase.RCPT), Phase.RCPT, reply)

    async def _drop_data(self) -> None:
        """Take the reply to a DATA that nobody is left for; 354 gets a lone dot (RFC 2920 3.1)."""
        reply = await self._session.answer("DATA", Phase.DATA)
        if reply.code == 354:
            self._put_end(b".\r\n")
            await self._session.answer(".", Phase.FINAL_DOT)

    async def _send_data(self) -> None:
        reply = await self._ask("DATA", Phase.DATA)
        if reply.code == 354:
            await self._send_content()
        elif reply.is_positive or reply.code < 400:
            detail = f"The server answered DATA with {reply.code} where 354 is due"
            raise SessionFault(Phase.DATA, detail, Origin.REMOTE, reply)
        else:
            self._rule(self.accepted, classify_reply(reply, Phase.DATA), Phase.DATA, reply)

    async def _send_content(self) -> None:
        """Send the content piece by piece, and the final dot with the last of them."""
        source, stuffer, rest = self._source, DotStuffer(), b""
        try:
            # The same twice, as what is in memory needs no waiting for.
            if callable(source):
                async with aclosing(read(source)) as chunks:
                    async for chunk in chunks:
                        await self._send_block(rest)
                        rest = stuffer.feed(chunk)
            else:
                for chunk in pieces_of(source):
                    await self._send_block(rest)
                    rest = stuffer.feed(chunk)
            end = stuffer.end()
            if len(rest) > _LAST:
                await self._send_block(rest[:-_LAST])
                rest = rest[-_LAST:]
        except WireFault as fault:
            self._take_early_reply(fault)
            raise self._session.broken(fault, Phase.CONTENT) from fault
        self._enter([recipient.id for recipient in self.accepted])
        self._put_end(rest + end)
        await self._take_final_reply()

    async def _send_block(self, block: bytes) -> None:
        if block:
            seconds = self._session.timeouts.block.total_seconds()
            await self._session.wire.send_block(block, seconds)

    def _put_end(self, octets: bytes) -> None:
        self._session.evidence.start_step()
        try:
            self._session.wire.send_end(octets)
        except WireFault as fault:
            # Nothing of it has left: the content is incomplete.
            self._take_early_reply(fault)
            raise self._session.broken(fault, Phase.CONTENT) from fault

    def _take_early_reply(self, fault: WireFault) -> None:
        """Respect a refusal in the middle of the content; no other early reply means anything."""
        reply = fault.reply
        if reply is not None and reply.is_refusal and reply.code != 421:
            self._session.evidence.step("(content)", reply)
            self._rule(self.accepted, classify_reply(reply, Phase.CONTENT), Phase.CONTENT, reply)

    async def _take_final_reply(self) -> None:
        try:
            reply = await self._session.answer(".", Phase.FINAL_DOT)
        except SessionFault as fault:
            if fault.reply is None:
                raise
            reply, self.fault = fault.reply, fault
            self._session.abort()
        self._session.needs_reset = False
        self._rule(
            self.accepted,
            classify_reply(reply, Phase.FINAL_DOT),
            Phase.FINAL_DOT,
            reply,
            remote_queue_id=remote_id_of(reply) if reply.is_positive else None,
        )

    # --- rulings -------------------------------------------------------------------------------

    def _note_fault(self, fault: SessionFault) -> None:
        """Nobody is decided by a lost session, except those whose final dot was on its way."""
        if self.fault is None:
            self.fault = fault
            self.suspects = {each.id: each for each in self._find_suspects(fault)}
        if fault.phase is Phase.FINAL_DOT:
            classified = classify_silence(Phase.FINAL_DOT, fault.origin)
            detail = f"{fault.detail}: the message may have been taken"
            self._rule(self.accepted, classified, Phase.FINAL_DOT, detail=detail)

    def _find_suspects(self, fault: SessionFault) -> list[Recipient]:
        """Return at whom it may have been that the server broke off.

        It is the one whose RCPT waits for its reply. But a server may keep its replies to a group
        and send them together (RFC 2920 3.2): when nothing comes any more, that to MAIL can be
        missing too, and what it broke off at can be any RCPT without a reply.
        """
        if fault.origin is Origin.LOCAL:
            return []
        is_silent = fault.reply is None and fault.origin is Origin.NETWORK
        if self._has_sent_group and is_silent and fault.phase in (Phase.MAIL, Phase.RCPT):
            answered = {each.id for each in (*self.accepted, *self.postponed)}
            return [each for each in self._undecided() if each.id not in answered]
        return [] if self._asked is None else [self._asked]

    def _undecided(self) -> list[Recipient]:
        return [r for r in self._recipients if r.id not in self.rulings]

    def _rule_rest(self, outcome: Outcome, origin: Origin, phase: Phase, detail: str) -> None:
        self._rule(self._undecided(), Classified(outcome, origin), phase, detail=detail)

    def _rule(
        self,
        recipients: Sequence[Recipient],
        classified: Classified,
        phase: Phase,
        reply: Reply | None = None,
        *,
        detail: str = "",
        remote_queue_id: str | None = None,
    ) -> None:
        outcome, origin = classified
        ruling = Ruling(
            outcome=outcome,
            origin=origin,
            phase=phase,
            reply=reply,
            detail=detail,
            remote_queue_id=remote_queue_id,
        )
        hands_on = outcome is Outcome.DELIVERED and "DSN" in self._session.extensions
        for recipient in recipients:
            if recipient.id in self.rulings:
                continue
            if hands_on and recipient.notify is not None:
                self.rulings[recipient.id] = replace(ruling, dsn_handed_on=True)
            else:
                self.rulings[recipient.id] = ruling
