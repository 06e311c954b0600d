"""The page of submissions that were not taken."""

from datetime import timedelta
from html import unescape

import pytest

from relay.closed import reply_to
from tests.support.hostile import HOSTILE
from tests.support.mail import make_refusal
from tests.support.panel import AFTERNOON, Client, Desk
from tests.web.test_track import text_of
from tracker.model import Suppression
from tracker.views import Patience
from web.views.refused import refused_row

ANNA = "anna@northwind.example"


async def test_a_user_sees_what_was_refused_to_them(desk: Desk) -> None:
    await desk.ledger.record_refusals(
        [
            make_refusal(account=ANNA, now=AFTERNOON, forward_path="mine@example.org"),
            make_refusal(account="zoe@elsewhere.example", forward_path="hers@example.org"),
        ]
    )
    client = await desk.log_in(ANNA)
    text = await text_of(client, "/refused?zone=Europe/Berlin")
    assert "2 Mar 2026, 15:47:00" in text
    assert "mine@ example.org" in text
    assert "More recipients than one message may have." in text
    assert "Refused when this recipient was named." in text
    assert "452 4.5.3 Too many recipients" in text
    assert "Not now" in text
    assert "hers@" not in text


async def test_what_is_suppressed_leads_to_the_list(desk: Desk) -> None:
    listed = Suppression(address="gone@bücher.example", since=AFTERNOON)
    await desk.ledger.record_refusals(
        [
            make_refusal(account=ANNA, forward_path="Gone@bücher.example", reply=reply_to(listed)),
            make_refusal(account=ANNA, forward_path="bob@example.org"),
        ]
    )
    page = await (await (await desk.log_in(ANNA)).get("/refused")).text()
    assert page.count("See it there") == 1
    assert 'href="/suppressions?q=gone%40xn--bcher-kva.example"' in page
    page = await (await (await desk.log_in("help@northwind.example")).get("/refused")).text()
    assert "Gone@" in page
    assert "/suppressions" not in page, "who may not change the list is not sent there"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_was_refused_has_a_row(text: str) -> None:
    row = refused_row(make_refusal(forward_path=text, reply="550 Nothing is sent to this address"))
    assert row.listed.startswith("/suppressions?q=")


async def test_nothing_refused_is_said(desk: Desk) -> None:
    client = await desk.log_in(ANNA)
    assert "Nothing was refused" in await text_of(client, "/refused")
    assert "Nothing was refused" in await text_of(client, "/refused?before=nonsense")


async def test_hostile_words_do_nothing(desk: Desk) -> None:
    evil = "<script>alert(1)</script>\u202e\x1b[31m"
    await desk.ledger.record_refusals([make_refusal(forward_path=evil, reply=f"550 5.7.1 {evil}")])
    client = await desk.log_in()
    response = await client.get("/refused")
    page = await response.text()
    assert response.status == 200
    assert "<script>alert" not in page
    assert "\x1b" not in page


async def test_pages_lead_back_in_time(desk: Desk) -> None:
    await desk.ledger.record_refusals(
        [
            make_refusal(now=AFTERNOON - timedelta(minutes=n), forward_path=f"r{n}@example.org")
            for n in range(60)
        ]
    )
    client = await desk.log_in()
    first = await (await client.get("/refused")).text()
    assert "r49@" in first
    assert "r50@" not in first
    (older,) = [line for line in first.split('"') if "before=" in line]
    second = await (await client.get(unescape(older))).text()
    assert "r49@" not in second
    assert "r50@" in second
    assert "r59@" in second
    assert "Older" not in second
    assert 'href="/refused"' in second


# --- searching ----------------------------------------------------------------------------------


@pytest.fixture
async def searched(desk: Desk) -> Client:
    """A client of the operator; something was refused, and one of it yesterday."""
    too_large = "552 5.3.4 At most 100 octets are taken"
    yesterday = AFTERNOON - timedelta(days=1)
    await desk.ledger.record_refusals(
        [
            make_refusal(now=AFTERNOON, forward_path="bob@example.org", reply=too_large),
            make_refusal(now=AFTERNOON, forward_path="carol@example.net"),
            make_refusal(now=yesterday, forward_path="bob@example.com"),
        ]
    )
    return await desk.log_in()


FINDS = {
    "bob": ["org", "com"],
    "to:@example.org": ["org"],
    "-code:552": ["net", "com"],
    'text:"octets are"': ["org"],
    "ip:192.0.2.7 since:today": ["org", "net"],
    "account:alice@example.com until:yesterday": ["com"],
    "552 5.3.4 At most 100 octets are taken": ["org"],
    "from:<>": [],
}


