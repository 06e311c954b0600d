"""What people paste into the box."""

import pytest
from yarl import URL

from tests.support.panel import Client, Desk
from tests.web.test_track import subjects, text_of

REPORT = """\
From: MAILER-DAEMON@northharbour.example
Subject: Undelivered Mail Returned to Sender

Final-Recipient: rfc822; h.bauer@northharbour.example
Diagnostic-Code: smtp; 550 5.4.1 Recipient address rejected: Access denied
"""


@pytest.mark.parametrize(
    ("pasted", "text", "found"),
    [
        ("Message-ID: <0005.20260302@northwind.example>", 'id:"0005.20260302@northwind.example"',
         ["Offer for the harbour office, second draft"]),
        ("Hans Bauer <h.bauer@northharbour.example>", '"h.bauer@northharbour.example"',
         ["Offer for the harbour office, second draft"]),
        ("250 2.0.0 Ok: queued as 0A41B22C7D", 'id:"0A41B22C7D"', ["Προσφορά για τον Μάιο"]),
        ("550 5.4.1 Recipient address rejected: Access denied.",
         'code:5.4.1 text:"Recipient address rejected: Access denied."',
         ["Offer for the harbour office, second draft"]),
        (REPORT, 'to:"h.bauer@northharbour.example"',
         ["Offer for the harbour office, second draft"]),
    ],
    ids=["a Message-ID", "an address", "a queue id", "a refusal", "a bounce"],
)  # fmt: skip
async def test_what_is_pasted_is_understood_and_said_so(
    anna: Client, pasted: str, text: str, found: list[str]
) -> None:
    response = await anna.get("/", params={"q": pasted})
    page = await response.text()
    assert response.url.query["q"] == text
    assert subjects(page) == found
    assert "Understood as <code>" in page
    assert "Search for the words instead" in page


async def test_the_words_themselves_can_be_searched_for(anna: Client) -> None:
    pasted = "Message-ID: <0005.20260302@northwind.example>"
    response = await anna.get("/", params={"q": pasted})
    page = await response.text()
    link = (
        page.partition('<p class="notice understood"')[2].partition('href="')[2].partition('"')[0]
    )
    again = await anna.get(link.replace("&amp;", "&"), allow_redirects=False)
    assert again.status == 200
    page = await again.text()
    assert 'value="Message-ID 0005.20260302@northwind.example"' in page
    assert "Understood as" not in page
    assert 'name="literal" value="1"' in page


async def test_words_stay_words_while_the_form_changes_something_else(anna: Client) -> None:
    words = "250 2.0.0 Ok queued as 0A41B22C7D"
    form = {"was": words, "q": words, "literal": "1", "outcome": "accepted", "range": "kept"}
    response = await anna.get("/", params=form)
    assert response.url.query["q"] == f"{words} status:accepted"
    assert response.url.query["literal"] == "1"
    other = form | {"q": "250 2.0.0 Ok: queued as 7E0F11AB93", "outcome": "all"}
    response = await anna.get("/", params=other)
    assert response.url.query["q"] == 'id:"7E0F11AB93"', "what is pasted anew is understood anew"


@pytest.mark.parametrize("text", ["bob@example.org", "order", 'subject:"a b"', "to:bob since:2d"])
async def test_what_is_typed_is_a_search(anna: Client, text: str) -> None:
    response = await anna.get("/", params={"q": text}, allow_redirects=False)
    assert response.status == 200


async def test_hostile_pastes_lead_nowhere_else(desk: Desk, anna: Client) -> None:
    for pasted in ("<script>@x.example>", '"\\" <a@b.example>', "Message-ID: <\u202e@x.example>"):
        response = await anna.get("/", params={"q": pasted})
        assert response.status in (200, 400)
        assert URL(response.url).path == "/"
        assert "<script>@" not in await response.text()
    assert "Understood" not in await text_of(anna, "/?q=a&pasted=")
