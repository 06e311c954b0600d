"""What administrators see of the nodes that share the ledger."""

from datetime import timedelta

from tests.support.panel import Client, Desk
from tests.web.test_track import text_of
from tracker.model import Load

MINUTE = timedelta(minutes=1)
HOSTILE = "<script>alert(1)</script>\x1b[31m"


async def test_without_leases_nobody_is_at_work(empty_desk: Desk) -> None:
    client = await empty_desk.log_in()
    text = await text_of(client, "/nodes")
    assert "No worker holds mail." in text
    assert "Nobody is at work" in text


async def test_nodes_show_what_their_workers_said(empty_desk: Desk) -> None:
    ledger, now = empty_desk.ledger, empty_desk.clock.now()
    for node, worker in (("mail-1", 0), ("mail-1", 1), ("mail-2", 0)):
        lease = await ledger.open_lease(node, worker, now, MINUTE)
        await ledger.renew(lease.token, now, MINUTE, Load(jobs=1200, clients=3))
    client = await empty_desk.log_in()
    text = await text_of(client, "/nodes")
    assert "2 nodes share the mail, and all of them are at work." in text
    assert "mail-1 At work lease good for 1 minute" in text
    assert "2 2,400 6" in text
    assert "in step" in text


async def test_a_silent_node_is_named(empty_desk: Desk) -> None:
    ledger, now = empty_desk.ledger, empty_desk.clock.now()
    await ledger.open_lease("mail-1", 0, now, MINUTE)
    client = await empty_desk.log_in()
    empty_desk.clock.advance(MINUTE)
    text = await text_of(client, "/nodes")
    assert "1 node no longer renews its lease; another node takes over what it held." in text
    assert "mail-1 Silent lease ran out just now" in text


async def test_the_name_of_a_node_is_only_text(empty_desk: Desk) -> None:
    await empty_desk.ledger.open_lease(HOSTILE, 0, empty_desk.clock.now(), MINUTE)
    client = await empty_desk.log_in()
    page = await (await client.get("/nodes")).text()
    assert "<script>alert" not in page
    assert "\x1b" not in page


async def test_nodes_are_for_administrators(anna: Client) -> None:
    assert (await anna.get("/nodes")).status == 404
