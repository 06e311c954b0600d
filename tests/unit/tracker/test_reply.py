"""Replies: codes, and the text as it was on the wire."""

import pytest

from tracker.model import Reply


@pytest.mark.parametrize(
    ("code", "lines", "enhanced"),
    [
        (250, ("2.0.0 Ok",), "2.0.0"),
        (550, ("5.1.1 No such user",), "5.1.1"),
        (550, ("5.7.606 Access denied",), "5.7.606"),
        (451, ("4.7.1",), "4.7.1"),
        (451, ("4.7.1\tTab",), "4.7.1"),
        (550, ("5.1.1 first", "5.7.1 second"), "5.1.1"),
        pytest.param(550, ("4.7.1 Contradiction",), None, id="another class"),
        pytest.param(250, ("5.1.1 Contradiction",), None, id="positive, permanent"),
        pytest.param(550, ("No (5.1.1)",), None, id="not at the head"),
        pytest.param(550, (" 5.1.1 Blank",), None, id="behind a blank"),
        pytest.param(550, ("No", "5.1.1 second line"), None, id="second line"),
        pytest.param(550, ("5.1.1: colon",), None, id="colon"),
        pytest.param(550, ("5.1.1.1 address",), None, id="four numbers"),
        pytest.param(550, ("5.1234.1 long",), None, id="too long"),
        pytest.param(354, ("3.0.0 Go on",), None, id="no such class"),
        pytest.param(550, (), None, id="no text"),
    ],
)
def test_the_enhanced_status_code(code: int, lines: tuple[str, ...], enhanced: str | None) -> None:
    assert Reply(code=code, lines=lines).enhanced_status_code == enhanced


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("Ok",), "250 Ok"),
        (("first", "second", "third"), "250-first\n250-second\n250 third"),
        (("", "second"), "250-\n250 second"),
        (("",), "250"),
        ((), "250"),
    ],
)
def test_the_text_is_as_on_the_wire(lines: tuple[str, ...], text: str) -> None:
    assert Reply(code=250, lines=lines).text == text


@pytest.mark.parametrize(
    ("code", "positive", "permanent"),
    [
        (199, False, False),
        (200, True, False),
        (250, True, False),
        (299, True, False),
        (354, False, False),
        (421, False, False),
        (499, False, False),
        (500, False, True),
        (599, False, True),
        (600, False, False),
    ],
)
def test_the_first_digit_decides(code: int, positive: bool, permanent: bool) -> None:
    reply = Reply(code=code)
    assert (reply.is_positive, reply.is_permanent) == (positive, permanent)
