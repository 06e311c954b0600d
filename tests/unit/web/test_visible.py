"""Hidden characters are shown, letters are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.visible import show, show_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("Grüße, 山田さん, שלום, سلام", "Grüße, 山田さん, שלום, سلام"),
        ("❤️ family 👨‍👩‍👧", "❤️ family 👨‍👩‍👧"),
        ("می‌خواهم", "می‌خواهم"),
        ("\x00\x1b[31m\x7f", "␀␛[31m␡"),
        ("\x85\x9b", "⟨U+0085⟩⟨U+009B⟩"),
        ("invoice\u202efdp.exe", "invoice⟨U+202E⟩fdp.exe"),
        ("\u2066a\u2069", "⟨U+2066⟩a⟨U+2069⟩"),
        ("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("one\r\ntwo\nthree\tfour", "one\ntwo\nthree\tfour"),
        ("a\rb", "a␍b"),
        ("replaced \ufffd", "replaced \ufffd"),
    ],
    ids=[
        "ASCII", "letters of all scripts", "emoji", "Persian joiner", "C0", "C1", "override",
        "isolate", "zero width", "tags", "surrogate", "lines", "bare CR", "replacement",
    ],
)  # fmt: skip
def test_show(text: str, expected: str) -> None:
    assert show(text) == expected


def test_show_line_keeps_to_one_line() -> None:
    assert show_line("one\r\ntwo\n\tthree") == "one␊two␊␉three"


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_can_be_encoded_and_shown_twice(text: str) -> None:
    shown = show(text)
    shown.encode()
    assert show(shown) == shown
    assert "\n" not in show_line(text)
