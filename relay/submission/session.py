# ruff: noqa: N802 - aiosmtpd finds a command by the name of its method
"""The commands of RFC 5321, 6409 and their extensions, on top of a conversation."""

import ssl

import structlog

from relay.submission.authentication import MECHANISMS, AuthenticatingConversation
from relay.submission.commands import (
    Mail,
    Refused,
    Transaction,
    parse_mail,
    parse_rcpt,
    what_is_asked,
)
from relay.submission.connection import ConnectionEnded
from relay.submission.content import SpooledContent
from relay.submission.conversation import Doing
from relay.submission.core import Command
from relay.submission.header import HEADER_LIMIT, Header, read_header
from relay.submission.intake import SubmissionResult
from relay.submission.reception import Reception
from relay.submission.refusal import Refusing, describe_refusal, is_worth_keeping
from relay.submission.sender import may_send_as
from relay.submission.trace import Passage, complete_facts, compose_added_fields, with_keyword
from relay.submission.unavailable import explain_unavailable
from tracker.model import Body, Client, Envelope, MessageId, RefusalId
from tracker.store import StoreUnavailable

HELO_LIMIT = 255
"""Octets of a domain (RFC 5321 4.5.3.1.2)."""

_USUAL_HEADER = 64 * 1024
"""Octets in which most headers end: looking no further saves copying a large message."""

log = structlog.get_logger(__name__)


