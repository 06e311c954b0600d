"""Whoever looks at other people's mail is on record, and those may read it."""

import inspect
import re
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.support.looks import entries, make_access
from tests.support.mail import make_refusal, make_submission
from tests.support.panel import Client, Desk, token_for
from tests.web.test_access import LUNCH
from tests.web.test_proof import MINUTES
from tests.web.test_send_again import form_of
from tests.web.test_story import only
from tests.web.test_track import text_of
from tracker.model import Access, AccessKind, MessageId, Scope
from tracker.search import Query
from tracker.store import Ledger
from web.access import MESSAGES, SAME, Watched
from web.views.access import NAMED

ADMIN = "admin@northwind.example"
ANNA = "anna@northwind.example"


async def looks(desk: Desk, account: str = ANNA) -> list[Access]:
    """Return the looks at somebody's mail, oldest first, but not the list after the log-in."""
    reader = await desk.log_in("zoe@elsewhere.example")
    assert (await reader.get("/access")).status == 200  # writes whatever waits
    found = await entries(desk.ledger, Scope(account=account), limit=100)
    return [look for look in reversed(found) if look.page != "/"]


async def test_opening_a_message_is_on_record(desk: Desk, admin: Client) -> None:
    await admin.get(desk.path_of(LUNCH))
    (look,) = await looks(desk)
    assert (look.actor, look.client, look.kind) == (ADMIN, "127.0.0.1", AccessKind.MESSAGE)
    assert (look.page, look.account, look.at) == (desk.path_of(LUNCH), ANNA, desk.clock.now())


async def test_a_list_is_one_look_for_each_account_with_what_was_searched(
    desk: Desk, admin: Client
) -> None:
    await admin.get("/?q=from:northwind.example")
    for account in (ANNA, "orders@northwind.example"):
        (look,) = await looks(desk, account)
        assert look.kind is AccessKind.LIST
        assert look.page == "/?q=from:northwind.example"
    assert await looks(desk, "zoe@elsewhere.example") == []


async def test_a_list_says_which_messages_of_each_account_it_showed(
    desk: Desk, admin: Client
) -> None:
    await admin.get("/?q=since:yesterday")
    for account in (ANNA, "orders@northwind.example"):
        (look,) = await looks(desk, account)
        page = await desk.ledger.search(Query(), Scope(account=account), limit=100)
        assert look.messages
        assert {*look.messages} <= {row.message.id for row in page.rows}
        assert len({*look.messages}) == len(look.messages)


async def test_of_a_long_page_the_first_messages_are_named(desk: Desk) -> None:
    now, shown = desk.clock.now(), dict[str, int]()
    for _ in range(MESSAGES + 10):
        await desk.ledger.accept(make_submission(account=ANNA, now=now), now, None)

    def seen(account: str, messages: Sequence[MessageId]) -> None:
        shown[account] = len(messages)

    page = await Watched(desk.ledger, seen).search(Query(), Scope(account=ANNA), limit=100)
    assert len({row.message.id for row in page.rows}) > MESSAGES
    assert shown == {ANNA: MESSAGES}


async def test_what_the_same_list_shows_later_is_another_look(desk: Desk, admin: Client) -> None:
    asked = "/?q=from:anna@northwind.example"
    await admin.get(asked)
    await admin.get(asked)
    desk.clock.advance(timedelta(minutes=1))
    now = desk.clock.now()
    late = make_submission(account=ANNA, reverse_path=ANNA, now=now)
    await desk.ledger.accept(late, now, None)
    await admin.get(asked)
    first, second = await looks(desk)
    assert late.id not in first.messages
    assert second.messages == (late.id,)
    assert (second.page, second.at) == (first.page, now)


async def test_those_whose_messages_a_list_showed_can_read_which(
    desk: Desk, admin: Client, anna: Client
) -> None:
    await admin.get("/?q=from:northwind.example")
    (look,) = await looks(desk)
    theirs = await named_on(anna, "/access", look.page)
    assert sorted(theirs) == sorted(look.messages)
    assert set(await named_on(admin, "/access?whose=all", look.page)) > set(theirs)


async def named_on(client: Client, path: str, look: str) -> list[str]:
    """Return which messages a page says that a look has shown."""
    page = await (await client.get(path)).text()
    row = page.partition(f"<code>{look}</code>")[2].partition("</td>")[0]
    return re.findall(r'<li><a href="/messages/(\w+)"><code>\1</code>', row)


async def test_an_act_is_on_record(desk: Desk, admin: Client) -> None:
    recipient = await only(desk, LUNCH)
    form = {"csrf": await token_for(admin), "recipient": recipient.id}
    await admin.post(f"{desk.path_of(LUNCH)}/retry", data=form, allow_redirects=False)
    acts = [look for look in await looks(desk) if look.kind is AccessKind.ACT]
    assert [(look.actor, look.page) for look in acts] == [(ADMIN, f"{desk.path_of(LUNCH)}/retry")]


