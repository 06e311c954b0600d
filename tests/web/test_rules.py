"""The rules: how they fare, and an operator's corrections of them."""

import re
from datetime import timedelta

import pytest

from tests.contract.test_rules import on_record, refuse
from tests.support.hostile import HOSTILE
from tests.support.panel import AFTERNOON, Client, Desk, token_for
from tracker.explain import Category, shipped
from tracker.model import Reply

MINUTE = timedelta(minutes=1)
FORM = {"category": "policy-refused", "words": "computer says no", "note": "They told us"}


async def post(client: Client, path: str, **fields: str) -> str:
    """Send a form and return the page that follows."""
    response = await client.post(path, data={"csrf": await token_for(client), **fields})
    return await response.text()


async def odd(desk: Desk, words: str, minutes: int = 1) -> None:
    """Put a refusal on record that no rule explains."""
    reply = Reply(code=550, lines=(words,))
    await refuse(desk.ledger, reply, AFTERNOON - minutes * MINUTE)


async def test_what_no_rule_explains_is_listed_by_what_it_says(desk: Desk, admin: Client) -> None:
    for n in range(3):
        await odd(desk, f"Computer says no, ticket {n}4711 for <bob{n}@example.org>", n + 1)
    page = await (await admin.get("/rules")).text()
    assert "550 Computer says no, ticket # for &lt;address&gt;" in page
    assert "ticket 04711 for &lt;bob0@example.org&gt;" in page
    assert "mx1.example.org" in page
    assert '<td data-label="How often" class="number">3</td>' in page
    assert 'href="/rules/new?words=Computer%20says%20no%2C%20ticket"' in page


async def test_the_version_and_the_categories_are_shown(admin: Client) -> None:
    page = await (await admin.get("/rules")).text()
    assert f"Rules of {shipped().version}." in page
    assert re.search(r"<code>address-unknown</code><br><span[^>]*>[^<]*does not exist", page)
    form = await (await admin.get("/rules/new")).text()
    assert re.search(r">mailbox-full: [^<]*full[^<]*</option>", form)


async def test_an_empty_record_says_so(empty_desk: Desk) -> None:
    client = await empty_desk.log_in()
    page = await (await client.get("/rules")).text()
    assert "Every reply was explained." in page
    assert "Nothing was refused." in page


async def test_a_rule_is_tried_before_it_is_saved(desk: Desk, admin: Client) -> None:
    await odd(desk, "Computer says no 1")
    await odd(desk, "Computer says no 2", 2)
    page = await (await admin.get("/rules/new", params={**FORM, "preview": "1"})).text()
    assert "550 Computer says no #" in page
    assert '<td data-label="How often" class="number">2</td>' in page
    assert '<td data-label="Then"><code>policy-refused</code></td>' in page
    assert "Save the rule" in page
    assert await desk.ledger.corrections() == []


async def test_a_rule_that_changes_nothing_says_so(admin: Client) -> None:
    params = {**FORM, "words": "never heard of", "preview": "1"}
    page = await (await admin.get("/rules/new", params=params)).text()
    assert "Nothing." in page


async def test_a_saved_rule_counts_and_tells_who_wrote_it(desk: Desk, admin: Client) -> None:
    page = await post(admin, "/rules", **FORM)
    assert "The rule is added." in page
    assert "computer says no" in page
    assert "added: words &#39;computer says no&#39; -&gt; policy-refused" in page
    (correction,) = await desk.ledger.corrections()
    assert correction.created_by == "admin@northwind.example"
    assert correction.category is Category.POLICY_REFUSED
    reply = Reply(code=550, lines=("The computer says NO",))
    book = await desk.ledger.rule_book()
    assert book.judge_reply(reply).rule == f"operator:{correction.id}"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"category": ""}, "Choose a category."),
        ({"category": "accepted"}, "Choose a category."),
        ({"words": ""}, "Say how to"),
        ({"words": "no"}, "too short"),
        ({"expression": "x"}, "not both"),
        ({"words": "", "expression": "(a+)+$"}, "without a bound"),
        ({"words": "", "expression": "("}, "no regular expression"),
        ({"words": "", "expression": "a?" * 30}, "too many ways"),
        ({"words": "", "expression": "a?"}, "matches every reply"),
        ({"words": "x" * 301}, "at most"),
        ({"code": "6xx"}, "A code looks like"),
        ({"host": "a b"}, "A host is a name"),
    ],
)
async def test_a_rule_that_cannot_be_used_is_refused_with_a_reason(
    desk: Desk, admin: Client, fields: dict[str, str], problem: str
) -> None:
    form = {"csrf": await token_for(admin), **FORM, **fields}
    response = await admin.post("/rules", data=form)
    assert response.status == 422
    page = await response.text()
    assert problem in page
    assert 'role="alert"' in page
    assert "Save the rule" not in page
    assert await desk.ledger.corrections() == []


