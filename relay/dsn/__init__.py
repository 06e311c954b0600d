"""Delivery status notifications (RFC 3461, 3464, 6522, 6533): written here, sent like any mail."""

from relay.dsn.compose import compose_dsn
from relay.dsn.report import (
    FULL_LIMIT,
    Action,
    Dsn,
    Report,
    Reported,
    returns_whole,
    shortened,
)

__all__ = [
    "FULL_LIMIT",
    "Action",
    "Dsn",
    "Report",
    "Reported",
    "compose_dsn",
    "returns_whole",
    "shortened",
]