@pytest.mark.parametrize(("text", "found"), FINDS.items(), ids=FINDS)
async def test_a_search_is_in_the_url(searched: Client, text: str, found: list[str]) -> None:
    page = await (await searched.get("/refused", params={"q": text})).text()
    domains = ("org", "net", "com")
    assert [each for each in domains if f'<td data-label="To"><bdi>{NAME[each]}' in page] == found


NAME = {
    "org": "bob@<wbr>example.org",
    "net": "carol@<wbr>example.net",
    "com": "bob@<wbr>example.com",
}


LACKING = {
    "status:held": "no status",
    "-subject:offer": "no subject",
    "id:one@example.com": "no id",
    "mx:mx1": "no server that it was sent to",
    "size:>1MB": "no size",
}


@pytest.mark.parametrize(("text", "words"), LACKING.items(), ids=LACKING)
async def test_what_it_does_not_have_is_said(searched: Client, text: str, words: str) -> None:
    response = await searched.get("/refused", params={"q": text})
    assert response.status == 400
    page = await response.text()
    assert f"“{text.replace('>', '&gt;')}” cannot be asked for" in page
    assert f"{words}. Search by to:, from:, ip:, code:, text:, account:, since: and until:" in page
    assert 'aria-invalid="true"' in page


async def test_a_pasted_refusal_is_understood(searched: Client) -> None:
    params = {"q": "552 5.3.4 At most 100 octets are taken", "zone": "UTC"}
    response = await searched.get("/refused", params=params)
    assert response.url.path == "/refused"
    assert response.url.query["q"] == 'code:5.3.4 text:"At most 100 octets are taken"'
    assert "Understood as" in await response.text()


async def test_box_and_fields_become_one_search(searched: Client) -> None:
    form = {"was": "code:5", "q": "code:5", "to": "bob", "sender": "", "range": "today"}
    response = await searched.get("/refused", params={**form, "zone": "Europe/Berlin"})
    assert dict(response.url.query) == {"q": "code:5 to:bob since:today", "zone": "Europe/Berlin"}
    page = await response.text()
    assert "1 refused submission, 2 Mar 2026, to an address with bob, matching code:5" in page
    assert '<option value="today" selected>' in page


async def test_an_empty_search_says_why_and_where_else_to_look(searched: Client) -> None:
    response = await searched.get("/refused", params={"q": "octets since:today", "zone": "UTC"})
    page = await response.text()
    assert "Nothing found today" in page
    links = [unescape(each) for each in page.split('"') if each.startswith("/refused?q=")]
    assert links[:1] == ["/refused?q=octets&zone=UTC"]
    found = await (await searched.get(links[1])).text()
    assert "bob@<wbr>example.org" in found
    page = await (await searched.get("/refused?q=until:2020-01-01")).text()
    assert "Older than what is kept" in page
    assert "What was refused is listed for 60 days" in page


async def test_pages_keep_the_search(desk: Desk) -> None:
    await desk.ledger.record_refusals(
        [
            make_refusal(
                now=AFTERNOON - timedelta(minutes=n), forward_path=f"r{n}@x{n % 2}.example"
            )
            for n in range(130)
        ]
    )
    client = await desk.log_in()
    first = await (await client.get("/refused?q=to:@x1.example&zone=UTC")).text()
    (older,) = [unescape(each) for each in first.split('"') if "before=" in each]
    assert "65 refused submissions, to an address with @x1.example<" in first
    second = await (await client.get(older)).text()
    assert "65 refused submissions, to an address with @x1.example<" in second
    assert "r101@" in second
    assert "r129@" in second
    assert "r128@" not in second
    assert 'href="/refused?q=to%3A%40x1.example&amp;zone=UTC">Newest' in second


async def test_a_search_that_is_cut_says_so(desk: Desk, searched: Client) -> None:
    desk.ledger.search_patience = Patience(timedelta(0), timedelta(0))
    page = await (await searched.get("/refused?q=bob")).text()
    assert "Not searched to the end" in page
    assert "Nothing found so far" in page
    assert 'rel="next"' in page


async def test_a_search_stays_within_its_scope(desk: Desk, searched: Client) -> None:
    client = await desk.log_in(ANNA)
    assert "Nothing found" in await text_of(client, "/refused?q=account:alice")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_any_text_may_be_searched_for(desk: Desk, text: str) -> None:
    client = await desk.log_in()
    response = await client.get("/refused", params={"q": text})
    assert response.status in (200, 400)
    assert "<script>alert" not in await response.text()


async def test_what_only_mail_has_leads_to_mail(searched: Client) -> None:
    response = await searched.get("/refused?q=status:held")
    page = await response.text()
    assert response.status == 400
    assert "a submission that was not taken has no status" in page
    assert 'href="/?q=status%3Aheld&amp;zone=Europe%2FBerlin">Search mail that was taken' in page