class RelaySMTP(AuthenticatingConversation):
    """A submission session."""

    # --- greeting -------------------------------------------------------------------------------

    def smtp_EHLO(self, hostname: str) -> None:
        """Begin ESMTP and say what is to be had now."""
        self._greet(hostname, extended=True)
        submission = self.services.settings.submission
        lines = [
            self.hostname,
            f"SIZE {submission.max_message_size}",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "DSN",
            f"LIMITS RCPTMAX={submission.max_recipients}",  # RFC 9422
        ]
        if self.door.starttls is not None and self.tls_layer is None:
            lines.append("STARTTLS")
        if self.may_authenticate:
            lines.append(f"AUTH {' '.join(MECHANISMS)}")
        lines.append("HELP")
        self.say("".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}")

    def smtp_HELO(self, hostname: str) -> None:
        """Begin without extensions."""
        self._greet(hostname, extended=False)
        self.say(f"250 {self.hostname}")

    def _greet(self, argument: str, *, extended: bool) -> None:
        if not argument:
            raise Refused("501 5.5.4 Say who you are (RFC 5321 4.1.1.1)")
        self.transaction = None
        self.is_extended = extended
        self.helo = argument.split(" ")[0][:HELO_LIMIT]

    async def smtp_STARTTLS(self, arg: str) -> None:
        """Begin TLS (RFC 3207)."""
        if self.door.starttls is None:
            raise Refused("502 5.5.1 STARTTLS is not available here")
        if arg:
            raise Refused("501 5.5.4 STARTTLS has no parameters (RFC 3207 4)")
        if self.tls_layer is not None:
            raise Refused("503 5.5.1 TLS is active already")
        if self.transaction is not None:
            raise Refused("503 5.5.1 Not in a transaction")
        self.say("220 2.0.0 Go ahead")
        self.account = None
        try:
            await self.upgrade(self.door.starttls)
        except (OSError, ssl.SSLError) as error:
            log.debug("handshake failed", client=self.client_address, problem=type(error).__name__)
            raise ConnectionEnded from error
        self.helo, self.is_extended, self.transaction = "", False, None

    # --- the envelope ---------------------------------------------------------------------------

    def smtp_MAIL(self, arg: str) -> Doing:
        """Begin a transaction."""
        self._check_greeted()
        if self.is_log_in_old:
            return self._begin_anew(arg)
        self._begin_transaction(arg)
        return None

    async def _begin_anew(self, arg: str) -> None:
        await self.renew_log_in()
        if not self.is_over:
            self._begin_transaction(arg)

    def _begin_transaction(self, arg: str) -> None:
        self._check_may_submit()
        if self.transaction is not None:
            raise Refused("503 5.5.1 There is a transaction already")
        mail = parse_mail(arg)
        submission = self.services.settings.submission
        if mail.size is not None and mail.size > submission.max_message_size:
            raise Refused(f"552 5.3.4 At most {submission.max_message_size} octets are taken")
        if submission.match_sender and self.account is not None:
            self._check_sender(mail)
        self.transaction = Transaction(mail)
        self.say("250 2.1.0 Ok")

    def _check_greeted(self) -> None:
        if not self.helo:
            raise Refused("503 5.5.1 Send EHLO first")

    def _check_may_submit(self) -> None:
        if self.account is not None or (self.is_trusted and self.door.auth != "required"):
            return
        if self.may_authenticate:
            raise Refused("530 5.7.0 Authentication required")
        if self.door.auth != "off" and self.door.starttls is not None:
            raise Refused("530 5.7.0 Begin with STARTTLS, then log in")
        raise Refused("550 5.7.1 Only trusted networks may send mail through this port")

    def _check_sender(self, mail: Mail) -> None:
        account, reverse_path = self.account, mail.reverse_path
        if account is None or reverse_path is None or may_send_as(account, reverse_path):
            return
        raise Refused(f"553 5.7.1 {account.address} may not send as {reverse_path}")

    def smtp_RCPT(self, arg: str) -> None:
        """Add a recipient, unless that has been done already."""
        self._check_greeted()
        if self.transaction is None:
            raise Refused("503 5.5.1 Send MAIL first")
        recipients = self.transaction.recipients
        smtputf8 = self.transaction.mail.smtputf8
        recipient = parse_rcpt(arg, smtputf8=smtputf8, hostname=self.hostname)
        asked = what_is_asked(recipient)
        if asked in recipients:
            self.say("250 2.1.5 Ok, is a recipient already")
            return
        if len(recipients) >= self.services.settings.submission.max_recipients:
            raise Refused("452 4.5.3 Too many recipients, send the rest in another transaction")
        refusal = self.services.closed(recipient, self._account_of(self.transaction.mail))
        if refusal is not None:
            raise Refused(refusal)
        recipients[asked] = recipient
        self.say("250 2.1.5 Ok")

    def _account_of(self, mail: Mail) -> str | None:
        """Return whose mail it is in the record."""
        if self.account is not None:
            return self.account.address
        return str(mail.reverse_path or "").lower() or None

    def smtp_RSET(self, arg: str) -> None:
        """Drop the transaction."""
        if arg:
            raise Refused("501 5.5.4 RSET has no parameters")
        self.transaction = None
        self.say("250 2.0.0 Ok")

    # --- the message ----------------------------------------------------------------------------

    def smtp_DATA(self, arg: str) -> None:
        """Take the message, and the responsibility for it."""
        self._check_greeted()
        transaction = self.transaction
        if transaction is None:
            raise Refused("503 5.5.1 Send MAIL first")
        if not transaction.recipients:
            raise Refused("503 5.5.1 There is no valid recipient")
        if arg:
            raise Refused("501 5.5.4 DATA has no parameters")
        self.say("354 End data with <CR><LF>.<CR><LF>")
        self.reception = Reception(
            self.core.begin_content(),
            SpooledContent(self.services.settings.state_directory),
            max_size=self.services.settings.submission.max_message_size,
            end=self.loop.time() + self.services.patience.content,
        )

    async def take_message(self, reception: Reception) -> None:
        """Answer for the message; 250 is said once it is ours."""
        observe = self.services.observer.submission
        try:
            identifier = await self._take(reception)
        except BaseException as error:
            reception.drop()
            if isinstance(error, Refused):
                self._note_refusal("DATA", "", error.reply)
            if isinstance(error, Refused) and not error.reply.startswith("4"):
                observe(SubmissionResult.REFUSED)
            elif isinstance(error, Exception):
                observe(SubmissionResult.UNAVAILABLE)
            raise
        finally:
            self.transaction = None
        observe(SubmissionResult.ACCEPTED)
        self.mail_has_moved()
        self.say(f"250 2.0.0 Ok: queued as {identifier}")

    def note_refused(self, command: Command | None, reply: str) -> None:
        """Say what is refused, and put it on record if it is to somebody who may send."""
        if command is not None and command.verb in ("MAIL", "RCPT"):
            self._note_refusal(
                "MAIL" if command.verb == "MAIL" else "RCPT", command.argument, reply
            )

    def _note_refusal(self, verb: Refusing, argument: str, reply: str) -> None:
        if not is_worth_keeping(reply):
            return
        account = self.account.address if self.account else None
        clock = self.services.clock
        refusal = describe_refusal(
            RefusalId(clock.mint()),
            clock.now(),
            verb=verb,
            argument=argument,
            transaction=self.transaction,
            authenticated_as=account,
            client_address=self.client_address,
            reply=reply,
        )
        self.services.teller.refused(refusal, account, self.helo)
        if self.account or self.is_trusted:
            self.services.refusals.note(refusal, account or self.client_address)

    def _read_header(self, content: SpooledContent) -> Header:
        header = read_header(content.head(_USUAL_HEADER), content.size)
        if not header.is_complete:
            header = read_header(content.head(HEADER_LIMIT), content.size)
        if not header.is_complete:
            raise Refused(f"552 5.3.4 The header is larger than {HEADER_LIMIT} octets")
        if header.received > self.services.settings.submission.max_received_headers:
            raise Refused("554 5.4.6 Too many hops, the message is in a loop (RFC 5321 6.3)")
        return header

    async def _take(self, reception: Reception) -> MessageId:
        """Hand the message over. Raises Refused."""
        transaction, content = self.transaction, reception.content
        if reception.refusal is not None:
            raise Refused(reception.refusal)
        if transaction is None:
            raise RuntimeError("a message came outside of a transaction")
        header = self._read_header(content)
        mail, recipients = transaction.mail, tuple(transaction.recipients.values())
        identifier = MessageId(self.services.clock.mint())
        client = self._describe_client(mail)
        passage = Passage(
            id=identifier,
            hostname=self.hostname,
            address=self.client_address,
            helo=client.helo,
            protocol=client.protocol,
            tls=client.tls,
            only_recipient=recipients[0].forward_path if len(recipients) == 1 else None,
            at=self.services.clock.now(),
        )
        content.prepend(compose_added_fields(passage, header))
        reverse_path = str(mail.reverse_path or "")
        envelope = Envelope(
            reverse_path=reverse_path,
            recipients=recipients,
            ret=mail.ret,
            envid=mail.envid,
            body=mail.body if reception.is_ascii else Body.EIGHT_BIT_MIME,
            smtputf8=mail.smtputf8,
        )
        account = self._account_of(mail)
        facts = complete_facts(passage, header)
        try:
            taken = await self.services.intake.take(
                identifier, envelope, content, client, account, facts, content.sha256
            )
        except StoreUnavailable as error:
            log.warning("message not stored", id=identifier, problem=str(error))
            raise Refused(explain_unavailable(error)) from error
        self.services.teller.accepted(taken, envelope, facts, client, account, content.size)
        return taken

    def _describe_client(self, mail: Mail) -> Client:
        tls = self._describe_tls()
        return Client(
            address=self.client_address,
            port=self.client_port,
            helo=self.helo,
            protocol=with_keyword(
                extended=self.is_extended,
                tls=tls is not None,
                authenticated=self.account is not None,
                smtputf8=mail.smtputf8,
            ),
            tls=tls,
            authenticated_as=self.account.address if self.account else None,
        )

    def _describe_tls(self) -> str | None:
        """Return version and cipher, e.g. "TLSv1.3 TLS_AES_256_GCM_SHA384"."""
        layer = self.tls_layer
        if layer is None:
            return None
        cipher = layer.cipher()
        return f"{layer.version()} {cipher[0]}" if cipher else layer.version()

    # --- the rest -------------------------------------------------------------------------------

    def smtp_NOOP(self, arg: str) -> None:
        """Do nothing."""
        self.say("250 2.0.0 Ok")

    def smtp_VRFY(self, arg: str) -> None:
        """Tell nothing about who exists (RFC 5321 7.3)."""
        if not arg:
            raise Refused("501 5.5.4 Syntax: VRFY address")
        self.say("252 2.5.0 Send mail, it will be tried")

    async def smtp_EXPN(self, arg: str) -> None:
        """Refuse: there are no lists here."""
        raise Refused("502 5.5.1 EXPN is not available")

    def smtp_BDAT(self, arg: str) -> None:
        """Refuse and close: the chunk that follows must not be read as commands (RFC 3030)."""
        self.hang_up("421 4.5.1 CHUNKING was not announced")

    def smtp_HELP(self, arg: str) -> None:
        """Name the commands."""
        self.say("214 2.0.0 AUTH DATA EHLO HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS VRFY")

    def smtp_QUIT(self, arg: str) -> None:
        """End the session."""
        if arg:
            raise Refused("501 5.5.4 QUIT has no parameters")
        self.hang_up("221 2.0.0 Bye")
