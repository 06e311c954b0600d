"""Is it only me? Beside a message."""

from tests.support.panel import Client, Desk


async def test_a_message_tells_whether_it_is_the_only_one(desk: Desk, anna: Client) -> None:
    page = await (await anna.get(desk.path_of("Re: Lunch on Thursday?"))).text()
    assert "Is it only this message?" in page
    assert 'href="/destinations/ghostport.example"' in page


async def test_an_accepted_message_has_no_such_question(desk: Desk, admin: Client) -> None:
    page = await (await admin.get(desk.path_of("Thank you for your visit"))).text()
    assert "Is it only this message?" not in page
