"""Which reverse-paths an account may use (RFC 6409 6.1)."""

from tracker.mailbox import Mailbox, MailboxError, parse_mailbox
from tracker.model import Account, Role


def may_send_as(account: Account, reverse_path: Mailbox) -> bool:
    """Say whether `account` may send as `reverse_path`.

    A user sends as itself, a domain admin as anybody of the domain, an admin as anybody. Case
    does not matter, nor whether a domain is written with A-labels or U-labels.
    """
    if account.role is Role.ADMIN:
        return True
    try:
        own = parse_mailbox(account.address)
    except MailboxError:
        return False
    if own.domain != reverse_path.domain:
        return False
    is_own = own.local_part.lower() == reverse_path.local_part.lower()
    return is_own or account.role is Role.DOMAIN_ADMIN
