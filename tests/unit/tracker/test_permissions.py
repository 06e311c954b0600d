"""Which role may do what, as one table."""

import pytest

from tracker.model import Role
from tracker.permissions import Permission, permissions_of

TABLE = [
    # user, domain-admin, support, admin
    (Permission.ACT, True, True, False, True),
    (Permission.SEE_RELAY, False, False, True, True),
    (Permission.OPERATE, False, False, False, True),
    (Permission.MANAGE_ACCOUNTS, False, False, False, True),
    (Permission.MANAGE_RULES, False, False, False, True),
    (Permission.MANAGE_SUPPRESSIONS, False, True, False, True),
    (Permission.SEE_ACCESS, False, True, False, True),
    (Permission.MANAGE_PRIVACY, False, False, False, True),
]
ROLES = (Role.USER, Role.DOMAIN_ADMIN, Role.SUPPORT, Role.ADMIN)


@pytest.mark.parametrize(
    ("permission", "expected"),
    [(permission, expected) for permission, *expected in TABLE],
    ids=[permission for permission, *_ in TABLE],
)
def test_who_may(permission: Permission, expected: list[bool]) -> None:
    assert [permission in permissions_of(role) for role in ROLES] == expected


def test_the_table_is_whole() -> None:
    assert [permission for permission, *_ in TABLE] == list(Permission)
    assert set(ROLES) == set(Role)
