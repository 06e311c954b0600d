"""What is kept of a report that came later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.returns import DIAGNOSTIC_LIMIT, Returned, read_return, write_return

WHOLE = Returned(
    reporting_mta="mx.example.org",
    final_recipient="bob@example.org",
    status="5.1.1",
    diagnostic="smtp; 550-5.1.1 No such user\n550 5.1.1 see https://mx.example.org/",
)


def test_it_is_text_that_people_can_read() -> None:
    assert write_return(WHOLE).splitlines() == [
        "Reported by: mx.example.org",
        "For: bob@example.org",
        "Status: 5.1.1",
        "Diagnosis: smtp; 550-5.1.1 No such user",
        "550 5.1.1 see https://mx.example.org/",
    ]


word = st.text(st.characters(categories=("L", "N", "P")), max_size=30)
lines = st.lists(word, max_size=5).map("\n".join)


@given(st.builds(Returned, reporting_mta=word, final_recipient=word, status=word, diagnostic=lines))
def test_it_is_read_as_it_was_written(returned: Returned) -> None:
    again = read_return(write_return(returned))
    assert again.reporting_mta == returned.reporting_mta
    assert again.final_recipient == returned.final_recipient
    assert again.status == returned.status
    assert again.diagnostic == returned.diagnostic.strip()


def test_a_long_diagnosis_is_cut() -> None:
    told = read_return(write_return(Returned(diagnostic="smtp; 550 " + "x" * 10_000)))
    assert len(told.diagnostic) == DIAGNOSTIC_LIMIT


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (WHOLE, "550-5.1.1 No such user\n550 5.1.1 see https://mx.example.org/"),
        (Returned(status="5.2.2", diagnostic="smtp; 552 mailbox full"), "552 5.2.2 mailbox full"),
        (Returned(status="5.2.2", diagnostic="X-Postfix; unknown user"), "550 5.2.2 unknown user"),
        (Returned(status="5.1.1"), "550 5.1.1"),
        (Returned(diagnostic="no such user"), "550 no such user"),
        (Returned(), "550"),
    ],
)
def test_what_the_server_would_have_said(returned: Returned, text: str) -> None:
    assert returned.reply.text == text
