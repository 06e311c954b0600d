"""The form and the text in the box: two views of one search."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model import Status
from tracker.search import STATUS_WORDS, QueryError, parse
from web.track.filters import STATUSES
from web.track.form_text import (
    CHOICE_WORDS,
    OPENING,
    Choice,
    Form,
    Period,
    read_text,
    split,
    write_text,
)

NOW = datetime(2026, 3, 2, 14, 47, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", Form()),
        ("status:accepted since:today", OPENING),
        ("STATUS:Delivered SINCE:today until:today", OPENING),
        ("bob@example.org", Form(words="bob@example.org")),
        (
            'to:bob from:@shop.example subject:order subject:"late" code:550',
            Form(to="bob", sender="@shop.example", subject='order "late"', words="code:550"),
        ),
        ("from:<> -to:bob", Form(sender="<>", words="-to:bob")),
        ("status:waiting -status:deferred", Form(choice=Choice.WAITING)),
        ("status:waiting", Form(choice=Choice.WRITTEN, words="status:waiting")),
        ("status:held", Form(choice=Choice.WRITTEN, words="status:held")),
        ("-status:accepted", Form(choice=Choice.WRITTEN, words="-status:accepted")),
        ("since:yesterday until:yesterday", Form(period=Period.YESTERDAY)),
        ("since:24h", Form(period=Period.DAY)),
        ("since:1d", Form(period=Period.DAY)),
        ("since:7d", Form(period=Period.WEEK)),
        ("since:30d", Form(period=Period.MONTH)),
        ("since:this-month", Form(period=Period.THIS_MONTH)),
        ("since:last-month until:last-month", Form(period=Period.LAST_MONTH)),
        (
            "since:2026-02-20 until:2026-02-24T14:30",
            Form(period=Period.OWN, first="2026-02-20", last="2026-02-24", last_time="14:30"),
        ),
        ("until:2026-02-24", Form(period=Period.OWN, last="2026-02-24")),
        ("since:2h", Form(period=Period.WRITTEN, words="since:2h")),
        ("since:today since:7d", Form(period=Period.WRITTEN, words="since:today since:7d")),
        ('since:"today"', Form(period=Period.WRITTEN, words='since:"today"')),
        ('"annual report', Form(words='"annual report')),
    ],
)
def test_a_text_fills_in_the_form_where_the_form_can_say_it(text: str, form: Form) -> None:
    assert read_text(text) == form
    assert read_text(write_text(form)) == form


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (OPENING, "status:accepted since:today"),
        (Form(), ""),
        (
            Form(to="bob carol", words="-code:550", choice=Choice.WAITING, period=Period.WEEK),
            "-code:550 to:bob to:carol status:waiting -status:deferred since:7d",
        ),
        (Form(subject='"annual report"'), 'subject:"annual report"'),
        (
            Form(period=Period.OWN, first="2026-03-01", first_time="08:15"),
            "since:2026-03-01T08:15",
        ),
    ],
)
def test_a_form_says_the_same_in_words(form: Form, text: str) -> None:
    assert write_text(form) == text


def test_a_new_outcome_or_range_replaces_what_the_words_said_of_it() -> None:
    form = read_text("status:held since:2h code:550")
    assert write_text(form.but(choice=Choice.ALL)) == "since:2h code:550"
    assert write_text(form.but(period=Period.TODAY)) == "status:held code:550 since:today"
    own = read_text("since:2026-02-20")
    assert write_text(own.but(period=Period.KEPT)) == ""


WORDS = st.from_regex(r"[a-z0-9@.:_-]{1,12}|\"[a-z \\\\]{0,8}\"", fullmatch=True)
VALUES = st.lists(
    st.from_regex(r"[a-z0-9@._]{1,12}|\"[a-z ]{1,8}\"", fullmatch=True), max_size=3
).map(" ".join)
OTHERS = st.lists(
    st.from_regex(r"-?(code|mx|text|id):[a-z0-9.]{1,8}|-?\"[a-z ]{1,6}\"|[a-z0-9@.]{1,9}"
                  r"|-(to|from|subject):[a-z]{1,5}", fullmatch=True),
    max_size=4,
).map(" ".join)  # fmt: skip
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(str)
TIMES = st.times().map("{:%H:%M}".format)
SAYABLE = [period for period in Period if period not in (Period.OWN, Period.WRITTEN)]
RANGES = st.fixed_dictionaries({"period": st.sampled_from(SAYABLE)}) | st.one_of(
    st.fixed_dictionaries({"first": DAYS}, optional={"first_time": TIMES}),
    st.fixed_dictionaries({"first": DAYS, "last": DAYS}, optional={"last_time": TIMES}),
    st.fixed_dictionaries({"last": DAYS}),
).map(lambda ends: {"period": Period.OWN, **ends})
FORMS = st.builds(
    lambda span, **fields: Form(**span, **fields),
    RANGES,
    choice=st.sampled_from([choice for choice in Choice if choice is not Choice.WRITTEN]),
    to=VALUES,
    sender=VALUES,
    subject=VALUES,
    words=OTHERS,
)


@given(FORMS)
def test_a_form_survives_its_text(form: Form) -> None:
    assert read_text(write_text(form)) == form


@given(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=60))
def test_a_text_taken_apart_and_put_together_asks_the_same(text: str) -> None:
    def ask(one: str) -> object:
        try:
            return parse(one, now=NOW, zone=BERLIN)
        except QueryError:
            return QueryError

    assert ask(" ".join(split(text))) == ask(text)
    again = write_text(read_text(text))
    found, expected = ask(again), ask(text)
    if isinstance(expected, type) or isinstance(found, type):
        assert found == expected
    else:
        assert set(found.terms) == set(expected.terms)  # type: ignore[attr-defined]
        assert found.since == expected.since  # type: ignore[attr-defined]
        assert found.until == expected.until  # type: ignore[attr-defined]


@pytest.mark.parametrize("choice", STATUSES)
def test_the_words_of_a_choice_select_its_statuses(choice: Choice) -> None:
    selected = set(Status)
    text = " ".join(CHOICE_WORDS.get(choice, ()))
    for term in parse(text, now=NOW, zone=BERLIN).terms:
        named = STATUS_WORDS[term.value]
        selected = selected - named if term.negated else selected & named
    assert selected == STATUSES[choice]


def test_every_status_is_in_one_list() -> None:
    lists = [statuses for choice, statuses in STATUSES.items() if choice is not Choice.ALL]
    assert sorted(status for one in lists for status in one) == sorted(Status)
