"""Failed log-ins: counted by key for everybody who shares the ledger, and forgotten again."""

from ast import literal_eval
from collections import Counter
from datetime import timedelta

import pytest

from tests.contract.conftest import Everything, Opener
from tests.contract.ledger import Ledger
from tests.support.clock import START

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
WINDOW = 5 * MINUTE


async def test_failures_of_each_key_are_counted(ledger: Ledger) -> None:
    first = await ledger.record_failure(["client a", "account x"], START, WINDOW)
    assert [list(each) for each in first] == [[START], [START]]
    later = START + MINUTE
    second = await ledger.record_failure(["account x", "client b"], later, WINDOW)
    assert [list(each) for each in second] == [[START, later], [later]]


async def test_all_failures_of_one_moment_count(ledger: Ledger) -> None:
    for _ in range(2):
        await ledger.record_failure(["client a"], START, WINDOW)
    (times,) = await ledger.record_failure(["client a"], START, WINDOW)
    assert list(times) == [START] * 3


async def test_failures_before_the_window_do_not_count(ledger: Ledger) -> None:
    await ledger.record_failure(["client a"], START, WINDOW)
    almost = START + WINDOW - MICROSECOND
    (times,) = await ledger.record_failure(["client a"], almost, WINDOW)
    assert list(times) == [START, almost]
    (times,) = await ledger.record_failure(["client a"], START + WINDOW, WINDOW)
    assert list(times) == [almost, START + WINDOW]


async def test_whoever_shares_the_ledger_shares_the_count(opener: Opener) -> None:
    one, two = await opener(), await opener()
    await one.record_failure(["account x"], START, WINDOW)
    (times,) = await two.record_failure(["account x"], START + MINUTE, WINDOW)
    assert list(times) == [START, START + MINUTE]


async def test_old_failures_are_forgotten(ledger: Ledger) -> None:
    for at in (START, START + MINUTE, START + 2 * MINUTE):
        await ledger.record_failure(["client a", "account x"], at, WINDOW)
    assert await ledger.forget_failures(START) == 0
    assert await ledger.forget_failures(START + MINUTE) == 2
    assert await ledger.forget_failures(START + MINUTE) == 0
    (times,) = await ledger.record_failure(["client a"], START + 3 * MINUTE, WINDOW)
    assert list(times) == [START + MINUTE, START + 2 * MINUTE, START + 3 * MINUTE]


async def test_no_keys_are_no_failures(ledger: Ledger) -> None:
    assert list(await ledger.record_failure([], START, WINDOW)) == []
    assert await ledger.forget_failures(START + MINUTE) == 0


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("account correct horse battery", id="a password in the wrong place"),
        pytest.param("account " + "a" * 100_000, id="long"),
        pytest.param("account \0\ud800", id="no text"),
    ],
)
async def test_a_key_is_on_record_as_a_digest(
    key: str, ledger: Ledger, everything: Everything
) -> None:
    before = Counter(everything())
    await ledger.record_failure([key], START, WINDOW)
    ((recorded, _),) = [literal_eval(row) for row in Counter(everything()) - before]
    assert len(recorded) == 32
    assert recorded.isalnum()
