"""Every rule explains its own example; where none matches, nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.explain import Category, Side, categorize_reply
from tracker.explain.category import WHO_CAN_FIX
from tracker.explain.codes import BASIC, PRECISE, VAGUE
from tracker.explain.meanings import MEANINGS
from tracker.explain.providers import PROVIDERS
from tracker.explain.rules import Rule
from tracker.explain.texts import TEXTS
from tracker.model import Reply

RULES = [*PROVIDERS, *TEXTS]


def reply_of(text: str) -> Reply:
    """Return a 4yz or a 5yz reply, by the class of the enhanced status code in `text`."""
    return Reply(code=450 if text.startswith("4.") else 550, lines=(text,))


# --- the tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_explains_its_example(rule: Rule) -> None:
    assert rule.matches(rule.example)
    _, category = categorize_reply(reply_of(rule.example))
    assert category is rule.category
    assert rule.source


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("code", sorted(PRECISE))
@pytest.mark.parametrize("kind", [4, 5])
def test_a_precise_code_is_enough(code: str, kind: int) -> None:
    reply = Reply(code=100 * kind + 50, lines=(f"{kind}.{code} xyzzy",))
    assert categorize_reply(reply) == (f"enhanced:{kind}.{code}", PRECISE[code])


@pytest.mark.parametrize("code", sorted(VAGUE))
def test_a_vague_code_gives_way_to_words(code: str) -> None:
    assert categorize_reply(reply_of(f"5.{code} xyzzy"))[1] is VAGUE[code]
    assert categorize_reply(reply_of(f"5.{code} Greylisted"))[1] is Category.GREYLISTED


@pytest.mark.parametrize("code", sorted(BASIC))
def test_a_basic_code_comes_last(code: int) -> None:
    assert categorize_reply(Reply(code=code, lines=("xyzzy",)))[1] is BASIC[code]
    assert categorize_reply(Reply(code=code, lines=("Greylisted",)))[1] is Category.GREYLISTED


@pytest.mark.parametrize("category", Category)
def test_every_category_has_words(category: Category) -> None:
    meaning = MEANINGS[category]
    for words in (meaning.what_happened, meaning.once_failed, meaning.while_waiting):
        assert words[0].isupper()
        assert words.endswith(".")


def test_every_side_has_words() -> None:
    assert set(WHO_CAN_FIX) == set(Side)


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


@pytest.mark.timeout(20)
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
