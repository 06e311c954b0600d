"""The handover certificate in the panel."""

import re

import pytest

from tests.support.panel import Client, Desk
from tracker.proof import verify

MINUTES = "Minutes of Monday’s meeting"
LUNCH = "Re: Lunch on Thursday?"


async def links_of(client: Client, path: str) -> list[str]:
    page = await (await client.get(path)).text()
    return re.findall(r'href="(/messages/[^"]+/handover\.(?:json|pdf)[^"]*)"', page)


async def test_the_page_offers_a_certificate_that_can_be_checked(desk: Desk, anna: Client) -> None:
    paper, document = sorted(await links_of(anna, desk.path_of(MINUTES)), reverse=True)
    response = await anna.get(document)
    assert response.content_type == "application/json"
    found = verify(await response.read())
    assert found.genuine
    assert found.statement.message.id == desk.ids[MINUTES]
    published = await (await desk.client().get("/handover-key")).json()
    assert published["fingerprint"] == found.fingerprint
    response = await anna.get(paper)
    assert response.content_type == "application/pdf"
    assert "attachment" in response.headers["Content-Disposition"]
    assert (await response.read()).startswith(b"%PDF")


async def test_what_was_not_handed_over_is_not_certified(desk: Desk, anna: Client) -> None:
    path = desk.path_of(LUNCH)
    assert await links_of(anna, path) == []
    timeline = await desk.timeline(LUNCH)
    asked = f"{path}/handover.json?recipient={timeline.recipients[0].id}"
    response = await anna.get(asked)
    assert response.status == 409
    assert "no server has taken it" in await response.text()


@pytest.mark.parametrize("kind", ["json", "pdf"])
async def test_mail_of_others_is_not_certified(desk: Desk, kind: str) -> None:
    timeline = await desk.timeline(MINUTES)
    path = f"{desk.path_of(MINUTES)}/handover.{kind}?recipient={timeline.recipients[0].id}"
    zoe = await desk.log_in("zoe@elsewhere.example")
    assert (await zoe.get(path)).status == 404
    assert (await desk.client().get(path, allow_redirects=False)).status == 303


@pytest.mark.parametrize("asked", ["", "?recipient=01KJQCTT2KEX5R1CKKP3YSEYJC", "?recipient=x"])
async def test_the_recipient_has_to_be_one_of_the_message(
    desk: Desk, anna: Client, asked: str
) -> None:
    assert (await anna.get(f"{desk.path_of(MINUTES)}/handover.json{asked}")).status == 404


async def test_a_row_of_what_was_accepted_leads_to_its_certificate(desk: Desk) -> None:
    client = await desk.log_in("help@northwind.example")
    listed = await (await client.get("/?q=to:family.okafor")).text()
    (url,) = re.findall(r'href="(/messages/[^"]+/handover\.pdf\?recipient=[^"]+)"', listed)
    response = await client.get(url)
    assert response.content_type == "application/pdf"
    assert (await response.read()).startswith(b"%PDF")
    for search in ("status:permanent", "status:waiting"):
        assert "handover.pdf" not in await (await client.get(f"/?q={search}")).text()
