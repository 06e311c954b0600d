"""Lists of blocks: short, and put together by putting one behind another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.postgres.text.lists import MOST_BLOCKS, blocks_in, decode, encode

LISTS = st.one_of(
    st.sets(st.integers(0, MOST_BLOCKS - 1), max_size=50),
    st.sets(st.integers(0, 600), max_size=600),
).map(sorted)


@given(blocks=LISTS)
def test_a_list_is_read_as_it_was_written(blocks: list[int]) -> None:
    assert blocks_in(decode(encode(blocks))) == blocks


@given(some=LISTS, others=LISTS)
def test_one_behind_the_other_is_both(some: list[int], others: list[int]) -> None:
    assert blocks_in(decode(encode(some) + encode(others))) == sorted({*some, *others})


@pytest.mark.parametrize(
    ("blocks", "octets"),
    [([], 0), ([7], 3), ([7, 700], 6), (range(31), 33), (range(32), 34), (range(4096), 16 * 34)],
)
def test_a_list_has_no_more_octets_than_it_needs(blocks: list[int], octets: int) -> None:
    assert len(encode(blocks)) == octets
