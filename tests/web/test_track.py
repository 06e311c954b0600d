"""The tracking list."""

import re
from datetime import timedelta
from html import unescape

import pytest
from msgspec.structs import replace
from yarl import URL

from tests.support.mail import make_attempt, make_settlement, make_submission
from tests.support.panel import Client, Desk
from tracker.model import Outcome, Phase, Scope
from web.track.submitted import LONGEST_TEXT

TAG = re.compile(r"<[^>]*>")


async def text_of(client: Client, path: str, status: int = 200) -> str:
    """Return what one reads on a page, without its markup."""
    response = await client.get(path)
    page = await response.text()
    assert response.status == status, page
    main = page.partition("<main")[2].partition("</main>")[0]
    main = re.sub(r"<(select|textarea).*?</\1>", "", main, flags=re.DOTALL)
    return " ".join(TAG.sub(" ", main).split())


def chips(page: str) -> dict[str, str]:
    """Return the outcomes with their counts."""
    nav = page.partition('class="chips"')[2].partition("</nav>")[0]
    words = " ".join(TAG.sub(" ", nav.partition(">")[2]).split())
    return dict(re.findall(r"([A-Z][a-z ]+?) (\d[\d,+]*)", words))


def subjects(page: str) -> list[str]:
    return re.findall(r'class="subject">([^<]*)<', page)


async def test_it_opens_on_what_was_accepted_today(anna: Client) -> None:
    page = await (await anna.get("/")).text()
    assert subjects(page)[0] == "Thank you for your visit"
    assert "Minutes of Monday" not in page, "sent yesterday"
    assert "Lunch on Thursday" not in page, "not accepted"
    assert '<option value="accepted" selected>' in page
    assert '<option value="today" selected>' in page


async def test_search_without_a_change_gives_the_same_list(anna: Client) -> None:
    opening = await (await anna.get("/")).text()
    searched = await anna.get("/?q=&to=&outcome=accepted&range=today&zone=Europe/Berlin")
    assert subjects(await searched.text()) == subjects(opening)


async def test_the_other_outcomes_are_counted_beside_it(anna: Client) -> None:
    page = await (await anna.get("/")).text()
    assert chips(page) == {
        "All": "13",
        "Accepted": "6",
        "Temporarily rejected": "3",
        "Permanently rejected": "1",
        "Waiting": "2",
        "Uncertain": "1",
        "Cancelled": "1",
    }


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        ("temporary", {"Quarterly figures Q1", "Contract, signed copy attached"}),
        ("permanent", {"Offer for the harbour office, second draft"}),
        ("waiting", {"Invitation to our tasting", "Directions to the warehouse"}),
        ("uncertain", {"Contract, signed copy attached"}),
        ("cancelled", {"Sent by mistake, sorry"}),
    ],
)
async def test_each_outcome_has_its_list(anna: Client, outcome: str, found: set[str]) -> None:
    page = await (await anna.get(f"/?outcome={outcome}")).text()
    assert found <= set(subjects(page))
    everything = await (await anna.get("/?outcome=all")).text()
    assert len(subjects(page)) < len(subjects(everything))


async def test_an_opened_row_says_what_the_remote_said(anna: Client) -> None:
    text = await text_of(anna, "/?to=family.okafor")
    assert "Sent from anna@ northwind.example" in text
    assert "Sent to family.okafor@ gmail.example" in text
    assert "Recipient's delivery status Message accepted" in text
    assert (
        "74.125.193.26 accepted message. Remote host said: "
        "250 2.0.0 OK e7-20020a05620a - gsmtp" in text
    )
    assert "Yes. gmail-smtp-in.l.google.com accepted the message" in text


async def test_every_attempt_is_told_with_the_remote_s_words(desk: Desk) -> None:
    orders = await desk.log_in("orders@northwind.example")
    text = await text_of(orders, "/?to=buchhaltung")
    assert "250 2.0.0 Ok: queued as 4fKq2Lz1mT" in text
    assert "450 4.2.0 Recipient address rejected: Greylisted" in text


