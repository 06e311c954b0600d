"""Ids that are made in the process and sort by time (UUIDv7, RFC 9562 5.7).

They are shown as 26 characters of Crockford base32, letters and digits only, because log tools
stop reading a queue id at the first hyphen. Time and chance are arguments.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

MessageId = NewType("MessageId", str)
RecipientId = NewType("RecipientId", str)
AttemptId = NewType("AttemptId", str)
EventId = NewType("EventId", str)
AccessId = NewType("AccessId", str)
LeaseToken = NewType("LeaseToken", str)
RefusalId = NewType("RefusalId", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_LENGTH = 26


def new_id(now: datetime, entropy: bytes) -> str:
    """Return a UUIDv7 as 26 characters.

    `now` gives the leading 48 bits (milliseconds since 1970 UTC); the following 12 bits are the
    fraction of that millisecond (RFC 9562 6.2, method 3), so that ids of one process sort by
    time more finely. `entropy` needs at least 8 bytes.
    """
    milliseconds, microseconds = divmod(int(now.timestamp() * 1_000_000), 1000)
    low = (
        (0x7 << 76)
        | (microseconds * 4096 // 1000 << 64)
        | (0b10 << 62)
        | (int.from_bytes(entropy[:8], "big") >> 2)
    )
    # Written out, since ids are made several times for each message: a third of a loop's time.
    pairs = _PAIRS
    return (
        f"{_beginning(milliseconds)}"
        f"{pairs[low >> 70]}{pairs[low >> 60 & 1023]}{pairs[low >> 50 & 1023]}"
        f"{pairs[low >> 40 & 1023]}{pairs[low >> 30 & 1023]}{pairs[low >> 20 & 1023]}"
        f"{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


@lru_cache(maxsize=64)
def _beginning(milliseconds: int) -> str:
    """Return the first ten characters: the 48 bits of the time."""
    return "".join(_PAIRS[milliseconds >> shift & 1023] for shift in range(40, -1, -10))


def is_id(text: str) -> bool:
    """Say whether `text` could be one of our ids."""
    return len(text) == _LENGTH and text[0] in "01234567" and all(c in _VALUES for c in text)


def time_of(identifier: str) -> datetime:
    """Return when `identifier` was made, UTC, to the millisecond.

    Raises ValueError when it is not one of our ids.
    """
    if not is_id(identifier):
        raise ValueError(f"not an id: {identifier!r}")
    value = 0
    for character in identifier:
        value = value << 5 | _VALUES[character]
    return datetime.fromtimestamp((value >> 80) / 1000, UTC)
