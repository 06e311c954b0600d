"""How letters are made alike before their trigrams are taken, whatever the server's rules.

Searches compare what the server makes of two texts: in lower case by the rules of ASCII, or by
those of the database. Whatever is the same by one of them has to be the same here.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tracker.postgres.connections import Transaction

_LOWER: Final = """
SELECT lower(t.text COLLATE "default")
FROM unnest($1::text[]) WITH ORDINALITY AS t (text, n) ORDER BY t.n
"""

# What some languages make of an I, and Greek of an S at the end of a word.
_ALIKE: Final = str.maketrans({"ı": "i", "̇": None, "ς": "σ"})


async def fold(transaction: Transaction, texts: Sequence[str]) -> Mapping[str, str]:
    """Return what each text is for the index."""
    folded = {text: text.lower() for text in texts if text.isascii()}
    others = [text for text in dict.fromkeys(texts) if text not in folded]
    if others:
        lower = await transaction.rows(_LOWER, others)
        folded |= {text: row[0].translate(_ALIKE) for text, row in zip(others, lower, strict=True)}
    return folded
