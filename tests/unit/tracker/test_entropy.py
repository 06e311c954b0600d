"""The pool of random bytes."""

from tracker.entropy import EntropyPool


def test_no_bytes_are_given_out_twice() -> None:
    pool = EntropyPool()
    taken = [pool.take(8) for _ in range(5000)]
    assert {len(octets) for octets in taken} == {8}
    assert len(set(taken)) == len(taken)


def test_any_number_of_bytes_can_be_taken() -> None:
    pool = EntropyPool()
    assert [len(pool.take(count)) for count in (0, 1, 4095, 4096, 10_000, 8)] == [
        0, 1, 4095, 4096, 10_000, 8,
    ]  # fmt: skip
