"""What nodes do as one: limits, chores, and what people see on any of them."""

import contextlib
import json
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.panel import Panel
from tests.cluster.cluster import MOST, Cluster, Node
from tests.cluster.conftest import CYCLES, Tell
from tests.cluster.load import Answer
from tests.cluster.scenes import wait_for_ok
from tests.cluster.witness import judge
from tests.support.waiting import wait_until
from tracker.postgres.chores import CLASS, number_of

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


def test_a_destination_gets_no_more_connections_than_from_one_node(
    cluster: Cluster, tell: Tell
) -> None:
    cluster.sink.latency = 0.1
    # Who joins takes what it gets of a share from the others, who hear of it with a heartbeat.
    wait_until(lambda: len(nodes_of(cluster)) == len(cluster.nodes), "every node to be seen")
    cluster.wait_for_heartbeats()
    cluster.sink.forget_most()
    load = cluster.load("limits", pause=0.01)
    wait_for_ok(load, 400)
    verdict = judge(cluster, load)
    most = dict(cluster.sink.most)
    assert max(most.values()) <= MOST
    # Else it proves nothing.
    assert max(most.values()) == MOST
    tell(f"limit of {MOST} connections: {most} at most; {verdict}")


def test_every_panel_shows_what_any_node_accepted(cluster: Cluster) -> None:
    one, two, _ = cluster.nodes
    panel = Panel.log_in_as_admin(one.service)
    other = panel.at(two.service.panel)
    load = cluster.load("panel")
    wait_for_ok(load, 1)
    judge(cluster, load)
    said = next(each for each in load.of(Answer.OK) if each.port == one.port)
    for browser in (panel, other):
        found = browser.get("/", q=f"subject:{said.token}")
        assert said.recipients[0] in found
        page = browser.get("/nodes")
        assert [node.name for node in cluster.nodes if node.name not in page] == []


def nodes_of(cluster: Cluster) -> list[str]:
    """Return the names of the nodes that serve, as the command tells them."""
    told = json.loads(cluster.nodes[0].service.run("nodes", "--json"))
    return [node["name"] for node in told["nodes"] if node["workers"]]


def test_the_command_lists_all_nodes(cluster: Cluster) -> None:
    wait_until(
        lambda: nodes_of(cluster) == [node.name for node in cluster.nodes], "all nodes at work"
    )


def holders(cluster: Cluster) -> list[Node]:
    """Return on which nodes somebody tidies: by the port that its connection has."""
    rows = cluster.ask(
        "SELECT a.client_port FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid::bigint = $2 AND l.granted",
        CLASS,
        number_of("tidying") % 2**32,  # an oid, which has no sign
    )
    ports = {port for (port,) in rows}
    return [node for node in cluster.nodes for wire in node.wires for _ in ports & wire.ports()]


def other_holder(cluster: Cluster, former: Node) -> Node | None:
    found = holders(cluster)
    assert len(found) <= 1
    return found[0] if found and found[0] is not former else None


@contextlib.contextmanager
def killed(node: Node) -> Iterator[None]:
    node.service.kill()
    yield
    node.service.start()


@contextlib.contextmanager
def stopped(node: Node) -> Iterator[None]:
    node.service.signal_all(signal.SIGSTOP)
    try:
        yield
    finally:
        node.service.signal_all(signal.SIGCONT)


Fault = Callable[[Node], contextlib.AbstractContextManager[None]]
FAULTS = [killed] if CYCLES == 1 else [killed, stopped]  # a stopped one is given half a minute


@pytest.mark.parametrize("fault", FAULTS)
def test_chores_are_done_by_one_node_and_pass_on_with_its_end(
    cluster: Cluster, tell: Tell, fault: Fault
) -> None:
    wait_until(lambda: holders(cluster), "somebody to do the chores", timeout=75)
    (holder,) = holders(cluster)
    with fault(holder):
        heir = wait_until(
            lambda: other_holder(cluster, holder), "another to do the chores", timeout=150
        )
    assert holders(cluster) == [heir]
    tell(f"chores: {holder.name} {fault.__name__}, then {heir.name} does them")
