"""The database goes away: clients are told to come again, and what was accepted stays accepted."""

import time
from collections.abc import Callable

import pytest

from tests.cluster.cluster import Cluster, Node
from tests.cluster.conftest import CYCLES, Tell
from tests.cluster.database import Pair
from tests.cluster.load import Answer, Load
from tests.cluster.scenes import BEFORE, accepted_between, wait_for_ok, wait_for_refusals
from tests.cluster.witness import judge
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120 * CYCLES + 120)]

REFUSALS = 5
"""Clients of each node that are to be refused while there is no database."""


def cut_off(cluster: Cluster, load: Load, node: Node) -> tuple[float, float]:
    """Reset a node's connections to the database until its clients have been refused."""
    node.cut()
    since = time.monotonic()
    wait_for_refusals(load, [node], since, REFUSALS)
    others = [each for each in cluster.nodes if each is not node]
    for other in others:
        wait_until(lambda other=other: cluster.serves(other, load, since), "others to serve")  # type: ignore[misc]
    return since, time.monotonic()


def swallow(cluster: Cluster, load: Load, node: Node) -> tuple[float, float]:
    """Let a node's network swallow everything, until others have taken over its mail."""
    leases = cluster.leases_of(node)
    node.hush()
    since = time.monotonic()
    wait_until(lambda: not cluster.held_under(leases), "others to take over", timeout=60)
    if CYCLES > 1:  # takes as long as a node waits for an answer
        wait_for_refusals(load, [node], since, 1)
    return since, time.monotonic()


@pytest.mark.parametrize("fault", [cut_off, swallow])
def test_a_node_that_cannot_reach_the_database_takes_no_mail(
    cluster: Cluster,
    tell: Tell,
    fault: Callable[[Cluster, Load, Node], tuple[float, float]],
) -> None:
    cluster.sink.latency = 0.2
    for cycle in range(CYCLES):
        node = cluster.nodes[cycle % len(cluster.nodes)]
        load = cluster.load(fault.__name__)
        wait_for_ok(load, BEFORE)
        since, until = fault(cluster, load, node)
        assert accepted_between(load, [node], since, until) == 0
        node.mend()
        back = cluster.wait_until_all_serve(load)
        tell(
            f"{fault.__name__}, one node for {until - since:.1f} s: {judge(cluster, load)}, "
            f"back in {back:.1f} s"
        )


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_database_is_restarted(cluster: Cluster, tell: Tell, mode: str) -> None:
    cluster.sink.latency = 0.2
    for _ in range(CYCLES):
        load = cluster.load(f"restart-{mode}")
        wait_for_ok(load, BEFORE)
        server = cluster.database.primary
        server.stop(mode)
        since = time.monotonic()
        # Whose answer got lost waits for some time; whoever comes now hears at once how it is.
        late = cluster.load("late", connections=1)
        wait_for_refusals(late, cluster.nodes, since, REFUSALS)
        until = time.monotonic()
        assert accepted_between(load, cluster.nodes, since, until) == 0
        assert accepted_between(late, cluster.nodes, since, until) == 0
        server.start()
        back = cluster.wait_until_all_serve(load)
        late.stop()
        tell(
            f"{mode} restart of PostgreSQL, away for {until - since:.1f} s: "
            f"{judge(cluster, load)}, back in {back:.1f} s; of those who came meanwhile "
            f"{judge(cluster, late)}"
        )


def test_the_replica_takes_over(cluster: Cluster, tell: Tell) -> None:
    cluster.sink.latency = 0.2
    pair = cluster.database
    assert isinstance(pair, Pair)
    for _ in range(CYCLES):
        load = cluster.load("failover")
        wait_for_ok(load, BEFORE)
        acknowledged = load.count(Answer.OK)
        under_way = len(cluster.sink.under_way)
        pair.fail_over()
        back = cluster.wait_until_all_serve(load)
        verdict = judge(cluster, load)
        pair.replace_lost()
        cluster.follow()
        tell(
            f"fail-over: {verdict}; {acknowledged} were acknowledged before, {under_way} were "
            f"between dot and answer; all nodes serve {back:.1f} s after the promotion"
        )