async def test_where_no_connection_was_made_nothing_is_missing(anna: Client) -> None:
    text = await text_of(anna, "/?outcome=temporary&to=lars")
    assert "Sent from anna@ northwind.example" in text
    assert "Sent to lars@ ghostport.example" in text
    assert "Sorry, I wasn&#39;t able to establish an SMTP connection." in text
    assert "(#4.4.1)" in text
    assert "mail.ghostport.example [203.0.113.80]:25 Connection timed out after 30 s" in text
    assert "Not tried: No IPv6 address of ours to send from" in text
    assert "Next try at 15:58" in text
    assert "until 9 Mar 13:47" in text
    assert text.count("Not reached") == 3, "every attempt, not only the last"


async def test_nothing_is_ever_null(admin: Client) -> None:
    page = await (await admin.get("/?outcome=all&range=kept")).text()
    assert "None" not in TAG.sub(" ", page)
    assert "null" not in TAG.sub(" ", page)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"range": "yesterday"}, 3),
        ({"range": "7d", "outcome": "permanent"}, 2),
        ({"range": "kept", "outcome": "permanent"}, 3),
        ({"range": "own", "from": "2026-02-20", "until": "2026-02-24", "outcome": "all"}, 1),
        ({"range": "own", "until": "2026-03-01", "outcome": "all"}, 3),
        ({"to": "@gmail.example"}, 4),
        ({"q": "subject:order"}, 3),
        ({"q": "subject:order", "range": "today"}, 2),
        ({"q": "code:550", "outcome": "all"}, 1),
        ({"q": "4bXyZ12Q", "outcome": "all", "range": "7d"}, 1),
        ({"q": "since:2026-03-01", "outcome": "accepted"}, 16),
    ],
    ids=lambda value: "&".join(value.values()) if isinstance(value, dict) else "",
)
async def test_filters(admin: Client, params: dict[str, str], expected: int) -> None:
    response = await admin.get("/", params=params)
    assert len(subjects(await response.text())) == expected


async def test_an_empty_list_explains_itself_and_offers_more(anna: Client) -> None:
    text = await text_of(anna, "/?to=kurt&outcome=permanent")
    assert "Nothing permanently rejected today" in text
    assert "1 in the last 30 days" in text
    text = await text_of(anna, "/?to=lars")
    assert "Nothing accepted today" in text
    assert "1 temporarily rejected" in text
    text = await text_of(anna, "/?q=zzzzz")
    assert "Nothing found in the 60 days that are kept" in text
    assert "Check the spelling" in text


async def test_words_that_nothing_has_may_be_those_of_an_answer(anna: Client) -> None:
    page = await (await anna.get("/?q=Access denied since:7d")).text()
    assert 'href="/?q=text%3A%22Access+denied%22+since%3A7d&amp;zone=Europe%2FBerlin"' in page
    for text in ("to:zzz", "-zzz", 'text:"zzz"'):
        page = await (await anna.get("/", params={"q": text})).text()
        assert "what servers answered" not in page


async def test_more_than_is_kept_is_said(anna: Client) -> None:
    text = await text_of(anna, "/?range=own&from=2020-01-01&until=2026-03-02&outcome=all")
    assert "older ones are not kept" in text


async def test_a_search_that_cannot_be_read_is_explained(anna: Client) -> None:
    response = await anna.get("/", params={"q": "colour:red"})
    page = await response.text()
    assert response.status == 400
    assert 'role="alert"' in page
    assert "colour:" in page
    assert 'value="colour:red"' in page


async def test_the_time_zone_of_the_url_is_remembered(anna: Client) -> None:
    assert "15:35" in await text_of(anna, "/")
    assert "23:35" in await text_of(anna, "/?zone=Asia/Tokyo&range=today")
    assert "23:35" in await text_of(anna, "/"), "from the cookie"
    assert "23:35" in await text_of(anna, "/?zone=Not/There"), "what is no zone counts as unsaid"


