"""The files of the counters lie on the disk whole: a hole that cannot be filled kills a worker."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

_WORKER = """
import os
from relay import metrics
metrics.reserve()
metrics.DSNS.inc(3)
metrics.CONNECTED.inc()
metrics.DELIVERY_SECONDS.observe(2)
metrics.publish()
"""


def test_the_files_of_a_worker_have_no_holes(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", _WORKER], env=environment, check=True, timeout=120)
    files = list(tmp_path.iterdir())
    assert {path.name.rpartition("_")[0] for path in files} == {
        "counter",
        "gauge_livesum",
        "histogram",
    }
    for path in files:
        assert path.stat().st_blocks * 512 >= path.stat().st_size > 0
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))  # type: ignore[no-untyped-call]
    assert registry.get_sample_value("sendtrace_dsns_total") == 3


def test_what_can_be_counted_is_there_before_it_happens(tmp_path: Path) -> None:
    """A series that begins with its first event hides that event from every rate."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", _WORKER], env=environment, check=True, timeout=120)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))  # type: ignore[no-untyped-call]
    for name, labels in (
        ("attempts", {"outcome": "uncertain", "origin": "remote"}),
        ("postponements", {"gate": "dns"}),
        ("submissions", {"result": "unavailable"}),
        ("authentications", {"result": "failed"}),
    ):
        assert registry.get_sample_value(f"sendtrace_{name}_total", labels) == 0
