"""What docs/explaining.md says of categories and rules is so."""

import re
import tomllib
from pathlib import Path

import msgspec

from tracker.explain import Category
from tracker.explain.meaning import meanings
from tracker.explain.rule import Rule, RuleFile

PAGE = (Path(__file__).parents[3] / "docs" / "explaining.md").read_text(encoding="utf-8")


def test_every_category_is_in_the_table_with_its_words() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [
        (category.value, meanings().categories[category].side, said.what_happened)
        for category, said in meanings().categories.items()
    ]
    assert {category for category, _, _ in rows} == {category.value for category in Category}


def test_every_key_of_a_rule_is_explained() -> None:
    keys = set(re.findall(r"^\| `(\w+)` \| (?!recipient|sender|operator|network)", PAGE, re.M))
    assert keys == set(Rule.__struct_fields__) - {"origins"}


def test_the_sample_is_a_file_of_rules() -> None:
    (sample,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert msgspec.convert(tomllib.loads(sample), RuleFile).rule[0].examples
