"""Whether and when there is another try depends on the class of the reply, never on why."""

from datetime import timedelta

import pytest

from config.settings import RetrySettings
from relay.classify import classify_reply
from relay.decide import Reach, decide, weigh
from tests.support.clock import START
from tests.support.jobs import make_job, make_message, make_recipient
from tests.support.mail import make_attempt, mint
from tracker.explain import Category, judge, shipped
from tracker.model import Outcome, Phase, Reply, Status

WORDS = {
    rule.category: example.reply.partition("\n")[0][4:]
    for rules in shipped().stages.values()
    for rule in rules
    for example in rule.examples
    if example.reply and example.phase is None and not example.host
}
"""Something that a server says, for each category that words alone can tell."""


def test_there_are_words_for_most_categories() -> None:
    assert len(WORDS) > 30


@pytest.mark.parametrize("category", WORDS)
def test_the_class_of_the_reply_decides_alone(category: Category) -> None:
    words = WORDS[category]
    for code, outcome in ((450, Outcome.DEFERRED), (550, Outcome.FAILED)):
        assert classify_reply(Reply(code=code, lines=(words,)), Phase.RCPT).outcome is outcome


@pytest.mark.parametrize("category", WORDS)
@pytest.mark.parametrize("code", [450, 550])
def test_what_follows_is_the_same_whatever_the_category(category: Category, code: int) -> None:
    outcome = Outcome.DEFERRED if code == 450 else Outcome.FAILED
    settled = [
        _settled(outcome, Reply(code=code, lines=(words,))) for words in (WORDS[category], "xyzzy")
    ]
    (status, wait, _), (plain_status, plain_wait, plain) = settled
    assert (status, wait) == (plain_status, plain_wait)
    assert plain is Category.NO_REASON


def _settled(outcome: Outcome, reply: Reply) -> tuple[Status, timedelta | None, Category]:
    message = make_message()
    recipient = make_recipient(message)
    attempt = make_attempt(recipient, outcome, reply=reply)
    weighed = weigh(
        make_job(message, recipient),
        [attempt],
        retry=RetrySettings(),
        now=START,
        jitter=0.5,
        reach=Reach(),
    )
    settlement = decide(
        weighed, reporting_mta="mail.example.com", mint=mint, destination_of=lambda domain: domain
    )
    (change,) = settlement.changes
    wait = change.next_attempt_at - START if change.next_attempt_at else None
    return change.status, wait, judge(attempt).category
