# ruff: noqa: N802 - aiosmtpd finds a command by the name of its method
"""The commands of RFC 5321, 6409 and their extensions, on top of a conversation."""

import errno

import structlog

from relay.submission.authentication import MECHANISMS, AuthenticatingConversation
from relay.submission.commands import Mail, Refused, Transaction, parse_mail, parse_rcpt
from relay.submission.content import SpooledContent
from relay.submission.header import HEADER_LIMIT, Header, read_header
from relay.submission.intake import SubmissionResult
from relay.submission.reception import receive
from relay.submission.sender import may_send_as
from relay.submission.trace import Passage, complete_facts, compose_added_fields, with_keyword
from tracker.model import Body, Client, Envelope, MessageId
from tracker.store import StoreUnavailable

HELO_LIMIT = 255
"""Octets of a domain (RFC 5321 4.5.3.1.2)."""

log = structlog.get_logger(__name__)


class RelaySMTP(AuthenticatingConversation):
    """A submission session."""

    # --- greeting -------------------------------------------------------------------------------

    async def smtp_EHLO(self, hostname: str) -> None:
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
        if self.door.starttls is not None and not self.is_tls:
            lines.append("STARTTLS")
        if self.may_authenticate:
            lines.append(f"AUTH {' '.join(MECHANISMS)}")
        lines.append("HELP")
        for line in lines[:-1]:
            await self.push(f"250-{line}")
        await self.push(f"250 {lines[-1]}")

    async def smtp_HELO(self, hostname: str) -> None:
        """Begin without extensions."""
        self._greet(hostname, extended=False)
        await self.push(f"250 {self.hostname}")

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
        if self.is_tls:
            raise Refused("503 5.5.1 TLS is active already")
        if self.transaction is not None:
            raise Refused("503 5.5.1 Not in a transaction")
        await self.push("220 2.0.0 Go ahead")
        await self.flush()
        self.account = None
        await self.upgrade(self.door.starttls)

    # --- the envelope ---------------------------------------------------------------------------

    async def smtp_MAIL(self, arg: str) -> None:
        """Begin a transaction."""
        self._check_greeted()
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
        await self.push("250 2.1.0 Ok")

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

    async def smtp_RCPT(self, arg: str) -> None:
        """Add a recipient."""
        self._check_greeted()
        if self.transaction is None:
            raise Refused("503 5.5.1 Send MAIL first")
        recipients = self.transaction.recipients
        smtputf8 = self.transaction.mail.smtputf8
        recipient = parse_rcpt(arg, smtputf8=smtputf8, hostname=self.hostname)
        if len(recipients) >= self.services.settings.submission.max_recipients:
            raise Refused("452 4.5.3 Too many recipients, send the rest in another transaction")
        recipients.append(recipient)
        await self.push("250 2.1.5 Ok")

    async def smtp_RSET(self, arg: str) -> None:
        """Drop the transaction."""
        if arg:
            raise Refused("501 5.5.4 RSET has no parameters")
        self.transaction = None
        await self.push("250 2.0.0 Ok")

    # --- the message ----------------------------------------------------------------------------

    async def smtp_DATA(self, arg: str) -> None:
        """Take the message, and the responsibility for it."""
        self._check_greeted()
        transaction = self.transaction
        if transaction is None:
            raise Refused("503 5.5.1 Send MAIL first")
        if not transaction.recipients:
            raise Refused("503 5.5.1 There is no valid recipient")
        if arg:
            raise Refused("501 5.5.4 DATA has no parameters")
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = SpooledContent(self.services.settings.state_directory)
        try:
            await self._receive_and_take(transaction, content)
        except BaseException:
            content.close()
            raise
        finally:
            self.transaction = None

    async def _receive_and_take(self, transaction: Transaction, content: SpooledContent) -> None:
        submission = self.services.settings.submission
        self.is_mid_content = True
        reception = await receive(
            self.wire,
            content,
            max_size=submission.max_message_size,
            progress_timeout=submission.data_progress_timeout,
            total_timeout=submission.data_timeout,
        )
        self.is_mid_content = False
        observe = self.services.observer.submission
        try:
            if reception.refusal is not None:
                raise Refused(reception.refusal)
            header = self._read_header(content)
            identifier = await self._take(transaction, content, header, is_ascii=reception.is_ascii)
        except Refused as refused:
            is_temporary = refused.reply.startswith("4")
            observe(SubmissionResult.UNAVAILABLE if is_temporary else SubmissionResult.REFUSED)
            raise
        except Exception:
            observe(SubmissionResult.UNAVAILABLE)
            raise
        observe(SubmissionResult.ACCEPTED)
        self.mail_has_moved()
        await self.push(f"250 2.0.0 Ok: queued as {identifier}")

    def _read_header(self, content: SpooledContent) -> Header:
        header = read_header(content.head(HEADER_LIMIT), content.size)
        if not header.is_complete:
            raise Refused(f"552 5.3.4 The header is larger than {HEADER_LIMIT} octets")
        if header.received > self.services.settings.submission.max_received_headers:
            raise Refused("554 5.4.6 Too many hops, the message is in a loop (RFC 5321 6.3)")
        return header

    async def _take(
        self, transaction: Transaction, content: SpooledContent, header: Header, *, is_ascii: bool
    ) -> MessageId:
        mail, recipients = transaction.mail, tuple(transaction.recipients)
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
            body=mail.body if is_ascii else Body.EIGHT_BIT_MIME,
            smtputf8=mail.smtputf8,
        )
        account = self.account.address if self.account else reverse_path.lower() or None
        facts = complete_facts(passage, header)
        try:
            taken = await self.services.intake.take(
                identifier, envelope, content, client, account, facts
            )
        except StoreUnavailable as error:
            log.warning("message not stored", id=identifier, problem=str(error))
            raise Refused(_explain_unavailable(error)) from error
        log.info(
            "message accepted",
            id=taken,
            client=self.client_address,
            account=account,
            size=content.size,
            recipients=len(recipients),
        )
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

    async def smtp_NOOP(self, arg: str) -> None:
        """Do nothing."""
        await self.push("250 2.0.0 Ok")

    async def smtp_VRFY(self, arg: str) -> None:
        """Tell nothing about who exists (RFC 5321 7.3)."""
        if not arg:
            raise Refused("501 5.5.4 Syntax: VRFY address")
        await self.push("252 2.5.0 Send mail, it will be tried")

    async def smtp_EXPN(self, arg: str) -> None:
        """Refuse: there are no lists here."""
        raise Refused("502 5.5.1 EXPN is not available")

    async def smtp_BDAT(self, arg: str) -> None:
        """Refuse and close: the chunk that follows must not be read as commands (RFC 3030)."""
        await self.hang_up("421 4.5.1 CHUNKING was not announced")

    async def smtp_HELP(self, arg: str) -> None:
        """Name the commands."""
        await self.push("214 2.0.0 AUTH DATA EHLO HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS VRFY")

    async def smtp_QUIT(self, arg: str) -> None:
        """End the session."""
        if arg:
            raise Refused("501 5.5.4 QUIT has no parameters")
        await self.hang_up("221 2.0.0 Bye")


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def _explain_unavailable(error: BaseException) -> str:
    """Return 452 when some disk is full, whoever noticed it, else 451."""
    if any(map(_is_full, _with_causes(error))):
        return "452 4.3.1 No room for the message now, try again later"
    return "451 4.3.0 The message cannot be stored now, try again later"


def _is_full(error: BaseException) -> bool:
    return (
        (isinstance(error, OSError) and error.errno in _FULL)
        or getattr(error, "sqlite_errorname", None) == "SQLITE_FULL"
        or getattr(error, "sqlstate", None) == "53100"
    )


def _with_causes(error: BaseException) -> list[BaseException]:
    """Return an error and what caused it; drivers that raise one object twice make circles."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and not any(cause is each for each in chain):
        chain.append(cause)
        cause = cause.__cause__
    return chain
