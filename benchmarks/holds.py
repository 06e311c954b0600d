"""How long the turn of a ledger is held, and by what kind of work."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tracker.sqlite import group
from tracker.sqlite.turn import TurnLock

Holds = dict[str, list[float]]
"""Seconds, by the kind of work: "mail" in the event loop, "step" in the thread, "checkpoint"."""


class _Watched(TurnLock):
    """Notes how long it is held."""

    is_beside: Callable[[float], bool]
    holds: dict[bool, Holds]

    def __init__(self, ledger: Path) -> None:
        super().__init__(ledger)
        self._since = 0.0
        self._kind = ""

    def take(self) -> None:
        super().take()
        self._since = time.monotonic()

    def try_take(self) -> bool:
        taken = super().try_take()
        self._since = time.monotonic()
        return taken

    @contextmanager
    def held(self) -> Iterator[None]:
        self._kind = "checkpoint"
        with super().held():
            yield
        self._kind = ""

    def give_back(self) -> None:
        now, since = time.monotonic(), self._since
        in_loop = threading.current_thread() is threading.main_thread()
        kind = self._kind or ("mail" if in_loop else "step")
        super().give_back()
        self.holds[type(self).is_beside(now)].setdefault(kind, []).append(now - since)


def watch(is_beside: Callable[[float], bool]) -> dict[bool, Holds]:
    """Note from now on how long this process holds the turn of the ledgers that it opens.

    What is returned grows; `is_beside` says of a moment under which key it is noted.
    """
    _Watched.is_beside = staticmethod(is_beside)
    _Watched.holds = {False: {}, True: {}}
    group.TurnLock = _Watched  # type: ignore[attr-defined]
    return _Watched.holds
