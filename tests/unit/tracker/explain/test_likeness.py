"""Replies that say the same are one line, and known by their words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.explain.effects import words_of
from tracker.explain.likeness import shape_of


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("5.1.1 no such user", "5.1.1 no such user"),
        ("user bob@example.org unknown", "user <address> unknown"),
        ("<bob@example.org>: no", "<address>: no"),
        ("blocked [192.0.2.7]", "blocked <ip>"),
        ("blocked 2001:db8::7", "blocked <ip>"),
        ("see https://example.org/x?y=1 now", "see <link> now"),
        ("queue 4bXyZ12Q9 full", "queue <id> full"),
        ("try in 300 seconds", "try in # seconds"),
        ("a\r\n  b", "a b"),
        ("4.7.1 wait 5 of 5.7.1", "4.7.1 wait # of 5.7.1"),
    ],
)
def test_shapes(text: str, shape: str) -> None:
    assert shape_of(text) == shape


@given(st.text(max_size=400))
def test_every_text_has_a_shape(text: str) -> None:
    assert len(shape_of(text)) <= 300


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", ["a@", "1.", "a:", "a1-", "http://", "5.1.1 "])
def test_a_long_text_has_its_shape_at_once(unit: str) -> None:
    assert shape_of(unit * 4000)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("550 Computer says no, ticket #", "Computer says no, ticket"),
        ("550 5.1.1 <address>: Recipient gone away", "Recipient gone away"),
        ("550 #", ""),
    ],
)
def test_the_longest_words_are_offered(shape: str, words: str) -> None:
    assert words_of(shape) == words
