"""A node dies, or stands still: the others carry on with its mail, and nothing is lost."""

import signal
import time

import pytest

from tests.cluster.cluster import Cluster, Node
from tests.cluster.conftest import CYCLES, Tell
from tests.cluster.scenes import BEFORE, wait_for_ok
from tests.cluster.witness import judge
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120 * CYCLES + 120)]


def seconds_until_taken_over(cluster: Cluster, held: set[str], leases: list[str]) -> float:
    """Wait until all that `leases` held is in other hands, or over; add to `held` what it was.

    What a node has sent to the database before the fault is done after it.
    """
    since = time.monotonic()

    def is_taken_over() -> bool:
        held.update(cluster.held_under(leases))
        return cluster.waits_for_others(held, leases) == 0

    wait_until(is_taken_over, "others to take over", timeout=60)
    return time.monotonic() - since


def has_new_lease(cluster: Cluster, node: Node, former: list[str]) -> bool:
    return bool(set(cluster.leases_of(node)) - set(former))


def test_what_a_killed_node_held_is_taken_over(cluster: Cluster, tell: Tell) -> None:
    cluster.sink.latency = 0.2
    for cycle in range(CYCLES):
        victim = cluster.nodes[cycle % len(cluster.nodes)]
        load = cluster.load("kill")
        wait_for_ok(load, BEFORE)
        leases = cluster.leases_of(victim)
        under_way = len(cluster.sink.under_way)
        victim.service.kill()
        held = cluster.held_under(leases)
        took = seconds_until_taken_over(cluster, held, leases)
        assert cluster.leases_of(victim) == []
        victim.service.start()
        back = cluster.wait_until_all_serve(load)
        verdict = judge(cluster, load, held=held)
        tell(
            f"kill -9 of a node: {verdict}; it held {len(held)} recipients, {under_way} were "
            f"between dot and answer; taken over in {took:.1f} s, back in {back:.1f} s"
        )


def test_a_node_that_stood_still_does_nothing_under_its_old_lease(
    cluster: Cluster, tell: Tell
) -> None:
    cluster.sink.latency = 0.2
    for cycle in range(CYCLES):
        victim = cluster.nodes[cycle % len(cluster.nodes)]
        load = cluster.load("stop")
        wait_for_ok(load, BEFORE)
        leases = cluster.leases_of(victim)
        under_way = len(cluster.sink.under_way)
        victim.service.signal_all(signal.SIGSTOP)
        try:
            held = cluster.held_under(leases)
            took = seconds_until_taken_over(cluster, held, leases)
            assert cluster.leases_of(victim) == []
        finally:
            victim.service.signal_all(signal.SIGCONT)
        wait_until(lambda: has_new_lease(cluster, victim, leases), "a new lease")  # noqa: B023
        back = cluster.wait_until_all_serve(load)
        assert victim.service.log().count("lease lost") >= victim.service.workers
        verdict = judge(cluster, load, held=held)
        assert all(number == 1 for number in verdict.extra.values())
        tell(
            f"SIGSTOP of a node: {verdict}; it held {len(held)} recipients, {under_way} were "
            f"between dot and answer; taken over in {took:.1f} s, back in {back:.1f} s"
        )
