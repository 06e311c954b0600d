"""Why a submission was refused, in plain words."""

import ast
import re
from pathlib import Path

import pytest

import relay.submission
from relay.closed import reply_to
from tests.support.clock import START
from tests.support.mail import make_refusal
from tracker.model import Suppression, SuppressionOrigin
from web.track.refused import UNKNOWN, helps_to_try_again, why_refused

WORDS = {
    "530 5.7.0 Authentication required": "Nobody had logged in.",
    "553 5.7.1 alice@example.com may not send as boss@example.com": "may not send under this",
    "550 5.7.1 Only trusted networks may send mail through this port": "does not carry mail for",
    "552 5.3.4 At most 100 octets are taken": "larger than this relay takes",
    "452 4.5.3 Too many recipients, send the rest in another transaction": "More recipients than",
    "452 4.3.1 No room for the message now, try again later": "no room for it",
    "451 4.3.0 Local error, try again later": "had a fault at that time",
    "451": "had a fault at that time",
    "554 5.4.6 Too many hops, the message is in a loop (RFC 5321 6.3)": "gone in a circle",
    "550 5.6.0 Line 3 has more than 998 octets": "breaks a rule of how mail is written",
    "553 5.1.3 Bad address: no": "address of the recipient is not written correctly",
    "553 5.1.7 Bad address: no": "address of the sender is not written correctly",
    "553 5.6.7 Non-ASCII addresses need SMTPUTF8 (RFC 6531 3.5)": "SMTPUTF8",
    "501 5.5.4 Syntax: FROM:<address>": "asked for something that this relay does not know",
    "452 4.2.2 Quota": "has sent as much as it may",
    "599 5.9.9 Whatever": UNKNOWN,
    "nothing": UNKNOWN,
    "": UNKNOWN,
}


@pytest.mark.parametrize("origin", SuppressionOrigin)
def test_what_is_refused_because_it_is_suppressed_says_so(origin: SuppressionOrigin) -> None:
    listed = Suppression(address="bob@example.org", origin=origin, since=START)
    assert "is suppressed" in why_refused(make_refusal(reply=reply_to(listed)))


@pytest.mark.parametrize(("reply", "words"), WORDS.items())
def test_the_reason(reply: str, words: str) -> None:
    assert words in why_refused(make_refusal(reply=reply))


def test_what_may_be_taken_another_time() -> None:
    assert helps_to_try_again(make_refusal(reply="452 4.3.1 No room"))
    assert not helps_to_try_again(make_refusal(reply="552 5.3.4 Too large"))


def replies() -> list[str]:
    """Return how the replies to MAIL, RCPT and the end of data begin that the server gives."""
    found = set[str]()
    for name in ("commands", "session", "reception", "unavailable"):
        path = Path(relay.submission.__file__).parent / f"{name}.py"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^([45][0-9]{2} [45]\.\d+\.\d+) ", node.value))
    return sorted(found - {"502 5.5.1", "503 5.5.1", "421 4.5.1"})


@pytest.mark.parametrize("reply", replies())
def test_every_reply_of_ours_has_a_reason(reply: str) -> None:
    assert why_refused(make_refusal(reply=f"{reply} Words")) != UNKNOWN
