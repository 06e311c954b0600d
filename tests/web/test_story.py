"""The page of one message, and what people may do about it."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest

from tests.support.deliver import try_again
from tests.support.letters import UNREACHABLE
from tests.support.panel import Client, Desk, token_for
from tests.support.unusual import (
    LONG_REPLY,
    record_bare,
    record_crowd,
    record_refused_at_length,
    record_returned,
)
from tests.web.test_track import text_of
from tracker.model import Recipient, Scope, Status
from tracker.store import OutcomeUnknown
from tracker.views import Timeline

LUNCH = "Re: Lunch on Thursday?"
NEWS = "Northwind im Frühling: fünf neue Röstungen"


async def timeline_of(desk: Desk, subject: str) -> Timeline:
    timeline = await desk.ledger.timeline(desk.ids[subject], Scope())
    assert timeline is not None
    return timeline


async def only(desk: Desk, subject: str) -> Recipient:
    (recipient,) = (await timeline_of(desk, subject)).recipients
    return recipient


async def test_the_verdict_can_be_read_out(desk: Desk, anna: Client) -> None:
    text = await text_of(anna, desk.path_of(LUNCH))
    assert (
        "Not yet: the message to lars@ghostport.example is still with us. "
        "The recipient&#39;s mail server does not answer. That was today at 14:02. "
        "Next try at 15:58 (in 11 minutes). We go on trying until Monday, 9 March, at 13:47."
        in text
    )


async def test_the_four_lines_come_in_order(desk: Desk, anna: Client) -> None:
    text = await text_of(anna, desk.path_of(LUNCH))
    places = [
        text.index(line)
        for line in ("What happened", "Who can fix it", "What you can do", "What we do")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Offer for the harbour office, second draft", "This address does not exist"),
        ("Are you still there?", "to kurt@ghostport.example for 7 days and gave up"),
        ("Contract, signed copy attached", "We cannot tell whether the message"),
        ("Sent by mistake, sorry", "No. The message to hanna@greycastle.example was cancelled"),
        ("Directions to the warehouse", "A try is under way right now."),
        ("Invitation to our tasting", "has not been tried. The next try is due now."),
    ],
)  # fmt: skip
async def test_every_status_has_its_words(
    desk: Desk, anna: Client, subject: str, words: str
) -> None:
    assert words in await text_of(anna, desk.path_of(subject))


async def test_the_timeline_tells_everything(desk: Desk, anna: Client) -> None:
    text = await text_of(anna, desk.path_of("Quarterly figures Q1"))
    for fact in (
        "Taken from 192.0.2.77",
        "introduced as client.example.com (ESMTPSA)",
        "Encrypted with TLS 1.3 TLS_AES_256_GCM_SHA384",
        "Attempt 1 Temporarily rejected",
        "mx1.greycastle.example [198.51.100.25]:25",
        "naming the recipient (RCPT)",
        "Encrypted with TLS 1.3; certificate verified by DANE",
        "the receiver&#39;s domain itself names this certificate in signed DNS",
        "Asked for: encryption if the server offers it",
        "issued by E7, Let&#39;s Encrypt",
        "192.0.2.25 as mail.northwind.example",
        "RCPT TO:&lt;archive@greycastle.example&gt;",
        "PIPELINING, SIZE, 8BITMIME, STARTTLS",
        "slowest 141 Total 214",
        "mail-1, configuration 7f3a91c",
    ):
        assert fact in text


async def test_hosts_that_were_passed_over_are_named_with_the_reason(
    desk: Desk, anna: Client
) -> None:
    text = await text_of(anna, desk.path_of(LUNCH))
    assert "[2001:db8::80]:25 Passed over: No IPv6 address of ours to send from" in text
    assert "[203.0.113.80]:25 Connection timed out after 30 s" in text


async def test_why_it_waits_and_the_ladder(desk: Desk, anna: Client) -> None:
    text = await text_of(anna, desk.path_of(LUNCH))
    assert "Its destination cannot be reached; all mail for it waits for a probe" in text
    assert "15:58 in 11 minutes 16:28 in 41 minutes 17:28 in 2 hours" in text
    assert "We give up at 9 Mar 2026, 13:47:00" in text
    assert "the last" in text


async def test_a_finished_recipient_has_no_ladder_and_no_buttons(desk: Desk, anna: Client) -> None:
    page = await (await anna.get(desk.path_of("Thank you for your visit"))).text()
    assert "Planned tries" not in page
    assert "Retry now" not in page
    assert "Cancel" not in page


async def test_several_recipients_are_told_apart(desk: Desk) -> None:
    news = await desk.log_in("news@northwind.example")
    text = await text_of(news, desk.path_of(NEWS))
    assert "Recipients 2 of 5 accepted" in text
    assert "No. mx1.greycastle.example refused the message to bo@greycastle.example" in text
    assert "554 5.7.1 Message rejected as spam" in text

    cem = next(
        one
        for one in (await timeline_of(desk, NEWS)).recipients
        if one.forward_path == "cem@gmail.example"
    )
    text = await text_of(news, f"{desk.path_of(NEWS)}?recipient={cem.id}")
    assert "Timeline of cem@gmail.example" in text
    assert "recipient&#39;s mailbox is full" in text


async def test_a_report_and_its_message_are_linked_both_ways(desk: Desk, anna: Client) -> None:
    subject = "Offer for the harbour office, second draft"
    original, report = desk.ids[subject], desk.ids[f"report on {subject}"]
    page = await (await anna.get(f"/messages/{original}")).text()
    assert "Report sent to the sender" in page
    assert f'href="/messages/{report}"' in page
    page = await (await anna.get(f"/messages/{report}")).text()
    assert f'href="/messages/{original}"' in page
    assert "&lt;&gt; (a report of this server)" in page


async def test_the_classic_five_lines(desk: Desk, anna: Client) -> None:
    page = await (await anna.get(desk.path_of("Thank you for your visit"))).text()
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found
    assert found[1].splitlines() == [
        "Date and subject: 2 Mar 2026, 15:35:00 CET (UTC+01:00) - Thank you for your visit",
        "Sent from: anna@northwind.example",
        "Sent to: family.okafor@gmail.example",
        "Recipient&#39;s delivery status: Message accepted",
        "Message delivery status: 74.125.193.26 accepted message. "
        "Remote host said: 250 2.0.0 OK e7-20020a05620a - gsmtp",
    ]


def proof_of(page: str) -> str:
    """Return what the page offers for the postmaster of the other side."""
    found = re.search(r'<pre[^>]* id="proof"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


async def test_the_proof_for_the_other_side(desk: Desk, anna: Client) -> None:
    page = await (await anna.get(desk.path_of("Thank you for your visit"))).text()
    proof = proof_of(page)
    assert proof.startswith("Delivery record of mail.northwind.example\n")
    for line in (
        "Your server: gmail-smtp-in.l.google.com [74.125.193.26]:25 (MX preference 5)",
        "Protection: Encrypted with TLS 1.3; certificate verified by a certificate authority "
        "(PKIX)",
        "250 2.0.0 OK e7-20020a05620a - gsmtp",
        "Your queue id: e7-20020a05620a",
    ):
        assert line in proof.splitlines()


async def test_a_long_reply_is_there_octet_for_octet(desk: Desk, anna: Client) -> None:
    """More than 4 KiB, blanks at the ends of lines and tabs included."""
    await record_refused_at_length(desk)
    page = await (await anna.get(desk.path_of("Invitation, third reminder"))).text()
    assert len(LONG_REPLY) > 4096
    words = re.search(r'aria-label="The server\'s words"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert words
    assert html.unescape(words[1]) == LONG_REPLY
    assert f"\n{LONG_REPLY}" in proof_of(page)


async def test_what_was_returned_later_is_not_called_accepted(desk: Desk, anna: Client) -> None:
    subject = await record_returned(desk)
    text = await text_of(anna, desk.path_of(subject))
    assert "Accepted, then returned" in text
    assert (
        "No. mx1.greycastle.example accepted the message to ulla.berg@greycastle.example today "
        "at 14:37, but it was returned afterwards by store3.greycastle.example, today at 14:42. "
        "The recipient&#39;s mailbox is full." in text
    )
    assert "Returned by the other side" in text
    assert "552 5.2.2 quota of 500 MB exceeded" in text
    assert "Accepted, then returned" in await text_of(anna, "/?to=ulla.berg")


async def test_nothing_is_empty(desk: Desk) -> None:
    await record_bare(desk)
    admin = await desk.log_in()
    text = await text_of(admin, desk.path_of(""))
    for words in (
        "(no subject)",
        "&lt;&gt; (null reverse-path)",
        "From (none)",
        "63 bytes",
    ):
        assert words in text
    assert "None" not in text
    assert "null," not in text


async def test_who_has_not_got_it_comes_first_among_hundreds(desk: Desk, anna: Client) -> None:
    subject = await record_crowd(desk)
    page = await (await anna.get(desk.path_of(subject))).text()
    text = await text_of(anna, desk.path_of(subject))
    assert "Recipients 497 of 500 accepted" in text
    table = page.partition("Recipients of this message")[2].partition("</table>")[0]
    addresses = re.findall(r"guest\d+", re.sub(r"<wbr>", "", table))
    assert addresses[:3] == ["guest007", "guest250", "guest499"]
    assert len(addresses) == 100
    assert "see all in the list" in text


async def test_a_second_copy_is_never_kept_quiet(desk: Desk, anna: Client) -> None:
    subject = "Contract, signed copy attached"
    text = await text_of(anna, desk.path_of(subject))
    assert "This may bring a second copy: this server is set to try again" in text
    await try_again(desk, subject)
    text = await text_of(anna, desk.path_of(subject))
    assert "Yes. mx1.greycastle.example accepted the message" in text
    assert "so a second copy is possible." in text


async def test_others_like_it_are_one_click_away(desk: Desk, anna: Client) -> None:
    page = await (await anna.get(desk.path_of("Offer for the harbour office, second draft"))).text()
    onward = page.partition("More like this")[2].partition("</section>")[0]
    links = [html.unescape(one) for one in re.findall(r'href="([^"]+)"', onward)]
    assert len(links) == 6
    for link in links:
        assert "Offer for the harbour office, second draft" in await text_of(anna, link)


async def test_an_id_may_be_written_small(desk: Desk, anna: Client) -> None:
    assert LUNCH in await text_of(anna, f"/messages/{desk.ids[LUNCH].lower()}")


@pytest.mark.parametrize("name", ["nope", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "%00", "..%2f..%2fetc"])
async def test_what_is_not_there_is_a_page_that_helps(anna: Client, name: str) -> None:
    text = await text_of(anna, f"/messages/{name}", status=404)
    assert "There is no such page" in text


# --- acts ------------------------------------------------------------------------------------


async def act(client: Client, path: str, *recipients: str, **fields: str) -> str:
    """Send the form of an act; return what the page after it says."""
    form = [("csrf", await token_for(client)), *fields.items()]
    form += [("recipient", one) for one in recipients]
    response = await client.post(path, data=form)
    return await response.text()


async def test_retry_now_makes_it_due_and_says_so(desk: Desk, anna: Client) -> None:
    recipient = await only(desk, LUNCH)
    page = await act(anna, f"{desk.path_of(LUNCH)}/retry", recipient.id)
    assert "1 recipient will be tried now." in page
    assert "Retry now</h3>" in page
    assert "By anna@northwind.example" in page
    changed = await only(desk, LUNCH)
    assert changed.next_attempt_at is not None
    assert changed.next_attempt_at <= desk.clock.now()


async def test_an_act_whose_answer_got_lost_may_have_happened(
    desk: Desk, anna: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    retry_now = desk.ledger.retry_now

    async def answer_gets_lost(*arguments: Any, **more: Any) -> int:
        await retry_now(*arguments, **more)
        raise OutcomeUnknown("the connection broke")

    monkeypatch.setattr(desk.ledger, "retry_now", answer_gets_lost)
    recipient = await only(desk, LUNCH)
    page = await act(anna, f"{desk.path_of(LUNCH)}/retry", recipient.id)
    assert "We do not know whether that was done" in page
    assert "Look at the message or the list before you do it again." in page


async def test_a_notice_is_told_once(desk: Desk, anna: Client) -> None:
    page = await act(anna, f"{desk.path_of(LUNCH)}/retry")
    assert 'role="status"' in page
    assert 'role="status"' not in await (await anna.get(desk.path_of(LUNCH))).text()


async def test_held_mail_can_be_released(desk: Desk) -> None:
    subject = "Price list (please check before it goes out)"
    news = await desk.log_in("news@northwind.example")
    assert "Release</button>" in await (await news.get(desk.path_of(subject))).text()
    page = await act(news, f"{desk.path_of(subject)}/release")
    assert "1 recipient released and due now." in page
    assert (await only(desk, subject)).status is not Status.HELD


@pytest.mark.parametrize("verb", ["retry", "release"])
async def test_an_act_needs_the_token_of_the_session(desk: Desk, anna: Client, verb: str) -> None:
    before = await only(desk, LUNCH)
    path = f"{desk.path_of(LUNCH)}/{verb}"
    other = await desk.log_in("it@northwind.example")
    for token in ("", "guessed", await token_for(other)):
        response = await anna.post(path, data={"csrf": token})
        assert response.status == 403
        assert "Nothing was changed" in await response.text()
    token = await token_for(anna)
    response = await anna.post(path, data={"csrf": token}, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status == 403
    assert await only(desk, LUNCH) == before


async def test_recipients_of_another_message_are_not_touched(desk: Desk, anna: Client) -> None:
    stranger = await only(desk, "Quarterly figures Q1")
    token = await token_for(anna)
    response = await anna.post(
        f"{desk.path_of(LUNCH)}/retry", data={"csrf": token, "recipient": stranger.id}
    )
    assert response.status == 404
    assert await only(desk, "Quarterly figures Q1") == stranger


# --- the queue -------------------------------------------------------------------------------


async def test_the_queue_says_what_waits_and_why(anna: Client) -> None:
    text = await text_of(anna, "/queue")
    assert "2 not tried yet 3 temporarily rejected 0 held" in text
    assert "It waits for its next try. The recipient&#39;s server makes first-time senders" in text
    assert "Its destination cannot be reached; all mail for it waits for a probe" in text
    assert "It is being tried right now." in text
    assert "until 9 Mar 13:47" in text
    assert "Thank you for your visit" not in text


async def test_the_queue_shows_the_next_page(desk: Desk, admin: Client) -> None:
    recipient = await only(desk, "Contract, signed copy attached")
    text = await text_of(admin, f"/queue?before={recipient.id}")
    assert "Northwind im Frühling" in text
    assert "Quarterly figures" not in text


async def test_what_is_due_is_not_offered_to_be_tried_now(anna: Client) -> None:
    page = await (await anna.get("/queue")).text()
    rows = [row for row in page.split("<tr>") if "press@<wbr>gmail.example" in row]
    (due,) = rows
    assert "Cancel…" in due
    assert "Retry now" not in due
    assert "Retry now" in page
    (greylisted,) = [row for row in page.split("<tr>") if "archive@<wbr>" in row]
    assert "Retry now" not in greylisted
    assert "A try now is pointless, because the server asks everybody new" in greylisted


async def test_many_tries_of_one_kind_are_folded(desk: Desk, anna: Client) -> None:
    for _ in range(9):
        desk.clock.advance(timedelta(minutes=5))
        await try_again(desk, LUNCH, UNREACHABLE)
    page = await (await anna.get(desk.path_of(LUNCH))).text()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "9 more attempts ended the same way 2 to 10," in text
    folded = page.partition('class="warn folded"')[2].partition("</ol></details>")[0]
    assert re.findall(r"<h3>Attempt (\d+)", folded) == [str(number) for number in range(2, 11)]
    assert re.findall(r"<h3>Attempt (\d+)", page) == [str(number) for number in range(1, 13)]


async def test_an_empty_queue_is_good_news(empty_desk: Desk) -> None:
    client = await empty_desk.log_in()
    assert "Nothing waits" in await text_of(client, "/queue")


async def test_a_probe_that_comes_later_than_the_schedule_is_what_it_waits_for(
    desk: Desk, anna: Client
) -> None:
    desk.clock.advance(timedelta(minutes=1))
    text = await text_of(anna, "/queue")
    assert "Next try at 15:58 (in 10 minutes)" in text


async def test_a_message_leads_back_to_the_search_that_found_it(desk: Desk, anna: Client) -> None:
    search = "/?outcome=all&range=7d&q=subject%3A%22Re%3A+Lunch%22"
    message = f"/messages/{desk.ids[LUNCH]}"
    assert '<p class="path"><a href="/">' in await (await anna.get(message)).text()
    listed = (await anna.get(search)).url.raw_path_qs
    assert "subject" in listed
    page = await (await anna.get(message)).text()
    assert f'<p class="path"><a href="{html.escape(listed)}">' in page


@pytest.mark.parametrize("path", ["//evil.example/?", "/acts?before=1", "javascript:x", "/?\\x"])
async def test_a_message_leads_back_to_nowhere_else(desk: Desk, anna: Client, path: str) -> None:
    page = await anna.get(f"/messages/{desk.ids[LUNCH]}", cookies={"sendtrace-list": path})
    assert '<p class="path"><a href="/">' in await page.text()


async def test_the_last_search_ends_with_the_log_in(desk: Desk, anna: Client) -> None:
    await anna.get("/?outcome=all&q=secret")
    token = await token_for(anna)
    response = await anna.post("/logout", data={"csrf": token}, allow_redirects=False)
    assert response.cookies["sendtrace-list"]["max-age"] == "0"
