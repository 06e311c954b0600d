"""Many tries that ended the same way are told as one line of the timeline, which opens. Pure.

A week of a server that does not answer is some fifty tries; what came before and after it, and
what a person did meanwhile, has to be seen without leafing.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from web.message.attempts import AttemptStory

_Other = TypeVar("_Other")

_FEW: Final = 5
"""So many in a row are all shown."""
_FIRST, _LAST = 1, 2
"""Of more, these are shown at the beginning and at the end."""


class Fold(NamedTuple):
    """Attempts in a row that all ended the same way."""

    folded: tuple[AttemptStory, ...]


def fold(entries: Sequence[AttemptStory | _Other]) -> tuple[AttemptStory | _Other | Fold, ...]:
    """Return the entries of a timeline, oldest first, long runs of the same attempt folded."""
    told: list[AttemptStory | _Other | Fold] = []
    for run in _runs(entries):
        if len(run) <= _FEW or not isinstance(run[0], AttemptStory):
            told += run
            continue
        same = tuple(one for one in run[_FIRST:-_LAST] if isinstance(one, AttemptStory))
        told += [*run[:_FIRST], Fold(same), *run[-_LAST:]]
    return tuple(told)


def _runs(
    entries: Sequence[AttemptStory | _Other],
) -> Iterator[list[AttemptStory | _Other]]:
    run: list[AttemptStory | _Other] = []
    for entry in entries:
        if run and _likeness(entry) != _likeness(run[-1]):
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


def _likeness(entry: object) -> object:
    """Return what is equal for attempts that ended the same way, and for nothing else."""
    if not isinstance(entry, AttemptStory) or not entry.fact.is_try:
        return id(entry)
    return (entry.standing, entry.plain)
