"""A worker that has to begin on a full disk: it waits, tells what is missing, and then begins."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.small_disk import SmallDisk, small_disk
from tests.support.service import Service
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]

TOLD, BACK = "no room to start; waiting for it", "there is room again; started"


@pytest.fixture(params=["all of it", "the state", "the ledger"])
def relay(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Service, SmallDisk, Path]]:
    """A relay of which some part is on a small disk, and the directory that has too little room."""
    with small_disk(128) as disk:
        directory, store, short = tmp_path, "", disk.directory
        if request.param == "all of it":
            directory, short = disk.directory, disk.directory / "state"
        elif request.param == "the state":
            (tmp_path / "state").symlink_to(disk.directory)
            short = tmp_path / "state"
        else:
            store = f"sqlite:///{disk.directory}/ledger.db"
        with Service(directory, workers=1, store=store).running() as service:
            yield service, disk, short


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    return sorted(map(int, found.stdout.split()))


def readyz(service: Service) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{service.panel}/readyz", timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            told = json.load(error)
    return told


def test_it_waits_for_room_and_says_what_is_missing(
    relay: tuple[Service, SmallDisk, Path],
) -> None:
    service, disk, short = relay
    worker, *_ = children_of(service.pid)
    disk.fill()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: TOLD in service.log(), "the worker to say what it waits for")
    missing = f"the disk of {short} has 0 bytes free where "
    assert f"{missing}1048576 are needed; delete or move" in service.log()
    wait_until(lambda: not readyz(service)["workers"], "the lease of the dead worker to end")
    told = readyz(service)
    assert told["ready"] is False
    assert any(text.startswith(missing) for text in told["missing"])
    disk.make_room()
    wait_until(service.is_ready, "the worker to begin")
    assert "missing" not in readyz(service)
    log = service.log()
    assert (log.count(TOLD), log.count(BACK)) == (1, 1)
    assert "process hit a fault" not in log
