"""Steps that the scenarios share."""

from collections.abc import Sequence

from tests.cluster.cluster import Node
from tests.cluster.load import Answer, Load
from tests.support.waiting import wait_until

BEFORE = 150
"""Messages that are accepted before a fault."""


def wait_for_ok(load: Load, number: int) -> None:
    """Wait until `number` messages have been accepted."""
    wait_until(lambda: load.count(Answer.OK) >= number, f"{number} messages to be accepted", 60)


def wait_for_refusals(load: Load, nodes: Sequence[Node], since: float, number: int) -> None:
    """Wait until clients of each of `nodes` have been refused what they began after `since`."""
    for node in nodes:
        wait_until(
            lambda node=node: load.count(Answer.REFUSED, port=node.port, since=since) >= number,  # type: ignore[misc]
            f"{number} clients of {node.name} to be refused", timeout=90,
        )  # fmt: skip


def accepted_between(load: Load, nodes: Sequence[Node], since: float, until: float) -> int:
    """Return how many messages were accepted that were begun and answered between two moments."""
    return sum(load.count(Answer.OK, port=node.port, since=since, until=until) for node in nodes)
