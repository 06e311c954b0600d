"""Accounts and sessions."""

from datetime import timedelta

from msgspec.structs import replace

from tests.contract.ledger import Ledger
from tests.support.clock import START
from tracker.model import Account, Role, Session

ALICE = Account(
    address="alice@example.com",
    role=Role.USER,
    password_hash="$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    created_at=START,
)
BOB = replace(ALICE, address="bob@example.com", role=Role.ADMIN)

SESSION = Session(
    token_hash="f00d",
    address=ALICE.address,
    csrf_token="c0ffee",
    created_at=START,
    expires_at=START + timedelta(hours=12),
)


async def test_an_account_is_added_once(ledger: Ledger) -> None:
    assert await ledger.account(ALICE.address) is None
    assert await ledger.add_account(ALICE)
    assert not await ledger.add_account(replace(ALICE, role=Role.ADMIN))
    assert await ledger.account(ALICE.address) == ALICE


async def test_accounts_are_listed_by_address(ledger: Ledger) -> None:
    for account in (BOB, ALICE):
        await ledger.add_account(account)
    assert await ledger.accounts() == [ALICE, BOB]


async def test_a_role_changes(ledger: Ledger) -> None:
    await ledger.add_account(ALICE)
    assert await ledger.set_role(ALICE.address, Role.DOMAIN_ADMIN)
    assert await ledger.account(ALICE.address) == replace(ALICE, role=Role.DOMAIN_ADMIN)
    assert not await ledger.set_role("nobody@example.com", Role.ADMIN)


async def test_a_new_password_ends_the_sessions_of_that_account(ledger: Ledger) -> None:
    for account in (ALICE, BOB):
        await ledger.add_account(account)
    other = replace(SESSION, token_hash="beef", address=BOB.address)
    for session in (SESSION, other):
        await ledger.add_session(session)
    assert await ledger.set_password_hash(ALICE.address, "another")
    assert await ledger.account(ALICE.address) == replace(ALICE, password_hash="another")
    assert await ledger.session(SESSION.token_hash, START) is None
    assert await ledger.session(other.token_hash, START) == other
    assert not await ledger.set_password_hash("nobody@example.com", "another")


async def test_removing_an_account_ends_its_sessions(ledger: Ledger) -> None:
    await ledger.add_account(ALICE)
    await ledger.add_session(SESSION)
    assert await ledger.remove_account(ALICE.address)
    assert not await ledger.remove_account(ALICE.address)
    assert await ledger.account(ALICE.address) is None
    assert await ledger.session(SESSION.token_hash, START) is None


async def test_a_session_lives_until_it_expires(ledger: Ledger) -> None:
    await ledger.add_session(SESSION)
    almost = SESSION.expires_at - timedelta(microseconds=1)
    assert await ledger.session(SESSION.token_hash, almost) == SESSION
    assert await ledger.session(SESSION.token_hash, SESSION.expires_at) is None
    assert await ledger.session("unknown", START) is None


async def test_a_session_is_removed(ledger: Ledger) -> None:
    await ledger.add_session(SESSION)
    await ledger.remove_session(SESSION.token_hash)
    await ledger.remove_session(SESSION.token_hash)
    assert await ledger.session(SESSION.token_hash, START) is None


async def test_expired_sessions_are_pruned(ledger: Ledger) -> None:
    longer = replace(SESSION, token_hash="beef", expires_at=START + timedelta(days=2))
    for session in (SESSION, longer):
        await ledger.add_session(session)
    assert await ledger.prune_sessions(SESSION.expires_at) == 1
    assert await ledger.prune_sessions(SESSION.expires_at) == 0
    assert await ledger.session(longer.token_hash, START) == longer
