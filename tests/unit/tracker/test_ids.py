"""Ids: UUIDv7 in 26 characters, in the order of time."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from tracker.model import is_id, new_id, time_of

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(0), timedelta(days=36_500)).map(lambda age: EPOCH + age)
entropy = st.binary(min_size=8, max_size=16)


def as_uuid(identifier: str) -> uuid.UUID:
    value = 0
    for character in identifier:
        value = value * 32 + ALPHABET.index(character)
    return uuid.UUID(int=value)


def test_a_known_id() -> None:
    moment = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    identifier = new_id(moment, bytes.fromhex("62318f0dc0b7e0d8"))
    found = as_uuid(identifier)
    # The time of the example in RFC 9562 A.6.
    assert str(found).startswith("017f22e2-79b0-7000-")
    assert len(identifier) == 26


@given(moment=moments, chance=entropy)
def test_it_is_a_uuid_of_version_7(moment: datetime, chance: bytes) -> None:
    identifier = new_id(moment, chance)
    assert is_id(identifier)
    found = as_uuid(identifier)
    assert found.version == 7
    assert found.variant == uuid.RFC_4122


@given(moment=moments, chance=entropy)
def test_its_time_can_be_read(moment: datetime, chance: bytes) -> None:
    assert abs(time_of(new_id(moment, chance)) - moment) <= timedelta(milliseconds=1)


@given(
    moment=moments,
    later=st.timedeltas(timedelta(microseconds=2), timedelta(days=400)),
    chances=st.tuples(entropy, entropy),
)
def test_ids_sort_by_time(moment: datetime, later: timedelta, chances: tuple[bytes, bytes]) -> None:
    assert new_id(moment, chances[0]) < new_id(moment + later, chances[1])


@given(chances=st.tuples(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8)))
def test_ids_of_one_moment_differ_by_chance(chances: tuple[bytes, bytes]) -> None:
    first, second = (int.from_bytes(chance, "big") >> 2 for chance in chances)
    same = new_id(START, chances[0]) == new_id(START, chances[1])
    assert same == (first == second)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 25,
        "0" * 27,
        "8" + "0" * 25,
        "0" * 25 + "I",
        "0" * 25 + "u",
        "0" * 25 + "é",
        "0" * 25 + "\n",
        "017f22e2-79b0-7000-98c4-dc0c0c07",
    ],
)
def test_what_is_no_id(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(ValueError, match="not an id"):
        time_of(text)
