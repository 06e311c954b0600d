"""Patterns that could be made to try for ever are refused."""

import pytest

from tracker.explain.effort import TooCostly, ways


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("", 1),
        ("spam", 1),
        ("gr[ae]y-?list", 2),
        (r"\bfull\b|over ?quota", 3),
        (".{0,60}", 61),
        (".{0,9}x.{1,10}", 100),
        (".{0,120}?full", 121),
        ("(?:a|b|c)", 3),
        ("(?:a|b)?c", 3),
        ("(?:ab){3}", 1),
        (r"[\]a]{2}", 1),
        (r"\(\*", 1),
        ("(?!x)y", 1),
        ("(?:ab?){4}", 16),
        ("(?:" * 20 + "a" + ")" * 20, 1),
        ("a" * 4000, 1),
    ],
)
def test_ways(pattern: str, count: int) -> None:
    assert ways(pattern) == count


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (".*full", "without a bound"),
        ("a+", "without a bound"),
        ("a{2,}", "without a bound"),
        ("(a|a)*$", "without a bound"),
        ("(?:a?){2,60}", "a group repeats"),
        ("(a{0,9}){50}", "a group repeats"),
        ("(a", "no regular expression"),
        ("a)", "no regular expression"),
        ("[a", "no regular expression"),
        (r"(a)\1", "refers back"),
        ("(?:ab?){5}", "a group repeats"),
        ("(?:" * 21 + "a" + ")" * 21, "nested"),
        ("a" * 4001, "longer"),
    ],
)
def test_what_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(TooCostly, match=why):
        ways(pattern)


def test_optional_letters_multiply() -> None:
    assert ways("a?" * 30 + "a" * 30) == 2**30
