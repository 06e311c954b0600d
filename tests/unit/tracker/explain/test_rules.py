"""The files of rules: every rule explains its own examples first, and every category has words."""

from pathlib import Path

import msgspec
import pytest

from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.explain import Category, RuleBook, Side, explain_reply, judge, shipped
from tracker.explain.effort import ways
from tracker.explain.meaning import Meanings, meanings
from tracker.explain.rule import Example, Rule, RuleFile, Stage
from tracker.explain.shipped import read, rule_files
from tracker.model import Attempt, Outcome, Phase, Reply

RULES = [(stage, rule) for stage, rules in shipped().stages.items() for rule in rules]
EXAMPLES = [(rule, example) for _, rule in RULES for example in rule.examples]
SPOKEN = [(rule, example) for rule, example in EXAMPLES if example.reply]
SILENT = [(rule, example) for rule, example in EXAMPLES if not example.reply]
TIRING = 50_000
"""Ways at one place of a text; a reply has 2,000 places at most that are looked at."""


def reply_of(wire: str) -> Reply:
    lines = wire.split("\n")
    assert len({line[:3] for line in lines}) == 1, "one reply has one code"
    return Reply(code=int(lines[0][:3]), lines=tuple(line[4:] for line in lines))


def attempt_of(example: Example) -> Attempt:
    attempt = make_attempt(make_recipient(make_message()), Outcome.DEFERRED)
    return msgspec.structs.replace(
        attempt,
        reply=reply_of(example.reply) if example.reply else None,
        detail=example.detail,
        origin=example.origin,
        phase=example.phase or Phase.RCPT,
        target=None,
    )


@pytest.mark.parametrize(("rule", "example"), SPOKEN, ids=lambda part: getattr(part, "id", ""))
def test_every_example_matches_its_own_rule_before_any_other(rule: Rule, example: Example) -> None:
    judgement = shipped().judge_reply(reply_of(example.reply), example.phase, example.host)
    assert judgement == (rule.id, rule.category)


@pytest.mark.parametrize(("rule", "example"), SILENT, ids=lambda part: getattr(part, "id", ""))
def test_every_example_of_our_own_matches_its_own_rule(rule: Rule, example: Example) -> None:
    assert judge(attempt_of(example)) == (rule.id, rule.category)


@pytest.mark.parametrize(("stage", "rule"), RULES, ids=lambda part: getattr(part, "id", ""))
def test_every_rule_is_whole(stage: Stage, rule: Rule) -> None:
    assert rule.examples, "so that it is not shadowed by an earlier one"
    assert rule.source
    assert rule.phases or rule.origins or rule.codes or rule.patterns
    assert stage is Stage.OWN or not rule.origins
    for host in rule.hosts:
        assert host == host.lower()
        assert any(example.host for example in rule.examples)


def test_rules_have_ids_of_their_own() -> None:
    ids = [rule.id for _, rule in RULES]
    assert sorted(set(ids)) == sorted(ids)


def test_the_files_come_in_the_order_of_their_stages() -> None:
    order = list(Stage)
    stages = [order.index(file.stage) for file in rule_files()]
    assert stages == sorted(stages)
    assert shipped().version == max(file.version for file in rule_files())


@pytest.mark.parametrize("category", Category)
def test_every_category_has_words(category: Category) -> None:
    meaning = meanings().categories[category]
    for words in (meaning.what_happened, meaning.once_failed, meaning.while_waiting):
        assert words[0].isupper()
        assert words.endswith(".")


def test_every_side_has_words() -> None:
    assert set(meanings().sides) == set(Side)


@pytest.mark.parametrize("key", ["patern = []", 'phases = ["noon"]', 'category = "bad-luck"'])
def test_a_key_or_a_value_that_is_not_known_is_a_mistake(key: str) -> None:
    text = f'version = "2026-01-01"\nstage = "text"\n[[rule]]\nid = "a"\nsource = "b"\n{key}\n'
    with pytest.raises(msgspec.ValidationError):
        msgspec.toml.decode(text, type=RuleFile)


def test_words_with_a_key_that_is_not_known_are_a_mistake() -> None:
    text = read("categories.toml").replace("\nonce_failed", "\nonce_filed", 1)
    with pytest.raises(msgspec.ValidationError):
        msgspec.toml.decode(text, type=Meanings)


@pytest.mark.parametrize(("stage", "rule"), RULES, ids=lambda part: getattr(part, "id", ""))
def test_no_pattern_can_be_made_to_try_for_ever(stage: Stage, rule: Rule) -> None:
    for pattern in rule.patterns:
        assert ways(pattern) <= TIRING


def test_another_side_than_the_categorys_can_be_at_fault() -> None:
    rule = Rule(
        id="a", category=Category.CONTENT_FORMAT, side=Side.OPERATOR, patterns=("xy",), source="-"
    )
    book = RuleBook("1", {Stage.TEXT: [rule]})
    explanation = explain_reply(Reply(code=550, lines=("XY",)), book=book)
    assert (explanation.category, explanation.side) == (Category.CONTENT_FORMAT, Side.OPERATOR)
    assert explanation.who_can_fix == meanings().sides[Side.OPERATOR]


def test_every_file_is_of_rules_or_of_words() -> None:
    folder = Path(__file__).parents[4] / "tracker" / "explain" / "rules"
    assert {path.suffix for path in folder.iterdir()} == {".toml"}
    assert len(list(rule_files())) == len(list(folder.iterdir())) - 1
