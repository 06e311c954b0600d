"""What has been read for the index and is not written yet."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tracker.postgres.text.lists import encode
from tracker.postgres.text.reading import Reading
from tracker.sql.ranges import Range
from tracker.sql.trigrams import BLOCK, trigrams_of

Words = Mapping[str, bytes]
"""For each trigram the list of blocks that have it."""


class Gathering:
    """Blocks of a part, from number `begin` on, behind the recipient `after`."""

    def __init__(self, begin: int, after: str) -> None:
        self.begin = begin
        self.blocks = list[Range]()
        self.recipients = 0
        self.last = after
        """The last recipient that is in it."""
        self.open = list[tuple[str, int, str | None]]()
        """Recipients that are open, their block, and the last attempt that is in it."""
        self._lists = defaultdict[str, list[int]](list)

    @property
    def end(self) -> int:
        """The number of the block that comes next."""
        return self.begin + len(self.blocks)

    def add(self, reading: Reading, texts: Sequence[str]) -> None:
        """Add blocks, of which `texts` are what is indexed."""
        for ids, text in zip(blocks_of(reading.ids), texts, strict=True):
            number, lists = self.end, self._lists
            for trigram in trigrams_of(text):
                lists[trigram].append(number)
            self.blocks.append((ids[0], ids[-1]))
            self.recipients += len(ids)
            self.open += [
                (each, number, reading.open[each]) for each in ids if each in reading.open
            ]
            self.last = ids[-1]

    def words(self) -> Words:
        """Return the lists of its blocks."""
        return encoded(self._lists)


def blocks_of(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the recipients of each block."""
    for start in range(0, len(ids), BLOCK):
        yield ids[start : start + BLOCK]


def words_of(texts: Mapping[int, str]) -> Words:
    """Return the lists of blocks, given by number with a text each."""
    lists = defaultdict[str, list[int]](list)
    for number in sorted(texts):
        for trigram in trigrams_of(texts[number]):
            lists[trigram].append(number)
    return encoded(lists)


def encoded(lists: Mapping[str, Sequence[int]]) -> Words:
    """Return lists as they are written, by the order of their trigrams."""
    return {trigram: encode(lists[trigram]) for trigram in sorted(lists)}
