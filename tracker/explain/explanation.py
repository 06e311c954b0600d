"""From an attempt to its explanation."""

import msgspec

from tracker.explain.book import Judgement, RuleBook, shipped
from tracker.explain.category import Category, Side
from tracker.explain.meaning import meanings
from tracker.explain.ourselves import judge_our_error
from tracker.model import Attempt, Outcome, Phase, Reply

_DELIVERED = Judgement("outcome:delivered", Category.ACCEPTED)
_UNCERTAIN = Judgement("outcome:uncertain", Category.UNCERTAIN)
_CATEGORIES = {category.value: category for category in Category}
_SUPPRESSING = frozenset(
    {Category.ADDRESS_UNKNOWN, Category.DOMAIN_UNKNOWN, Category.ADDRESS_MOVED}
)


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt in plain words. `rule` says which rule matched, for whoever doubts it."""

    rule: str
    category: Category
    side: Side
    what_happened: str
    who_can_fix: str
    what_you_can_do: str


def judge(attempt: Attempt, book: RuleBook | None = None) -> Judgement:
    """Return which rule of `book` explains `attempt`; by default, of the shipped ones."""
    if attempt.outcome is Outcome.DELIVERED:
        return _DELIVERED
    if attempt.outcome is Outcome.UNCERTAIN:
        return _UNCERTAIN
    book = book or shipped()
    reply = attempt.reply
    if reply is None or not reply.is_refusal:
        return judge_our_error(attempt, book)
    host = attempt.target.host if attempt.target else ""
    return book.judge_reply(reply, attempt.phase, host)


def explain(
    attempt: Attempt, *, given_up: bool = False, book: RuleBook | None = None
) -> Explanation:
    """Explain `attempt`; `given_up` when it was the last one although it could be repeated.

    What is on record with it goes before `book`: an operator may have corrected it.
    """
    final = given_up or attempt.outcome is Outcome.FAILED
    return put(_on_record(attempt) or judge(attempt, book), final=final, book=book)


def _on_record(attempt: Attempt) -> Judgement | None:
    """Return what is on record; None where nothing is, or what only another version knows."""
    category = _CATEGORIES.get(attempt.category)
    return None if category is None else Judgement(attempt.rule, category)


def explain_reply(
    reply: Reply, *, phase: Phase | None = None, host: str = "", book: RuleBook | None = None
) -> Explanation:
    """Explain a negative reply by itself: a permanent one as final, the others as being retried."""
    judgement = (book or shipped()).judge_reply(reply, phase, host)
    return put(judgement, final=reply.is_permanent, book=book)


def put(judgement: Judgement, *, final: bool, book: RuleBook | None = None) -> Explanation:
    """Put a judgement into words; `final` when nothing more is tried."""
    words = meanings()
    meaning = words.categories[judgement.category]
    rule = (book or shipped()).rule(judgement.rule)
    own_side = rule.side if rule is not None else None
    side = own_side or meaning.side
    default = words.sides[side]
    return Explanation(
        rule=judgement.rule,
        category=judgement.category,
        side=side,
        what_happened=meaning.what_happened,
        who_can_fix=default if own_side else meaning.who_can_fix or default,
        what_you_can_do=meaning.once_failed if final else meaning.while_waiting,
    )


def categorize_reply(reply: Reply) -> Judgement:
    """Return what a negative reply means to the shipped rules, whoever said it and when."""
    return shipped().judge_reply(reply)


def may_suppress(category: Category) -> bool:
    """Say whether a permanent failure of this category may keep mail from an address.

    Only what is surely wrong with the address itself: what a server thinks of us, of the message
    or of its own disk says nothing about the next message.
    """
    return category in _SUPPRESSING
