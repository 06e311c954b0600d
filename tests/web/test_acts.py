"""Acts on many recipients: the count before, the act, undoing it, and who may do what."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.support.mail import make_submission
from tests.support.panel import Client, Desk, token_for
from tests.web.test_track import text_of
from tracker.acting import Runner
from tracker.model import Act, ActState, Deed, EventKind, Recipient, Scope, Status
from tracker.routing import Routes
from tracker.search import Query
from tracker.states import OPEN

EVERYTHING = Scope()
LUNCH = "Re: Lunch on Thursday?"
ANNA = "anna@northwind.example"
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


async def recipients(desk: Desk, scope: Scope = EVERYTHING) -> list[Recipient]:
    page = await desk.ledger.search(Query(), scope, limit=500)
    return [row.recipient for row in page.rows]


async def only(desk: Desk, subject: str) -> Recipient:
    (one,) = [each for each in await recipients(desk) if each.message_id == desk.ids[subject]]
    return one


async def form_of(client: Client, **query: str) -> dict[str, Any]:
    """Return what the page that counts puts into its form."""
    response = await client.get("/acts/new", params=query)
    page = await response.text()
    assert response.status == 200, page
    fields: dict[str, Any] = {}
    for name, value in FIELD.findall(page.partition('action="/acts"')[2]):
        fields.setdefault(name, []).append(value)
    return fields


async def confirm(client: Client, fields: dict[str, Any], **more: str) -> str:
    """Send the form and return the page that follows."""
    response = await client.post("/acts", data={**fields, **more})
    page = await response.text()
    assert response.status == 200, page
    return page


async def acts_of(desk: Desk) -> list[Act]:
    return list(await desk.ledger.acts(EVERYTHING, limit=100))


async def carry_on(desk: Desk) -> None:
    """Do what a worker does with acts that are due."""
    routes = Routes.of(desk.settings)
    runner = Runner(desk.ledger, desk.settings.retry, routes, desk.clock.now)
    for act in await desk.ledger.due_acts(desk.clock.now(), 10):
        await runner.finish(act)


async def test_the_count_comes_first_with_what_does_not_change(desk: Desk, anna: Client) -> None:
    page = await text_of(anna, "/acts/new?act=cancel&all=1&q=")
    mine = await recipients(desk, Scope(account=ANNA))
    waiting = sum(one.status in OPEN for one in mine)
    assert f"Cancel {waiting} of {len(mine)} recipients?" in page
    assert f"Cancel {waiting} recipients" in page
    assert "Nothing, they are finished" in page
    assert "Temporarily rejected 3 Cancelled" in page
    assert "mail of anna@northwind.example" in page
    assert await acts_of(desk) == []


async def test_a_few_are_held_at_once_and_released_again(desk: Desk, anna: Client) -> None:
    fields = await form_of(anna, act="hold", all="1", q="status:deferred")
    page = await confirm(anna, fields, reason="the <b>office</b> is closed")
    assert "held" in page
    (act,) = await acts_of(desk)
    assert (act.state, act.deed, act.actor) == (ActState.DONE, Deed.HOLD, ANNA)
    held = [one for one in await recipients(desk) if one.gate_detail.startswith("the <b>office")]
    assert len(held) == act.changed > 0
    assert "the &lt;b&gt;office&lt;/b&gt; is closed" in page
    timeline = await desk.ledger.timeline(held[0].message_id, EVERYTHING)
    assert timeline is not None
    assert timeline.events[-1].kind is EventKind.HELD

    token = await token_for(anna)
    response = await anna.post(f"/acts/{act.id}/undo", data={"csrf": token})
    assert "released" in await response.text()
    after = {one.id: one for one in await recipients(desk)}
    assert {after[one.id].status for one in held} <= {Status.DEFERRED, Status.QUEUED}
    again = await anna.post(f"/acts/{act.id}/undo", data={"csrf": token})
    assert again.status == 200
    assert len(await acts_of(desk)) == 2, "undone once, however often the button is pressed"


@pytest.mark.parametrize(("reason", "told"), [("why", ": why"), ("", "")])
async def test_the_reason_is_told_once_however_often_it_is_undone(
    desk: Desk, anna: Client, reason: str, told: str
) -> None:
    one = await only(desk, LUNCH)
    await confirm(anna, await form_of(anna, act="hold", recipient=one.id), reason=reason)
    token = await token_for(anna)
    for _ in range(3):
        desk.clock.advance(timedelta(seconds=1))
        latest = max(await acts_of(desk), key=lambda act: act.id)
        await anna.post(f"/acts/{latest.id}/undo", data={"csrf": token})
    reasons = [act.reason for act in sorted(await acts_of(desk), key=lambda act: act.id)]
    assert reasons == [reason, f"Undone{told}", f"Done again{told}", f"Undone{told}"]


async def test_a_double_click_makes_one_act(desk: Desk, anna: Client) -> None:
    fields = await form_of(anna, act="cancel", all="1", q="status:deferred")
    first = await confirm(anna, fields)
    second = await confirm(anna, fields, reason="again")
    assert len(await acts_of(desk)) == 1
    assert "Undo: call it off" in first
    assert "Undo: call it off" in second


async def test_cancelling_waits_and_can_be_called_off(desk: Desk, anna: Client) -> None:
    one = await only(desk, LUNCH)
    await confirm(anna, await form_of(anna, act="cancel", recipient=one.id))
    (act,) = await acts_of(desk)
    await carry_on(desk)
    assert (await only(desk, LUNCH)).status is one.status
    response = await anna.post(f"/acts/{act.id}/stop", data={"csrf": await token_for(anna)})
    assert "Called off" in await response.text()
    desk.clock.advance(timedelta(minutes=1))
    await carry_on(desk)
    assert (await only(desk, LUNCH)).status is one.status


async def test_what_is_not_called_off_is_done(desk: Desk, anna: Client) -> None:
    one = await only(desk, LUNCH)
    page = await confirm(
        anna, await form_of(anna, act="cancel", recipient=one.id), reason="wrong month"
    )
    assert "Nothing has been done yet to 1 recipient." in page
    desk.clock.advance(timedelta(seconds=31))
    await carry_on(desk)
    assert (await only(desk, LUNCH)).status is Status.CANCELLED
    (act,) = await acts_of(desk)
    page = await text_of(anna, f"/acts/{act.id}")
    assert "1 recipient cancelled." in page
    assert "wrong month" in page


async def test_many_are_left_to_a_worker(desk: Desk, admin: Client) -> None:
    paths = [f"n{n}@many.example" for n in range(60)]
    await desk.ledger.accept(make_submission(*paths, now=desk.clock.now()), desk.clock.now(), None)
    desk.clock.advance(timedelta(seconds=1))
    fields = await form_of(admin, act="hold", all="1", q="to:@many.example")
    response = await admin.post("/acts", data=fields)
    assert response.headers["Refresh"] == "2"
    assert "Nothing has been done yet to 60 recipients." in await response.text()
    still = await admin.get(f"{response.url.path}?still=1")
    assert "Refresh" not in still.headers
    await carry_on(desk)
    page = await admin.get(response.url.path)
    assert "60 recipients held." in await page.text()
    assert "Refresh" not in page.headers


async def test_a_person_can_act_on_so_many_and_no_more(desk: Desk, anna: Client) -> None:
    paths = [f"n{n}@many.example" for n in range(1001)]
    submission = make_submission(*paths, account=ANNA, now=desk.clock.now())
    await desk.ledger.accept(submission, desk.clock.now(), None)
    desk.clock.advance(timedelta(seconds=1))
    page = await text_of(anna, "/acts/new?act=hold&all=1&q=to:@many.example")
    assert "One act of yours may be about 1,000 recipients at most." in page
    fields = await form_of(anna, act="hold", all="1", q="to:n1@many.example")
    response = await anna.post("/acts", data={**fields, "q": "to:@many.example"})
    assert response.status == 422
    assert await acts_of(desk) == []


async def test_what_came_after_the_count_is_not_touched(desk: Desk, anna: Client) -> None:
    fields = await form_of(anna, act="hold", all="1", q="")
    desk.clock.advance(timedelta(minutes=5))
    submission = make_submission("late@many.example", account=ANNA, now=desk.clock.now())
    await desk.ledger.accept(submission, desk.clock.now(), None)
    await confirm(anna, fields)
    late = next(one for one in await recipients(desk) if one.domain == "many.example")
    assert late.status is Status.QUEUED
    desk.clock.advance(timedelta(hours=2))
    stale = {**fields, "key": "another", "csrf": await token_for(anna)}
    response = await anna.post("/acts", data=stale)
    assert response.status == 422
    assert "The count was too old" in await response.text()


async def test_nobody_acts_outside_their_scope(desk: Desk, anna: Client) -> None:
    stranger = await only(desk, "Are you still there?")
    for one in await recipients(desk):
        if one.message_id not in {
            each.message_id for each in await recipients(desk, Scope(account=ANNA))
        }:
            stranger = one
    response = await anna.get("/acts/new", params={"act": "hold", "recipient": stranger.id})
    assert response.status == 404
    fields = await form_of(anna, act="hold", recipient=(await only(desk, LUNCH)).id)
    response = await anna.post("/acts", data={**fields, "recipient": stranger.id})
    assert response.status == 404
    await confirm(anna, {**fields, "key": ["k"]}, all="1", q="")
    assert next(one for one in await recipients(desk) if one.id == stranger.id) == stranger


async def test_acts_are_seen_by_those_who_look_after_the_person(desk: Desk, anna: Client) -> None:
    await confirm(anna, await form_of(anna, act="hold", recipient=(await only(desk, LUNCH)).id))
    (act,) = await acts_of(desk)
    for address, status in [
        ("it@northwind.example", 200),
        ("admin@northwind.example", 200),
        ("orders@northwind.example", 404),
        ("it@elsewhere.example", 404),
    ]:
        client = await desk.log_in(address)
        assert (await client.get(f"/acts/{act.id}")).status == status
        page = await (await client.get("/acts")).text()
        assert (f"/acts/{act.id}" in page) == (status == 200)
        for word in ("stop", "pause", "resume", "undo") if status == 404 else ():
            path, token = f"/acts/{act.id}/{word}", await token_for(client)
            assert (await client.post(path, data={"csrf": token})).status == 404


async def test_an_act_needs_the_token(desk: Desk, anna: Client) -> None:
    fields = await form_of(anna, act="hold", recipient=(await only(desk, LUNCH)).id)
    assert (await anna.post("/acts", data={**fields, "csrf": "guess"})).status == 403
    assert await acts_of(desk) == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("act=hold", 400),
        ("act=explode&all=1", 404),
        ("act=hold&recipient=nonsense", 404),
        ("act=hold&all=1&q=status%3Anonsense", 400),
    ],
)
async def test_what_makes_no_sense_is_refused(anna: Client, query: str, status: int) -> None:
    assert (await anna.get(f"/acts/new?{query}")).status == status


async def test_who_chose_nothing_is_told_what_to_do(anna: Client) -> None:
    response = await anna.get("/acts/new?act=hold&q=to:bob&zone=UTC&back=/")
    assert response.status == 400
    page = await response.text()
    assert "Nothing is chosen" in page
    assert "tick the boxes" in page


async def test_a_retry_says_whom_it_is_pointless_to_try(desk: Desk, anna: Client) -> None:
    desk.clock.advance(timedelta(minutes=-103))
    one = await only(desk, LUNCH)
    page = await text_of(anna, f"/acts/new?act=retry&recipient={one.id}")
    assert "pointless now, because it was tried" in page
    page = await text_of(anna, desk.path_of(LUNCH))
    assert "Retry now: pointless now, because it was tried" in page
    response = await anna.post(
        f"{desk.path_of(LUNCH)}/retry", data={"csrf": await token_for(anna), "recipient": one.id}
    )
    assert "Nothing is tried: it would be pointless now." in await response.text()
    assert await only(desk, LUNCH) == one
