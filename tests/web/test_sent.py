"""How many somebody has sent of late."""

import pytest

from tests.support.panel import Client, Desk
from tests.web.test_track import text_of


async def test_a_user_sees_how_many_they_have_sent(anna: Client) -> None:
    """Without the reports that came back to them, and without yesterday's before this hour."""
    assert "You sent 11 in the last 24 hours" in await text_of(anna, "/")


@pytest.mark.parametrize(
    ("address", "number"), [("orders@northwind.example", 5), ("nobody@northwind.example", 0)]
)
async def test_of_the_sender_that_is_asked_for(admin: Client, address: str, number: int) -> None:
    for text in (f"from:{address}", f'from:"{address}" status:permanent'):
        response = await admin.get("/", params={"q": text})
        page = await response.text()
        assert f"<bdi>{address}</bdi> sent <strong>{number}</strong>" in page, text


async def test_of_nobody_in_particular_nothing_is_said(admin: Client) -> None:
    for path in ("/", "/?q=from:orders", "/?q=from:@northwind.example", "/?q=-from:a@b.example"):
        assert "in the last 24 hours" not in await text_of(admin, path), path


async def test_the_scope_holds_here_as_well(desk: Desk) -> None:
    foreign = await desk.log_in("it@elsewhere.example")
    assert "sent 0 in the last 24 hours" in await text_of(
        foreign, "/?q=from:orders@northwind.example"
    )
