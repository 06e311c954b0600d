"""Sending mail another way: the form, the act, undoing it, the timeline, and who may."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Route
from tests.support.mail import make_submission
from tests.support.panel import AFTERNOON, Client, Desk, open_desk, token_for
from tests.web.access_rules import ADDRESSES, OPERATORS, Seat
from tests.web.test_acts import ANNA, acts_of, carry_on, confirm, form_of, recipients
from tests.web.test_track import text_of
from tracker.model import (
    Act,
    ActState,
    Deed,
    EventKind,
    MessageId,
    Recipient,
    RecipientId,
    Scope,
    Status,
)

HOP = "mail.example.net:587"
ADMIN = ADDRESSES[Seat.ADMIN]
EVERYTHING = Scope()


async def accept(desk: Desk, *forward_paths: str) -> list[Recipient]:
    """Accept a message of Anna's; return its recipients, which wait."""
    submission = make_submission(
        *forward_paths, reverse_path=ANNA, account=ANNA, now=AFTERNOON - timedelta(minutes=1)
    )
    await desk.ledger.accept(submission, AFTERNOON - timedelta(minutes=1), None)
    return await of_message(desk, submission.id)


async def of_message(desk: Desk, message: MessageId) -> list[Recipient]:
    found = [one for one in await recipients(desk) if one.message_id == message]
    return sorted(found, key=lambda one: one.forward_path)


async def reroute(
    desk: Desk, client: Client, *chosen: RecipientId, hop: str = HOP, reason: str = "MX is down"
) -> Act:
    """Ask for it, let it wait as long as it does, and let a worker carry it out."""
    fields = await form_of(client, act="reroute", recipient=chosen[0])
    fields["recipient"] = list(chosen)
    way = "hop" if hop else "configured"
    await confirm(client, fields, way=way, next_hop=hop, reason=reason)
    return await let_pass(desk)


async def source_of(client: Client, path: str) -> str:
    """Return a page with its markup."""
    response = await client.get(path)
    assert response.status == 200
    return await response.text()


async def let_pass(desk: Desk) -> Act:
    """Let the time go by in which the last act can be called off, and then a worker be at it."""
    desk.clock.advance(timedelta(minutes=1))
    await carry_on(desk)
    return (await acts_of(desk))[0]


async def test_the_form_counts_first_and_says_what_it_means(desk: Desk) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    admin = await desk.log_in()
    page = await text_of(admin, f"/acts/new?act=reroute&recipient={one.id}")
    assert "Reroute 1 recipient?" in page
    assert "Which way?" in page
    assert "By the MX of dead.example" in page
    assert "It begins 30 seconds after you have confirmed it" in page
    assert "What is held stays held" in page


async def test_it_can_be_called_off_before_it_begins(desk: Desk) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    admin = await desk.log_in()
    fields = await form_of(admin, act="reroute", recipient=one.id)
    page = await confirm(admin, fields, way="hop", next_hop=HOP)
    assert "Undo: call it off" in page
    (act,) = await acts_of(desk)
    assert (act.state, act.deed, act.next_hop, act.actor) == (
        ActState.PLANNED,
        Deed.REROUTE,
        HOP,
        ADMIN,
    )
    token = await token_for(admin)
    await admin.post(f"/acts/{act.id}/stop", data={"csrf": token})
    await let_pass(desk)
    assert (await of_message(desk, one.message_id))[0].next_hop == ""


async def test_what_waits_goes_the_other_way_and_the_message_says_why(desk: Desk) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    admin = await desk.log_in()
    act = await reroute(desk, admin, one.id, hop=" Mail.Example.NET:587 ")
    assert (act.state, act.changed, act.reason) == (ActState.DONE, 1, "MX is down")
    (after,) = await of_message(desk, one.message_id)
    assert (after.next_hop, after.destination, after.expires_at) == (HOP, HOP, one.expires_at)
    page = await text_of(admin, f"/messages/{one.message_id}")
    assert "Sent by another way" in page
    assert f"By {ADMIN}: {HOP} instead of the MX of dead.example; MX is down" in page
    assert f"It goes by way of {HOP}, and not as configured: {ADMIN} sent it that way" in page
    assert "(not as configured)" in page
    result = await text_of(admin, f"/acts/{act.id}")
    assert f"1 recipient rerouted to {HOP}." in result
    assert HOP in await text_of(admin, "/acts")
    assert HOP in await text_of(admin, "/destinations")
    anna = await desk.log_in(ANNA)
    assert f"It goes by way of {HOP}" in await text_of(anna, f"/messages/{one.message_id}")


