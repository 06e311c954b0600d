"""The database's disk is full: nobody is told 250 for what could not be written."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import CYCLES, Tell
from tests.cluster.database import DATABASE, Alone
from tests.cluster.load import Answer
from tests.cluster.scenes import BEFORE, accepted_between, wait_for_ok, wait_for_refusals
from tests.cluster.small_disk import SmallDisk, small_disk
from tests.cluster.witness import judge
from tests.support.postgres import Installation, Server, make_directory
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120 * CYCLES + 120)]

DATA, LOG = "data", "write-ahead log"


@pytest.fixture(scope="module")
def disk() -> Iterator[SmallDisk]:
    with small_disk(128) as mounted:
        yield mounted


@pytest.fixture(scope="module", params=[DATA, LOG])
def on_disk(request: pytest.FixtureRequest) -> str:
    """What is on the small disk."""
    return str(request.param)


@pytest.fixture(scope="module")
def cluster(
    on_disk: str,
    disk: SmallDisk,
    installed: Installation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Two nodes on a server of which the data, or the write-ahead log, are on the small disk."""
    limits = {"max_wal_size": "64MB", "min_wal_size": "32MB", "wal_keep_size": "0"}
    server = Server(installed, make_directory(), durable=True, tcp=True, settings=limits)
    try:
        server.create()
        if on_disk == DATA:
            server.query(f"CREATE TABLESPACE small LOCATION '{disk.directory}'")
            server.query(f"CREATE DATABASE {DATABASE} TABLESPACE small")
        else:
            server.create_database(DATABASE)
            move_log(server, disk)
        made = Cluster(tmp_path_factory.mktemp("disk"), Alone(server), nodes=2, workers=1)
        try:
            yield made.start()
        finally:
            made.close()
    finally:
        server.remove()


def move_log(server: Server, disk: SmallDisk) -> None:
    server.stop()
    log = server.data / "pg_wal"
    shutil.copytree(log, disk.directory / "pg_wal")
    for path in (disk.directory / "pg_wal", *(disk.directory / "pg_wal").rglob("*")):
        shutil.chown(path, log.owner(), log.group())
    (disk.directory / "pg_wal").chmod(0o700)
    shutil.rmtree(log)
    log.symlink_to(disk.directory / "pg_wal")
    server.start()


def use_up_log(server: Server) -> None:
    """Leave whatever room the server has set aside for its log; mail alone would take minutes."""
    with suppress(RuntimeError):
        for _ in range(16):
            server.query("SELECT pg_switch_wal()")
            time.sleep(0.1)  # after a switch without a record between them nothing is left


def is_back(server: Server) -> bool:
    """Say whether the server writes its log again; start it if it has given up.

    Without room for its log it may give up long after there is room: it was still recovering.
    """
    if has_ended(server):
        server.stop()
        server.start()
    try:
        server.query("CHECKPOINT")
    except RuntimeError:
        return False
    return True


def has_ended(server: Server) -> bool:
    """Say whether the server's process has ended."""
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, server.pid, flags) is not None


def test_what_cannot_be_written_is_refused(
    cluster: Cluster, on_disk: str, disk: SmallDisk, tell: Tell
) -> None:
    for _ in range(CYCLES):
        load = cluster.load("disk")
        wait_for_ok(load, BEFORE)
        disk.fill()
        since = time.monotonic()
        if on_disk == LOG:
            use_up_log(cluster.database.primary)
        wait_for_refusals(load, cluster.nodes, since, 20)
        full = time.monotonic()
        wait_for_refusals(load, cluster.nodes, full, 20)
        replies = {said.reply[:9] for said in load.of(Answer.REFUSED)}
        accepted = accepted_between(load, cluster.nodes, since, time.monotonic())
        disk.make_room()
        wait_until(partial(is_back, cluster.database.primary), "the database")
        back = cluster.wait_until_all_serve(load)
        verdict = judge(cluster, load)
        tell(
            f"disk full: {verdict}; {accepted} found room in the meantime, the others heard "
            f"{' and '.join(sorted(replies))}; back in {back:.1f} s"
        )
