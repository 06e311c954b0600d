"""What replies mean; where no rule matches, nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.explain import Category, categorize_reply, may_suppress, shipped
from tracker.explain.meaning import meanings
from tracker.explain.rule import Rule, Stage
from tracker.model import Reply

MEANINGS = meanings().categories
PRECISE = shipped().stages[Stage.ENHANCED]
VAGUE = [rule for rule in shipped().stages[Stage.LOOSE] if rule.id.startswith("enhanced:")]
BASIC = [rule for rule in shipped().stages[Stage.BASIC] if rule.id.startswith("code:")]


def reply_of(text: str) -> Reply:
    """Return a 4yz or a 5yz reply, by the class of the enhanced status code in `text`."""
    return Reply(code=450 if text.startswith("4.") else 550, lines=(text,))


# --- codes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", PRECISE, ids=lambda rule: rule.id)
@pytest.mark.parametrize("kind", ["4", "5"])
def test_a_precise_code_is_enough(rule: Rule, kind: str) -> None:
    (code,) = rule.codes
    reply = Reply(code=int(kind) * 100 + 50, lines=(f"{code.replace('x', kind)} xyzzy",))
    assert categorize_reply(reply) == (rule.id, rule.category)


@pytest.mark.parametrize("rule", VAGUE, ids=lambda rule: rule.id)
def test_a_vague_code_gives_way_to_words(rule: Rule) -> None:
    code = rule.codes[0].replace("x", "5")
    assert categorize_reply(reply_of(f"{code} xyzzy"))[1] is rule.category
    assert categorize_reply(reply_of(f"{code} Greylisted"))[1] is Category.GREYLISTED


@pytest.mark.parametrize("rule", BASIC, ids=lambda rule: rule.id)
def test_a_basic_code_comes_last(rule: Rule) -> None:
    code = int(rule.codes[0])
    assert categorize_reply(Reply(code=code, lines=("xyzzy",)))[1] is rule.category
    assert categorize_reply(Reply(code=code, lines=("Greylisted",)))[1] is Category.GREYLISTED


# --- replies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "lines", "category"),
    [
        (
            550,
            ("5.4.1 [bob@example.org]: Recipient address rejected: Access denied",),
            Category.ADDRESS_UNKNOWN,
        ),
        (541, ("5.4.1 Mail rejected by destination domain",), Category.NO_REASON),
        (550, ("5.7.1 Blocked, see our list of words",), Category.NO_REASON),
        (550, ("Rejected",), Category.NO_REASON),
        (550, (), Category.NO_REASON),
        (554, ("Transaction failed",), Category.NO_REASON),
        (550, ("sorry, no mailbox here by that name (#5.1.1 - chkusr)",), Category.ADDRESS_UNKNOWN),
        (
            450,
            ("4.1.1 <bob@example.org>: User unknown in virtual alias table",),
            Category.ADDRESS_UNKNOWN,
        ),
        (550, ("see 5.1.1.5 for help",), Category.NO_REASON),
        (550, ("4.1.1 contradicts itself",), Category.NO_REASON),
        (
            550,
            (
                "5.7.26 Unauthenticated email from example.com is not accepted due to domain's",
                "5.7.26 DMARC policy.",
            ),
            Category.AUTHENTICATION,
        ),
        (550, ("5.7.1 Message size exceeds", "5.7.1 fixed limit"), Category.SIZE_LIMIT),
        (554, ("5.7.1 " + "x" * 4000 + " spam",), Category.NO_REASON),
        (452, ("4.2.2 Mailbox full",), Category.MAILBOX_FULL),
        (421, ("Too many connections",), Category.RATE_LIMITED),
        (556, ("Go away",), Category.DOMAIN_NO_MAIL),
    ],
)
def test_replies(code: int, lines: tuple[str, ...], category: Category) -> None:
    assert categorize_reply(Reply(code=code, lines=lines))[1] is category


@given(
    code=st.integers(400, 599),
    lines=st.lists(st.text(max_size=200), max_size=5),
)
def test_any_reply_has_an_explanation(code: int, lines: list[str]) -> None:
    rule, category = categorize_reply(Reply(code=code, lines=tuple(lines)))
    assert rule
    assert category in MEANINGS


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit",
    [
        "a",
        " ",
        "no such ",
        "user ",
        "mailbox is ",
        "recipient address ",
        "5.7.1 ",
        "sender ",
        "<",
        "IP ",
    ],
)
def test_long_hostile_replies_are_explained_at_once(unit: str) -> None:
    for code in (450, 550):
        lines = tuple([unit * (8192 // len(unit))] * 3)
        assert categorize_reply(Reply(code=code, lines=lines))[1] in MEANINGS


def test_only_what_is_wrong_with_the_address_itself_may_suppress() -> None:
    assert {category for category in Category if may_suppress(category)} == {
        Category.ADDRESS_UNKNOWN,
        Category.DOMAIN_UNKNOWN,
        Category.ADDRESS_MOVED,
    }
