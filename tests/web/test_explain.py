"""Explaining a reply that somebody has pasted."""

import pytest

from tests.support.hostile import HOSTILE
from tests.support.panel import Client

UNKNOWN = "550 5.1.1 No such user"


async def test_a_pasted_reply_is_explained(anna: Client) -> None:
    page = await (await anna.get("/explain", params={"reply": UNKNOWN})).text()
    assert "This address does not exist" in page
    assert "enhanced:x.1.1" in page
    assert f">{UNKNOWN}</textarea>" in page
    assert "Nothing more" in page


async def test_the_form_alone_explains_nothing(anna: Client) -> None:
    page = await (await anna.get("/explain")).text()
    assert "Paste what a mail server answered" in page
    assert "What happened" not in page
    assert 'role="alert"' not in page


async def test_what_is_no_refusal_is_said_to_be_none(anna: Client) -> None:
    page = await (await anna.get("/explain", params={"reply": "250 OK"})).text()
    assert 'role="alert"' in page
    assert "There is no refusal in it" in page


async def test_the_phase_and_the_host_count(anna: Client) -> None:
    params = {"reply": "550 mailbox unavailable", "phase": "mail"}
    told = await (await anna.get("/api/v1/explain", params=params)).json()
    assert (told["category"], told["phase"]) == ("sender-rejected", "mail")
    params = {"reply": "550 5.4.1 Access denied", "host": "x.mail.protection.outlook.com"}
    told = await (await anna.get("/api/v1/explain", params=params)).json()
    assert (told["category"], told["rule"]) == ("address-unknown", "microsoft:access-denied")


async def test_the_answer_as_data_names_its_rule_and_where_that_is_from(anna: Client) -> None:
    response = await anna.get("/api/v1/explain", params={"reply": f"  {UNKNOWN}\n"})
    told = await response.json()
    assert response.status == 200
    assert told["reply"] == UNKNOWN
    assert told["source"] == "RFC 3463 3.2"
    assert told["version"] >= "2026-11-28"
    for line in ("what_happened", "who_can_fix", "what_you_can_do", "what_we_do"):
        assert told[line].endswith(".")


@pytest.mark.parametrize("params", [{}, {"reply": ""}, {"reply": "hello"}, {"phase": "mail"}])
async def test_data_without_a_refusal_is_refused_with_a_sentence(
    anna: Client, params: dict[str, str]
) -> None:
    response = await anna.get("/api/v1/explain", params=params)
    assert response.status == 400
    assert (await response.json())["error"].startswith("There is no refusal in it")


@pytest.mark.parametrize("words", HOSTILE)
async def test_hostile_words_stay_words(anna: Client, words: str) -> None:
    params = {"reply": f"550 {words}", "host": words, "phase": words}
    page = await anna.get("/explain", params=params)
    data = await anna.get("/api/v1/explain", params=params)
    assert (page.status, data.status) == (200, 200)
    assert "<script>alert" not in await page.text()


async def test_a_long_reply_is_cut(anna: Client) -> None:
    params = {"reply": "550 " + "x" * 5000 + " spam"}
    told = await (await anna.get("/api/v1/explain", params=params)).json()
    assert told["category"] == "no-reason"
    assert len(told["reply"]) <= 2000
