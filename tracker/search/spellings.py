"""Ways to write one name: U-labels and A-labels of an international domain are the same (RFC 5890).

The record keeps addresses as they came, so a search for one form has to look for the other too.
"""

from collections.abc import Callable, Iterable
from typing import Final

import idna

_LONGEST_LABEL: Final = 63
"""Characters: no label is longer in either form (RFC 5890 2.3.1), and IDNA takes its time."""
_LONGEST: Final = 500
"""Characters of a text that may have a domain in it."""


def spellings(text: str) -> tuple[str, ...]:
    """Return `text` and, where labels of its domain have another form, the text with that form.

    The domain is what stands behind the last `@`, or all of it. Only whole labels have two forms.
    """
    if len(text) > _LONGEST or (text.isascii() and "xn--" not in text.lower()):
        return (text,)
    before, at, domain = text.rpartition("@")
    labels = domain.split(".")
    others = (_each(_a_label, labels), _each(_u_label, labels))
    forms = (text, *(f"{before}{at}{other}" for other in others))
    return tuple({form.lower(): form for form in reversed(forms)}.values())[::-1]


def a_labels(domain: str) -> str:
    """Return `domain` in lower case with A-labels: as it is looked up and compared."""
    return _each(_a_label, domain.lower().split("."))


def _each(change: Callable[[str], str], labels: Iterable[str]) -> str:
    return ".".join(map(change, labels))


def _a_label(label: str) -> str:
    if label.isascii() or len(label) > _LONGEST_LABEL:
        return label
    try:
        return idna.encode(label, uts46=True).decode("ascii")
    except UnicodeError:
        return label


def _u_label(label: str) -> str:
    ascii_form = _a_label(label).lower()
    if not ascii_form.startswith("xn--") or len(ascii_form) > _LONGEST_LABEL:
        return label
    try:
        return idna.decode(ascii_form)
    except UnicodeError:
        return label
