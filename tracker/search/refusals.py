"""What a server's refusal, pasted by whoever got it, asks for: the same code and the same words.

Mail programs break its lines anew, join them, or cut its end off. So it is taken apart where the
server began a line, and what is searched for are its longest lines, as far as they were pasted.
"""

import re
from collections.abc import Iterator
from typing import Final

from tracker.search.query import Field, Term

_ENHANCED: Final = r"[45]\.[0-9]{1,3}\.[0-9]{1,3}"
_BEGINS: Final = re.compile(rf"[\s\"'(]*(?P<code>[45][0-9]{{2}})[ -](?P<enhanced>{_ENHANCED})?")
_LINE: Final = re.compile(rf"(?<!\S)(?:[45][0-9]{{2}}[ -](?:{_ENHANCED}(?!\S))?|{_ENHANCED}(?!\S))")
_EDGES: Final = " \t…\"'()"
_SHORTEST: Final = 4
"""Characters of a line that says anything."""
_LONGEST: Final = 200
"""Characters of a line that are looked for."""
_PHRASES: Final = 2


def read_refusal(text: str) -> tuple[Term, ...]:
    """Return what to search for; nothing where `text` does not begin as a refusal does."""
    match = _BEGINS.match(text)
    if match is None:
        return ()
    code, enhanced = match["code"], match["enhanced"]
    if enhanced is None and not re.search(rf"\s{code}[ -]", text):
        return ()  # a number that somebody typed, with words after it
    said = Term(field=Field.CODE, value=enhanced or code)
    phrases = sorted(_phrases(text), key=len, reverse=True)[:_PHRASES]
    if not phrases:
        return (Term(field=Field.CODE, value=code), said)
    return (said, *(Term(field=Field.TEXT, value=phrase) for phrase in phrases))


def _phrases(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        for part in _LINE.split(line):
            phrase = part.strip(_EDGES).removesuffix("...")[:_LONGEST].rstrip()
            if len(phrase) >= _SHORTEST:
                yield phrase