async def test_as_configured_takes_it_back(desk: Desk) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    admin = await desk.log_in()
    await reroute(desk, admin, one.id)
    act = await reroute(desk, admin, one.id, hop="", reason="")
    assert (act.changed, act.next_hop) == (1, "")
    (after,) = await of_message(desk, one.message_id)
    assert (after.next_hop, after.destination) == ("", "dead.example")
    page = await text_of(admin, f"/messages/{one.message_id}")
    assert f"By {ADMIN}: the MX of dead.example, as configured, instead of {HOP}" in page
    assert "It goes by way of" not in page
    assert "1 recipient rerouted as configured." in await text_of(admin, f"/acts/{act.id}")


async def test_undone_each_goes_as_it_did_before(desk: Desk) -> None:
    first, second = await accept(desk, "a@dead.example", "b@dead.example")
    admin = await desk.log_in()
    await reroute(desk, admin, first.id, hop="old.example.net")
    act = await reroute(desk, admin, first.id, second.id)
    assert act.changed == 2
    token = await token_for(admin)
    assert "Undo: send back 2 recipients" in await text_of(admin, f"/acts/{act.id}")
    await admin.post(f"/acts/{act.id}/undo", data={"csrf": token})
    undone = (await acts_of(desk))[0]
    assert (undone.deed, undone.undoes, undone.changed) == (Deed.REROUTE, act.id, 2)
    after = await of_message(desk, first.message_id)
    assert [one.next_hop for one in after] == ["old.example.net:25", ""]
    page = await text_of(admin, f"/acts/{undone.id}")
    assert "2 recipients rerouted to the way that each was on before." in page
    assert "/undo" not in await source_of(admin, f"/acts/{undone.id}"), "once is enough"


async def test_everything_that_matches_goes_in_steps(desk: Desk) -> None:
    for number in range(60):
        await accept(desk, f"r{number}@dead.example")
    admin = await desk.log_in()
    fields = await form_of(admin, act="reroute", all="1", q="to:@dead.example")
    await confirm(admin, fields, way="hop", next_hop=HOP)
    act = await let_pass(desk)
    assert (act.expected, act.done, act.changed) == (60, 60, 60)
    rerouted = [one for one in await recipients(desk) if one.next_hop == HOP]
    assert len(rerouted) == 60


async def test_what_is_held_stays_held(desk: Desk) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    await desk.ledger.change_status(
        [one.id], Status.HELD, scope=EVERYTHING, actor="", reason="", now=AFTERNOON
    )
    admin = await desk.log_in()
    await reroute(desk, admin, one.id)
    (after,) = await of_message(desk, one.message_id)
    assert (after.status, after.next_hop) == (Status.HELD, HOP)
    assert f"It goes by way of {HOP}" in await text_of(admin, f"/messages/{one.message_id}")


@pytest.mark.parametrize(
    ("hop", "said"),
    [
        ("", "the host is missing"),
        ("two words", "is not a label"),
        ("mail.example.net:0", "nothing can be reached at port 0"),
        ("mail.example.net:70000", "is not a port number"),
        ("us:secret@mail.example.net", "expected"),
        ("mail.example.net\r\nQUIT", "do not print"),
        ("<script>alert(1)</script>", "is not a label"),
        ("a." * 5000, "longer than 300 characters"),
    ],
)
async def test_what_is_no_next_hop_is_refused_and_nothing_happens(
    desk: Desk, hop: str, said: str
) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    admin = await desk.log_in()
    fields = await form_of(admin, act="reroute", recipient=one.id)
    data = {**fields, "way": "hop", "next_hop": hop, "reason": "it's down"}
    response = await admin.post("/acts", data=data)
    page = await response.text()
    assert response.status == 422
    assert "That is no next hop: found" in page
    assert said in page
    assert "<script>alert" not in page
    assert 'aria-invalid="true" aria-describedby="problem"' in page
    assert 'value="it&#39;s down"' in page, "what was typed is kept"
    assert await acts_of(desk) == []
    assert len(page) < 60_000


