"""A cluster that the tests of a process share: nodes of `sendtrace serve`, and two servers."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.database import Pair
from tests.support.postgres import Installation, installation

CYCLES = int(os.environ.get("CLUSTER_CYCLES", "1"))
"""How often each fault is made; more of them find rarer mistakes."""

Tell = Callable[[str], None]


@pytest.fixture(scope="session")
def installed() -> Installation:
    """The PostgreSQL that the ledger is in."""
    found = installation("16")
    assert found is not None, "PostgreSQL 16 is missing; it comes with the dev dependencies"
    return found


@pytest.fixture(scope="session")
def running_cluster(
    installed: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Three nodes and two servers; use `cluster`."""
    pair = Pair(installed)
    try:
        cluster = Cluster(tmp_path_factory.mktemp("cluster"), pair)
        try:
            yield cluster.start()
        finally:
            cluster.close()
    finally:
        pair.remove()


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    """That cluster, without a fault at the beginning of a test."""
    yield running_cluster
    running_cluster.sink.latency = 0.0
    for node in running_cluster.nodes:
        node.mend()
        if not node.service.runs:
            node.service.start()


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Prints a figure, also when the test succeeds."""

    def print_it(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", end="", flush=True)

    return print_it