@pytest.mark.parametrize("act", ["retry", "release", "probe"])
async def test_a_single_act_is_one_entry(desk: Desk, admin: Client, act: str) -> None:
    recipient = await only(desk, LUNCH)
    path = f"{desk.path_of(LUNCH)}/{act}"
    form = {"csrf": await token_for(admin)}
    if act == "probe":
        form = await form_of(admin, f"{path}?recipient={recipient.id}")
    form["recipient"] = recipient.id
    response = await admin.post(path, data=form, allow_redirects=False)
    assert response.status == 303
    acts = [look for look in await looks(desk) if look.kind is AccessKind.ACT]
    assert [(look.actor, look.page) for look in acts] == [(ADMIN, path)]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("{message}/probe?recipient={id}", AccessKind.MESSAGE),
        ("{message}/send-again?recipient={id}", AccessKind.MESSAGE),
        ("/acts/new?act=cancel&recipient={id}", AccessKind.LIST),
    ],
)
async def test_a_form_about_a_message_is_a_look_at_it(
    desk: Desk, admin: Client, path: str, kind: AccessKind
) -> None:
    recipient = await only(desk, LUNCH)
    asked = path.format(message=desk.path_of(LUNCH), id=recipient.id)
    await admin.get(asked)
    (look,) = await looks(desk)
    page = desk.path_of(LUNCH) if kind is AccessKind.MESSAGE else asked
    assert (look.actor, look.kind, look.page) == (ADMIN, kind, page)


@pytest.mark.parametrize("act", ["retry", "cancel"])
async def test_an_act_on_a_selection_is_one_entry(desk: Desk, admin: Client, act: str) -> None:
    recipient = await only(desk, LUNCH)
    form = await form_of(admin, f"/acts/new?act={act}&recipient={recipient.id}")
    form |= {"act": act, "recipient": recipient.id, "counted_at": counted_at(desk)}
    response = await admin.post("/acts", data=form, allow_redirects=False)
    assert response.status == 303
    acts = [look for look in await looks(desk) if look.kind is AccessKind.ACT]
    assert [(look.actor, look.page) for look in acts] == [(ADMIN, "/acts")]


def counted_at(desk: Desk) -> str:
    return str(round(desk.clock.now().timestamp() * 1_000_000))


async def test_what_a_probe_has_found_is_a_look(desk: Desk, anna: Client, admin: Client) -> None:
    recipient = await only(desk, LUNCH)
    path = f"{desk.path_of(LUNCH)}/probe"
    form = await form_of(anna, f"{path}?recipient={recipient.id}")
    response = await anna.post(
        path, data={**form, "recipient": recipient.id}, allow_redirects=False
    )
    found = response.headers["Location"]
    assert (await admin.get(found)).status == 200
    (look,) = await looks(desk)
    assert (look.actor, look.page) == (ADMIN, found)


@pytest.mark.parametrize("kind", ["json", "pdf"])
async def test_a_certificate_is_an_export(desk: Desk, admin: Client, kind: str) -> None:
    timeline = await desk.timeline(MINUTES)
    recipient, account = timeline.recipients[0], timeline.message.account
    assert account
    path = f"{desk.path_of(MINUTES)}/handover.{kind}?recipient={recipient.id}"
    assert (await admin.get(path)).status == 200
    (look,) = await looks(desk, account)
    assert (look.actor, look.kind, look.page) == (ADMIN, AccessKind.EXPORT, path)


async def test_refused_submissions_are_looked_at_as_mail(desk: Desk, admin: Client) -> None:
    await desk.ledger.record_refusals([make_refusal(account=ANNA, now=desk.clock.now())])
    await admin.get("/refused")
    (look,) = await looks(desk)
    assert (look.actor, look.kind, look.page) == (ADMIN, AccessKind.LIST, "/refused")


async def test_how_many_were_refused_is_no_look_at_them(desk: Desk, admin: Client) -> None:
    zoe = "zoe@elsewhere.example"
    await desk.ledger.record_refusals([make_refusal(account=zoe, now=desk.clock.now())])
    page = await text_of(admin, "/?q=from:nobody")
    assert "1 not taken today" in page
    assert await looks(desk, zoe) == []


async def test_how_many_are_new_is_no_look_at_them(desk: Desk, admin: Client) -> None:
    answer = await (await admin.get("/newer?outcome=all&range=kept")).json()
    assert answer["count"] > 0
    assert await looks(desk) == []


async def test_the_page_of_a_destination_shows_answers_and_no_list(
    desk: Desk, admin: Client
) -> None:
    assert (await admin.get("/destinations/bluebird.example")).status == 200
    assert await looks(desk) == [], "hosts and their TLS are nobody's mail"
    assert (await admin.get("/destinations/greycastle.example")).status == 200
    (look,) = await looks(desk)
    assert look.page == "/destinations/greycastle.example"
    assert look.messages, "the examples of what it said"


