"""The list of suppressed addresses: for whom each is closed, and how others hear of a change."""

from datetime import timedelta

from tests.contract.ledger import EVERYTHING, Ledger
from tests.support.clock import START
from tracker.model import Scope, Suppression

BOB = "bob@example.org"


def closed(
    address: str = BOB, account: str = "", domain: str = "", reason: str = ""
) -> Suppression:
    domain = domain or account.rpartition("@")[2]
    return Suppression(address=address, account=account, domain=domain, reason=reason, since=START)


async def test_an_address_is_listed_once_for_whom_it_is_closed(ledger: Ledger) -> None:
    assert await ledger.suppress([closed(reason="first"), closed("carol@example.org")]) == 2
    assert await ledger.suppress([closed(reason="second"), closed(domain="example.com")]) == 1
    assert await ledger.suppress([]) == 0
    found = await ledger.suppressions(EVERYTHING, limit=10)
    assert [(one.address, one.domain, one.reason) for one in found] == [
        (BOB, "", "first"),
        (BOB, "example.com", ""),
        ("carol@example.org", "", ""),
    ]


async def test_everybody_sees_what_their_mail_meets(ledger: Ledger) -> None:
    relay, domain = closed("a@x.example"), closed("b@x.example", domain="example.com")
    anna = closed("c@x.example", account="anna@example.com")
    eve = closed("d@x.example", account="eve@elsewhere.example")
    await ledger.suppress([relay, domain, anna, eve])
    for scope, seen in [
        (EVERYTHING, [relay, domain, anna, eve]),
        (Scope(domain="example.com"), [relay, domain, anna]),
        (Scope(account="anna@example.com"), [relay, domain, anna]),
        (Scope(account="zoe@example.com"), [relay, domain]),
        (Scope(account="eve@elsewhere.example"), [relay, eve]),
    ]:
        assert await ledger.suppressions(scope, limit=10) == seen


async def test_a_list_is_searched_and_read_in_pages(ledger: Ledger) -> None:
    every = [
        closed(f"n{n}@x.example", domain=domain) for n in range(3) for domain in ("", "a.example")
    ]
    await ledger.suppress(every)
    assert await ledger.suppressions(EVERYTHING, limit=4) == every[:4]
    assert await ledger.suppressions(EVERYTHING, limit=4, after=every[2]) == every[3:]
    assert await ledger.suppressions(EVERYTHING, search="N1@X.Example", limit=9) == every[2:4]
    assert await ledger.suppressions(EVERYTHING, search="n%", limit=9) == []
    assert await ledger.suppressions(EVERYTHING, search="_1", limit=9) == []


async def test_every_change_is_another_revision(ledger: Ledger) -> None:
    seen = [await ledger.suppression_revision()]
    await ledger.suppress([closed()])
    seen.append(await ledger.suppression_revision())
    await ledger.suppress([closed()])  # changes nothing
    assert await ledger.suppression_revision() == seen[-1]
    assert await ledger.unsuppress(closed())
    seen.append(await ledger.suppression_revision())
    assert not await ledger.unsuppress(closed())
    assert len(set(seen)) == 3
    assert await ledger.suppressions(EVERYTHING, limit=9) == []


async def test_a_suppression_keeps_what_it_was_given(ledger: Ledger) -> None:
    whole = Suppression(
        address=BOB,
        account="anna@example.com",
        domain="example.com",
        reason="asked \ud800 for it",
        actor="it@example.com",
        since=START,
        until=START + timedelta(days=1),
    )
    await ledger.suppress([whole])
    (found,) = await ledger.suppressions(EVERYTHING, limit=1)
    assert found.reason == "asked \\ud800 for it"
    assert (found.actor, found.since, found.until) == (whole.actor, whole.since, whole.until)
    assert found.holds_for("anna@example.com", START)
    assert not found.holds_for("eve@example.com", START)
    assert not found.holds_for("anna@example.com", START + timedelta(days=1))
