"""What a list is of, in words: for its caption, for an empty one, and for who hears it. Pure."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from tracker.search import QueryError
from web.standing import (
    ACCEPTED,
    CANCELLED,
    PERMANENT,
    RETURNED,
    TEMPORARY,
    UNCERTAIN,
    WAITING,
    Standing,
)
from web.times import Times, length
from web.track.filters import Range, range_in_words
from web.track.form_text import Choice, Form, Period, write_text

LOOKS: Final[Mapping[Choice, Standing]] = {
    Choice.ACCEPTED: ACCEPTED,
    Choice.TEMPORARY: TEMPORARY,
    Choice.PERMANENT: PERMANENT,
    Choice.WAITING: WAITING,
    Choice.UNCERTAIN: UNCERTAIN,
    Choice.CANCELLED: CANCELLED,
    Choice.RETURNED: RETURNED,
}
CHOICES: Final = (Choice.ALL, *LOOKS)
PERIODS: Final[Mapping[Period, str]] = {
    Period.TODAY: "Today",
    Period.YESTERDAY: "Yesterday",
    Period.DAY: "Last 24 hours",
    Period.WEEK: "Last 7 days",
    Period.MONTH: "Last 30 days",
    Period.THIS_MONTH: "This month",
    Period.LAST_MONTH: "Last month",
    Period.KEPT: "All that is kept",
    Period.OWN: "Own range",
}
_LAST: Final = (Period.DAY, Period.WEEK, Period.MONTH)
_NAMED: Final = (Period.TODAY, Period.YESTERDAY, Period.THIS_MONTH, Period.LAST_MONTH)


def word_of(choice: Choice) -> str:
    """Return what people read for an outcome."""
    if choice is Choice.WRITTEN:
        return "As written in the search"
    if choice is Choice.RETURNED:
        return "Returned"  # in a list of outcomes: that it was accepted before goes without saying
    return LOOKS[choice].word if choice in LOOKS else "All"


def when(form: Form, days: Range, times: Times, retention: timedelta) -> str:
    """Return the range for the middle of a sentence: "today", "in the last 7 days"."""
    if form.period in _NAMED:
        return PERIODS[form.period].lower()
    if form.period in _LAST:
        return f"in the {PERIODS[form.period].lower()}"
    if form.period is Period.KEPT:
        return f"in the {length(retention)} that are kept"
    words = range_in_words(days, times)
    return words if words.startswith("since ") else f"from {words}"


def outcome_in_words(form: Form) -> str:
    """Return the outcome for the middle of a sentence: "accepted", "found", "sent"."""
    choice = form.choice
    if choice is Choice.WRITTEN or (choice is Choice.ALL and any(conditions(form))):
        return "found"  # there may be other mail, which nobody asked for
    return word_of(choice).lower() if choice in LOOKS else "sent"


def problem_in_words(problem: QueryError, form: Form) -> str:
    """Return what is wrong with a search; of the fields for dates in the words of the fields."""
    begins, ends = (form.first, form.first_time), (form.last, form.last_time or "24:00")
    if form.period is Period.OWN and form.first and form.last and begins >= ends:
        return "The range ends before it begins. Exchange its first and its last day, or move one."
    return str(problem)


def in_replies(form: Form) -> str | None:
    """Return the search for the same words in what servers answered; None where it cannot be."""
    if not form.words or set('":\\') & set(form.words) or form.words.startswith("-"):
        return None
    return write_text(form.but(words=f'text:"{form.words}"'))


def conditions(form: Form) -> Iterator[tuple[str, str]]:
    """Yield what else was asked for: the words before it, and it."""
    for words, value in (
        ("to an address with", form.to),
        ("from an address with", form.sender),
        ("with a subject with", form.subject),
        ("matching", form.words),
    ):
        if value:
            yield words, value
