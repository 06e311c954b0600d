"""Who is to come first does so, whoever waits longer."""

from tests.contract.ledger import hold, paths
from tests.support.clock import START
from tests.support.mail import make_submission
from tracker.sqlite import SqliteLedger


async def test_a_destination_that_is_named_has_its_turn_before_all_others(
    ledger: SqliteLedger,
) -> None:
    small = [f"u@d{number}.example" for number in range(20)]
    for path in (*small, *["u@large.example"] * 5):
        await ledger.accept(make_submission(path), START, None)
    lease = await hold(ledger)
    assert "u@large.example" not in paths(await ledger.claim(lease, START, 10))
    named = await ledger.claim(lease, START, 4, first={"large.example": 3})
    assert paths(named).count("u@large.example") == 3
    assert len(paths(named)) == 4
    # Whom there is no room for, and whom nothing waits for, are no matter.
    first = {"none.example": 5, "large.example": 1}
    assert paths(await ledger.claim(lease, START, 1, first=first)) == ["u@large.example"]
    rest = paths(await ledger.claim(lease, START, 100, {"large.example"}, first))
    assert len(rest) == 9
    assert set(rest) <= set(small)
