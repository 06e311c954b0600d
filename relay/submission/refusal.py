"""What the record says of a command that was refused, and which ones belong on it. Pure."""

import re
from datetime import datetime
from typing import Final, Literal

from relay.submission.commands import Transaction
from tracker.model import Refusal, RefusalId

REPLY_LIMIT: Final = 500
"""Characters of our own reply that are kept: it may repeat what the client said."""
PATH_LIMIT: Final = 320
"""Characters of a path that are kept, however it is written."""

Refusing = Literal["MAIL", "RCPT", "DATA"]

_PATH: Final = re.compile(r"[A-Za-z]*:? *<([^<>]*)>")


def is_worth_keeping(reply: str) -> bool:
    """Say whether a refusal tells its sender anything.

    A command out of order (503) follows another refusal when commands are pipelined.
    """
    return reply[:1] in "45" and not reply.startswith("503")


def describe_refusal(
    identifier: RefusalId,
    at: datetime,
    *,
    verb: Refusing,
    argument: str,
    transaction: Transaction | None,
    authenticated_as: str | None,
    client_address: str,
    reply: str,
) -> Refusal:
    """Return the record; `argument` is what followed MAIL or RCPT.

    Whose it is goes by the same rule as for mail that is taken: the account that has logged in,
    else the reverse-path.
    """
    recipients = list(transaction.recipients.values()) if transaction is not None else []
    reverse_path = str(transaction.mail.reverse_path or "") if transaction is not None else ""
    forward_path = recipients[0].forward_path if recipients and verb == "DATA" else ""
    if verb == "MAIL":
        reverse_path = _path_in(argument)
    elif verb == "RCPT":
        forward_path = _path_in(argument)
    return Refusal(
        id=identifier,
        at=at,
        account=authenticated_as or reverse_path.lower() or None,
        client_address=client_address,
        reverse_path=reverse_path,
        forward_path=forward_path,
        recipients={"MAIL": 0, "RCPT": 1, "DATA": len(recipients)}[verb],
        command=verb,
        reply=reply[:REPLY_LIMIT],
    )


def _path_in(argument: str) -> str:
    """Return the path of an argument, or all of it where no path can be made out."""
    match = _PATH.match(argument)
    return (match[1] if match else argument)[:PATH_LIMIT]
