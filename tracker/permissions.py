"""What each role may do beside looking at the mail in its scope.

What somebody sees of the mail is their scope (`tracker.model.Scope`); this is what they may do,
and what they see of the relay itself. Nothing else decides by roles.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from tracker.model import Role


class Permission(StrEnum):
    """Something that not everybody who is logged in may do."""

    ACT = "act"
    """Retry, hold, release, cancel, suppress and send again, each for mail in scope; probe."""
    SEE_RELAY = "see-relay"
    """Look at the relay as a whole: destinations, nodes, the balance, failures on our side."""
    OPERATE = "operate"
    """Act on the relay as a whole: mark failures on our side as dealt with, reroute mail."""
    MANAGE_ACCOUNTS = "manage-accounts"
    MANAGE_RULES = "manage-rules"
    """Look at and correct the rules that explain replies."""
    MANAGE_SUPPRESSIONS = "manage-suppressions"
    """Look at, add and end suppressions that concern more than one's own mail."""
    SEE_ACCESS = "see-access"
    """See who looked at the mail of everybody in scope; one's own everybody sees."""
    MANAGE_PRIVACY = "manage-privacy"
    """Find, export and erase whatever is on record about an address."""


_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.USER: frozenset({Permission.ACT}),
    Role.DOMAIN_ADMIN: frozenset(
        {Permission.ACT, Permission.MANAGE_SUPPRESSIONS, Permission.SEE_ACCESS}
    ),
    Role.SUPPORT: frozenset({Permission.SEE_RELAY}),
    Role.ADMIN: frozenset(Permission),
}


def permissions_of(role: Role) -> frozenset[Permission]:
    """Return what a role may do."""
    return _PERMISSIONS[role]