UNWATCHED = {
    "looks": "the log itself, which has whose mail it was",
    "act": "what was asked for; whose mail it is, is noted where it is counted and done",
    "acts": "as `act`",
    "change_status": "behind a `timeline` of the message, which is noted as the act",
    "retry_now": "behind a `timeline` of the message, which is noted as the act",
    "reroute": "of the command and of acts, which look at what they change by another verb",
    "cohort": "counts and times",
    "count_refusals": "a count",
    "destinations": "the state of servers, without mail",
    "figures": "counts",
    "search_ids": "ids, for an act of the command line",
    "summarize": "counts",
    "suppressions": "addresses that get no mail, no mail",
    "waiting_at": "a count and a time",
    "waiting_for": "ids, for an act that looks at what they are of",
}
"""Verbs with a scope that do not show individual mail, and why."""


def test_every_verb_that_shows_mail_is_watched() -> None:
    scoped = {
        name
        for name, verb in inspect.getmembers(Ledger, inspect.isfunction)
        if "scope" in inspect.signature(verb).parameters
    }
    watched = {name for name in vars(Watched) if not name.startswith("_")}
    assert {"search", "timeline", "chosen"} <= scoped
    assert watched <= scoped
    assert scoped - watched == set(UNWATCHED)


async def test_ones_own_mail_is_nobodys_business(desk: Desk, anna: Client) -> None:
    await anna.get("/?outcome=all&range=kept")
    await anna.get(desk.path_of(LUNCH))
    assert await looks(desk) == []


async def test_what_is_not_shown_is_not_looked_at(desk: Desk) -> None:
    client = await desk.log_in("zoe@elsewhere.example")
    await client.get(desk.path_of(LUNCH))
    assert await looks(desk) == []


async def test_the_same_look_counts_once_for_a_while(desk: Desk, admin: Client) -> None:
    for _ in range(3):
        await admin.get(desk.path_of(LUNCH))
    assert len(await looks(desk)) == 1
    desk.clock.advance(SAME + timedelta(seconds=1))
    await admin.get(desk.path_of(LUNCH))
    assert len(await looks(desk)) == 2


async def test_the_person_can_read_it(desk: Desk, admin: Client, anna: Client) -> None:
    await admin.get(desk.path_of(LUNCH))
    text = await text_of(anna, "/access")
    assert "admin@ northwind.example from 127.0.0.1" in text
    assert f"Opened the message {desk.path_of(LUNCH)}" in text
    assert "Nobody else has looked" in await text_of(
        await desk.log_in("zoe@elsewhere.example"), "/access"
    )


@pytest.mark.parametrize(
    ("address", "sees"),
    [
        ("admin@northwind.example", True),
        ("it@northwind.example", True),
        ("it@elsewhere.example", False),
        ("help@northwind.example", False),
        ("orders@northwind.example", False),
    ],
)
async def test_who_sees_the_looks_at_others(
    desk: Desk, admin: Client, address: str, sees: bool
) -> None:
    await admin.get(desk.path_of(LUNCH))
    text = await text_of(await desk.log_in(address), "/access?whose=all")
    assert (desk.path_of(LUNCH) in text) == sees


async def test_a_look_at_a_list_is_one_line(desk: Desk, admin: Client, anna: Client) -> None:
    await admin.get("/?q=from:northwind.example&zone=UTC")
    reader = await desk.log_in("it@northwind.example")
    page = await (await reader.get("/access?whose=all")).text()
    assert page.count("<code>/?q=from:northwind.example</code>") == 1
    before, _, rest = page.partition(" accounts</summary>")
    whose = rest.partition("</details>")[0]
    assert before.endswith(f"<summary>{whose.count('<li>')}")
    assert "anna@<wbr>northwind.example" in whose
    assert "orders@<wbr>northwind.example" in whose
    theirs = await (await anna.get("/access")).text()
    assert theirs.count("<code>/?q=from:northwind.example</code>") == 1
    assert "orders@" not in theirs


async def test_of_a_look_at_the_mail_of_very_many_not_all_are_named(desk: Desk) -> None:
    many = [make_access(f"u{n:03}@northwind.example", page="/?q=all") for n in range(NAMED + 20)]
    await desk.ledger.record_accesses(many)
    page = await (await (await desk.log_in()).get("/access?whose=all")).text()
    assert f"<summary>{NAMED + 20} accounts</summary>" in page
    assert "u099@" in page
    assert "u100@" not in page
    assert "and 20 others" in page


async def test_it_is_read_page_by_page(desk: Desk, admin: Client, anna: Client) -> None:
    for n in range(60):
        await admin.get(f"/?outcome=all&range=kept&q=lunch+{n:02}+-nothing")
        await admin.get(f"/?outcome=all&range=kept&q=-x{n:02}")
    first = await (await anna.get("/access")).text()
    assert first.count("Saw it in a list") == 50
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await (await anna.get(older)).text()
    assert 'rel="prev"' in second
    assert 'rel="next"' not in second
    newer = second.partition('rel="prev" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert (await (await anna.get(newer)).text()).count("Saw it in a list") == 50
