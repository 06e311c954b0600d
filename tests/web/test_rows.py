"""A row of the list: what it says at a glance, and where it leads."""

import re
from html import unescape

import pytest
from yarl import URL

from tests.support.mail import make_submission
from tests.support.panel import Client, Desk
from tests.web.test_track import TAG, subjects, text_of


def row_of(page: str, recipient: str) -> str:
    """Return the head of the row for a recipient."""
    heads = page.replace("<wbr>", "").split('<tr class="head">')[1:]
    heads = [" ".join(TAG.sub(" ", one.partition("</tr>")[0]).split()) for one in heads]
    return next(unescape(one) for one in heads if recipient in one)


@pytest.mark.parametrize(
    ("recipient", "words"),
    [
        ("h.bauer@northharbour.example", "Permanently rejected 550 5.4.1 Recipient address"),
        (
            "lars@ghostport.example",
            "Temporarily rejected The recipient's mail server does not answer. Next try at 15:58"
            " (in 11 minutes)",
        ),
        ("ines@greycastle.example", "Uncertain Next try at 15:58 (in 11 minutes)"),
        ("gus@fullhouse.example", "Held The prices are not final yet"),
        ("hanna@greycastle.example", "Cancelled It is not sent"),
        ("press@gmail.example", "Waiting The next try is due now"),
        ("driver@bluebird.example", "Being tried now A try is under way right now"),
        ("amy@bluebird.example", "2 of 5 accepted Accepted 250 2.0.0 OK d9443c01a7336-1f5b2"),
        ("petra@bluebird.example", "2 of 2 accepted Accepted"),
        ("kurt@ghostport.example", "Permanently rejected No host of ghostport.example could"),
    ],
)
async def test_a_row_says_what_comes_next_or_what_was_said_last(
    admin: Client, recipient: str, words: str
) -> None:
    page = await (await admin.get("/", params={"q": f"to:{recipient}"})).text()
    assert words in row_of(page, recipient)


async def test_a_long_answer_is_cut_in_the_row_alone(anna: Client) -> None:
    page = await (await anna.get("/?q=to:h.bauer")).text()
    head, _, detail = page.partition('<tr class="more">')
    assert "…" in row_of(page, "h.bauer")
    assert "AM4PEPF00027A65" not in head.partition('<tr class="head">')[2]
    assert "AM4PEPF00027A65" in detail


async def test_a_message_without_a_subject_says_so(empty_desk: Desk) -> None:
    now = empty_desk.clock.now()
    submission = make_submission(
        "bob@example.org", account="anna@northwind.example", now=now, subject=" "
    )
    await empty_desk.ledger.accept(submission, now, None)
    client = await empty_desk.log_in("anna@northwind.example")
    assert subjects(await (await client.get("/?q=")).text()) == ["(no subject)"]


async def test_of_a_message_with_very_many_recipients_only_their_number_is_said(
    empty_desk: Desk,
) -> None:
    now = empty_desk.clock.now()
    many = [f"r{number}@example.org" for number in range(60)]
    submission = make_submission(*many, account="anna@northwind.example", now=now)
    await empty_desk.ledger.accept(submission, now, None)
    client = await empty_desk.log_in("anna@northwind.example")
    assert "1 of 60 recipients" in await text_of(client, "/?q=to:r7@")


async def links_of(client: Client, recipient: str) -> dict[str, str]:
    page = await (await client.get("/", params={"q": f"to:{recipient}"})).text()
    found = re.findall(r'<li><a href="([^"]+)">(Same [\w ]+)<', page)
    return {words: URL(unescape(url)).query["q"] for url, words in found}


async def test_a_row_leads_to_others_like_it(admin: Client) -> None:
    links = await links_of(admin, "bo@greycastle.example")
    assert list(links) == [
        "Same recipient",
        "Same sender",
        "Same domain",
        "Same message",
        "Same reason",
        "Same reason at this domain",
    ]
    found = {
        words: len(subjects(await (await admin.get("/", params={"q": q})).text()))
        for words, q in links.items()
    }
    assert found["Same recipient"] == found["Same reason at this domain"] == 1
    assert found["Same message"] == 5
    assert found["Same sender"] == 6
    assert found["Same domain"] > 3


async def test_what_was_accepted_has_no_reason(admin: Client) -> None:
    assert not [
        words for words in await links_of(admin, "oskar@gmail.example") if "reason" in words
    ]


async def test_a_selection_or_everything_that_matches_can_be_acted_on(anna: Client) -> None:
    page = await (await anna.get("/?q=status:deferred&zone=UTC")).text()
    form = page.partition('id="acts"')[2].partition("</form>")[0]
    assert 'method="get" action="/acts/new"' in form
    assert 'name="q" value="status:deferred"' in form
    assert 'name="back" value="/?q=status%3Adeferred&amp;zone=UTC"' in form
    assert 'name="all" value="1">with all 3 matching' in form
    assert re.findall(r'<option value="(\w+)">', form) == [
        "retry", "hold", "release", "cancel", "suppress",
    ]  # fmt: skip
    picks = re.findall(r'form="acts" name="recipient" value="(\w{26})" aria-label="([^"]+)"', page)
    assert len(picks) == 3
    assert "Select Quarterly figures Q1 to archive@greycastle.example" in dict(picks).values()


async def test_one_row_is_not_called_all_that_match(anna: Client) -> None:
    page = await (await anna.get("/?q=to:lars")).text()
    assert "with the selected" in page
    assert 'name="all"' not in page


async def test_who_may_not_act_is_not_asked_to_choose(desk: Desk) -> None:
    support = await desk.log_in("help@northwind.example")
    page = await (await support.get("/?q=")).text()
    assert subjects(page)
    assert "/acts/new" not in page
    assert 'type="checkbox"' not in page