async def test_today_is_the_viewer_s_day(anna: Client) -> None:
    """In Auckland it is 3 March already, and nothing older than 47 minutes past three is of it."""
    text = await text_of(anna, "/?zone=Pacific/Auckland&outcome=all")
    assert "3 Mar 2026" in text
    assert "Contract, signed copy" in text, "01:16 in Auckland"
    assert "Offer for the harbour" in text, "00:07 in Auckland"
    assert "Rechnung" not in text


async def test_rows_are_counted_as_what_they_are(desk: Desk) -> None:
    """A message to five is five rows."""
    client = await desk.log_in("news@northwind.example")
    text = await text_of(client, "/?outcome=all&q=subject:Northwind")
    assert "5 recipients, 2 Mar 2026" in text


async def test_an_attempt_that_dialled_nobody_says_why_below_the_classic_sentence(
    empty_desk: Desk,
) -> None:
    at = empty_desk.clock.now() - timedelta(minutes=1)
    lease = await empty_desk.ledger.open_lease("mail-1", 0, at, timedelta(days=1))
    submission = make_submission("bob@example.org", account="anna@northwind.example", now=at)
    (job,) = (await empty_desk.ledger.accept(submission, at, lease.token)).jobs
    attempt = replace(
        make_attempt(job.recipients[0], Outcome.DEFERRED, now=at),
        phase=Phase.CONNECT,
        reply=None,
        target=None,
        tries=(),
        detail="Not dialled: Connection refused",
    )
    settlement = make_settlement(job, Outcome.DEFERRED, now=at)
    await empty_desk.ledger.settle(replace(settlement, attempts=(attempt,)))
    client = await empty_desk.log_in("anna@northwind.example")
    for path in ("/?outcome=temporary", f"/messages/{job.message.id}"):
        text = await text_of(client, path)
        assert "Sorry, I wasn&#39;t able to establish an SMTP connection. (#4.4.1)" in text
        # The page of the message has it once more, in the proof that one copies.
        above = text.partition("Proof for the other side")[0]
        assert above.count("Not dialled: Connection refused") == 1


async def test_a_row_is_opened_by_a_link(desk: Desk, anna: Client) -> None:
    timeline = await desk.ledger.timeline(desk.ids["Thank you for your visit"], Scope())
    assert timeline is not None
    page = await (await anna.get(f"/?open={timeline.recipients[0].id}")).text()
    assert page.count("<details open>") == 1
    opened = page.partition("<details open>")[2].partition("</summary>")[0]
    assert "Thank you for your visit" in opened


async def test_pages_go_both_ways(empty_desk: Desk) -> None:
    for number in range(60):
        at = empty_desk.clock.now() - timedelta(minutes=60 - number)
        submission = make_submission(
            account="anna@northwind.example", now=at, subject=f"Letter {number:02}"
        )
        await empty_desk.ledger.accept(submission, at, None)
    client = await empty_desk.log_in("anna@northwind.example")
    page = await (await client.get("/?outcome=waiting")).text()
    assert subjects(page) == [f"Letter {n:02}" for n in range(59, 34, -1)]
    assert 'rel="prev"' not in page

    page = await (await client.get(_link(page, "next"))).text()
    assert subjects(page) == [f"Letter {n:02}" for n in range(34, 9, -1)]
    last = await (await client.get(_link(page, "next"))).text()
    assert subjects(last) == [f"Letter {n:02}" for n in range(9, -1, -1)]
    assert 'rel="next"' not in last

    page = await (await client.get(_link(page, "prev"))).text()
    assert subjects(page) == [f"Letter {n:02}" for n in range(59, 34, -1)]


def _link(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]*)"', page)
    assert found, f"no link to the {rel} page"
    return found[1].replace("&amp;", "&")


async def test_a_count_stops_at_a_thousand(empty_desk: Desk) -> None:
    at = empty_desk.clock.now() - timedelta(minutes=1)
    many = [f"r{number}@example.org" for number in range(1002)]
    submission = make_submission(*many, account="anna@northwind.example", now=at)
    await empty_desk.ledger.accept(submission, at, None)
    client = await empty_desk.log_in("anna@northwind.example")
    page = await (await client.get("/?outcome=waiting")).text()
    assert chips(page)["Waiting"] == "1,000+"
    assert len(subjects(page)) == 25


