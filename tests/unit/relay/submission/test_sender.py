"""Who may send as whom."""

from datetime import UTC, datetime

import pytest

from relay.submission.sender import may_send_as
from tracker.mailbox import parse_mailbox
from tracker.model import Account, Role


@pytest.mark.parametrize(
    ("role", "reverse_path", "allowed"),
    [
        (Role.USER, "bob@example.org", True),
        (Role.USER, "BOB@Example.ORG", True),
        (Role.USER, "alice@example.org", False),
        (Role.USER, "bob@example.net", False),
        (Role.USER, '"bob@example.org"@example.net', False),
        (Role.DOMAIN_ADMIN, "alice@example.org", True),
        (Role.DOMAIN_ADMIN, "alice@sub.example.org", False),
        (Role.DOMAIN_ADMIN, "alice@notexample.org", False),
        (Role.SUPPORT, "bob@example.org", True),
        (Role.SUPPORT, "alice@example.org", False),
        (Role.ADMIN, "anybody@anywhere.example", True),
    ],
)
def test_senders(role: Role, reverse_path: str, allowed: bool) -> None:
    account = Account(
        address="bob@example.org",
        role=role,
        password_hash="",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert may_send_as(account, parse_mailbox(reverse_path)) is allowed
