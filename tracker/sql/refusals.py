"""Submissions that were refused, as rows."""

from collections.abc import Mapping
from datetime import datetime

from tracker.model import Refusal, RefusalId
from tracker.sql.conditions import Statement
from tracker.sql.rows import Columns
from tracker.sql.values import first_id, moment, stamp, well_formed

TYPES: Mapping[str, str] = {
    "id": "text",
    "at": "bigint",
    "account": "text",
    "account_domain": "text",
    "client_address": "text",
    "reverse_path": "text",
    "forward_path": "text",
    "recipients": "integer",
    "command": "text",
    "reply": "text",
}
"""The columns of a refusal, in their order."""

REFUSAL_COLUMNS = ", ".join(TYPES)


def refusal_columns(refusal: Refusal) -> Columns:
    """Return a refusal as REFUSAL_COLUMNS."""
    account = None if refusal.account is None else well_formed(refusal.account)
    return (
        refusal.id,
        stamp(refusal.at),
        account,
        None if account is None else account.rpartition("@")[2],
        refusal.client_address,
        well_formed(refusal.reverse_path),
        well_formed(refusal.forward_path),
        refusal.recipients,
        refusal.command,
        well_formed(refusal.reply),
    )


def read_refusal(row: Columns) -> Refusal:
    """Build a refusal from REFUSAL_COLUMNS."""
    identifier, at, account, _, client, reverse_path, forward_path, recipients, command, reply = row
    return Refusal(
        id=RefusalId(identifier),
        at=moment(at),
        account=account,
        client_address=client,
        reverse_path=reverse_path,
        forward_path=forward_path,
        recipients=recipients,
        command=command,
        reply=reply,
    )


def older_refusals(before: datetime, limit: int) -> Statement:
    """Delete at most `limit` of those that were made before."""
    return Statement(
        "DELETE FROM refusals WHERE id IN"
        " (SELECT id FROM refusals WHERE id < ? ORDER BY id LIMIT ?)",
        (first_id(before), limit),
    )