# --- one search, one URL -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/?outcome=permanent&range=kept", "status:permanent"),
        ("/?to=bob", "to:bob status:accepted since:today"),
        ("/?was=bob&q=bob&outcome=all&range=yesterday", "bob since:yesterday until:yesterday"),
        ("/?was=bob&q=carol&outcome=all&range=kept", "carol"),
        ("/?was=a&fresh=1&q=", "a"),
    ],
)
async def test_the_form_and_older_links_lead_to_the_one_url(
    anna: Client, path: str, text: str
) -> None:
    response = await anna.get(path, allow_redirects=False)
    assert response.status == 303
    assert URL(response.headers["Location"]).query == {"q": text, "zone": "Europe/Berlin"}
    again = await anna.get(response.headers["Location"], allow_redirects=False)
    assert again.status == 200


async def test_a_page_of_an_older_link_is_kept(anna: Client) -> None:
    some = "01KJQ9CVD0E00AYKCS3YMYPZGJ"
    response = await anna.get(f"/?outcome=all&before={some}", allow_redirects=False)
    assert URL(response.headers["Location"]).query["before"] == some


async def test_a_search_fills_in_the_form(anna: Client) -> None:
    text = "code:550 to:bob from:@northwind.example status:permanent since:2026-02-20"
    page = await (await anna.get("/", params={"q": text})).text()
    assert f'name="q" type="search" value="{text}"' in page
    assert f'name="was" value="{text}"' in page
    for chosen in ("permanent", "own"):
        assert f'<option value="{chosen}" selected>' in page
    for name, value in {"to": "bob", "sender": "@northwind.example", "from": "2026-02-20"}.items():
        assert re.search(rf'name="{name}"[^>]* value="{value}"', page), name


async def test_what_the_form_cannot_say_it_says_so(anna: Client) -> None:
    page = await (await anna.get("/", params={"q": "-status:accepted since:3d"})).text()
    assert page.count('<option value="written" selected>As written in the search') == 2
    assert 'value="written"' not in await (await anna.get("/")).text()
    assert "aria-current" not in page.partition('class="chips"')[2].partition("</nav>")[0]
    assert chips(page)["Accepted"] == "8", "what the search leaves out is counted beside it"


async def test_the_opening_has_an_empty_box(anna: Client) -> None:
    page = await (await anna.get("/")).text()
    assert 'name="q" type="search" value=""' in page
    assert 'name="was" value="status:accepted since:today"' in page


async def test_everything_that_is_kept_is_said_to_be_bounded(anna: Client) -> None:
    text = await text_of(anna, "/?q=")
    assert "1 Jan 2026 to 2 Mar 2026" in text
    text = await text_of(anna, "/?q=zzzzz")
    assert "Everything that is kept has been searched: 60 days, since 1 Jan 2026" in text


async def test_older_than_is_kept_is_not_none(anna: Client) -> None:
    text = await text_of(anna, "/?q=until:2025-12-24")
    assert "Older than what is kept" in text
    assert "What is older is no longer here, whether it was sent or not" in text
    text = await text_of(anna, "/?q=zzzzz since:2025-12-24 until:2026-01-10")
    assert "Anything older than 60 days is not kept" in text


async def test_every_list_says_its_zone(anna: Client) -> None:
    assert "Times are in Asia/Tokyo, JST (UTC+09:00)." in await text_of(anna, "/?zone=Asia/Tokyo")
    assert "Days are those of Asia/Tokyo" in await text_of(anna, "/?q=since:yesterday zzzzz")


