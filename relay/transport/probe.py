"""A transaction that stops before the message: would the server take mail for this address now?

MAIL, RCPT, and RSET in place of DATA (RFC 5321 4.1.1.5). The server sees no content and may still
refuse it later.
"""

from collections.abc import Sequence

from relay.classify import Classified
from relay.transport.commands import mail_command, rcpt_command
from relay.transport.transaction import Transaction
from tracker.model import Origin, Outcome, Phase, Recipient


class Probe(Transaction):
    """Asks about recipients over one session; whoever would be taken counts as delivered."""

    async def _carry(self, recipients: Sequence[Recipient]) -> None:
        self._pipelined = False  # DATA must not be on its way already
        session = self._session
        if session.needs_reset:
            await session.reset()
        mail = mail_command(self._message, session.extensions, smtputf8=self._smtputf8)
        reply = await self._ask(mail, Phase.MAIL)
        session.needs_reset = True
        if not reply.is_positive:
            await self._end_refused(reply, 0)
            return
        for recipient in recipients:
            self._own_steps[recipient.id] = len(session.evidence.steps)
            rcpt = rcpt_command(recipient, session.extensions, smtputf8=self._smtputf8)
            reply = await self._ask(rcpt, Phase.RCPT)
            if reply.is_positive:
                willing = Classified(Outcome.DELIVERED, Origin.REMOTE)
                self._rule([recipient], willing, Phase.RCPT, reply)
            else:
                self._take_rcpt(recipient, reply)
        await session.reset()