async def test_a_route_is_offered_by_name_and_nothing_of_its_password(tmp_path: Path) -> None:
    routes = (
        Route(domain="paid.example", next_hop="smart.test", username="us", password="hidden one"),
        Route(domain="dead.example", next_hop="10.0.0.7", tls="implicit"),
    )
    async with open_desk(tmp_path, routes=routes) as desk:
        (one,) = await accept(desk, "bob@dead.example")
        admin = await desk.log_in()
        page = await source_of(admin, f"/acts/new?act=reroute&recipient={one.id}")
        assert re.findall(r'<option value="([^"]*)">', page) == ["10.0.0.7:465", "smart.test:25"]
        assert "By the route to 10.0.0.7:465" in page
        assert "hidden one" not in page
        act = await reroute(desk, admin, one.id, hop="10.0.0.7")
        assert (act.next_hop, act.changed) == ("10.0.0.7:465", 1)
        await reroute(desk, admin, one.id, hop="smart.test")
        (after,) = await of_message(desk, one.message_id)
        assert (after.next_hop, after.destination) == ("smart.test:25", "smart.test:25")


async def test_without_routes_none_is_offered(desk: Desk) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    page = await source_of(await desk.log_in(), f"/acts/new?act=reroute&recipient={one.id}")
    assert "datalist" not in page


# --- who may -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seat", ADDRESSES)
async def test_only_operators_reroute_and_others_are_told_of_no_such_thing(
    desk: Desk, seat: Seat
) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    client = await desk.log_in(ADDRESSES[seat])
    may = seat in OPERATORS
    asked = f"/acts/new?act=reroute&recipient={one.id}"
    answer, unknown = await client.get(asked), await client.get("/acts/no/such/page")
    assert answer.status == (200 if may else 404)
    form = {"csrf": await token_for(client), "act": "reroute", "recipient": one.id, "key": "k"}
    posted = await client.post("/acts", data=form, allow_redirects=False)
    assert posted.status == (422 if may else 404)
    if not may:
        assert await answer.text() == await unknown.text() == await posted.text()
    if seat is not Seat.FOREIGN_ADMIN:
        assert ("act=reroute" in await source_of(client, f"/messages/{one.message_id}")) is may
    options = re.findall(r'<option value="(\w+)">', await source_of(client, "/?q=&outcome=all"))
    assert ("reroute" in options) is may
    assert ("hold" in options) is (seat not in (Seat.SUPPORT, Seat.FOREIGN_ADMIN))


async def test_who_may_not_reroute_sees_no_reroute_of_others_and_cannot_stop_it(desk: Desk) -> None:
    """The domain's admin sees what accounts of the domain do, and the relay's admin is one."""
    (one,) = await accept(desk, "bob@dead.example")
    act = await reroute(desk, await desk.log_in(), one.id)
    it = await desk.log_in(ADDRESSES[Seat.DOMAIN_ADMIN])
    token = await token_for(it)
    assert act.id not in await text_of(it, "/acts")
    assert (await it.get(f"/acts/{act.id}")).status == 404
    for verb in ("stop", "pause", "resume", "undo"):
        answer = await it.post(f"/acts/{act.id}/{verb}", data={"csrf": token})
        assert answer.status == 404
    (after,) = await of_message(desk, one.message_id)
    assert after.next_hop == HOP


async def test_a_form_without_the_token_changes_nothing(desk: Desk) -> None:
    (one,) = await accept(desk, "bob@dead.example")
    admin = await desk.log_in()
    fields = await form_of(admin, act="reroute", recipient=one.id)
    del fields["csrf"]
    answer = await admin.post("/acts", data={**fields, "way": "hop", "next_hop": HOP})
    assert answer.status == 403
    assert await acts_of(desk) == []


async def test_finished_mail_is_left_as_it_is(desk: Desk) -> None:
    one = next(each for each in await recipients(desk) if each.status is Status.DELIVERED)
    admin = await desk.log_in()
    page = await text_of(admin, f"/acts/new?act=reroute&recipient={one.id}")
    assert "There is nothing to change." in page
    assert "act=reroute" not in await source_of(admin, f"/messages/{one.message_id}")


async def test_the_record_names_old_and_new_for_each(desk: Desk) -> None:
    first, second = await accept(desk, "a@dead.example", "b@elsewhere.example")
    await reroute(desk, await desk.log_in(), first.id, second.id)
    timeline = await desk.ledger.timeline(first.message_id, EVERYTHING)
    assert timeline is not None
    told = {
        event.recipient_id: event.detail
        for event in timeline.events
        if event.kind is EventKind.REROUTED
    }
    assert told == {
        first.id: f"{HOP} instead of the MX of dead.example; MX is down",
        second.id: f"{HOP} instead of the MX of elsewhere.example; MX is down",
    }