async def test_as_many_terms_as_are_allowed(anna: Client) -> None:
    """The words for the other outcomes and ranges come on top of them."""
    for text in ("-code:5.1.", "since:1h code:5.1."):
        many = " ".join(f"{text}{number}" for number in range(30 // len(text.split())))
        assert (await anna.get("/", params={"q": many})).status == 200


async def test_what_came_back_has_an_outcome_where_there_is_some(desk: Desk, anna: Client) -> None:
    assert "Returned" not in chips(await (await anna.get("/?q=")).text())
    timeline = await desk.timeline("Thank you for your visit")
    one = timeline.recipients[0]
    assert await desk.ledger.record_return(one.message_id, one.id, "5.1.1", desk.clock.now())
    assert chips(await (await anna.get("/?q=")).text())["Returned"] == "1"
    page = await (await anna.get("/?outcome=returned")).text()
    assert subjects(page) == ["Thank you for your visit"]
    assert "1 recipient, returned" in await text_of(anna, "/?outcome=returned")


async def test_our_fault_is_a_saved_search(admin: Client) -> None:
    page = await (await admin.get("/searches")).text()
    assert "Our fault" in page
    text = await text_of(admin, "/?q=side:operator since:7d")
    assert "matching side:operator" in text


@pytest.mark.parametrize("path", ["/", "/refused"])
async def test_what_is_no_ip_address_is_said(admin: Client, path: str) -> None:
    response = await admin.get(path, params={"q": "ip:999.1.1.1"})
    page = await response.text()
    assert (response.status, 'aria-invalid="true"' in page) == (400, True)
    assert "“ip:999.1.1.1” names no IP address. Write one such as ip:192.0.2.1" in page


@pytest.mark.parametrize(
    ("path", "offered"),
    [
        ("/?q=amy*", "/?q=amy&zone=Europe%2FBerlin"),
        ("/?q=nobody+bounced", "/?q=nobody+status%3Abounced&zone=Europe%2FBerlin"),
        ("/refused?q=nobody*", "/refused?q=nobody&zone=Europe%2FBerlin"),
        ("/refused?q=bounced", None),
        (
            "/?q=To:+dora@nobodyhome.example%0AMessage-ID:+<20260302.4711@gone.example>",
            "/?q=to%3Adora%40nobodyhome.example&zone=Europe%2FBerlin",
        ),
        ("/?q=nobody", None),
    ],
)
async def test_what_may_have_been_meant_is_offered(
    desk: Desk, path: str, offered: str | None
) -> None:
    page = await (await (await desk.log_in()).get(path)).text()
    found = re.search(r'Did you mean <a href="([^"]+)">', page)
    assert (found and unescape(found[1])) == offered


@pytest.mark.parametrize("letter", ["a", "ü", "山"])
async def test_the_longest_search_can_be_sent_in_any_letters(desk: Desk, letter: str) -> None:
    text = letter * LONGEST_TEXT
    client = await desk.log_in()
    page = await text_of(client, str(URL("/").with_query(q=text, was=text[::-1], range="today")))
    assert f"matching {text}" in page


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        ("/?q=to:hanna", 1),
        ("/?q=to:hanna+status:cancelled", 1),
        ("/?q=to:greycastle.example", 0),
        ("/?q=status:cancelled", 0),
        ("/?q=to:nobody@nowhere.example", 0),
    ],
    ids=["one", "one of an outcome", "several", "one of what is there", "none"],
)
async def test_the_only_row_that_is_looked_for_is_open(desk: Desk, path: str, opened: int) -> None:
    page = await (await (await desk.log_in()).get(path)).text()
    assert page.count("<details open>") == opened


@pytest.mark.parametrize("path", ["/", "/refused"])
@pytest.mark.parametrize(
    ("ends", "is_wrong"),
    [
        ({"from": "2026-02-27", "until": "2026-02-20"}, False),
        ({"from": "2026-02-27", "from-time": "15:00", "until": "2026-02-27", "until-time": "14:00"},
         True),
        ({"from": "2026-02-27", "from-time": "15:00", "until": "2026-02-27"}, False),
        ({"from": "2026-02-27", "until": "2026-02-27"}, False),
    ],
)  # fmt: skip
async def test_a_range_the_wrong_way_round_is_told_in_the_words_of_its_fields(
    desk: Desk, path: str, ends: dict[str, str], is_wrong: bool
) -> None:
    asked = URL(path).with_query({"was": "", "q": "", "range": "own", **ends})
    page = await text_of(await desk.log_in(), str(asked), 400 if is_wrong else 200)
    assert ("The range ends before it begins." in page) is is_wrong
    assert "since:" not in page
