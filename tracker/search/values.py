"""What may stand behind each field: checked, and brought into one form.

A value that cannot be understood is a ValueError whose text says how to mend it.
"""

import difflib
import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final

from tracker.explain import Category, Side
from tracker.search.amounts import COUNT_FORMS, SIZE_FORMS, read_counts, read_sizes
from tracker.search.query import STATUS_WORDS, TLS_WORDS, Field

_READ: Final = 60
"""Characters of a wrong word that are compared with the right ones."""
_LISTED: Final = 12
"""Words that an error message lists."""
_CODE: Final = re.compile(r"[2-5](?:[0-9]{0,2}|\.[0-9]{1,3}(?:\.[0-9]{1,3})?)")
_LONGEST_IP: Final = 45
_GROUP: Final = re.compile(r"[0-9A-Fa-f]{0,4}")
_OCTET: Final = re.compile(r"[0-9]{1,3}")
_SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "temporarily-rejected": "temporary",
        "permanently-rejected": "permanent",
        "canceled": "cancelled",
        "bounced-later": "returned",
    }
)
"""Outcomes as the panel words them, or as others spell them."""


def read_value(field: Field, value: str, *, exact: bool) -> str:
    """Return `value` as a term has it. Raises ValueError, whose text begins in mid-sentence."""
    reader = _READERS.get(field)
    if reader is None or (exact and reader is _address):
        return value
    return reader(value)


def whole_ip(text: str) -> str | None:
    """Return the canonical form of a whole IP address; None where it is something else."""
    try:
        return str(ipaddress.ip_address(text.strip("[]").lower().removeprefix("ipv6:")))
    except ValueError:
        return None


def is_part_of_ip(text: str) -> bool:
    """Say whether `text` may be a piece of an IP address as it is written."""
    *groups, last = text.split(":")
    if len(text) > _LONGEST_IP or text.strip(".:") == "":
        return False
    if not groups:
        return _is_part_of_ipv4(last) or _GROUP.fullmatch(last) is not None
    # Of what stands between colons, only one piece may be empty: "::" is there once at most.
    is_short = len(groups) <= 8 and sum(map(bool, (*groups, last))) <= 8
    is_ipv6 = is_short and groups[1:].count("") <= 1 and all(map(_GROUP.fullmatch, groups))
    return is_ipv6 and (_GROUP.fullmatch(last) is not None or _is_part_of_ipv4(last))


def _is_part_of_ipv4(text: str) -> bool:
    octets = text.split(".")
    inner = [each for n, each in enumerate(octets) if each or 0 < n < len(octets) - 1]
    is_short = bool(inner) and len(octets) <= 4
    return is_short and all(_OCTET.fullmatch(each) and int(each) <= 255 for each in inner)


def _status(value: str) -> str:
    word = "-".join(value.lower().replace("_", "-").split())
    word = _SAID.get(word, word)
    if word in STATUS_WORDS:
        return word
    raise ValueError(f"names no status. {_hint('status', word, [*STATUS_WORDS, *_SAID])}")


def _category(value: str) -> str:
    word = "-".join(value.lower().replace("_", "-").split())
    if word in _CATEGORIES:
        return word
    raise ValueError(f"names no category. {_hint('category', word, _CATEGORIES)}")


def _side(value: str) -> str:
    word = value.lower()
    if word in _SIDES:
        return word
    raise ValueError(f"names no side. {_hint('side', word, _SIDES)}")


def _tls(value: str) -> str:
    word = value.lower()
    if word in TLS_WORDS:
        return word
    raise ValueError(f"says nothing about TLS. {_hint('tls', word, TLS_WORDS)}")


def _code(value: str) -> str:
    code = value.lower().removesuffix("xx").removesuffix("yz")
    if _CODE.fullmatch(code):
        return code
    raise ValueError(
        "names no code. Write a reply code such as code:550 or code:4, or an enhanced status "
        "code such as code:5.1.1."
    )


def _size(value: str) -> str:
    return _amount(value, "names no size", SIZE_FORMS, read_sizes)


def _attempts(value: str) -> str:
    return _amount(value, "names no number of attempts", COUNT_FORMS, read_counts)


def _amount(value: str, what: str, forms: str, read: Callable[[str], object]) -> str:
    try:
        read(value)
    except ValueError:
        raise ValueError(f"{what}. Write {forms}.") from None
    return value


def _ip(value: str) -> str:
    if "/" in value:
        raise ValueError(
            "names a network. Write an IP address, or the beginning of one such as ip:192.0.2."
        )
    if whole_ip(value) is None and not is_part_of_ip(value):
        raise ValueError(
            "names no IP address. Write one such as ip:192.0.2.1 or ip:2001:db8::1, or the "
            "beginning of one such as ip:192.0.2."
        )
    return value


def _address(value: str) -> str:
    if value.startswith("@") and not value.removeprefix("@").removeprefix("*."):
        raise ValueError(
            "names no domain. Write one such as @example.org, or @*.example.org to have its "
            "subdomains too."
        )
    return value


def _hint(field: str, word: str, words: Collection[str]) -> str:
    close = difflib.get_close_matches(word[:_READ], words, n=1, cutoff=0.5)
    meant = f"Did you mean {field}:{_SAID.get(close[0], close[0])}? " if close else ""
    known = [each for each in words if each not in _SAID]
    others = ", …" if len(known) > _LISTED else "."
    return f"{meant}It can be {', '.join(known[:_LISTED])}{others}"


_CATEGORIES: Final = tuple(category.value for category in Category)
_SIDES: Final = tuple(side.value for side in Side)

_READERS: Final[Mapping[Field, Callable[[str], str]]] = MappingProxyType(
    {
        Field.ANY: _address,
        Field.TO: _address,
        Field.FROM: _address,
        Field.ACCOUNT: _address,
        Field.STATUS: _status,
        Field.CATEGORY: _category,
        Field.SIDE: _side,
        Field.TLS: _tls,
        Field.CODE: _code,
        Field.SIZE: _size,
        Field.ATTEMPTS: _attempts,
        Field.IP: _ip,
    }
)
