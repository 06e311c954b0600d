"""Acts, suppressions and errands on record, to look at."""

from datetime import timedelta

from msgspec.structs import replace

from tests.support.mail import mint
from tests.support.panel import Desk
from tracker.model import (
    Act,
    ActId,
    ActState,
    Attempt,
    Deed,
    Errand,
    ErrandId,
    ErrandKind,
    ErrandResult,
    Scope,
    Suppression,
)

ADMIN = "admin@northwind.example"


async def record_acts(desk: Desk, text: str) -> dict[str, str]:
    """Record an act that waits, one that runs and one that is over; return their ids."""
    now = desk.clock.now()
    planned = Act(
        id=ActId(mint(now)),
        key=mint(now),
        deed=Deed.CANCEL,
        actor=text,
        account=ADMIN,
        scope=Scope(),
        reason=text,
        query=text,
        created_at=now,
        begins_at=now + timedelta(seconds=30),
        expected=4213,
    )
    running = replace(
        planned,
        id=ActId(mint(now)),
        key=mint(now),
        deed=Deed.HOLD,
        actor=ADMIN,
        reason="",
        query="to:@greycastle.example status:deferred since:2d",
        done=1600,
        changed=1523,
        state=ActState.RUNNING,
        begins_at=now,
    )
    done = replace(
        running, id=ActId(mint(now)), key=mint(now), state=ActState.DONE, ended_at=now, reason=text
    )
    rerouted = replace(
        done, id=ActId(mint(now)), key=mint(now), deed=Deed.REROUTE, next_hop=text[:300]
    )
    for act in (planned, running, done, rerouted):
        await desk.ledger.plan_act(act)
    return {
        "planned": planned.id,
        "running": running.id,
        "done": done.id,
        "rerouted": rerouted.id,
    }


async def record_suppressions(desk: Desk, text: str) -> None:
    """Close an address to everybody, to a domain, and to an account."""
    now = desk.clock.now()
    address = f"{text[:60]}@many.example"
    await desk.ledger.suppress(
        [
            Suppression(address=address, reason=text, actor=text, since=now),
            Suppression(address=address, domain=text[:200], reason=text, since=now),
            Suppression(address=address, account=address, actor=text, since=now),
        ]
    )


async def record_errands(desk: Desk, attempt: Attempt, text: str) -> dict[str, str]:
    """Record a probe that waits, one with an answer, and one that came to nothing."""
    now = desk.clock.now()
    errand = Errand(
        id=ErrandId(mint(now)),
        key=mint(now),
        kind=ErrandKind.PROBE,
        actor=text,
        account=ADMIN,
        address=f"{text[:60]}@example.net",
        asked_at=now,
    )
    answered = replace(
        errand,
        id=ErrandId(mint(now)),
        key=mint(now),
        message_id=attempt.message_id,
        recipient_id=attempt.recipient_id,
    )
    failed = replace(answered, id=ErrandId(mint(now)), key=mint(now), kind=ErrandKind.SEND_AGAIN)
    for one in (errand, answered, failed):
        await desk.ledger.ask_errand(one)
    await desk.ledger.end_errand(answered, ErrandResult(attempt=attempt), [], now)
    await desk.ledger.end_errand(failed, ErrandResult(problem=text), [], now)
    return {"errand": errand.id, "answered": answered.id, "failed": failed.id}
