"""No verb that takes a scope shows or changes anything outside of it."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.ledger import EVERYTHING, accept_leased
from tests.support.clock import START
from tests.support.looks import make_access
from tests.support.mail import make_refusal, make_settlement, make_submission
from tracker.insight import Dimension, Measure
from tracker.model import MessageId, Outcome, RecipientId, Scope, Status
from tracker.search import Query
from tracker.store import Ledger
from tracker.views import Page

OWNER = "alice@example.com"
INSIDE = [EVERYTHING, Scope(account=OWNER), Scope(domain="example.com")]
OUTSIDE = [
    Scope(account="bob@example.com"),
    Scope(account="Alice@example.com"),
    Scope(account=""),
    Scope(account="%"),
    Scope(account=OWNER, domain="example.org"),
    Scope(domain="example.org"),
    Scope(domain="mail.example.com"),
    Scope(domain="ple.com"),
    Scope(domain=""),
]

Look = Callable[[Ledger, MessageId, RecipientId, Scope], Awaitable[Any]]


async def _search(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    page: Page = await ledger.search(Query(), scope, limit=10)
    return [row.recipient.id for row in page.rows]


async def _search_ids(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    return (await ledger.search_ids(Query(), scope, limit=10)).ids


async def _summarize(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    return sum((await ledger.summarize(Query(), scope)).values())


async def _timeline(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    timeline = await ledger.timeline(message, scope)
    return None if timeline is None else timeline.message.id


async def _destinations(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    return [state.destination for state in await ledger.destinations(scope, 10)]


async def _waiting_for(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    return await ledger.waiting_for(["bob@example.org"], scope, 10)


async def _looks(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    await ledger.record_accesses([make_access(account=OWNER)])
    return await ledger.looks(scope, limit=10)


async def _change(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    return await ledger.change_status(
        [one], Status.HELD, scope=scope, actor="somebody", reason="", now=START
    )


async def _retry(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    now = START + timedelta(minutes=1)
    return await ledger.retry_now([one], scope=scope, actor="somebody", now=now)


async def _cohort(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    timeline = await ledger.timeline(message, EVERYTHING)
    assert timeline is not None
    cohort = await ledger.cohort(timeline.attempts[0], scope, START)
    return cohort and (cohort.day.own or cohort.waiting.own)


async def _sayings(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    return await ledger.sayings("example.org", scope, START - timedelta(days=1), 5)


async def _waiting_at(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    waiting = await ledger.waiting_at("example.org", scope)
    return waiting.count.own or waiting.oldest_at


async def _figures(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    day = timedelta(days=1)
    return [
        figure
        for measure in Measure
        for figure in await ledger.figures(
            measure, (Dimension.RESULT,), scope, START - day, START + day
        )
    ]


async def _refusals(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    await ledger.record_refusals([make_refusal(account=OWNER)])
    return (await ledger.refusals(Query(), scope, limit=10)).rows


async def _count_refused(ledger: Ledger, message: MessageId, one: RecipientId, scope: Scope) -> Any:
    await ledger.record_refusals([make_refusal(account=OWNER)])
    return (await ledger.count_refusals(Query(), scope)).found


LOOKS: Mapping[str, Look] = {
    "search": _search,
    "search_ids": _search_ids,
    "summarize": _summarize,
    "timeline": _timeline,
    "destinations": _destinations,
    "cohort": _cohort,
    "sayings": _sayings,
    "waiting_at": _waiting_at,
    "figures": _figures,
    "waiting_for": _waiting_for,
    "looks": _looks,
    "change_status": _change,
    "retry_now": _retry,
    "refusals": _refusals,
    "count_refusals": _count_refused,
}
"""One use of every verb that takes a scope: true when it found something, else false."""


ELSEWHERE = {
    "test_many_at_once": {"act", "acts", "chosen"},
    "test_suppressions": {"suppressions"},
    "test_errands": {"errand"},
    "test_rerouting": {"reroute"},
}
"""Verbs whose own tests try them with scopes."""


def test_every_verb_with_a_scope_is_tried() -> None:
    names = [name for name in dir(Ledger) if not name.startswith("_")]
    verbs = {name: getattr(Ledger, name) for name in names}
    assert set(LOOKS).union(*ELSEWHERE.values()) == {
        name
        for name, verb in verbs.items()
        if callable(verb) and "scope" in inspect.signature(verb).parameters
    }


async def put_mail(ledger: Ledger) -> tuple[MessageId, RecipientId]:
    submission = make_submission(account=OWNER)
    (job,) = await accept_leased(ledger, submission)
    await ledger.settle(make_settlement(job, Outcome.DEFERRED))
    page = await ledger.search(Query(), EVERYTHING, limit=1)
    return submission.id, page.rows[0].recipient.id


@pytest.mark.parametrize("verb", LOOKS)
async def test_inside_the_scope(ledger: Ledger, verb: str) -> None:
    message, recipient = await put_mail(ledger)
    acts = verb in ("change_status", "retry_now")
    for scope in INSIDE[-1:] if acts else INSIDE:
        assert await LOOKS[verb](ledger, message, recipient, scope)


@pytest.mark.parametrize("verb", LOOKS)
async def test_outside_the_scope(ledger: Ledger, verb: str) -> None:
    message, recipient = await put_mail(ledger)
    before = await ledger.timeline(message, EVERYTHING)
    for scope in OUTSIDE:
        assert not await LOOKS[verb](ledger, message, recipient, scope), scope
    assert await ledger.timeline(message, EVERYTHING) == before


async def test_mail_of_nobody_is_for_those_who_see_everything(ledger: Ledger) -> None:
    await ledger.accept(make_submission(reverse_path="", account=None), START, None)
    for scope in [*INSIDE[1:], *OUTSIDE]:
        assert not (await ledger.search(Query(), scope, limit=1)).rows
    assert (await ledger.search(Query(), EVERYTHING, limit=1)).rows
