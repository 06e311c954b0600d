"""Which loads are sent, how many messages a run has, and what counts as lost."""

import pytest

from benchmarks.counters import Cpu
from benchmarks.destinations import Traffic
from benchmarks.end_to_end import points
from benchmarks.load import Load, parse_counters
from benchmarks.names import address_of, domain_of
from benchmarks.peers import Relay
from benchmarks.run import MailLost, Result, check, lasting, of_one

LOAD = Load(messages=10, sessions=2, size=5000, recipients=3)


def relay(delivered: int | None = None) -> Relay:
    """Return one that has so much on record, or keeps no record."""
    return Relay(
        ports=[],
        pids=[],
        waiting=lambda: 0,
        flush=lambda: None,
        delivered=None if delivered is None else lambda: delivered,
    )


@pytest.mark.parametrize(
    ("output", "messages"),
    [
        (b"", 0),
        (b"sess=1 quit=0 mesg=0\r", 0),
        (b"sess=1 quit=1 mesg=7\rsess=2 quit=1 mesg=8\r", 8),
        (b"7 mesg=41\rsess=50 quit=49 mesg=42\rsess=51 quit=49 me", 42),
        (b"sess=1 quit=1 mesg=7\rsess=2 quit=1 mesg=1", 7),
    ],
    ids=["nothing", "none", "two", "cut in a word", "cut in a number"],
)
def test_the_last_whole_count_is_what_has_arrived(output: bytes, messages: int) -> None:
    assert parse_counters(output) == messages


def test_without_all_one_thing_is_varied_at_a_time() -> None:
    sizes, sessions, recipients = [1000, 5000], [1, 20], [1, 10]
    some = [load[1:4] for load in points(sizes, sessions, recipients, everything=False)]
    assert some == [(20, 1000, 1), (1, 5000, 1), (20, 5000, 1), (20, 5000, 10)]
    assert len(list(points(sizes, sessions, recipients, everything=True))) == 8


def test_a_load_says_what_it_is() -> None:
    assert str(LOAD) == "5 KB, 2 sessions, 3 recipients"
    assert str(Load(1, 1, 1_000_000)) == "1 MB, 1 session, 1 recipient"


@pytest.mark.parametrize("arrived", [10, 12, 30])
def test_recipients_may_come_together_or_not(arrived: int) -> None:
    check(LOAD, arrived, 30, relay(30))


@pytest.mark.parametrize("arrived", [9, 31])
def test_too_few_or_too_many_arrivals_fail(arrived: int) -> None:
    with pytest.raises(MailLost):
        check(LOAD, arrived, 0, relay())


def test_what_is_not_on_record_fails() -> None:
    with pytest.raises(MailLost, match="29 are on record"):
        check(LOAD, 10, 29, relay(29))


def test_a_run_is_as_long_as_it_is_asked_for() -> None:
    sent = []

    def run(load: Load) -> Result:
        sent.append(load.messages)
        return Result(1000, Cpu(0, 0))

    lasting(run, Load(0, 20, 5000), 3)
    assert sent == [20, 200, 2000]


def test_what_is_slow_runs_twice() -> None:
    sent = []

    def run(load: Load) -> Result:
        sent.append(load.messages)
        return Result(5, Cpu(0, 0))

    lasting(run, Load(0, 100, 5000), 3)
    assert sent == [100, 100]


def test_cost_is_of_one_message() -> None:
    assert of_one(Cpu(2, 1).since(Cpu(1, 0.5)), 100) == Cpu(0.01, 0.005)


def test_each_domain_has_an_address_of_its_own() -> None:
    addresses = {address_of(number) for number in range(10_001)}
    assert len(addresses) == 10_001
    assert not any(address.startswith("127.0.") for address in addresses)
    assert address_of(63_000) == "127.2.2.1"
    assert domain_of(63_000) == "place.2-2-1.example"


def test_the_flood_goes_to_one_domain_and_the_others_to_all() -> None:
    traffic = Traffic(destinations=3, flood=2)
    assert [traffic.domain(number) for number in range(traffic.messages)] == [
        domain_of(number) for number in (3, 3, 0, 1, 2)
    ]
