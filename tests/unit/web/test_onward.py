"""Links from a message to others like it."""

from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from tests.support.letters import FULL, accepted
from tests.unit.web.test_standing import MESSAGE, NOW, RECIPIENT, attempt
from tracker.model import Attempt
from tracker.search import parse
from web.message.onward import onward_of


def queries(last: Attempt | None, forward_path: str = "bob@example.org") -> dict[str, str]:
    recipient = replace(RECIPIENT, forward_path=forward_path)
    found = {}
    for one in onward_of(MESSAGE, recipient, last):
        query = parse_qs(urlsplit(one.url).query)
        assert (query["outcome"], query["range"]) == (["all"], ["kept"])
        found[one.words] = query["q"][0]
    return found


def test_a_refusal_leads_to_others_like_it() -> None:
    assert queries(attempt(FULL)) == {
        "The same recipient": 'to:"bob@example.org"',
        "Everything to example.org": "to:@example.org",
        "The same sender": 'from:"alice@example.com"',
        "The same Message-ID": 'id:"one@client.example.com"',
        "The same reason (mailbox full)": "category:mailbox-full",
        "The same reason at example.org": "category:mailbox-full to:@example.org",
    }


@pytest.mark.parametrize("last", [None, attempt(accepted())])
def test_where_nothing_went_wrong_there_is_no_reason_to_look_for(last: Attempt | None) -> None:
    assert not any("reason" in words for words in queries(last))


@pytest.mark.parametrize(
    "path",
    ['"odd name"@example.org', "a b@example.org", "x:y@example.org", "back\\slash@x.example"],
)
def test_every_link_is_a_search(path: str) -> None:
    for query in queries(attempt(FULL), path).values():
        parse(query, now=NOW, zone=ZoneInfo("UTC"))
