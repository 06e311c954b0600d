"""What the log says of mail that comes in, and of what is refused."""

import os
from collections.abc import Iterable

import structlog

from relay.log import arrival_lines, rejection_line
from tracker.model import Client, Envelope, HeaderFacts, MessageId, Refusal

_log = structlog.get_logger(__name__)


class Teller:
    """Tells of submissions; in Postfix's form, too, where `delivery_lines` are wanted."""

    def __init__(self, *, delivery_lines: bool) -> None:
        self._delivery_lines = delivery_lines

    def accepted(
        self,
        identifier: MessageId,
        envelope: Envelope,
        facts: HeaderFacts,
        client: Client,
        account: str | None,
        size: int,
    ) -> None:
        """Tell that a message is ours now."""
        _log.info(
            "message accepted",
            id=identifier,
            message_id=facts.message_id,
            **{"from": envelope.reverse_path},
            client=client.address,
            account=account,
            size=size,
            recipients=len(envelope.recipients),
        )
        if self._delivery_lines:
            _say(arrival_lines(identifier, envelope, facts, client, size, os.getpid()))

    def refused(self, refusal: Refusal, account: str | None, helo: str) -> None:
        """Tell what was refused; `account` is that of a log-in, and of nobody else."""
        _log.info(
            "refused",
            client=refusal.client_address,
            account=account or "none",
            command=refusal.command,
            **{"from": refusal.reverse_path},
            to=refusal.forward_path,
            said=refusal.reply,
        )
        if self._delivery_lines:
            _say([rejection_line(refusal, helo, os.getpid())])


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        _log.info(line)
