"""One refusal explained by itself: for a terminal, for a program, for a page."""

import msgspec

from tracker.explain.book import RuleBook, shipped
from tracker.explain.explanation import put
from tracker.explain.pasted import read_pasted
from tracker.model import Phase

_GIVEN_UP = (
    "Nothing more: the server has refused for good. We tell the sender that, with these words."
)
_KEPT_TRYING = (
    "We try again by ourselves, at first after minutes and later after hours, until it works or "
    "the time for it is over."
)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a refusal means, which rule says so, and where that rule has it from."""

    category: str
    side: str
    what_happened: str
    who_can_fix: str
    what_you_can_do: str
    what_we_do: str
    rule: str
    source: str
    """"" where no rule matched."""
    version: str
    """Of the rules."""
    reply: str
    """The refusal as it was understood."""
    phase: str | None
    host: str


def answer(
    text: str, *, phase: Phase | None = None, host: str = "", book: RuleBook | None = None
) -> Answer | None:
    """Explain the refusal in `text`; None when there is none in it.

    `phase` and `host` go before what `text` says about them.
    """
    pasted = read_pasted(text)
    if pasted is None:
        return None
    book = book or shipped()
    phase, host = phase or pasted.phase, host or pasted.host
    judgement = book.judge_reply(pasted.reply, phase, host)
    final = pasted.reply.is_permanent
    explanation = put(judgement, final=final, book=book)
    rule = book.rule(judgement.rule)
    return Answer(
        category=explanation.category,
        side=explanation.side,
        what_happened=explanation.what_happened,
        who_can_fix=explanation.who_can_fix,
        what_you_can_do=explanation.what_you_can_do,
        what_we_do=_GIVEN_UP if final else _KEPT_TRYING,
        rule=explanation.rule,
        source=rule.source if rule else "",
        version=book.version,
        reply=pasted.reply.text,
        phase=phase,
        host=host,
    )
