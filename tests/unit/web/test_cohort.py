"""Is it only me? The sentence, for every case."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracker.insight import CAP, Cohort, Count
from web.message.cohort import cohort_sentence, say_count, tell_cohort
from web.times import Times

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
TIMES = Times(ZoneInfo("UTC"), NOW)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def both(number: int) -> Count:
    return Count(own=number, everybody=number)


def cohort(
    day: Count,
    *,
    there: Count | None = None,
    since: datetime | None = None,
    here_at: datetime | None = None,
    place_at: datetime | None = None,
) -> Cohort:
    return Cohort(
        destination="example.com",
        place="provider.example",
        hour=day,
        day=day,
        at_destination=day if there is None else there,
        since=since,
        accepted_at=here_at,
        place_accepted_at=place_at,
        waiting=both(0),
    )


CASES = {
    "all mail, the reader's alone": (
        cohort(both(412), since=NOW - 25 * MINUTE, here_at=NOW - 27 * MINUTE),
        "Since 10:05 example.com has accepted nothing from us: 412 of your messages got this "
        "answer; the last success was at 10:03. It is not only this message.",
    ),
    "all mail, others' too": (
        cohort(Count(own=3, everybody=50), since=NOW - 25 * MINUTE),
        "Since 10:05 example.com has accepted nothing from us: 3 of your messages and 47 of "
        "others got this answer; no success is on record. It is not only this message.",
    ),
    "more than are counted": (
        cohort(Count(own=3, everybody=CAP + 1), since=NOW - DAY),
        "Since yesterday at 10:30 example.com has accepted nothing from us: 3 of your messages "
        "and 1,000+ in all got this answer; no success is on record. It is not only this message.",
    ),
    "more of the reader's": (
        cohort(both(CAP + 1), since=NOW - HOUR, here_at=NOW - DAY),
        "Since 09:30 example.com has accepted nothing from us: 1,000+ of your messages got this "
        "answer; the last success was yesterday at 10:30. It is not only this message.",
    ),
    "the whole provider": (
        cohort(both(412), there=both(2), since=NOW - 25 * MINUTE, place_at=NOW - HOUR),
        "Since 10:05 every destination at provider.example has accepted nothing from us: 412 of "
        "your messages got this answer; the last success was at 09:30. "
        "It is not only this message.",
    ),
    "some go through": (
        cohort(both(12), since=NOW - HOUR, place_at=NOW - 2 * MINUTE),
        "It is not only this message: 12 of your messages got this answer within a day. Other "
        "mail was accepted there 2 minutes ago.",
    ),
    "only this one": (
        cohort(both(1), since=NOW - MINUTE, place_at=NOW - 2 * MINUTE),
        "Only this message: mail to the same server was accepted 2 minutes ago.",
    ),
    "only this one, long after the last success": (
        cohort(both(1), since=NOW - MINUTE, here_at=NOW - 3 * DAY),
        "Only this message so far; the last mail that the same server accepted was 3 days ago.",
    ),
    "only this one, without any success": (
        cohort(both(1), since=NOW - MINUTE),
        "Only this message so far. example.com has accepted nothing yet.",
    ),
    "an old one": (
        cohort(both(0), here_at=NOW - MINUTE),
        "Nobody has got this answer within the last day. The same server accepted mail 1 minute "
        "ago.",
    ),
}


@pytest.mark.parametrize(("found", "sentence"), CASES.values(), ids=CASES.keys())
def test_the_sentence(found: Cohort, sentence: str) -> None:
    assert cohort_sentence(found, TIMES, sees_all=False) == sentence


def test_who_sees_everything_hears_of_no_others() -> None:
    found = cohort(both(412), since=NOW - 25 * MINUTE)
    assert "412 messages got" in cohort_sentence(found, TIMES, sees_all=True)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (both(0), "0"),
        (both(1000), "1,000"),
        (both(CAP + 1), "1,000+"),
        (Count(own=3, everybody=15), "3, and 12 of others"),
        (Count(own=3, everybody=CAP + 1), "3 of 1,000+ in all"),
    ],
)
def test_a_count_in_words(count: Count, words: str) -> None:
    assert say_count(count) == words


@pytest.mark.parametrize(("number", "alone"), [(0, False), (1, True), (2, False)])
def test_whether_it_is_alone(number: int, alone: bool) -> None:
    assert tell_cohort(cohort(both(number)), TIMES, sees_all=False).is_alone is alone
