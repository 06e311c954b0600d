"""Is it only this message? One sentence that can be read out. Pure."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tracker.insight import CAP, Cohort, Count
from web.times import Times

_RECENT: Final = timedelta(hours=24)


class CohortStory(NamedTuple):
    """What the box beside a message says."""

    sentence: str
    is_alone: bool
    hour: Count
    day: Count
    waiting: Count
    destination: str
    place: str
    since: datetime | None
    accepted_at: datetime | None


def tell_cohort(cohort: Cohort, times: Times, *, sees_all: bool) -> CohortStory:
    """Return the story; with `sees_all` the reader's own mail is everybody's."""
    return CohortStory(
        sentence=cohort_sentence(cohort, times, sees_all=sees_all),
        is_alone=_is_alone(cohort),
        hour=cohort.hour,
        day=cohort.day,
        waiting=cohort.waiting,
        destination=cohort.destination,
        place=cohort.place,
        since=cohort.since,
        accepted_at=_last_success(cohort),
    )


def cohort_sentence(cohort: Cohort, times: Times, *, sees_all: bool) -> str:
    """Return whether others have met the same, since when, and when it last went well."""
    success = _last_success(cohort)
    if cohort.day.everybody == 0:
        again = f" The same server accepted mail {times.ago(success)}." if success else ""
        return f"Nobody has got this answer within the last day.{again}"
    if _is_alone(cohort):
        return _alone(cohort, success, times)
    many = _how_many(cohort.day, sees_all=sees_all)
    if cohort.since is None or (success is not None and success > cohort.since):
        again = f" Other mail was accepted there {times.ago(success)}." if success else ""
        return f"It is not only this message: {many} got this answer within a day.{again}"
    ended = (
        f"the last success was {times.at(success)}."
        if success is not None
        else "no success is on record."
    )
    since = times.at(cohort.since).removeprefix("at ").removeprefix("on ")
    return (
        f"Since {since} {_where(cohort)} has accepted nothing from us: {many} got this answer; "
        f"{ended} It is not only this message."
    )


def number(count: int) -> str:
    """Return a count, or that there are more than were counted."""
    return f"{CAP:,}+" if count > CAP else f"{count:,}"


def say_count(count: Count) -> str:
    """Return a count in a few words: "3", "3, and 12 of others"."""
    if count.own == count.everybody or count.everybody > CAP < count.own:
        return number(count.own)
    if count.everybody > CAP:
        return f"{number(count.own)} of {number(count.everybody)} in all"
    return f"{number(count.own)}, and {count.everybody - count.own:,} of others"


def _is_alone(cohort: Cohort) -> bool:
    return cohort.day.everybody == 1


def _last_success(cohort: Cohort) -> datetime | None:
    """Return when the same servers last took a message, for whomever."""
    found = [at for at in (cohort.accepted_at, cohort.place_accepted_at) if at is not None]
    return max(found, default=None)


def _alone(cohort: Cohort, success: datetime | None, times: Times) -> str:
    if success is None:
        return f"Only this message so far. {_capital(_where(cohort))} has accepted nothing yet."
    if times.now - success <= _RECENT:
        return f"Only this message: mail to the same server was accepted {times.ago(success)}."
    return (
        "Only this message so far; the last mail that the same server accepted was "
        f"{times.ago(success)}."
    )


def _where(cohort: Cohort) -> str:
    """Name what accepts nothing: the destination, or all that have the same servers."""
    if cohort.at_destination.everybody == cohort.day.everybody:
        return cohort.destination
    return f"every destination at {cohort.place}"


def _how_many(count: Count, *, sees_all: bool) -> str:
    if sees_all or count.own == count.everybody <= CAP:
        whose = "" if sees_all else "of your "
        return f"{number(count.everybody)} {whose}messages"
    if count.own > CAP:
        return f"{number(count.own)} of your messages"
    others = count.everybody - count.own
    theirs = (
        f"{number(count.everybody)} in all" if count.everybody > CAP else f"{others:,} of others"
    )
    return f"{number(count.own)} of your messages and {theirs}"


def _capital(text: str) -> str:
    return text if "." in text.split(" ", 1)[0] else text[:1].upper() + text[1:]