async def test_a_rule_is_switched_off_and_on_and_removed(desk: Desk, admin: Client) -> None:
    await post(admin, "/rules", **FORM)
    (correction,) = await desk.ledger.corrections()
    desk.clock.advance(MINUTE)
    page = await post(admin, "/rules/switch", rule=correction.id, on="0")
    assert "The rule is switched." in page
    assert "Switch on" in page
    reply = Reply(code=550, lines=("The computer says NO",))
    assert (await desk.ledger.rule_book()).judge_reply(reply).category is Category.NO_REASON
    desk.clock.advance(MINUTE)
    await post(admin, "/rules/switch", rule=correction.id, on="1")
    assert (await desk.ledger.rule_book()).judge_reply(reply).category is Category.POLICY_REFUSED
    desk.clock.advance(MINUTE)
    page = await post(admin, "/rules/remove", rule=correction.id)
    assert "The rule is removed." in page
    assert "There are none." in page
    acts = [act.act for act in await desk.ledger.rule_acts(10)]
    assert acts == ["removed", "switched on", "switched off", "added"]


async def test_the_record_is_judged_anew_and_shows_how_far(desk: Desk, admin: Client) -> None:
    await odd(desk, "Computer says no")
    await post(admin, "/rules", **FORM)
    page = await post(admin, "/rules/apply")
    assert "The record is being judged by the present rules." in page
    assert "0 %" in page
    step = await desk.ledger.reclassify(2, AFTERNOON)
    assert step is not None
    assert "2 recipients looked at" in await (await admin.get("/rules")).text()
    while await desk.ledger.reclassify(100, AFTERNOON):
        pass
    page = await (await admin.get("/rules")).text()
    assert "Done" in page
    assert "policy-refused" in {said for said, _, _ in await on_record(desk.ledger)}
    assert "Begun by admin@northwind.example" in page


async def test_what_older_rules_judged_is_told_until_it_is_judged_anew(
    desk: Desk, admin: Client
) -> None:
    await odd(desk, "Computer says no")
    assert "an earlier release" not in await (await admin.get("/rules")).text()
    await desk.ledger.adopt_rules("digest", "2026-11-29", AFTERNOON)
    page = " ".join((await (await admin.get("/rules")).text()).split())
    assert re.search(
        r"\d+ recipients, last tried before .*, have the category that the rules of an earlier",
        page,
    )
    assert "shipped: the rules of 2026-11-29 came with the release" in page
    await post(admin, "/rules/apply")
    while await desk.ledger.reclassify(100, AFTERNOON):
        pass
    assert "an earlier release" not in await (await admin.get("/rules")).text()


async def test_an_explanation_follows_the_corrections(desk: Desk, admin: Client) -> None:
    await post(admin, "/rules", **FORM)
    params = {"reply": "550 computer says no"}
    told = await (await admin.get("/api/v1/explain", params=params)).json()
    assert told["category"] == "policy-refused"
    assert told["source"] == "They told us"


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_stay_words(desk: Desk, admin: Client, words: str) -> None:
    await odd(desk, words)
    fields = {**FORM, "words": words, "host": words, "note": words}
    form = await admin.get("/rules/new", params={**fields, "preview": "1"})
    saved = await post(admin, "/rules", **{**fields, "host": ""})
    for page in (await form.text(), saved, await (await admin.get("/rules")).text()):
        assert "<script>alert" not in page
        assert "<" not in words or words not in page
