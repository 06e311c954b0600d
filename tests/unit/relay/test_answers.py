"""Answers of the DNS are kept while they are good, and no more of them than there is room for."""

from relay.answers import Answers


def test_an_answer_is_known_until_it_is_too_old() -> None:
    answers: Answers[str] = Answers(10)
    answers.keep("a.test", "one", until=5.0)
    assert answers.get("a.test", now=4.9) == "one"
    assert answers.get("a.test", now=5.0) is None
    assert len(answers) == 0


def test_a_new_answer_takes_the_place_of_the_old_one() -> None:
    answers: Answers[str] = Answers(10)
    answers.keep("a.test", "one", until=5.0)
    answers.keep("a.test", "two", until=9.0)
    assert answers.get("a.test", now=6.0) == "two"


def test_what_has_been_kept_longest_makes_room() -> None:
    answers: Answers[str] = Answers(2)
    for name in ("a.test", "b.test", "a.test", "c.test"):
        answers.keep(name, name, until=5.0)
    assert [answers.get(name, now=0.0) for name in ("a.test", "b.test", "c.test")] == [
        "a.test",
        None,
        "c.test",
    ]


def test_without_room_nothing_is_kept() -> None:
    answers: Answers[str] = Answers(0)
    answers.keep("a.test", "one", until=5.0)
    assert answers.get("a.test", now=0.0) is None
