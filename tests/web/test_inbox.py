"""The operator's inbox: failures on our side, unread until somebody has read them."""

import re
from datetime import timedelta

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from tests.support.mail import make_attempt, make_settlement, make_submission
from tests.support.panel import Client, Desk, token_for
from tests.web.test_track import text_of
from tracker.model import Outcome, Reply

LISTED = "5.7.1 Client host 192.0.2.25 blocked using zen.spamhaus.org"
KIND = re.compile(r'name="kind" value="([^"]+)"')


async def be_listed(desk: Desk, *places: str) -> None:
    """Have a message refused because of our address, at each of these places."""
    now = desk.clock.now()
    lease = (await desk.ledger.open_lease("mail-1", 0, now, timedelta(minutes=1))).token
    paths = [f"bob@{place}" for place in places or ("example.org",)]
    said = Reply(code=554, lines=(LISTED,))
    for job in (await desk.ledger.accept(make_submission(*paths, now=now), now, lease)).jobs:
        host = f"mx.{job.destination}"
        attempt = make_attempt(job.recipients[0], Outcome.FAILED, now=now, reply=said, host=host)
        settlement = make_settlement(job, Outcome.FAILED, now=now)
        await desk.ledger.settle(replace(settlement, attempts=(attempt,)))


async def unread(desk: Desk) -> tuple[float, int]:
    """Return what the metrics and the readiness say."""
    client = desk.client()
    metrics = await (await client.get("/metrics")).text()
    (gauge,) = [
        sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "sendtrace_operator_inbox_unread"
    ]
    ready = await (await client.get("/readyz")).json()
    return gauge, ready["unread_failures"]


async def mark(desk: Desk, client: Client) -> str:
    page = await (await client.get("/inbox")).text()
    kinds = list(dict.fromkeys(KIND.findall(page)))
    form = [("csrf", await token_for(client)), *(("kind", kind) for kind in kinds)]
    return await (await client.post("/inbox/read", data=form)).text()


async def test_a_failure_on_our_side_is_unread_until_somebody_reads_it(desk: Desk) -> None:
    admin = await desk.log_in()
    await mark(desk, admin)
    assert await unread(desk) == (0, 0)
    await be_listed(desk)
    assert await unread(desk) == (1, 1)
    text = await text_of(admin, "/inbox")
    assert "One kind of failure on our side has come up" in text
    assert LISTED in text
    assert "What to do: Find out who sent what" in text
    page = await mark(desk, admin)
    assert "Marked as read." in page
    assert "Read by admin@northwind.example" in page
    assert await unread(desk) == (0, 0)


async def test_what_happens_again_is_unread_again(desk: Desk) -> None:
    admin = await desk.log_in()
    await be_listed(desk)
    await mark(desk, admin)
    desk.clock.advance(timedelta(minutes=5))
    await be_listed(desk)
    assert await unread(desk) == (1, 1)
    assert "Read before by admin@northwind.example" in await text_of(admin, "/inbox")


async def test_what_came_after_the_page_was_shown_stays_unread(desk: Desk) -> None:
    admin = await desk.log_in()
    await be_listed(desk)
    page = await (await admin.get("/inbox")).text()
    desk.clock.advance(timedelta(minutes=5))
    await be_listed(desk)
    kinds = [("kind", kind) for kind in dict.fromkeys(KIND.findall(page))]
    await admin.post("/inbox/read", data=[("csrf", await token_for(admin)), *kinds])
    assert (await unread(desk))[1] == 1


async def test_one_failure_at_many_places_is_one_thing_to_read(desk: Desk) -> None:
    admin = await desk.log_in()
    await mark(desk, admin)
    await be_listed(desk, *(f"{'long' * 12}{number}.example" for number in range(501)))
    page = await (await admin.get("/inbox")).text()
    assert page.count("What to do:") <= 2
    assert "501 places" in page
    assert "The first 30 are listed." in page
    assert await unread(desk) == (501, 501)
    assert "Marked as read." in await mark(desk, admin)
    assert await unread(desk) == (0, 0)


async def test_support_reads_and_marks_nothing(desk: Desk) -> None:
    await be_listed(desk)
    help_desk = await desk.log_in("help@northwind.example")
    page = await (await help_desk.get("/inbox")).text()
    assert LISTED in page
    assert "Mark as read" not in page
    form = {"csrf": await token_for(help_desk), "kind": "ip-blocklisted"}
    assert (await help_desk.post("/inbox/read", data=form)).status == 404


async def test_only_processes_of_this_machine_are_told_how_many(desk: Desk) -> None:
    response = await desk.client().get("/readyz", headers={"X-Forwarded-For": "192.0.2.1"})
    assert "unread_failures" not in await response.json()
